"""The instructor's day as it is typed, from nothing to grades; plain nbgrader and formgrader on the same course; a crash."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
from classroom import EXERCISES, handed_in, notebook, reference, zipped
from conftest import require

from cnnlab.grading import gradebook
from cnnlab.grading.course import Course

pytestmark = pytest.mark.slow

SLUG = "initialization"
ROSTER = """id,first_name,last_name,email,lms_user_id
ada,Ada,Lovelace,ada@example.org,101
bob,Bob,Empty,bob@example.org,102
cleo,Cléo,Gain,cleo@example.org,103
dan,Dan,Exit,dan@example.org,104
eve,Eve,Colab,eve@example.org,105
finn,Finn,Broken,finn@example.org,106
gone,Gone,Fishing,gone@example.org,107
"""


def wrong_gain() -> str:
    text = (EXERCISES / "variants" / SLUG / "wrong_gain_by_deviation.py").read_text("utf8")
    return text.split("# answer: gain\n")[1]


def without_marks() -> bytes:
    """Through Colab and a text editor: no metadata, no ids."""
    found = notebook(SLUG, reference(SLUG))
    for cell in found["cells"]:
        cell["metadata"] = {}
        cell.pop("id")
    return json.dumps(found | {"nbformat_minor": 0}).encode()


def class_of_six() -> dict[str, bytes]:
    right, first = reference(SLUG), next(iter(reference(SLUG)))
    files = {
        "Ada Lovelace_101": handed_in(SLUG, right),
        "Bob Empty_102": handed_in(SLUG),
        "Cleo Gain_103": handed_in(SLUG, right | {"gain": wrong_gain()}),
        "Dan Exit_104": handed_in(SLUG, right | {first: right[first] + "\nimport os\nos._exit(0)"}),
        "Eve Colab_105": without_marks(),
        "Finn Broken_106": b"PK this is no notebook",
    }
    return {f"{who}_assignsubmission_file_/{SLUG}.ipynb": data for who, data in files.items()}


class Day:
    """A course in a folder, commands typed in it, and what they said."""

    def __init__(self, folder: Path):
        self.folder, self.course = folder, Course(folder)
        homes = {f"JUPYTER_{name}_DIR": str(folder.parent / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, **homes, "HOME": str(folder.parent), "PATH": path}

    def type(self, *command: str, ok: bool = True) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert not ok or done.returncode == 0, f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}"
        return done.stdout + done.stderr

    def grade(self, *arguments: str, ok: bool = True) -> str:
        return self.type(sys.executable, "-m", "cnnlab.cli", "grade", *arguments, ok=ok)

    def scores(self) -> dict[str, dict[str, float]]:
        found = gradebook.marks(self.course, SLUG)
        return {student: {test: mark.points for test, mark in marks.items()} for student, marks in found.items()}


def lost(scores: dict[str, float]) -> set[str]:
    return {test for test, points in scores.items() if points == 0}


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Everything up to the export, with the defaults."""
    require("bwrap", "bubblewrap")
    home = tmp_path_factory.mktemp("day")
    (home / "ours").mkdir()
    found = Day(home / "ours")
    found.grade("init", str(home / "ours"), SLUG)
    found.grade("release")
    (home / "roster.csv").write_text(ROSTER)
    zipped(home / "moodle.zip", class_of_six())
    found.collected = found.grade(
        "collect", SLUG, "../moodle.zip", "--roster", "../roster.csv", "--due", "2026-11-20 11:00"
    )
    beside = found.course.notebook("submitted", SLUG, "ada").parent
    (beside / "cnnlab").mkdir()
    for name in ("torch.py", "math.py", "cnnlab/__init__.py"):
        (beside / name).write_text("raise SystemExit('mine, not yours')")
    found.ran = found.grade("run", SLUG, "--workers", "1")
    found.grade("report")
    found.grade("feedback")
    found.moodle = found.grade("export", SLUG, "--to", "moodle")
    return found


def test_the_zip_for_the_students_has_the_notebook_and_nothing_hidden(day):
    with zipfile.ZipFile(day.folder / "release.zip") as archive:
        assert archive.namelist() == [f"{SLUG}/{SLUG}.ipynb"] and b"HIDDEN" not in archive.read(archive.namelist()[0])


def test_what_moodle_gave_out_is_matched_with_the_roster(day):
    assert day.course.students(SLUG) == ["ada", "bob", "cleo", "dan", "eve", "finn"]
    assert "handed in nothing: gone" in day.collected and "6 submissions of initialization, 0 late" in day.collected


def test_everybody_has_the_points_that_are_theirs(day):
    scores, tests = day.scores(), {f"test-{name}" for name in reference(SLUG)}
    first = f"test-{next(iter(reference(SLUG)))}"
    assert {student: lost(marks) for student, marks in scores.items()} == {
        "ada": set(),
        "bob": tests,
        "cleo": {"test-gain"},
        "dan": {first},
        "eve": set(),
        "finn": tests,
    }
    open_ = {
        who for who, marks in gradebook.marks(day.course, SLUG).items() if any(mark.open for mark in marks.values())
    }
    assert open_ == {"finn"} and "isolation: bubblewrap" in day.ran


def test_report_feedback_and_export_tell_it(day):
    report = (day.folder / f"reports/{SLUG}.html").read_text("utf8")
    assert "bubblewrap" in report and "Cléo Gain" in report and "Gone Fishing" in report
    pages = {path.parts[-3]: path.read_text("utf8") for path in day.folder.glob(f"feedback/*/{SLUG}/{SLUG}.html")}
    assert set(pages) == {"ada", "bob", "cleo", "dan", "eve", "finn"}
    most = sum(mark.most for mark in gradebook.marks(day.course, SLUG)["ada"].values())
    assert f"{most:g} of {most:g} points" in pages["ada"] and f"0 of {most:g} points" in pages["finn"]
    assert f"Participant 101,Ada Lovelace,ada@example.org,{most:g},{most:g}" in day.moodle


def test_grading_again_runs_nothing_and_changes_nothing(day):
    before = day.course.own(f"{SLUG}.outcomes.jsonl").read_bytes()
    assert "6 of 6 submissions, 5 known before" in day.grade("run", SLUG, "--workers", "1")
    assert day.course.own(f"{SLUG}.outcomes.jsonl").read_bytes() == before


def test_formgrader_shows_the_submissions_and_takes_a_grade_by_hand(day):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    options = {"token": "", "password": "", "port": port, "port_retries": 0, "open_browser": False, "allow_root": True}
    options |= {"disable_check_xsrf": True}
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        *(f"--ServerApp.{key}={value}" for key, value in options.items()),
    ]
    extension = "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"
    with (day.folder.parent / "server.log").open("w") as log:
        server = subprocess.Popen([*command, extension], cwd=day.folder, env=day.environment, stdout=log, stderr=log)
    address = f"http://localhost:{port}/formgrader"
    try:
        listed = json.loads(asked(f"{address}/api/submissions/{SLUG}", server))
        assert {each["student"]: each["needs_manual_grade"] for each in listed} == {
            **dict.fromkeys(("ada", "bob", "cleo", "dan", "eve"), False),
            "finn": True,
        }
        notebooks = json.loads(asked(f"{address}/api/submitted_notebooks/{SLUG}/{SLUG}", server))
        mine = next(each["id"] for each in notebooks if each["student"] == "cleo")
        shown = asked(f"{address}/submissions/{mine}/", server)
        said = re.sub(r"<[^>]+>", "", shown)
        assert "def gain" in said and "failed: " in said and "HIDDEN TESTS" not in said
        theirs = next(each["id"] for each in notebooks if each["student"] == "finn")
        (grade, *_) = json.loads(asked(f"{address}/api/grades?submission_id={theirs}", server))
        by_hand = json.dumps({"manual_score": 1.5}).encode()
        asked(urllib.request.Request(f"{address}/api/grade/{grade['id']}", by_hand, method="PUT"), server)
        assert gradebook.marks(day.course, SLUG)["finn"][grade["name"]].points == 1.5
    finally:
        server.terminate()
        server.wait(30)


def asked(address: str | urllib.request.Request, server: subprocess.Popen) -> str:
    """What the server answers, once it does."""
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode()
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.3)


def test_plain_nbgrader_works_on_the_same_course_and_agrees(day):
    ours = day.scores()
    assert day.type("nbgrader", "generate_feedback", SLUG, "--force")
    for student in ("ada", "cleo"):
        assert (day.folder / f"feedback/{student}/{SLUG}/{SLUG}.html").read_text("utf8").count("Score: ") > 3
    day.type("nbgrader", "export", "--to", "theirs.csv")
    assert "not final: finn" in day.grade("export", "--out", "ours.csv")
    assert (day.folder / "theirs.csv").read_text() == (day.folder / "ours.csv").read_text()
    day.type("nbgrader", "autograde", SLUG, "--force", "--student", "cleo")
    assert day.scores() == ours
    day.type("nbgrader", "generate_assignment", SLUG, "--force")
    assert "6 of 6 submissions, 5 known before" in day.grade("run", SLUG, "--workers", "1")
    assert day.scores() == ours


def test_killed_at_any_moment_a_run_goes_on_where_it_was(day, tmp_path):
    shutil.copytree(day.folder, tmp_path / "ours", ignore=shutil.ignore_patterns(".cnnlab", "submitted", "autograded"))
    right, again = reference(SLUG), Day(tmp_path / "ours")
    names = [f"s{i}" for i in range(3)]
    for i, name in enumerate(names):
        path = again.course.notebook("submitted", SLUG, name)
        path.parent.mkdir(parents=True)
        path.write_bytes(handed_in(SLUG, {key: f"{source}\n# {i}" for key, source in right.items()}))
    notes = again.course.own(f"{SLUG}.outcomes.jsonl")
    command = [sys.executable, "-m", "cnnlab.cli", "grade", "run", SLUG, "--workers", "1"]
    running = subprocess.Popen(command, cwd=again.folder, env=again.environment, stdout=subprocess.DEVNULL)
    while running.poll() is None and (not notes.exists() or notes.read_bytes().count(b"\n") < 2 * len(right)):
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = notes.read_bytes()
    assert again.scores().keys().isdisjoint(names)
    said = again.grade("run", SLUG, "--workers", "1")
    assert notes.read_bytes().startswith(kept) and notes.read_bytes().count(b"\n") == 4 * len(
        right
    )  # and the reference
    assert " known before" in said and {name: lost(again.scores()[name]) for name in names} == {
        name: set() for name in names
    }
