"""All of it by a user who is not root: limits, levels, and a course that is graded, killed, and graded on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import plain_user
import pytest
from classroom import handed_in, reference

from cnnlab.grading.sandbox import Level, attained
from cnnlab.grading.watch import processes

pytestmark = pytest.mark.slow
SLUG = "activations"
KEEPS = "test_a_level_keeps_answers_from_all_they_need_not_reach"


@pytest.fixture(scope="module")
def home():
    with plain_user.home() as folder:
        yield folder


@pytest.mark.skipif(os.getuid() != 0, reason="this is the plain user")
def test_every_limit_fires_and_every_level_keeps_what_it_promises(home):
    tests = [f"{home}/tests/test_grading_limits.py", f"{home}/tests/test_grading_sandbox.py::{KEEPS}"]
    said = plain_user.run(home, [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *tests])
    assert said.returncode == 0, said.stdout[-6000:] + said.stderr[-2000:]
    skipped = [line for line in said.stdout.splitlines() if line.startswith("SKIPPED") and "as_root=True" not in line]
    assert skipped == ([] if attained(Level("unshare")) else skipped)


def grade(home: Path, *words: str) -> list[str]:
    """The command, as the test's own interpreter runs it."""
    return [sys.executable, "-c", f"from cnnlab.cli import main; raise SystemExit(main({['grade', *map(str, words)]}))"]


def hand_in(home: Path) -> None:
    """Two who are quick and two who take seconds; each with content of its own."""
    name = next(iter(reference(SLUG)))
    for student, slow in {
        "ada": "",
        "bob": "",
        "cyd": "import time; time.sleep(6)",
        "dee": "import time; time.sleep(6)",
    }.items():
        own = reference(SLUG) | {name: f"{reference(SLUG)[name]}\n_{student} = 1\n{slow}\n"}
        (home / "handed" / student).mkdir(parents=True)
        (home / "handed" / student / f"{SLUG}.ipynb").write_bytes(handed_in(SLUG, own))


def test_a_course_is_graded_killed_and_graded_on_at_each_level(home):
    if not all(map(attained, (Level("bubblewrap"), Level("unshare")))):
        pytest.skip("bubblewrap and unshare do not both work here: apt-get install bubblewrap")
    course, there = home / "course", ("--course", home / "course")
    hand_in(home)
    for step in (
        ("init", course, SLUG, "--from", home / "exercises"),
        ("release", *there),
        ("collect", SLUG, home / "handed", *there),
    ):
        said = plain_user.run(home, grade(home, *step))
        assert said.returncode == 0, said.stderr
    _killed_at_work(home, grade(home, "run", SLUG, "--workers", "2", *there))
    assert not [*(home / "tmp").iterdir()]
    said = plain_user.run(home, grade(home, "run", SLUG, *there))
    assert said.returncode == 0 and "graded: 4 submissions" in said.stdout, said.stdout + said.stderr
    assert "isolation: bubblewrap" in said.stdout
    without = home / "bin"  # a machine with no bubblewrap
    without.mkdir()
    (without / "unshare").symlink_to("/usr/bin/unshare")
    path = f"PATH={without}:{Path(sys.executable).parent}"
    said = plain_user.run(home, ["/usr/bin/env", path, *grade(home, "run", SLUG, "--fresh", "--yes", *there)])
    assert said.returncode == 0 and "would change" not in said.stdout, said.stdout + said.stderr
    assert "isolation: unshare" in said.stdout and "graded: 4 submissions" in said.stdout


def _killed_at_work(home: Path, words: list[str]) -> None:
    """With -9, once some student's outcomes are on disk while others' are awaited."""
    outcomes, command = home / f"course/.cnnlab/{SLUG}.outcomes.jsonl", plain_user.command(home, *words)
    with subprocess.Popen(command, env=plain_user.environment(home), cwd=home, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None and (
            not outcomes.exists() or len(outcomes.read_text().splitlines()) <= len(reference(SLUG))
        ):
            time.sleep(0.05)
        below = processes(run.pid)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL and len(below) > 6
    until = time.monotonic() + 60
    while (left := [pid for pid in below if _alive(pid)]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
