"""`cnnlab grade`, a step after the other, with a grader that only compares texts."""

import io
import json
import shutil
import warnings
import zipfile
from dataclasses import replace

import classroom
import pytest
from classroom import handed_in, notebook, reference
from rich.console import Console

from cnnlab.cli import main
from cnnlab.cli.marking import Marking
from cnnlab.grading import gradebook
from cnnlab.grading.assignment import Outcome
from cnnlab.grading.course import Course
from cnnlab.grading.running import Grading, Handed
from cnnlab.grading.slots import Submission

pytestmark = pytest.mark.slow  # nbgrader takes seconds to import, and to make a release

SLUG = "activations"
TESTS = [f"test-{name}" for name in reference(SLUG)]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course of one exercise with its students' version; copied for each test."""
    folder = tmp_path_factory.mktemp("course") / "ours"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["grade", "init", str(folder), SLUG]) == 0
        assert main(["grade", "release", "--course", str(folder)]) == 0
    return folder


@pytest.fixture
def course(released, tmp_path, monkeypatch):
    shutil.copytree(released, tmp_path / "ours")
    monkeypatch.chdir(tmp_path / "ours")
    monkeypatch.grader = classroom.install(monkeypatch)
    return Course(tmp_path / "ours")


@pytest.fixture
def grader(course, monkeypatch):
    return monkeypatch.grader


@pytest.fixture
def say(capsys):
    """`status, out, err = say("run", SLUG)`: what a step says."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["grade", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def submit(course: Course, **students: dict[str, str] | bytes) -> None:
    for student, answers in students.items():
        path = course.notebook("submitted", SLUG, student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answers if isinstance(answers, bytes) else handed_in(SLUG, answers))


def scores(course: Course) -> dict[str, list[float]]:
    found = gradebook.marks(course, SLUG)
    return {student: [marks[test].points for test in TESTS] for student, marks in found.items()}


def without(name: str, instead: str) -> dict[str, str]:
    return reference(SLUG) | {name: instead}


# init and release


def test_a_course_is_what_nbgrader_expects(released):
    source = (classroom.EXERCISES / "source" / SLUG / f"{SLUG}.ipynb").read_bytes()
    assert (released / "source" / SLUG / f"{SLUG}.ipynb").read_bytes() == source
    assert "course_id = 'ours'" in (released / "nbgrader_config.py").read_text()
    assert (released / "gradebook.db").stat().st_size > 0
    committed = json.loads((classroom.EXERCISES / "release" / SLUG / f"{SLUG}.ipynb").read_text("utf8"))
    assert json.loads((released / "release" / SLUG / f"{SLUG}.ipynb").read_text("utf8")) == committed


def test_the_zip_holds_the_students_versions_alone(released):
    with zipfile.ZipFile(released / "release.zip") as archive:
        assert archive.namelist() == [f"{SLUG}/{SLUG}.ipynb"]
        assert b"BEGIN" not in archive.read(archive.namelist()[0])


def test_init_adds_what_is_missing_and_overwrites_nothing(course, say):
    status, _, err = say("init", course.root, SLUG)
    assert status == 2 and "has the exercise activations already" in err
    assert say("init", course.root, "initialization")[0] == 0
    assert Course(course.root).slugs() == ["activations", "initialization"]
    status, _, err = say("init", course.root, "nothing")
    assert status == 2 and 'exercise "nothing" is unknown; choose one of: activations, convolution-arithmetic' in err


def test_every_step_says_what_is_missing_before_it(course, say, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, says in {
        ("run", SLUG): "nobody has handed in activations: run `cnnlab grade collect activations ...` first",
        ("report", SLUG): "activations was not graded yet: run `cnnlab grade run activations` first",
        ("feedback",): "nothing was graded yet",
        ("run", "dropout"): 'exercise "dropout" is unknown; choose one of: activations',
        ("run", SLUG, "--course", str(tmp_path / "empty")): "is in no course: make one with `cnnlab grade init FOLDER`",
        ("collect", SLUG, "nowhere"): "nowhere is neither a folder nor a zip archive",
        ("run", SLUG, "--limit", "x"): 'limit "x" is no NAME=NUMBER',
        ("run", SLUG, "--limit", "x=1"): 'limit "x" is unknown; choose one of: cell_seconds, test_seconds',
        ("run", SLUG, "--executor", "ssh"): 'executor "ssh" is unknown',
    }.items():
        if arguments[-1] in ("ssh", "x=1"):
            submit(course, ada=reference(SLUG))
        status, _, err = say(*arguments)
        assert status == 2 and says in err, arguments


# run


def test_right_answers_have_full_points_and_wrong_ones_lose_theirs(course, say):
    submit(course, ada=reference(SLUG), bob=without("elu", "def elu(z):\n    return z"), eve=None or {})
    status, out, err = say("run", SLUG)
    assert status == 0 and err == "" and "isolation: pretense: nothing is run at all" in out
    assert scores(course) == {"ada": [2] * 5, "bob": [0, 2, 2, 2, 2], "eve": [0] * 5}


def test_the_same_answers_are_graded_once(course, grader, say):
    submit(course, ada=reference(SLUG), bob=reference(SLUG), eve=reference(SLUG))
    say("run", SLUG)
    assert grader.calls == [tuple(TESTS)]
    status, out, _ = say("run", SLUG)
    assert grader.calls == [tuple(TESTS)] and "3 of 3 submissions, 3 known before" in out
    say("run", SLUG, "--fresh")
    assert len(grader.calls) == 2


def test_after_a_change_of_one_test_only_that_test_is_run(course, grader, say):
    submit(course, ada=reference(SLUG), bob=without("elu", "hidden"))
    say("run", SLUG)
    grader.calls.clear()
    path = course.notebook("source", SLUG)
    path.write_text(path.read_text().replace("z above 0, eᶻ − 1 below.", "Another hint."))
    say("run", SLUG)
    assert grader.calls == [("test-elu",), ("test-elu",)]


def test_after_a_change_of_one_answer_the_tests_before_it_are_not_run(course, grader, say):
    submit(course, ada=reference(SLUG))
    say("run", SLUG)
    grader.calls.clear()
    submit(course, ada=without("dead", "crashed"))
    say("run", SLUG, "--yes")
    assert grader.calls == [("test-dead", "test-choose")]


def test_who_would_lose_or_gain_is_told_before_anything_is_written(course, say):
    submit(course, ada=reference(SLUG), bob=without("elu", "hidden"))
    say("run", SLUG)
    before = scores(course)
    submit(course, ada=without("prelu", "crashed"), bob=reference(SLUG), new=reference(SLUG))
    status, out, err = say("run", SLUG)
    assert status == 2 and "nothing was written: give --yes" in err and scores(course) == before
    assert "  ada: test-prelu from 2 to 0\n  bob: test-elu from 0 to 2\n" in out
    status, out, _ = say("run", SLUG, "--dry-run", "--yes")
    assert status == 0 and "nothing was written" in out and scores(course) == before
    assert say("run", SLUG, "--yes")[0] == 0
    assert scores(course) == {"ada": [2, 0, 2, 2, 2], "bob": [2] * 5, "new": [2] * 5}


def test_what_a_human_gave_stays_and_is_to_be_looked_at_again(course, say):
    submit(course, ada=without("elu", "nearly"))
    say("run", SLUG)
    with gradebook.gradebook(course) as book:
        grade = book.find_grade("test-elu", SLUG, SLUG, "ada")
        grade.manual_score, grade.extra_credit = 1.5, 0.25
        book.db.commit()
    submit(course, ada=without("elu", "nearly, again"))
    say("run", SLUG)
    mark = gradebook.marks(course, SLUG)["ada"]["test-elu"]
    assert (mark.auto, mark.manual, mark.extra, mark.points, mark.open) == (0, 1.5, 0.25, 1.75, True)


def test_a_run_that_is_interrupted_goes_on_where_it_was(course, grader, say, monkeypatch):
    submit(course, **{f"student{i}": without("elu", f"# {i}") for i in range(6)})

    def stopped(self, grading):
        if sum(bool(each.outcomes) for each in grading.handed.values()) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cnnlab.cli.marking.Marking.note", stopped)
        status, _, err = say("run", SLUG, "--workers", "1")
    assert status == 130 and "the same command goes on" in err and scores(course) == {}
    status, out, _ = say("run", SLUG, "--workers", "1")
    assert status == 0 and "6 of 6 submissions, 3 known before" in out and len(scores(course)) == 6


def test_a_torn_line_of_what_is_known_is_graded_again(course, grader, say):
    submit(course, ada=reference(SLUG))
    say("run", SLUG)
    path = course.own(f"{SLUG}.outcomes.jsonl")
    path.write_bytes(path.read_bytes()[:-30])
    say("run", SLUG)
    assert grader.calls == [tuple(TESTS), ("test-choose",)]
    grader.calls.clear()
    say("run", SLUG)
    assert grader.calls == []


def test_where_the_grader_itself_fails_the_others_are_graded_and_nobody_gets_zero(course, grader, say):
    submit(course, ada=without("elu", "1"), bob=without("elu", "hidden"))
    fate = iter([None, RuntimeError("no sandbox today"), None])  # of the reference, ada, bob

    def fail():
        if error := next(fate):
            raise error

    grader.before = staticmethod(fail)
    status, out, err = say("run", SLUG, "--workers", "1")
    assert status == 1 and "not graded: ada: no sandbox today" in err and set(scores(course)) == {"bob"}


def test_where_the_reference_fails_nobody_is_graded(course, grader, say, monkeypatch):
    submit(course, ada=reference(SLUG), bob={})
    whole = grader._outcome
    monkeypatch.setattr(
        grader, "_outcome", lambda *all_: replace(whole(*all_), verdict="crashed", points=0, message="it is gone")
    )
    status, _, err = say("run", SLUG)
    assert status == 2 and scores(course) == {}
    assert "nobody was graded: the reference solution itself does not pass test-elu here (crashed: it is gone)" in err


def test_what_the_engine_says_is_bounded_by_the_points_there_are(course, grader, say, monkeypatch):
    submit(course, ada=reference(SLUG))
    say("run", SLUG)
    submit(course, ada={name: f"{source}\n# mine" for name, source in reference(SLUG).items()})
    whole = grader._outcome

    def generous(self, cell, answers, right):
        from dataclasses import replace

        return replace(
            whole(self, cell, answers, right), points={"test-elu": 99.0, "test-dead": float("nan")}.get(cell.name, -1)
        )

    monkeypatch.setattr(grader, "_outcome", generous)
    assert say("run", SLUG, "--yes")[0] == 0
    assert scores(course) == {"ada": [2, 0, 0, 0, 0]}


def test_what_cannot_be_graded_waits_for_a_human_and_is_no_zero(course, say):
    submit(course, ada=without("maxout", "not gradable"))
    say("run", SLUG)
    mark = gradebook.marks(course, SLUG)["ada"]["test-maxout"]
    assert mark.auto is None and mark.open


def test_a_submission_that_cannot_be_read_waits_for_a_human(course, say):
    submit(course, ada=reference(SLUG), bob=b"not a notebook")
    assert say("run", SLUG)[0] == 0
    marks = gradebook.marks(course, SLUG)
    assert all(mark.open and mark.points == 0 for mark in marks["bob"].values())
    assert not any(mark.open for mark in marks["ada"].values())


def test_an_answer_that_was_not_found_waits_for_a_human(course, say):
    broken = notebook(SLUG, reference(SLUG))
    broken["cells"] = [cell for cell in broken["cells"] if cell.get("id") != "dead"]
    submit(course, ada=json.dumps(broken).encode())
    say("run", SLUG)
    assert [test for test, mark in gradebook.marks(course, SLUG)["ada"].items() if mark.open] == ["test-dead"]


def test_a_notebook_under_another_name_is_graded_and_told(course, say):
    submit(course, ada=reference(SLUG))
    path = course.notebook("submitted", SLUG, "ada")
    path.rename(path.with_name("Activations (2).ipynb"))
    say("run", SLUG)
    assert scores(course) == {"ada": [2] * 5}
    (course.root / "submitted/ada/activations/other.ipynb").write_text("{}")
    say("run", SLUG, "--yes")
    assert scores(course) == {"ada": [0] * 5}


def test_two_commands_on_one_course_do_not_meet(course, say):
    submit(course, ada=reference(SLUG))
    with course.locked():
        status, _, err = say("run", SLUG)
    assert status == 2 and "another command is grading" in err


def test_only_the_students_named_are_graded(course, say):
    submit(course, ada=reference(SLUG), bob=reference(SLUG))
    say("run", SLUG, "--student", "bob")
    assert set(scores(course)) == {"bob"}
    status, _, err = say("run", SLUG, "--student", "joe")
    assert status == 2 and "joe has handed in nothing for activations; who has: ada, bob" in err


def test_who_ran_out_of_time_can_be_tried_again_by_the_line_that_is_printed(course, grader, say):
    submit(course, ada=reference(SLUG), bob=without("elu", "out of time"), eve=without("maxout", "out of time"))
    out = say("run", SLUG)[1]
    assert "out of time: bob, eve. If the machine was busy" in out
    again = next(line.split()[2:] for line in out.splitlines() if "--fresh" in line)
    before = len(grader.calls)
    assert say(*again)[0] == 0 and len(grader.calls) == before + 3  # the reference again, and these two


# The view of a run


def test_the_view_counts_what_each_test_came_to(course, say, monkeypatch):
    submit(course, **{f"s{i}": without("elu", f"wrong {i}") for i in range(3)}, last=without("elu", "crashed"))
    seen = []

    def note(self, grading):
        self.grading = grading
        screen = Console(file=io.StringIO(), width=90)
        screen.print(self.view())
        seen.append((self.line(), screen.file.getvalue()))

    monkeypatch.setattr("cnnlab.cli.marking.Marking.note", note)
    say("run", SLUG, "--workers", "1")
    line, view = seen[0]
    assert line == "1 of 4 submissions" and view.startswith("activations, 4 submissions")
    line, view = seen[-1]
    rows = [each.split() for each in view.splitlines()]
    assert line == "4 of 4 submissions"
    assert ["test-elu", "0", "3", "1", "crashed"] in rows and ["test-prelu", "4", "0"] in rows


def test_the_time_left_goes_by_the_pace_of_what_was_graded_not_by_the_start_of_the_graders(monkeypatch):
    def state(done: int) -> Grading:
        outcome = {"test-elu": Outcome("test-elu", "passed", 1, 1)}
        handed = {
            f"s{i}": Handed(
                f"s{i}", Submission(), keys={"test-elu": "key", "test-gain": "key"}, outcomes=outcome, known=1
            )
            for i in range(100)
        }
        for each in list(handed.values())[:done]:
            each.outcomes = outcome | {"test-gain": Outcome("test-gain", "passed", 1, 1)}
        handed["s0"].known = 2
        return Grading(SLUG, None, handed, None)

    now = [1000.0]
    monkeypatch.setattr("cnnlab.cli.marking.time.monotonic", lambda: now[0])
    marking = Marking(state(1), 1)
    now[0] += 60  # until the graders are there
    marking.note(state(2))
    assert marking.line() == "2 of 100 submissions, 1 known before"
    now[0] += 10
    marking.note(state(12))
    assert marking.line() == "12 of 100 submissions, 1 known before, about 88 s left"
