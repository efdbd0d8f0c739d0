"""A course's own version of an exercise: every twist is a fair question, and the published solution loses it."""

import ast
import json
import re
import shutil
import tomllib
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import classroom
import pytest
from classroom import EXERCISES
from conftest import require
from test_grading_course import say  # noqa: F401, a fixture

from cnnlab.cli import main
from cnnlab.grading import dealing
from cnnlab.grading.assignment import Assignment, read_assignment
from cnnlab.grading.course import Course
from cnnlab.grading.dealing import Twist, adapted, deal, drawn, named, read_twists
from cnnlab.grading.engine import Grader, Limits, probe
from cnnlab.grading.reading import read_cells

SLUGS = sorted(path.name for path in (EXERCISES / "source").iterdir() if path.is_dir())
TWISTS = [
    (slug, twist) for slug in SLUGS for twists in read_twists(EXERCISES, slug).values() for twist in twists.values()
]
EACH = pytest.mark.parametrize(
    "slug, twist", TWISTS, ids=[f"{slug}-{each.question}-{each.name}" for slug, each in TWISTS]
)
# Hands in which every twist of an exercise is dealt at least once.
HANDS = [
    (slug, [list(twists.values())[i % len(twists)] for twists in table.values()])
    for slug in SLUGS
    for table in [read_twists(EXERCISES, slug)]
    for i in range(max(map(len, table.values())))
]


def dealt(slug: str, twists: list[Twist], folder: Path) -> Assignment:
    deal(EXERCISES, slug, twists, folder)
    return read_assignment(folder / "source" / slug / f"{slug}.ipynb")


def text(path: Path, name: str) -> str:
    """The text of a cell, prose or code."""
    return next(cell.source for cell in read_cells(path) if cell.grade_id == name)


def source(assignment: Assignment, name: str) -> str:
    return next(cell.source for cell in assignment.cells if cell.name == name)


@cache
def given(slug: str) -> dict:
    """The names of an exercise's given cells, which no twist touches."""
    names = {"__name__": "__main__"}
    for cell in read_assignment(EXERCISES / "source" / slug / f"{slug}.ipynb").of_kind("given"):
        exec(compile(cell.source, cell.name, "exec"), names)  # noqa: S102
    return names


def passes(slug: str, answer: str, test: str) -> bool:
    """Whether an answer that is trusted passes, in this interpreter."""
    names = dict(given(slug))
    exec(compile(answer, "answer", "exec"), names)  # noqa: S102
    try:
        exec(compile(test, "test", "exec"), names)  # noqa: S102
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return False
    return True


# Each twist


@pytest.mark.slow
@EACH
def test_the_dealt_reference_passes_and_the_published_one_loses(slug, twist, tmp_path):
    ours = dealt(slug, [twist], tmp_path)
    test = source(ours, f"test-{twist.question}")
    assert passes(slug, source(ours, twist.question), test)
    assert not passes(slug, classroom.reference(slug)[twist.question], test)


@EACH
def test_a_twist_changes_the_task_the_reference_and_the_tests_of_its_own_question(slug, twist, tmp_path):
    mine = {f"task-{twist.question}", twist.question, f"test-{twist.question}"}
    assert {edit.cell for edit in twist.edits} == mine
    deal(EXERCISES, slug, [twist], tmp_path)
    before = {each.grade_id: each.source for each in read_cells(EXERCISES / "source" / slug / f"{slug}.ipynb")}
    after = {each.grade_id: each.source for each in read_cells(tmp_path / "source" / slug / f"{slug}.ipynb")}
    assert {name for name in before if before[name] != after[name]} == mine and list(before) == list(after)
    seen = [after[f"test-{twist.question}"].partition("### BEGIN HIDDEN")[0] for after in (before, after)]
    assert seen[0] != seen[1], "the checks that a student sees are the published ones"


@EACH
def test_a_dealt_answer_still_fits_into_ten_lines(slug, twist, tmp_path):
    answer = source(dealt(slug, [twist], tmp_path), twist.question)
    solution = answer.partition("### BEGIN SOLUTION\n")[2].partition("### END SOLUTION")[0]
    assert 1 <= sum(bool(line.strip()) for line in solution.splitlines()) <= 10
    ast.parse(answer)


@EACH
def test_every_end_of_a_line_in_an_edit_is_one(slug, twist):
    for edit in twist.edits:
        assert not re.search(r"\\n(?![a-z])", edit.become), "\\n in single quotes is no end of a line in TOML"


@pytest.mark.parametrize("slug", SLUGS)
def test_every_constant_that_is_drawn_is_put_into_the_text(slug):
    for question, twists in tomllib.loads((EXERCISES / "twists" / f"{slug}.toml").read_text("utf8")).items():
        for name, twist in twists.items():
            (keys,) = {tuple(row) for row in twist.get("draw", [{}])}
            become = str(list(twist["edits"].values()))
            assert all(f"{{{key}}}" in become for key in keys), f"{question}.{name}"


@pytest.mark.parametrize("slug", SLUGS)
def test_every_question_of_the_book_has_twists(slug):
    table = read_twists(EXERCISES, slug)
    assert set(table) == set(classroom.reference(slug)) and all(len(twists) >= 2 for twists in table.values())
    names = {path.stem for path in (EXERCISES / "variants" / slug).glob("*.py")}
    assert all(set(twist.without) <= names for twists in table.values() for twist in twists.values())


@pytest.mark.full
@EACH
def test_the_published_solution_put_into_the_dealt_form_passes(slug, twist, tmp_path):
    """So the tests take more than the one text, and `adapt` is right."""
    published = classroom.reference(slug)[twist.question]
    answer = adapted(f"# answer: {twist.question}\n{published}\n", [twist])
    assert passes(slug, answer, source(dealt(slug, [twist], tmp_path), f"test-{twist.question}"))


# In the engine


def release(slug: str, hand: list[Twist], folder: Path, say) -> None:  # noqa: F811
    """A course that was dealt this hand, with its students' version."""
    assert main(["grade", "init", str(folder), slug, "--seed", "1"]) == 0
    for part in ("source", "variants"):
        shutil.rmtree(folder / part)
    deal(EXERCISES, slug, hand, folder)
    assert say("release", "--course", folder)[0] == 0


@pytest.mark.slow
def test_in_the_sandbox_a_dealt_reference_has_full_marks_a_blank_and_the_published_one_none(tmp_path):
    if probe().name == "none":
        require("bwrap", "bubblewrap")
    slug, hand = next((slug, hand) for slug, hand in HANDS if slug == "learning-rates")
    ours, published = dealt(slug, hand, tmp_path), classroom.reference(slug)
    with Grader(limits=Limits(test_seconds=120, total_seconds=400)) as grader:
        full = grader.grade(ours, {cell.name: cell.source for cell in ours.of_kind("answer")})
        assert {each.verdict for each in full} == {"passed"}, full
        for answers in ({}, published):
            assert not any(each.points for each in grader.grade(ours, answers))


@pytest.mark.full
@pytest.mark.parametrize("slug, hand", HANDS, ids=[f"{slug}-{i}" for i, (slug, _) in enumerate(HANDS)])
def test_every_dealt_exercise_is_as_good_as_it_promises(slug, hand, tmp_path, say):  # noqa: F811
    require("bwrap", "bubblewrap")
    release(slug, hand, tmp_path / "ours", say)
    status, out, err = say("check", slug, "--course", tmp_path / "ours", "--mutants", "4")
    assert status == 0, out + err


# The draw


def small(name: str) -> Twist:
    return Twist("q", name, "", (), "", ())


def test_a_draw_is_the_same_on_every_machine():
    table = {"q": {str(i): small(str(i)) for i in range(1000)}, "p": {str(i): small(str(i)) for i in range(7)}}
    assert [[twist.name for twist in drawn(table, "activations", seed)] for seed in (0, 1, 2071)] == [
        ["9", "3"],
        ["113", "0"],
        ["861", "6"],
    ]
    assert [twist.name for twist in drawn({"p": table["p"]}, "activations", 2071)] == ["6"]


@pytest.mark.parametrize("slug", SLUGS)
def test_courses_differ(slug):
    table = read_twists(EXERCISES, slug)
    hands = [tuple(twist.name for twist in drawn(table, slug, seed)) for seed in range(40)]
    assert len(set(hands)) >= 25
    for names in zip(*hands, strict=True):  # each question on its own: nothing is dealt to nearly everybody
        assert len(set(names)) >= 2 and max(map(names.count, names)) <= 32


# Courses


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("source", "variants", "dealt.json")
        for path in sorted([folder / part, *(folder / part).rglob("*")])
        if path.is_file()
    }


@pytest.fixture
def no_gradebook(monkeypatch):
    """`init` without nbgrader's, which takes seconds to make."""
    monkeypatch.setattr("cnnlab.grading.creating.gradebook", nullcontext)


@pytest.fixture
def seeded(tmp_path, say):  # noqa: F811
    """A course of one exercise, dealt by seed 7."""
    assert say("init", tmp_path / "ours", "activations", "--seed", "7")[0] == 0
    return tmp_path / "ours"


def test_the_same_seed_deals_the_same_bytes_whenever_an_exercise_is_added(no_gradebook, seeded, tmp_path, say):  # noqa: F811
    status, out, _ = say("init", seeded, "learning-rates")
    assert status == 0 and "learning-rates, plan: " in out and "activations, elu: " in out
    assert say("init", tmp_path / "theirs", "activations", "learning-rates", "--seed", "7")[0] == 0
    assert tree(seeded) == tree(tmp_path / "theirs")
    assert say("init", tmp_path / "others", "activations", "learning-rates", "--seed", "8")[0] == 0
    assert (
        tree(seeded)["source/activations/activations.ipynb"]
        != tree(tmp_path / "others")["source/activations/activations.ipynb"]
    )


def test_another_seed_for_a_course_is_refused(no_gradebook, seeded, tmp_path, say):  # noqa: F811
    before = tree(seeded)
    status, _, err = say("init", seeded, "learning-rates", "--seed", "8")
    assert status == 2 and "has the seed 7, and seed 8 was given: leave --seed away, or make another course" in err
    assert tree(seeded) == before
    say("init", tmp_path / "plain", "activations")
    status, _, err = say("init", tmp_path / "plain", "learning-rates", "--seed", "7")
    assert status == 2 and "has the published exercises, without a seed, and seed 7 was given" in err


@pytest.mark.slow
def test_students_see_the_twist_in_the_task_and_nowhere_the_seed(seeded, say):  # noqa: F811
    assert say("release", "--course", seeded)[0] == 0
    released = (seeded / "release/activations/activations.ipynb").read_text("utf8")
    for question, each in dealing.record(seeded)["exercises"]["activations"].items():
        assert each["says"] not in released
        cell = text(seeded / "release/activations/activations.ipynb", f"task-{question}")
        assert cell != text(EXERCISES / "release/activations/activations.ipynb", f"task-{question}")
    assert "dealt" not in released


@pytest.mark.slow
def test_the_report_says_what_was_dealt_and_who_handed_in_the_published_solution(seeded, say, monkeypatch):  # noqa: F811
    classroom.install(monkeypatch)
    assert say("release", "--course", seeded)[0] == 0
    course, published = Course(seeded), classroom.reference("activations")
    ours = {cell.name: cell.source for cell in course.assignment("activations").of_kind("answer")}
    for student, answers in {"ada": published, "bob": ours}.items():
        notebook = json.loads(course.notebook("release", "activations").read_text("utf8"))
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            cell["source"] = answers.get(name, cell["source"])
        path = course.notebook("submitted", "activations", student)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf8")
    assert say("run", "activations", "--course", seeded)[0] == 0
    assert say("report", "activations", "--course", seeded)[0] == 0
    page = (seeded / "reports/activations.html").read_text("utf8")
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Dealt Seed 7." in said and "choose the published solution ada" in said
    assert "choose the solution of this course bob" in said
    for each in dealing.record(seeded)["exercises"]["activations"].values():
        assert each["says"].partition("'")[0] in said


def test_an_exercise_without_twists_is_taken_as_it_is(no_gradebook, tmp_path, say):  # noqa: F811
    shelf = tmp_path / "shelf"
    shutil.copytree(EXERCISES / "source/activations", shelf / "source/activations")
    shutil.copy(EXERCISES / "nbgrader_config.py", shelf)
    status, out, _ = say("init", tmp_path / "ours", "--from", shelf, "--seed", "7")
    assert status == 0 and "activations: as published, for it has no twists" in out
    published = (EXERCISES / "source/activations/activations.ipynb").read_bytes()
    assert (tmp_path / "ours/source/activations/activations.ipynb").read_bytes() == published


# What is amiss in a file of twists


@pytest.fixture
def written(tmp_path):
    """`written(text)`: a shelf with one exercise, whose twists these are."""
    for part in ("source", "variants"):
        shutil.copytree(EXERCISES / part / "activations", tmp_path / "shelf" / part / "activations")

    def write(twists: str) -> Path:
        (tmp_path / "shelf/twists").mkdir(exist_ok=True)
        (tmp_path / "shelf/twists/activations.toml").write_text(twists, "utf8")
        return tmp_path / "shelf"

    return write


TWIST = """
[elu.double]
says = "twice"
adapt = "x = 1"
[elu.double.edits]
elu = [["return torch.where", "return 2 * torch.where"]]
"""


def test_a_text_that_is_not_found_once_names_the_cell_and_itself_and_nothing_is_written(written, tmp_path):
    for find, says in {
        '["return torch.here"': "cell elu: 'return torch.here' stands there 0 times, and the twist elu.double expects 1",
        '["z"': "cell elu: 'z' stands there 4 times, and the twist elu.double expects 1",
    }.items():
        shelf = written(TWIST.replace('["return torch.where"', find))
        with pytest.raises(ValueError, match=re.escape(says)):
            deal(shelf, "activations", named(read_twists(shelf, "activations"), {"elu": "double"}), tmp_path / "ours")
        assert not (tmp_path / "ours").exists()
    shelf = written(TWIST.replace('elu = [["return', 'relu = [["return'))
    with pytest.raises(ValueError, match="cell relu: 'return torch.where' stands there 0 times"):
        deal(shelf, "activations", drawn(read_twists(shelf, "activations"), "activations", 1), tmp_path / "ours")


def test_a_text_that_is_to_stand_there_more_often_may(written, tmp_path):
    shelf = written(TWIST.replace('["return torch.where", "return 2 * torch.where"]', '["z", "u", 4]'))
    deal(shelf, "activations", drawn(read_twists(shelf, "activations"), "activations", 1), tmp_path / "ours")
    answer = text(tmp_path / "ours/source/activations/activations.ipynb", "elu")
    assert "torch.where(u > 0, u, alpha" in answer


def test_an_unknown_question_twist_or_key_is_told_with_what_there_is(written):
    table = read_twists(written(TWIST), "activations")
    with pytest.raises(ValueError, match='question "relu" is unknown; choose one of: elu'):
        named(table, {"relu": "double"})
    with pytest.raises(ValueError, match='twist "triple" is unknown; choose one of: double'):
        named(table, {"elu": "triple"})
    with pytest.raises(ValueError, match=r"elu.double has odd or missing keys \['sais'\]"):
        read_twists(written(TWIST.replace("[elu.double]", '[elu.double]\nsais = "thrice"')), "activations")
    with pytest.raises(ValueError, match=r"elu.double has odd or missing keys \['adapt'\]"):
        read_twists(written(TWIST.replace('adapt = "x = 1"', "")), "activations")


def test_a_variant_gets_the_form_dealt_behind_each_answer_that_is_twisted():
    twist = Twist("f", "", "", (), "\ndef f(x, published=f):\n    return -published(x)\n", ())
    variant = '"""Says."""\n\n# loses: test-f\n\n# answer: f\ndef f(x):\n    return 1\n\n# answer: g\ng = 2\n'
    assert adapted(variant, [twist]) == (
        '"""Says."""\n\n# loses: test-f\n\n# answer: f\ndef f(x):\n    return 1\n\n\n'
        "def f(x, published=f):\n    return -published(x)\n\n# answer: g\ng = 2\n"
    )
    assert adapted(variant, []) == variant
