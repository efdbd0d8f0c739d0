"""What a grade is: the verdicts of the exercises' own variants, and what a test may ask of answers."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from test_exercises import COURSE, SLUGS, packed, variants

from cnnlab.grading.assignment import Assignment, Cell, Outcome, read_assignment
from cnnlab.grading.attempt import Attempt
from cnnlab.grading.engine import Grader, Limits, probe
from cnnlab.grading.sandbox import Level, attained, tmp_is_taken
from cnnlab.grading.watch import processes

SOURCE = Path(__file__).resolve().parents[1] / "src"


@pytest.fixture(scope="module")
def grader():
    if probe().name == "none":
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs bubblewrap: apt-get install bubblewrap")
    with Grader(limits=Limits(test_seconds=120, total_seconds=400)) as grader:
        yield grader


def exercise(slug: str) -> tuple[Assignment, dict[str, str]]:
    assignment = read_assignment(COURSE / "source" / slug / f"{slug}.ipynb")
    return assignment, {cell.name: cell.source for cell in assignment.of_kind("answer")}


def lost(outcomes) -> set[str]:
    return {each.test for each in outcomes if each.points != each.max_points}


# The exercises: the verdicts are those of nbgrader, which tests/test_exercises.py checks.


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_the_reference_has_full_marks_and_a_blank_none(grader, slug):
    assignment, reference = exercise(slug)
    full, blank = grader.grade(assignment, reference), grader.grade(assignment, {})
    assert {each.verdict for each in full} == {"passed"} and not lost(full), full
    assert {each.verdict for each in blank} == {"failed"} and not any(each.points for each in blank)


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_every_variant_loses_what_it_loses_under_nbgrader(grader, slug):
    assignment, reference = exercise(slug)
    groups = [[each] for each in variants(slug, "right")] + packed(variants(slug, "wrong"))
    for group in groups:
        answers = reference | {name: source for each in group for name, source in each.answers.items()}
        outcomes = grader.grade(assignment, answers, {test for each in group for test in each.tests})
        promised = {test for each in group for test in each.loses}
        assert lost(outcomes) == promised, f"{[each.name for each in group]}: {outcomes}"
        assert not any(each.verdict in ("not gradable", "out of time") for each in outcomes), outcomes


# Small assignments.


def assignment(*cells: Cell) -> Assignment:
    return Assignment("small", (Cell("given", "setup", "import torch\nfrom cnnlab import check"), *cells))


def one(test: str, binds: tuple[str, ...] = ("f",)) -> Assignment:
    return assignment(Cell("answer", "f", "", binds=binds), Cell("test", "test-f", test, 2.0))


def verdict(grader, test: str, answer: str, **more):
    (outcome,) = grader.grade(one(test, **more), {"f": answer})
    return outcome


RIGHT = "def f(x):\n    return x + 1"


def test_a_right_answer_has_its_points_and_no_message(grader):
    outcome = verdict(grader, "check.close(f(1), 2)", RIGHT)
    assert replace(outcome, seconds=0.0) == Outcome("test-f", "passed", 2.0, 2.0)


def test_a_failed_check_shows_its_hint(grader):
    outcome = verdict(grader, "check.close(f(1), 3, hint='One more.')", RIGHT)
    assert outcome.verdict == "failed" and not outcome.hidden
    assert outcome.message == "got 2, want 3. One more."


def test_a_failed_hidden_check_shows_nothing_of_itself(grader):
    test = "check.close(f(1), 2)\n### BEGIN HIDDEN TESTS\ncheck.close(f(77), 79, hint='secret')\n### END HIDDEN TESTS\n"
    outcome = verdict(grader, test, RIGHT)
    assert outcome.hidden and outcome.message == "A hidden check did not hold."
    outcome = verdict(grader, test, "def f(x):\n    if x > 9:\n        raise ValueError(f'saw {x}')\n    return x + 1")
    assert outcome.message == "A hidden check did not hold. The answer raised ValueError."
    assert "saw 77" in outcome.notes[0]


HIDDEN_TEST = """check.close(f(1), 2)
### BEGIN HIDDEN TESTS
check.law("one more", [(705,), (706,)], left=f, right=lambda x: x + 1)
### END HIDDEN TESTS
"""
CRASH = "def f(x):\n    if x > 9:\n        {}\n    return x + 1"
FORGE = """import gc, json, os, struct
        from cnnlab.grading.answers_side import AnswersSide
        side = next(each for each in gc.get_objects() if isinstance(each, AnswersSide))
        text = json.dumps({"serial": 3, "answer": ["dtype", f"saw {x}"]}).encode()
        side.channel.end.sendall(struct.pack(">II", len(text), 0) + text)
        os._exit(0)"""


@pytest.mark.parametrize(
    "act",
    ["import os; os._exit(0)", FORGE, "exec(compile('\\n' * (x - 1) + 'raise KeyError', '<answer f>', 'exec'))"]
    + ["return type(f'saw {x}', (), {})()", "g = lambda: 1; g.__name__ = f'saw {x}'; return g"],
)
def test_no_end_of_an_answer_tells_what_a_hidden_check_asked(grader, act):
    outcome = verdict(grader, HIDDEN_TEST, CRASH.format(act))
    assert outcome.hidden and outcome.points == 0
    assert not re.search("70[56]|one more", outcome.message), outcome.message


def test_no_answer_tells_in_a_later_test_what_it_saw_in_an_earlier_one(grader):
    keep, say = "open('/tmp/seen', 'a').write(str(x))\n    return x + 1", "raise ValueError(open('/tmp/seen').read())"
    tests = Cell("test", "test-f", HIDDEN_TEST, 1.0), Cell("test", "test-g", "check.close(g(1), 2)", 1.0)
    answers = Cell("answer", "f", "", binds=("f",)), Cell("answer", "g", "", binds=("g",))
    small = assignment(answers[0], tests[0], answers[1], tests[1])
    first, second = grader.grade(small, {"f": f"def f(x):\n    {keep}", "g": f"def g(x):\n    {say}"})
    assert first.verdict == "passed" and "FileNotFoundError" in second.message and "705" not in second.message


def test_what_an_answer_does_to_a_case_changes_nothing_of_what_is_wanted(grader):
    test = "check.law('as many', [([1, 2, 3],)], left=f, right=len)"
    assert verdict(grader, test, "def f(x):\n    x.clear()\n    return 0").points == 0
    assert verdict(grader, test, "def f(x):\n    return len(x)").points == 2


IN_TORCH_FUNC = """z = torch.linspace(-2, 2, 9)
curve = lambda z: torch.where(z > 0, 2 * z, torch.sigmoid(z)) * torch.nn.functional.elu(z)
check.close(f(curve, z), torch.func.vmap(torch.func.grad(curve))(z))
check.close(f(torch.tanh, z), 1 - z.tanh() ** 2, atol=1e-6)
"""


@pytest.mark.parametrize(
    "returned",
    ["torch.func.vmap(torch.func.grad(g))(z)", "torch.func.jvp(g, (z,), (torch.ones_like(z),))[1]"]
    + ["torch.func.jacrev(g)(z).diag()", "torch.compile(torch.func.vmap(torch.func.grad(g)))(z)"],
)
def test_functions_of_the_test_work_inside_the_transforms_of_torch(grader, returned):
    outcome = verdict(grader, IN_TORCH_FUNC, f"def f(g, z):\n    return {returned}")
    assert outcome.verdict == "passed", outcome


def test_torch_does_not_compute_with_an_object_of_an_answer_where_that_could_judge(grader):
    sly = "class T(torch.Tensor):\n    __torch_function__ = lambda *a, **k: True\nf = lambda x: torch.ones(1).as_subclass(T)"
    for test in ("assert torch.allclose(f(1), torch.zeros(1))", "assert f(1) > 5", "assert torch.equal(f(1), f(2))"):
        assert verdict(grader, test, sly).points == 0


def test_a_cell_may_await(grader):
    answer = "import asyncio\nasync def one():\n    await asyncio.sleep(0)\n    return 1\nmore = await one()"
    assert verdict(grader, "check.close(f(1), 2)", f"{answer}\ndef f(x):\n    return x + more").verdict == "passed"


def test_an_error_of_an_answer_is_told_with_its_line(grader):
    assert verdict(grader, "f(1)", "def f(x):\n    return x.nothing").message == (
        "The answer raised AttributeError: 'int' object has no attribute 'nothing' (line 2 of answer f)"
    )
    outcome = verdict(grader, "f(1)", "import nothing_such\n" + RIGHT)
    assert "f is not defined" in outcome.message and "line 1: ModuleNotFoundError" in outcome.message


def test_values_and_names_of_answers_reach_the_test(grader):
    assert verdict(grader, "check.close(f, 3)\ncheck.close(g, 4)", "f, g = 3, 4", binds=("f", "g")).verdict == "passed"


def test_a_given_cell_that_needs_an_answer_runs_with_it(grader):
    cells = assignment(
        Cell("answer", "f", "", binds=("f",)),
        Cell("given", "uses", "third = f(f(1))\ndef fourth():\n    return f(third)"),
        Cell("test", "test-f", "check.close(third, 3)\ncheck.close(fourth(), 4)", 1.0),
    )
    assert grader.grade(cells, {"f": RIGHT})[0].verdict == "passed"
    assert grader.grade(cells, {})[0].verdict == "failed"


def test_each_test_sees_the_notebook_as_it_was_there(grader):
    cells = assignment(
        Cell("answer", "f", "", binds=("f",)),
        Cell("test", "first", "check.close(f(), 1)\ncheck.close(f(), 2)", 1.0),
        Cell("answer", "g", "", binds=("f",)),
        Cell("test", "second", "check.close(f(), 1)", 1.0),
    )
    count = "calls = []\ndef f():\n    calls.append(1)\n    return len(calls)"
    assert not lost(grader.grade(cells, {"f": count, "g": ""}))
    assert lost(grader.grade(cells, {"f": count, "g": "def f():\n    return 0"})) == {"second"}


NOT_GRADABLE = {
    "a name of another test": ("helper(f(1))", "helper"),
    "a class of its own": ("class Own: pass\nf(Own())", "Own"),
    "a test that is not Python": ("f(", "not Python"),
}


@pytest.mark.parametrize("what", NOT_GRADABLE)
def test_what_the_author_did_wrong_is_not_gradable(grader, what):
    test, word = NOT_GRADABLE[what]
    outcome = verdict(grader, test, RIGHT)
    assert outcome.verdict == "not gradable" and word in outcome.message and outcome.points == 0


def test_a_given_cell_that_fails_is_the_authors_fault(grader):
    cells = assignment(Cell("given", "broken", "1 / 0"), Cell("test", "test-f", "pass", 1.0))
    (outcome,) = grader.grade(cells, {})
    assert outcome.verdict == "not gradable" and "ZeroDivisionError" in outcome.message


def test_only_the_tests_named_are_run_and_the_seed_decides(grader):
    cells = assignment(
        Cell("answer", "f", "", binds=("f",)),
        Cell("test", "a", "check.close(f(), 0.0)", 1.0),
        Cell("test", "b", "pass", 1.0),
    )
    draw = {"f": "def f():\n    return torch.rand(()).item()"}
    assert [each.test for each in grader.grade(cells, draw, {"b"})] == ["b"]
    said = [grader.grade(cells, draw, {"a"}, seed=seed)[0].message for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_what_a_submission_leaves_behind_is_gone_for_the_next(grader):
    places = ["/scratch", "/dev/shm", *([] if tmp_is_taken() else ["/tmp"])]
    leave = (
        f"import os, time\nPLACES = {places}"
        + """
for place in PLACES:
    open(f"{place}/left", "w").write("1")
try:
    if not os.fork():
        os.setsid()
        if not os.fork():
            time.sleep(600)
        os._exit(0)
except OSError:  # as many processes as it may have
    pass
def f(x):
    return x + 1
"""
    )
    assert verdict(grader, "check.close(f(1), 2)", leave).verdict == "passed"
    server, until = grader.answers.process.pid, time.monotonic() + 10
    while len(processes(server)) > 3 and time.monotonic() < until:  # bubblewrap, twice, and the warm server
        time.sleep(0.05)
    assert len(processes(server)) <= 3
    looks = f"import os\ndef f(x):\n    return any(os.path.exists(f'{{p}}/left') for p in {places})"
    assert verdict(grader, "check.close(f(1), False)", looks).verdict == "passed"


SEARCH = """
import ctypes
def f(word):
    word, found = word.encode(), 0  # looks for "word-drow" without ever having it together itself
    for line in open("/proc/self/maps"):
        place, mode, *_, name = (line.split() + [""])[:6] if len(line.split()) > 5 else (*line.split()[:2], "")
        if mode.startswith("rw") and not name.startswith("[v"):
            start, end = (int(each, 16) for each in place.split("-"))
            after = ctypes.string_at(start, end - start).split(word + b"-")[1:]
            found += sum(each[: len(word)][::-1] == word for each in after)
    return found
"""


def test_nothing_of_an_earlier_submission_is_in_the_memory_of_the_next(grader):
    own = SEARCH + "\nkept = 'quince-ecniuq'\n"
    assert verdict(grader, "check.close(f('quince') > 0, True)", own).verdict == "passed"  # so it finds what is there
    assert verdict(grader, "check.close(f('quince'), 0)", SEARCH).verdict == "passed"


def test_the_coordinator_keeps_errors_of_its_own_cells_alone(grader):
    attempt = Attempt(Limits(), one("f(1)").cells, [], 0.0)
    for name in ("f", *map(str, range(100))):
        attempt._told({"ends": name, "error": "x" * 9999})
    assert set(attempt.errors) == {"f"} and len(attempt.errors["f"]) < 9999


def test_the_last_words_before_a_verdict_are_kept(grader):
    loud = "import os\ndef f(x):\n    os.write(1, b'spam ' * (1 << 17))\n    os.write(1, b'the last')\n    return 0"
    for _ in range(3):
        assert verdict(grader, "check.close(f(1), 2)", loud).notes[-1].endswith("the last")


def test_files_that_an_answer_sends_do_not_stay_open_here(grader):
    sends = """
import os, socket
def f(x):
    for fd in range(3, 99):
        try:
            socket.send_fds(socket.socket(fileno=os.dup(fd)), [b"{}"], [0] * 20)
        except OSError:
            pass
"""
    before = len([*Path("/proc/self/fd").iterdir()])
    verdict(grader, "f(1)", sends)
    verdict(grader, "f(1)", sends.replace("def f(x):", "if True:"))
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_all_cells_and_tests_together_have_a_limit(grader, monkeypatch):
    monkeypatch.setattr(grader, "limits", Limits(total_seconds=1.5))
    cells = assignment(
        *(Cell("answer", f"f{i}", "", binds=(f"f{i}",)) for i in range(2)),
        *(Cell("test", f"t{i}", f"f{i}()", 1.0) for i in range(2)),
    )
    outcomes = grader.grade(cells, {f"f{i}": f"import time\ndef f{i}():\n    time.sleep(9)" for i in range(2)})
    assert [each.verdict for each in outcomes] == ["out of time"] * 2 and "1.5 s" in outcomes[1].message


def test_output_is_kept_for_the_instructor_up_to_a_limit(grader, monkeypatch):
    monkeypatch.setattr(grader, "limits", Limits(output_kb=1))
    outcome = verdict(grader, "check.close(f(1), 3)", "def f(x):\n    print('spam' * 9999 + 'end')\n    return x")
    assert "printed 40,000 bytes" in outcome.notes[1] and outcome.notes[1].strip().endswith("end")
    assert len(outcome.notes[1]) < 1200 and "spam" not in outcome.message


@pytest.mark.parametrize("thing", ["bytearray(10**7)", "torch.ones(10**6)"])
def test_a_cell_that_fills_the_memory_costs_its_own_test_alone(grader, monkeypatch, thing):
    monkeypatch.setattr(grader, "limits", Limits(memory_mb=300))
    two = [
        *(Cell("answer", n, "", binds=(n,)) for n in "fg"),
        *(Cell("test", f"test-{n}", f"{n}()", 1.0) for n in "fg"),
    ]
    other = "def g():\n    return torch.ones(10**7).sum()"
    full, right = grader.grade(assignment(*two), {"f": f"x = []\nwhile True:\n    x.append({thing})", "g": other})
    assert full.verdict == "out of memory" and "300 MB" in full.message
    assert right.verdict == "passed", right.message


def test_more_memory_than_the_limit_in_one_process_is_refused_to_it(grader, monkeypatch):
    monkeypatch.setattr(grader, "limits", Limits(memory_mb=100))
    answer = "def f(x):\n    try:\n        bytearray(300 << 20)\n    except MemoryError:\n        return 'refused'"
    assert verdict(grader, "check.close(f(1), 'refused')", answer).verdict == "passed"


def test_a_server_that_died_is_started_again(grader):
    for server in (grader.answers, grader.tests):
        server.process.kill()
        server.process.wait()
    assert verdict(grader, "check.close(f(1), 2)", RIGHT).verdict == "passed"


def test_the_coordinator_imports_neither_torch_nor_numpy():
    code = "import sys; import cnnlab.grading.engine; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(SOURCE)}, check=True)


BUSY = """
import threading, time
from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.engine import Grader
from cnnlab.grading.sandbox import Level
from cnnlab.grading.watch import processes

ANSWER = "import os, time\\ndef f():\\n    if not os.fork():\\n        os.setsid()\\n        time.sleep(600)\\n    return 1"
TEST = "f()\\nwhile True: pass"  # the test itself does not end
with Grader(LEVEL, trust=True) as grader:
    def told():
        while True:
            both = [processes(server.process.pid) for server in (grader.answers, grader.tests) if server.process]
            if len(both) == 2 and len(both[0]) >= 4 and len(both[1]) >= 3:
                print(*both[0], *both[1], flush=True)
                return
            time.sleep(0.05)
    threading.Thread(target=told, daemon=True).start()
    grader.grade(Assignment("a", (Cell("answer", "f", "", binds=("f",)), Cell("test", "t", TEST, 1.0))), {"f": ANSWER})
"""


@pytest.mark.parametrize("level", ["None", "Level('unshare')", "Level('none')"])
def test_when_the_coordinator_is_killed_at_work_nothing_stays(level):
    """Whoever loops in a test, or sleeps in an answer, ends with it. Without isolation an answer's own children may stay."""
    code = BUSY.replace("LEVEL", level)
    if level == "Level('none')":
        code = code.replace("if not os.fork()", "if False").replace(">= 4", ">= 3")
    elif not attained(eval(level) or probe()) or probe().name == "none":  # noqa: S307
        pytest.skip(f"{level} is not attained here")
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as child:
        below = [*map(int, child.stdout.readline().split())]
        child.send_signal(signal.SIGKILL)
    assert len(below) >= 6
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/cmdline").exists() and _alive(pid) for pid in below) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in below if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_without_isolation_nothing_is_graded_unless_it_is_trusted():
    with pytest.raises(PermissionError, match="bubblewrap"):
        Grader(level=Level("none"))
    with Grader(level=Level("none"), trust=True) as trusting:
        assert verdict(trusting, "check.close(f(1), 2)", RIGHT).verdict == "passed"
        assert verdict(trusting, "check.close(f(1), 3)", "import os\ndef f(x):\n    os._exit(0)").verdict == "crashed"


def test_without_isolation_no_process_of_a_submission_stays():
    with Grader(level=Level("none"), trust=True) as trusting:
        tells = "import os\ndef f(x):\n    raise ValueError(f'pids {os.getpid()} {os.getppid()} .')"
        told = verdict(trusting, "check.close(f(1), 2)", tells)
        worker = [int(word) for word in re.search(r"pids (\d+) (\d+)", told.message).groups()]
        assert told.verdict == "failed"
        until = time.monotonic() + 20
        while any(map(_alive, worker)) and time.monotonic() < until:
            time.sleep(0.1)
        assert not [pid for pid in worker if _alive(pid)]


@pytest.fixture
def busy_core():
    """One core for this process and what it starts from now on, and four others, each of its own session, to keep it busy."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    busy = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(busy, start_new_session=True) for _ in range(4)]  # Linux may share by session
    yield
    os.sched_setaffinity(0, cores)
    for each in others:
        each.kill()
        each.wait()


def test_waiting_for_a_core_of_a_busy_machine_costs_nobody_a_test(busy_core, monkeypatch):
    cells = assignment(Cell("answer", "f", "", binds=("f",)), Cell("test", "t", "check.close(f(1), 1)", 1.0))
    work = (
        "import time\ndef f(x):\n    begun = time.process_time()\n"
        "    while time.process_time() - begun < {}:\n        pass\n    return x"
    )
    with Grader(limits=Limits(test_seconds=1, total_seconds=1000)) as grader:
        with monkeypatch.context() as patience:
            patience.setattr("cnnlab.grading.attempt.PATIENCE", 100)  # who knows what else runs here
            (honest,) = grader.grade(cells, {"f": work.format(0.4)})
        (endless,) = grader.grade(cells, {"f": work.format(9999)})
    assert honest.verdict == "passed" and honest.seconds > 1, "0.4 s of work on a fifth of a core"
    assert endless.verdict == "out of time" and endless.seconds < 4 * 1 + 5
