"""`cnnlab run` as it is typed: into a pipe, and in a terminal of its own that is interrupted."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from cnnlab import record

pytestmark = pytest.mark.slow

TOML = """
question = "Does a tiny net learn digits?"
sources = ["none"]
[baseline]
dataset = "digits"
steps = 150
epochs = 2
width = 4
[factor.initialization]
fields = ["initialization"]
levels = { he = { initialization = "he" }, normal = { initialization = "normal" } }
[size.cpu]
seeds = [0, 1, 2, 3, 4]
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "tiny.toml").write_text(TOML)
    run = [sys.executable, "-m", "cnnlab.cli", "run", str(tmp_path / "tiny.toml")]
    return [*run, "--workers", "1", "--out", str(tmp_path / "out")]


def in_terminal(command: list[str], interrupt: str) -> tuple[int, str]:
    """Status and output of a command in a terminal of 100 columns, in which Ctrl-C is typed once `interrupt` matches."""
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    code = (  # a run of the tests in the background hands down a deaf ear for Ctrl-C
        "import fcntl, os, signal, sys, termios; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        **dict.fromkeys(("stdin", "stdout", "stderr"), its),
        env=os.environ | {"TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(its)
    said, deadline, typed = "", time.monotonic() + 240, False
    while time.monotonic() < deadline:
        if select.select([mine], [], [], 0.2)[0]:
            try:
                said += os.read(mine, 65536).decode(errors="replace")
            except OSError:  # the terminal's last reader is gone
                break
        if re.search(interrupt, said) and not typed:
            typed = os.write(mine, b"\x03") == 1
    os.close(mine)
    return running.wait(60), said


def test_ctrl_c_in_the_live_view_keeps_finished_runs_and_the_same_command_goes_on(command, tmp_path):
    status, said = in_terminal(command, interrupt=r"[1-9] of 10 runs")
    assert status == 130 and "Traceback" not in said, said
    assert "\x1b[1A" in said  # drawn over what was drawn before
    assert re.search(r"in training: (he|normal), seed \d", said) and "valid accuracy, " in said
    kept = int(re.search(r"interrupted: (\d+) finished runs are kept in \S*out, and the same command", said)[1])
    notes = tmp_path / "out" / "tiny.cpu.runs.jsonl"
    before = notes.read_text()
    assert 1 <= kept <= before.count("\n") < 10

    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and notes.read_text().startswith(before) and notes.read_text().count("\n") == 10
    lines = done.stdout.splitlines()
    assert "\x1b" not in done.stdout and lines[0].startswith("tiny, size cpu: 0 of 10 runs")
    assert "10 of 10 runs" in lines and done.stderr == ""
    assert any(re.match(r"he +\d+\.\d\d ± \d+\.\d\d +5 +reference", line) for line in lines)
    assert lines[-1] == f"record: {tmp_path / 'out' / 'tiny.json'}"
    assert len(record.load(tmp_path / "out" / "tiny.json").runs) == 10
