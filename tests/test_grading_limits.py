"""Every limit fires, at each level attained here, as the user who runs the tests; test_grading_plain_user has another."""

import os
import threading
from dataclasses import replace

import pytest

from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.engine import Grader, Limits
from cnnlab.grading.sandbox import Level, attained, tmp_is_taken

TIME, MEMORY, CRASH, FAIL, PASS = "out of time", "out of memory", "crashed", "failed", "passed"
LIMITS = Limits(
    cell_seconds=60,
    test_seconds=60,
    total_seconds=300,
    memory_mb=300,
    processes=12,
    file_mb=8,
    output_kb=8,
    message_mb=4,
)
LEVELS = [Level(name, as_root=os.getuid() == 0) for name in ("bubblewrap", "unshare")]
HOLD = """
import ctypes, os, resource, signal, sys, threading, time
from pathlib import Path
def until_refused(act, most):
    done = 0
    try:
        while done < most:
            act(done)
            done += 1
    except (OSError, RuntimeError, MemoryError, ValueError):
        pass
    return done
def fill(folder, size, most):
    # then they are gone, because the tests of a submission share its folders
    done = until_refused(lambda i: Path(f"{folder}/{i}").write_bytes(bytes(size)), most)
    [path.unlink() for path in Path(folder).iterdir()]
    return done
def child(act=lambda: time.sleep(600)):
    if not os.fork():
        act()
        os._exit(0)
"""
# What bounds something, and keeps the answer going: the body of an answer, and what its test asserts of `got`.
BOUNDED = {
    "a file": (
        "got = until_refused(lambda i: open('/scratch/f', 'ab').write(bytes(1 << 20)), 99)\n"
        "os.unlink('/scratch/f')\nreturn got",
        "got == 8",
    ),
    "all files": ("return fill('/scratch', 1 << 20, 99)", "got in (7, 8)"),
    "shared memory": ("return fill('/dev/shm', 1 << 20, 99)", "got in (7, 8)"),
    "temporary files": ("return fill('/tmp', 1 << 20, 99)", "got in (7, 8)"),
    "the number of files": ("return fill('/scratch', 0, 9999)", "4000 < got < 4096"),
    "open files": ("keep = []\nreturn until_refused(lambda i: keep.append(os.dup(0)), 999)", "32 < got < 100"),
    "memory of a process": ("keep = []\nreturn until_refused(lambda i: keep.append(bytearray(1 << 24)), 99)", "9 < got < 19"),
    "the time of its processor": (
        "bounds = [resource.getrlimit(resource.RLIMIT_CPU)]\n"
        "def spin():\n"
        "    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\n"
        "    signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
        "    while True: pass\n"
        "child(spin)\n"
        "return [*bounds, os.wait()[1]]",
        "got == [(300, 300), 9]",
    ),
    "its place in the queue": (
        "return [until_refused(lambda i: act(), 1) for act in (lambda: os.nice(-1),\n"
        "    lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),\n"
        "    lambda: os.setpriority(os.PRIO_USER, 0, -5), lambda: resource.setrlimit(resource.RLIMIT_CPU, (999, 999)))]",
        "got == [0, 0, 0, 0]",
    ),
    "the depth of calls": (
        "def down(n): return down(n + 1)\ntry: down(0)\nexcept RecursionError: return 'deep'",
        "got == 'deep'",
    ),
}  # fmt: skip
# What ends the test: the body, the verdict, and what the message says.
ENDED = {
    "memory of several processes": (
        "for _ in range(6): child(lambda: (b'1' * (100 << 20), time.sleep(600)))\ntime.sleep(600)",
        {(MEMORY, "It used more than 300 MB.")},
    ),
    "a message": ("return bytes(5 << 20)", {(FAIL, "at most 4,194,304 can cross")}),
    "calls without end": (
        "sys.setrecursionlimit(1 << 30)\nclass Deep:\n    def __repr__(self): return repr([self])\nreturn repr(Deep())",
        {(CRASH, "The process of the answer ended"), (MEMORY, ""), (FAIL, "MemoryError")},
    ),
    "a closed channel": ("os.closerange(3, 1024)\nreturn 1", {(CRASH, "The process of the answer ended")}),
}
LASTING = {
    "sleep": "time.sleep(600)",
    "an endless loop": "while True: pass",
    "a loop that nothing interrupts": (
        "for n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass"
    ),
    "stopping itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "stopping all": "for pid in (-1, os.getpid()):\n    try: os.kill(pid, signal.SIGSTOP)\n    except OSError: pass",
    "waiting for a child": "child()\nos.wait()",
}


def question(name: str, body: str, test: str) -> tuple[Cell, Cell, str]:
    """An answer cell whose function has the body, the test of it, and the student's source."""
    function = name.replace(" ", "_")
    source = f"def {function}():\n" + "\n".join(f"    {line}" for line in body.splitlines())
    return Cell("answer", function, "", binds=(function,)), Cell("test", name, test.format(function), 1.0), source


def grade(grader: Grader, questions: list[tuple[Cell, Cell, str]], cell: str = HOLD) -> dict:
    """Outcomes by the names of the questions, of one submission that answers all; `cell` stands before its answers."""
    helps = Cell("answer", "helps", "", binds=("until_refused",))
    cells = (helps, *(cell for answer, test, _ in questions for cell in (answer, test)))
    answers = {answer.name: source for answer, _, source in questions} | {"helps": cell}
    return {outcome.test: outcome for outcome in grader.grade(Assignment("limits", cells), answers)}


@pytest.fixture(scope="module", params=LEVELS, ids=lambda level: level.name)
def grader(request):
    if not attained(request.param):
        demanded = os.environ.get("CI") == "true" and request.param.name == "bubblewrap"
        (pytest.fail if demanded else pytest.skip)(f"{request.param} is not attained here: apt-get install bubblewrap")
    with Grader(level=request.param, limits=LIMITS) as grader:
        yield grader


def test_what_is_bounded_is_refused_beyond_and_the_answer_goes_on(grader):
    bounded = {name: each for name, each in BOUNDED.items() if name != "temporary files" or not tmp_is_taken()}
    questions = [
        question(name, body, f"got = {{}}()\nassert {wanted}, got") for name, (body, wanted) in bounded.items()
    ]
    outcomes = grade(grader, questions)
    assert {name: (each.verdict, each.message) for name, each in outcomes.items()} == dict.fromkeys(bounded, (PASS, ""))


def test_what_breaks_a_limit_ends_with_the_reason_and_costs_nothing_else(grader):
    questions = [question(name, body, "{}()") for name, (body, _) in ENDED.items()]
    questions += [question(f"right after {i}", "return 1", "assert {}() == 1") for i in range(2)]
    outcomes = grade(grader, questions)
    for name, (_, promised) in ENDED.items():
        got = outcomes.pop(name)
        assert any(got.verdict == verdict and words in got.message for verdict, words in promised), got
    assert [each.verdict for each in outcomes.values()] == [PASS, PASS]


def test_processes_beyond_the_limit_are_refused_or_end_the_test(grader):
    outcome = grade(
        grader,
        [question("processes", "return until_refused(lambda i: child(), 40)", "got = {}()\nassert got == 12, got")],
    )
    assert (outcome["processes"].verdict, outcome["processes"].message) in {
        (PASS, ""),
        (CRASH, "It used more than 12 processes."),
    }


def test_threads_are_counted_as_processes(grader, monkeypatch):
    monkeypatch.setattr(grader, "limits", replace(LIMITS, memory_mb=9000))  # each reserves some
    body = "return until_refused(lambda i: threading.Thread(target=time.sleep, args=(600,), daemon=True).start(), 40)"
    outcome = grade(grader, [question("threads", body, "got = {}()\nassert got == 12, got")])["threads"]
    assert outcome.verdict == PASS, outcome


def test_whatever_lasts_in_a_test_is_out_of_time(grader, monkeypatch):
    monkeypatch.setattr(grader, "limits", replace(LIMITS, test_seconds=0.7))
    outcomes = grade(grader, [question(name, body, "{}()") for name, body in LASTING.items()])
    wanted = dict.fromkeys(LASTING, (TIME, "It took longer than 0.7 s."))
    assert {name: (each.verdict, each.message) for name, each in outcomes.items()} == wanted


@pytest.mark.parametrize("name", ["a loop that nothing interrupts", "stopping all"])
def test_whatever_lasts_in_a_cell_is_out_of_time_there(grader, monkeypatch, name):
    monkeypatch.setattr(grader, "limits", replace(LIMITS, cell_seconds=2))
    outcomes = grade(
        grader, [question("helped", "return until_refused(0, 0)", "until_refused(0, 0)")], HOLD + LASTING[name]
    )
    assert outcomes["helped"].verdict == TIME and "It took longer than 2 s." in outcomes["helped"].message


def test_all_that_is_printed_is_counted_and_its_end_kept(grader):
    body = "for _ in range(40): os.write(1, b'spam ' * (1 << 17))\nprint('the end')"
    outcome = grade(grader, [question("output", body, "{}()\nassert False")])["output"]
    assert (
        "printed 26,214,408 bytes" in outcome.notes[1]
        and outcome.notes[1].strip().endswith("the end")
        and len(outcome.notes[1]) < 1200
    )


def test_a_bomb_costs_no_fork_of_another_submission_graded_at_the_same_time(grader):
    bomb = "while True:\n    try: os.fork()\n    except OSError: pass"
    forks = "for _ in range(40):\n    for _ in range(5): child(int)\n    for _ in range(5): os.wait()\nreturn 1"
    stop, bombs = threading.Event(), []

    def explode():
        with Grader(level=grader.level, limits=replace(LIMITS, test_seconds=2)) as other:
            while not stop.is_set():
                bombs.append(grade(other, [question("bomb", bomb, "{}()")])["bomb"])
                ready.set()

    ready, thread = threading.Event(), threading.Thread(target=explode)
    thread.start()
    try:
        assert ready.wait(120)
        beside = grade(grader, [question("forks", forks, "assert {}() == 1")])["forks"]
    finally:
        stop.set()
        thread.join()
    assert (beside.verdict, beside.message) == (PASS, "")
    assert {each.verdict for each in bombs} <= {TIME, CRASH, MEMORY} and len(bombs) >= 2
