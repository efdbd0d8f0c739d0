"""The gradebook in PostgreSQL: a real server from Debian's package, and the day on it, with plain nbgrader beside."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from classroom import handed_in, install, reference
from conftest import require

from cnnlab.cli import main
from cnnlab.grading import gradebook
from cnnlab.grading.course import Course

pytestmark = pytest.mark.full

SLUG = "activations"


def program(name: str) -> str:
    """Debian puts the server's programs where no PATH looks."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else require(name, "postgresql")


@pytest.fixture(scope="module")
def server():
    """The address of an empty data base; the server refuses to run as root, and then runs as nobody."""
    pytest.importorskip("psycopg", reason="psycopg is missing; install it: pip install 'psycopg[binary]'")
    folder = Path(tempfile.mkdtemp(prefix="cnnlab-postgres-"))
    as_root = os.getuid() == 0
    if as_root:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    user = ["runuser", "-u", "nobody", "--"] if as_root else []
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    create = [program("initdb"), "-D", str(folder / "data"), "-U", "us", "-A", "trust", "-E", "UTF8", "--locale", "C"]
    subprocess.run([*user, *create], check=True, capture_output=True, cwd="/")
    start = [program("postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder), "-h", "localhost"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([*user, *start], stdout=log, stderr=log, cwd="/")
    try:
        yield wait(f"us@localhost:{port}/postgres", running)
    finally:
        running.terminate()
        running.wait(30)
        shutil.rmtree(folder)


def wait(address: str, running: subprocess.Popen) -> str:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"postgresql://{address}").close()
            return f"postgresql+psycopg://{address}"
        except psycopg.OperationalError:
            assert running.poll() is None and time.monotonic() < deadline, "the server does not start"
            time.sleep(0.2)


def test_the_day_goes_with_postgres_as_with_sqlite(server, tmp_path, monkeypatch, capsys):
    install(monkeypatch)
    course = Course(tmp_path / "ours")
    assert main(["grade", "init", str(course.root), SLUG, "--db", server]) == 0
    monkeypatch.chdir(course.root)
    assert main(["grade", "release"]) == 0 and not (course.root / "gradebook.db").exists()
    for student, answers in {"ada": reference(SLUG), "bob": reference(SLUG) | {"elu": "wrong"}, "eve": {}}.items():
        path = course.root / "in" / student / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(handed_in(SLUG, answers))
    assert main(["grade", "collect", SLUG, "in"]) == 0
    assert main(["grade", "run", SLUG]) == 0
    for step in ("report", "feedback"):
        assert main(["grade", step]) == 0
    found = {who: sum(mark.points for mark in marks.values()) for who, marks in gradebook.marks(course, SLUG).items()}
    assert found == {"ada": 10, "bob": 8, "eve": 0}
    capsys.readouterr()
    assert main(["grade", "export"]) == 0
    ours = capsys.readouterr().out
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["nbgrader", "export", "--to", "theirs.csv"], check=True, env=environment, capture_output=True)
    assert (course.root / "theirs.csv").read_text() == ours


def test_a_gradebook_that_does_not_answer_is_named(tmp_path, capsys, server):
    nowhere = "postgresql+psycopg://us@localhost:9/none"
    assert main(["grade", "init", str(tmp_path / "ours"), SLUG, "--db", nowhere]) == 2
    assert "the gradebook cannot be opened: " in capsys.readouterr().err
