"""`cnnlab run` killed, run twice at once, on a full disk, without its data: nothing is lost, nothing is done twice."""

import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cnnlab import experiment, record
from cnnlab.cli import main
from cnnlab.sweep.run import run

TOML = """
question = "Which learning rate?"
sources = ["none"]
engine = "in turn"
[baseline]
dataset = "digits"
width = 4
[factor.rate]
fields = ["lr"]
levels = { low = { lr = 0.01 }, high = { lr = 0.1 }, absurd = { lr = 1e20 } }
[size.cpu]
seeds = [0, 1, 2, 3]
fields = { steps = 20, epochs = 2 }
"""
RUNS = 12


def command(tmp_path: Path, engine: str, out: str, *more: str) -> list[str]:
    asked = tmp_path / "tiny.toml"
    asked.write_text(TOML.replace("in turn", engine))
    return [sys.executable, "-m", "cnnlab.cli", "run", str(asked), "--out", str(tmp_path / out), *more]


def call(command: list[str], **how) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=240, **how)


def started(command: list[str]) -> subprocess.Popen:
    with Path(command[-1] + ".log").open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def resume(tmp_path: Path, engine: str, out: str) -> None:
    """The rest of the measurement, in this process: it starts faster."""
    with ThreadPoolExecutor(1) as executor:
        list(run(experiment.parse("tiny", TOML.replace("in turn", engine)), tmp_path / out, executor=executor))


def kill(running: subprocess.Popen) -> None:
    """Kill the command alone, as a user would, and wait until its workers have noticed."""
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    deadline = time.monotonic() + 60
    while _group_lives(running.pid):
        assert time.monotonic() < deadline, "workers outlive the command that started them"
        time.sleep(0.05)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def noted(folder: Path) -> list[str]:
    """The whole lines of the notes."""
    file = folder / "tiny.cpu.runs.jsonl"
    text = file.read_text() if file.exists() else ""
    return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]


def content(folder: Path) -> dict:
    """A saved record but for date, seconds, and what the machine says of its own speed."""
    table = json.loads((folder / "tiny.json").read_text())
    runs = [run | {"seconds": 0} for run in table["runs"]]
    return table | {"date": "", "machine": table["machine"] | {"why": ""}, "runs": runs}


def runs_of(lines: list[str]) -> list[tuple]:
    return [(*note["level"].values(), note["seed"]) for note in map(json.loads, lines)]


def check(folder: Path, undisturbed: Path) -> None:
    assert content(folder) == content(undisturbed)
    assert len(noted(folder)) == len(set(runs_of(noted(folder)))) == RUNS, "a finished run was repeated"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["in turn", "fused"])
def test_after_kill_9_the_same_command_goes_on_and_repeats_nothing(tmp_path, engine):
    folder = tmp_path / "killed"
    running = started(command(tmp_path, engine, "killed"))
    deadline = time.monotonic() + 240
    while not noted(folder):
        assert running.poll() is None and time.monotonic() < deadline, (tmp_path / "killed.log").read_text()
        time.sleep(0.005)
    kill(running)
    kept = noted(folder)
    resume(tmp_path, engine, "killed")
    assert noted(folder)[: len(kept)] == kept
    resume(tmp_path, engine, "whole")
    check(folder, tmp_path / "whole")


@pytest.mark.full
@pytest.mark.parametrize("engine", ["in turn", "fused"])
def test_killed_again_and_again_at_random_moments_it_ends_in_the_same_record(tmp_path, engine):
    folder = tmp_path / "killed"
    began = time.monotonic()
    assert call(command(tmp_path, engine, "whole")).returncode == 0
    taken = time.monotonic() - began
    for _ in range(6):
        before, moment = noted(folder), random.uniform(0, taken)
        running = started(command(tmp_path, engine, "killed"))
        time.sleep(moment)
        kill(running)
        assert noted(folder)[: len(before)] == before, f"killed after {moment:.3f} s"
    assert call(command(tmp_path, engine, "killed")).returncode == 0
    check(folder, tmp_path / "whole")


@pytest.mark.slow
def test_the_second_of_two_commands_is_refused_and_the_first_record_is_whole(tmp_path, capsys):
    first = started(command(tmp_path, "in turn", "out"))
    lock = tmp_path / "out/tiny.lock"
    while not (lock.exists() and _is_held(lock)):
        assert first.poll() is None, (tmp_path / "out.log").read_text()
        time.sleep(0.02)
    assert main(command(tmp_path, "in turn", "out")[3:]) == 2
    assert "another command is measuring tiny.json in" in capsys.readouterr().err
    assert first.wait(timeout=240) == 0
    assert len(record.load(tmp_path / "out/tiny.json").runs) == len(noted(tmp_path / "out")) == RUNS


def _is_held(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["in turn", "fused"])
def test_on_a_full_disk_one_line_says_so_and_what_was_done_is_kept(tmp_path, engine):
    def cramped():  # Python ignores SIGXFSZ: a write beyond the limit fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

    room = 2500  # bytes, for some of the runs
    full = call(command(tmp_path, engine, "out"), preexec_fn=cramped)
    assert full.returncode == 2
    assert "cnnlab run: cannot write tiny.cpu.runs.jsonl in " in full.stderr
    assert "The runs noted before are kept: mend that, and run the same command again" in full.stderr
    assert "Traceback" not in full.stderr and not (tmp_path / "out/tiny.json").exists()
    kept = noted(tmp_path / "out")
    assert 3 <= len(kept) < RUNS
    resume(tmp_path, engine, "out")
    assert noted(tmp_path / "out")[: len(kept)] == kept
    assert len(record.load(tmp_path / "out/tiny.json").runs) == RUNS


@pytest.mark.parametrize(
    ("name", "says"), [("cifar10-jpeg", "cifar10-jpeg"), ("cifar99", 'data set "cifar99" is unknown; choose one of')]
)
def test_a_data_set_that_is_missing_is_said_in_one_line_before_anything_trains(
    tmp_path, monkeypatch, capsys, name, says
):
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("CNNLAB_CACHE", str(tmp_path / "cache"))
    assert main(command(tmp_path, "in turn", "out", "--data", name)[3:]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("cnnlab run: ") and says in said
    assert not noted(tmp_path / "out")


KILLED_IN_SAVE = """
import os, pathlib, signal, sys
from cnnlab import record
{patch}
new = record.load(sys.argv[1] + "/new.json")
new.save(sys.argv[1] + "/tiny.json")
"""
HALFWAY = """
def halfway(path, text, **how):
    path.open("w").write(text[: len(text) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
pathlib.Path.write_text = halfway
"""
BEFORE_THE_RENAME = "pathlib.Path.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize("patch", [HALFWAY, BEFORE_THE_RENAME], ids=["halfway", "before the rename"])
def test_a_command_killed_while_it_saves_leaves_the_old_record(tmp_path, patch):
    shipped = record.load("initialization")
    shipped.save(tmp_path / "new.json")
    old = shipped.save(tmp_path / "tiny.json").read_bytes()
    killed = call([sys.executable, "-c", KILLED_IN_SAVE.format(patch=patch), str(tmp_path)])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "tiny.json").read_bytes() == old
