"""The sandbox, level by level: what answers cannot reach, and that every limit fires."""

import os
import subprocess
import sys

import pytest

from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.engine import Grader, Limits
from cnnlab.grading.sandbox import Level, attained, environment, probe
from cnnlab.grading.syscalls import is_available

LEVELS = [Level(name, as_root) for name in ("bubblewrap", "unshare") for as_root in (False, True)]
LOOK = """
import ctypes, os, socket
def look():
    libc = ctypes.CDLL(None, use_errno=True)
    def tries(act):
        try:
            return bool(act())
        except OSError:
            return False
    OPEN = [os.readlink(f"/proc/self/fd/{fd}") for fd in range(256) if os.path.exists(f"/proc/self/fd/{fd}")]
    pids = [p for p in os.listdir("/proc") if p.isdigit()]
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    return {
        "network": tries(lambda: socket.create_connection(("127.0.0.1", PORT), 1)),
        "home": tries(lambda: os.listdir("/home")),
        "passwords": tries(lambda: open("/etc/passwd").read()),
        "secret": any(name.startswith("CNNLAB_") for name in os.environ),
        "others": len(pids) > 6,
        "capable": any(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")),
        "namespace": libc.unshare(0x10000000) == 0,
        "root": os.getuid() == 0 or tries(lambda: os.setuid(0) is None),
        "writes": any(tries(lambda p=p: open(p, "w")) for p in ("/x", "/usr/x", "/package/x", "/etc/x", "/dev/x")),
        "code": tries(lambda: open(os.__file__, "a")),
        "privileges": status["NoNewPrivs"].strip() != "1",
        "scratch": not tries(lambda: open("/scratch/x", "w")),
        "shared": not tries(lambda: open("/dev/shm/x", "w")),
        "devices": set(os.listdir("/dev")) - {"null", "full", "random", "urandom", "fd", "shm"},
        "files": [fd for fd in OPEN if not fd.startswith(("socket:", "pipe:", "/dev/null"))],
        "unfiltered": FILTERED and status["Seccomp"].strip() != "2",
        "spared": int(open("/proc/self/oom_score_adj").read()) < 1000,
        "user": STRANGER and int(open("/proc/self/uid_map").read().split()[1]) < 1 << 30,
    }
"""
TEST = "found = {name: value for name, value in look().items() if value}\nassert found == {}, found"


def ask(level: Level, answer: str, test: str, name: str, limits: Limits | None = None):
    cells = (Cell("answer", "a", "", binds=(name,)), Cell("test", "t", test, 1.0))
    with Grader(level=level, limits=limits) as grader:
        return grader.grade(Assignment("look", cells), {"a": answer})[0]


@pytest.fixture
def port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_a_level_keeps_answers_from_all_they_need_not_reach(level, port, monkeypatch):
    if not (attained(level) and (os.getuid() == 0 or not level.as_root)):
        pytest.skip(f"{level} is not attained here")
    monkeypatch.setenv("CNNLAB_SECRET", "1")
    look = LOOK.replace("PORT", str(port)).replace("FILTERED", str(is_available()))
    outcome = ask(level, look.replace("STRANGER", str(level.as_root)), TEST, "look")
    assert outcome.verdict == "passed", outcome


def test_the_best_level_here_is_probed_and_says_what_it_covers():
    level = probe()
    assert level.name in ("bubblewrap", "unshare") or os.environ.get("CI") != "true", "install bubblewrap"
    assert "NO ISOLATION" in level.covers if level.name == "none" else "no network" in level.covers


def test_a_level_that_does_not_work_is_not_attained(monkeypatch, tmp_path):
    for tool in ("bwrap", "unshare"):
        (tmp_path / tool).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cnnlab.grading.sandbox.environment", lambda: environment() | {"PATH": str(tmp_path)})
    assert not any(map(attained, LEVELS)) and probe.__wrapped__() == Level("none")


def test_the_watch_counts_processes_and_memory_of_a_whole_tree():
    """In a process of its own: this one has servers of other tests among its descendants, which come and go."""
    said = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr


WATCHED = """
import os, time
from cnnlab.grading.watch import Watch, processes, proportional

def hold():
    held = bytearray(os.urandom(1 << 20) * 64)
    os.write(tell, b"1")
    time.sleep(100)
    os._exit(len(held) % 2)

root = os.getpid()
watch = Watch(root, memory_mb=200, most=8)
assert watch.exceeded() == "" and processes(root) == [root]
ready, tell = os.pipe()
children = []
try:
    for _ in range(6):
        if not (child := os.fork()):
            hold()
        children.append(child)
        os.read(ready, 1)
    assert sorted(processes(root)) == sorted([root, *children])
    assert Watch(root, memory_mb=10_000, most=6).exceeded() == "crashed"
    assert Watch(root, memory_mb=10_000, most=7).exceeded() == ""
    assert watch.exceeded() == "out of memory"
    assert sum(map(proportional, children)) > 300 << 20
finally:
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
"""
