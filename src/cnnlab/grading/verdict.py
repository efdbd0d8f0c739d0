"""One test, run to its verdict, and what it tells the student: nothing that a hidden check says."""

import traceback

from cnnlab.grading.assignment import HIDDEN
from cnnlab.grading.cells import compiled
from cnnlab.grading.channel import Broken, Channel
from cnnlab.grading.remote import NotGradable
from cnnlab.grading.tests_side import Examiner

MOST, NOTE = 3000, 1000
HIDDEN_MESSAGE = "A hidden check did not hold."
BROKEN = "The process of the answer ended, or broke the rules."


def judge(test: dict, channel: Channel, names: dict, given: dict) -> dict:
    """Runs the cells of a test; the outcome as the coordinator reads it."""
    cell = test["cell"]
    outcome = {"test": cell["name"], "verdict": "passed", "message": "", "hidden": False, "notes": []}
    if test["broken"]:
        return outcome | {"verdict": "not gradable", "message": f"A given cell fails by itself: {test['broken']}"}
    filename = f"<test {cell['name']}>"
    try:
        _run(test, Examiner(channel, given), names)
    except BaseException as error:  # whatever happens in a test is a verdict
        verdict, message = explain(error, test["binds"], names)
        hidden = is_hidden(error, filename, cell["source"])
        shown = _hidden_message(error) if hidden else message
        note = "".join(traceback.format_exception_only(error))[:NOTE]
        outcome |= {"verdict": verdict, "message": shown[:MOST], "hidden": hidden, "notes": [note]}
    return outcome


def _run(test: dict, side: Examiner, names: dict) -> None:
    for name in test["binds"]:
        names.pop(name, None)
    names |= side.ask("names", test["binds"]) if test["binds"] else {}
    for cell in test["late"]:
        exec(compiled(cell["source"], f"given {cell['name']}"), names)  # noqa: S102
    exec(compiled(test["cell"]["source"], f"test {test['cell']['name']}"), names)  # noqa: S102


def explain(error: BaseException, binds: list[str], names: dict) -> tuple[str, str]:
    """(verdict, message) for an exception that ended a test."""
    where = getattr(error, "of_the_answer", None)
    text = "\n".join([str(error), *getattr(error, "__notes__", [])]).strip()
    if isinstance(error, NotGradable):
        return "not gradable", text
    if isinstance(error, Broken):
        return "crashed", BROKEN  # in what it sent a student could tell himself what only a hidden test knows
    if isinstance(error, MemoryError):
        return (
            ("out of memory", "The answer asked for more memory than there is.")
            if where
            else ("crashed", "Too much came back.")
        )
    if isinstance(error, NameError) and not where:
        if error.name in binds:
            return "failed", f"{error.name} is not defined: the answer that should define it is missing or failed."
        return "not gradable", f"{text}: each test starts afresh, so what one defines is not there in the next"
    if isinstance(error, SyntaxError) and not where:
        return "not gradable", f"the test is not Python: {text}"
    if where:
        return "failed", f"The answer raised {type(error).__name__}: {text} ({where})"
    return "failed", text if isinstance(error, AssertionError) and text else f"{type(error).__name__}: {text}"


def is_hidden(error: BaseException, filename: str, source: str) -> bool:
    """Whether the test's own top level stood in its hidden part, or behind it: the answer knows what it asked by then."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == filename and f.name == "<module>"]
    if not frames:
        return False
    above = source.splitlines()[: frames[-1].lineno]
    return any(line.strip() == HIDDEN[0] for line in above)


def _hidden_message(error: BaseException) -> str:
    """The type of the answer's own error is no secret; where and why could say what the test had asked."""
    if isinstance(error, Broken):
        return f"{HIDDEN_MESSAGE} {BROKEN}"
    where = getattr(error, "of_the_answer", None)
    return f"{HIDDEN_MESSAGE} The answer raised {type(error).__name__}." if where else HIDDEN_MESSAGE
