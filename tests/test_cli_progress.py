import io
import math

import pytest
from rich.console import Console

from cnnlab.cli import progress
from cnnlab.cli.output import clock, sparkline
from cnnlab.cli.progress import Progress, curve, watch
from cnnlab.record import Record, Run

RUNS = [({"activation": name}, seed) for seed in (0, 1) for name in ("relu", "tanh")]


def a_run(level: dict, seed: int, seconds: float = 10.0, values: tuple = (10.0, 50.0), ended: str = "finished") -> Run:
    return Run(level, seed, seconds, ended, {}, {"valid_accuracy": list(values)})


def a_record(runs: list[Run]) -> Record:
    return Record("x", "f", "cpu", False, "0", "", {}, {}, {}, {"activation": ["relu", "tanh"]}, [0, 1], runs)


@pytest.fixture
def clocked(monkeypatch):
    """A clock that stands until it is told to go on."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def going(workers: int | None, runs=RUNS) -> Progress:
    return Progress("x, size cpu", [[each] for each in runs], workers, started=0.0, changed=0.0)


def seen(state: Progress, width: int = 100) -> str:
    screen = Console(file=io.StringIO(), width=width)
    screen.print(state.view())
    return screen.file.getvalue()


def test_time_left_is_that_of_the_open_runs_over_the_workers(clocked):
    state = going(2, [*RUNS, *((level, 2) for level, _ in RUNS[:2])])
    assert state.left() is None and "no time known before the first run" in state.line()
    state.note(a_record([a_run(*RUNS[0], seconds=10.0), a_run(*RUNS[1], seconds=30.0)]))
    assert state.left() == (10 + 30 + 10 + 30) / 2
    clocked[0] += 15
    assert state.left() == 25
    clocked[0] += 30
    assert state.left() == 1  # late, and not negative


def test_time_left_is_at_least_that_of_the_longest_run(clocked):
    state = going(4)
    state.note(a_record([a_run(*RUNS[0], seconds=10.0), a_run(*RUNS[1], seconds=30.0)]))
    assert state.left() == 30


def test_where_the_workers_are_not_known_the_jobs_so_far_tell_the_time(clocked):
    state = going(None)
    clocked[0] = 8
    state.note(a_record([a_run(*each) for each in RUNS[:3]]))  # two of them were there before: one job in 8 s
    assert state.left() == 8 and state.now() == ""


def test_the_view_names_what_is_in_training(clocked):
    state = going(2)
    assert state.now() == "relu, seed 0;  tanh, seed 0"
    state.note(a_record([a_run(*RUNS[1])]))
    assert state.now() == "relu, seed 0;  relu, seed 1"
    fused = Progress("x", [RUNS[:2], RUNS[2:]], 1)
    assert fused.now() == "all levels at seed 0"


def test_the_view_has_a_curve_for_each_run_in_training(clocked):
    state = going(2)
    state.news = lambda: {("relu", 0): [10.0, 50.0], ("tanh", 0): [20.0, math.nan]}
    lines = [line.split() for line in seen(state).splitlines()]
    assert ["relu,", "seed", "0", "▁█", "50.0", "now"] in lines and ["tanh,", "seed", "0", "▃", "20.0", "now"] in lines


def test_the_view_has_a_curve_a_level(clocked):
    state = going(2)
    assert "0 of 4 runs" in seen(state)
    diverged = a_run(*RUNS[1], values=(10.0, math.nan), ended="diverged at step 3")
    state.note(a_record([a_run(*RUNS[0], values=(10.0, 30.0)), a_run(*RUNS[2], values=(20.0, 50.0)), diverged]))
    clocked[0] += 2
    lines = [line.split() for line in seen(state).splitlines()]
    assert "3 of 4 runs, 1 diverged, about 8 s left; 2 s so far" in seen(state)
    assert "valid accuracy, 10 to 40 %" in seen(state)
    assert ["relu", "▂█", "40.0", "2"] in lines and ["tanh", "▁", "10.0", "1", "1"] in lines


def test_a_curve_is_the_mean_of_what_is_finite():
    level = {"activation": "relu"}
    runs = [
        a_run(level, 0, values=(10, 20, 30)),
        a_run(level, 1, values=(20, None)),
        a_run(level, 2, values=(math.nan,)),
    ]
    assert curve(runs) == [15, 20, 30]
    assert curve(runs[2:]) == []


def test_a_long_curve_is_thinned_and_keeps_its_last_point(clocked):
    state = going(1)
    state.note(a_record([a_run(*RUNS[0], values=(*([10.0] * 99), 90.0))]))
    (line,) = (line.split() for line in seen(state).splitlines() if line.startswith("relu"))
    assert len(line[1]) <= progress.POINTS and line[1].endswith("▁█")


def test_without_a_terminal_lines_come_now_and_then(clocked, capsys):
    runs = [a_run(*each) for each in RUNS]

    def states():
        for count in range(1, 5):
            clocked[0] += 20
            yield a_record(runs[:count])
        yield a_record(runs)

    assert watch(states(), going(1)).runs == runs
    assert capsys.readouterr().out.splitlines() == [
        "x, size cpu: 0 of 4 runs, no time known before the first run",
        "1 of 4 runs, about 30 s left",
        "3 of 4 runs, about 10 s left",
        "4 of 4 runs",
    ]


def test_a_measurement_is_closed_when_it_is_interrupted(clocked):
    closed = []

    def states():
        try:
            yield a_record([])
        finally:
            closed.append(True)

    class Stuck(Progress):
        def note(self, record):
            raise KeyboardInterrupt

    held = states()  # or it would be closed as garbage
    with pytest.raises(KeyboardInterrupt):
        watch(held, Stuck("x", [RUNS], 1))
    assert closed


def test_a_sparkline_goes_from_low_to_high():
    assert sparkline([0, 50, 100], 0, 100) == "▁▅█"
    assert sparkline([3, 3], 3, 3) == "▁▁"


def test_times_are_said_in_the_unit_that_fits():
    said = [clock(seconds) for seconds in (7.4, 89, 90, 600, 5400, 12000)]
    assert said == ["7 s", "89 s", "2 min", "10 min", "1 h 30 min", "3 h 20 min"]
