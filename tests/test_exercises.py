"""Exercises: what their files promise, and a handful of answers graded by plain nbgrader commands.

All variants are graded in `test_grading_engine.py`, which takes a tenth of the time, and in both ways by `cnnlab grade check`
in `test_grading_quality.py`.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

COURSE = Path(__file__).resolve().parents[1] / "exercises"
SLUGS = sorted(path.name for path in (COURSE / "source").iterdir() if path.is_dir())


@dataclass(frozen=True)
class Variant:
    """Answers to some questions, by the name of the answer cell, and the test cells they must lose."""

    name: str
    loses: frozenset
    answers: dict

    @property
    def tests(self) -> set[str]:
        return {f"test-{answer}" for answer in self.answers}


def read_variant(path: Path) -> Variant:
    text = path.read_text(encoding="utf-8")
    loses = re.search(r"^# loses: (.+)$", text, flags=re.MULTILINE)
    parts = re.split(r"^# answer: (\S+)\n", text, flags=re.MULTILINE)[1:]
    answers = {name: source.strip() for name, source in zip(parts[::2], parts[1::2], strict=True)}
    return Variant(path.stem, frozenset(loses[1].split() if loses else ()), answers)


def variants(slug: str, kind: str) -> list[Variant]:
    return [read_variant(path) for path in sorted((COURSE / "variants" / slug).glob(f"{kind}_*.py"))]


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def notebook(stage: str, slug: str, course: Path = COURSE) -> nbformat.NotebookNode:
    return read(course / stage / slug / f"{slug}.ipynb")


def marked(nb: nbformat.NotebookNode, flag: str) -> dict[str, nbformat.NotebookNode]:
    """The cells whose nbgrader flag (`grade`, `solution`) is set, by name."""
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    return {name: cell for name, cell in cells.items() if cell.metadata.nbgrader[flag]}


def regions(source: str, what: str) -> list[str]:
    return re.findall(rf"^ *### BEGIN {what}\n(.*?)^ *### END {what}$", source, flags=re.MULTILINE | re.DOTALL)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def handed_in(release, answers: dict[str, str], *, without: str = ""):
    """A student's notebook: the release with these answers, perhaps without one of its cells."""
    nb = nbformat.from_dict(release)
    if without:
        nb.cells = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != without]
    for name, cell in marked(nb, "solution").items():
        cell.source = answers.get(name, cell.source)
    return nb


def packed(wrong: list[Variant]) -> list[list[Variant]]:
    """Variants of different questions share a notebook, so that fewer kernels start."""
    packs: list[list[Variant]] = []
    for variant in wrong:
        fitting = (pack for pack in packs if not any(variant.tests & other.tests for other in pack))
        pack = next(fitting, None)
        if pack is None:
            packs.append(pack := [])
        pack.append(variant)
    return packs


def reference_answers(slug: str) -> dict[str, str]:
    return {name: cell.source for name, cell in marked(notebook("source", slug), "solution").items()}


def classroom(slug: str, release) -> dict[str, tuple[nbformat.NotebookNode, list[Variant]]]:
    """Each student's notebook, and the variants that answer in it: a right one, and a wrong one to each question."""
    reference, (right, *_), (wrong, *_) = (
        reference_answers(slug),
        variants(slug, "right"),
        packed(variants(slug, "wrong")),
    )
    deleted = next(iter(marked(release, "grade")))
    students = {"empty": (release, []), f"without-{deleted}": (handed_in(release, reference, without=deleted), [])}
    for student, group in {"right": [right], "wrong": wrong}.items():
        answers = reference | {name: source for variant in group for name, source in variant.answers.items()}
        students[student] = (handed_in(release, answers), group)
    return students


class Course:
    """A copy of the course in a folder of its own, and nbgrader's commands in it."""

    def __init__(self, slug: str, folder: Path):
        self.slug, self.folder, self.seconds = slug, folder / "course", {}
        self.folder.mkdir()
        shutil.copy(COURSE / "nbgrader_config.py", self.folder)
        shutil.copytree(COURSE / "source" / slug, self.folder / "source" / slug)
        # nbgrader calls alembic by its bare name; home and Jupyter's folders are not those of whoever runs the tests
        jupyter = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        self.environment = {
            **os.environ,
            **jupyter,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "IPYTHONDIR": str(folder / "ipython"),
        }

    def run(self, *command: str, ok: bool = True) -> str:
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.seconds[" ".join(command[:2])] = time.perf_counter() - start
        assert not ok or done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-6000:]}"
        return done.stdout

    def submit(self, student: str, nb) -> None:
        path = self.folder / "submitted" / student / self.slug / f"{self.slug}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(nb, path)

    def scores(self, student: str) -> dict[str, tuple[float, float]]:
        """Points and most points of each graded cell."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from nbgrader.api import Gradebook

            with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}", "cnnlab") as book:
                grades = book.find_submission_notebook(self.slug, self.slug, student).grades
                return {grade.name: (grade.auto_score, grade.max_score) for grade in grades}

    def lost(self, student: str) -> set[str]:
        """The graded cells in which a student has less than all points; a cell that was not graded counts."""
        return {name for name, (points, most) in self.scores(student).items() if points != most}


@pytest.fixture(scope="module", params=SLUGS)
def graded(request, tmp_path_factory):
    """The course after generate_assignment, autograde and generate_feedback, with everybody who hands in."""
    course = Course(request.param, tmp_path_factory.mktemp(request.param))
    course.run("nbgrader", "generate_assignment", course.slug)
    course.students = classroom(course.slug, notebook("release", course.slug, course.folder))
    for student, (nb, _) in course.students.items():
        course.submit(student, nb)
    course.run("nbgrader", "autograde", course.slug)
    course.run("nbgrader", "generate_feedback", course.slug)
    each = course.seconds["nbgrader autograde"] / len(course.students)
    print(course.seconds, f"{len(course.students)} students, {each:.1f} s each")
    return course


# What the files promise: no nbgrader needed.


@pytest.mark.parametrize("slug", SLUGS)
def test_an_exercise_has_at_most_five_questions_with_answers_of_at_most_ten_lines(slug):
    source = notebook("source", slug)
    answers, tests = marked(source, "solution"), marked(source, "grade")
    assert 1 <= len(tests) <= 5
    assert set(tests) == {f"test-{name}" for name in answers}
    for name, cell in answers.items():
        (solution,) = regions(cell.source, "SOLUTION")
        assert 1 <= len(lines(solution)) <= 10, f"{name}: {len(lines(solution))} lines"


@pytest.mark.parametrize("slug", SLUGS)
def test_every_question_is_tested_in_the_open_with_hints_and_in_hiding(slug):
    for name, cell in marked(notebook("source", slug), "grade").items():
        (hidden,) = regions(cell.source, "HIDDEN TESTS")
        visible = cell.source.replace(hidden, "")
        assert "hint=" in visible and "check." in visible, f"{name}: the visible tests teach nothing"
        assert "check.law(" in hidden, f"{name}: the hidden tests check no law"
        assert cell.metadata.nbgrader.points > 0 and cell.metadata.nbgrader.locked


@pytest.mark.parametrize("slug", SLUGS)
def test_every_question_has_a_wrong_variant_and_enough_right_ones(slug):
    wrong, right = variants(slug, "wrong"), variants(slug, "right")
    assert len(wrong) >= 6 and len(right) >= 3
    source = notebook("source", slug)
    assert {test for each in wrong for test in each.loses} == set(marked(source, "grade"))
    for each in wrong:
        assert each.loses and each.loses <= each.tests, f"{each.name} loses marks in a question it does not answer"
    for each in right:
        assert not each.loses and set(each.answers) == set(marked(source, "solution")), each.name


@pytest.mark.parametrize("slug", SLUGS)
def test_the_committed_release_gives_nothing_away(slug):
    assert leaks(slug, notebook("release", slug)) == []


def secrets(slug: str) -> list[list[str]]:
    """The lines of each solution and of each hidden test, but for those that a student also sees elsewhere."""
    public, hidden = "", []
    for cell in notebook("source", slug).cells:
        here = regions(cell.source, "SOLUTION") + regions(cell.source, "HIDDEN TESTS")
        hidden += here
        public += "\n" + cell.source
        for region in here:
            public = public.replace(region, "")
    return [[line for line in lines(region) if len(line) > 8 and line not in public] for region in hidden]


def leaks(slug: str, release) -> list[str]:
    """Whatever a release shows of solutions, hidden tests, their markers, or outputs."""
    shown = "\n".join(cell.source for cell in release.cells)
    outputs = [str(cell.outputs) for cell in release.cells if cell.get("outputs")]
    markers = ["BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN", "END HIDDEN"]
    return [
        line for line in [*markers, *(line for region in secrets(slug) for line in region)] if line in shown
    ] + outputs


@pytest.mark.parametrize("slug", SLUGS)
def test_a_leak_would_be_seen(slug):
    found = leaks(slug, notebook("source", slug))
    for region in secrets(slug):
        assert region and set(region) <= set(found)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_committed_release_runs_to_the_end_with_the_reference_answers(slug, capsys):
    names = {"__name__": "__main__"}
    for cell in handed_in(notebook("release", slug), reference_answers(slug)).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.id, "exec"), names)  # noqa: S102
    said = capsys.readouterr()
    assert said.out.count("right: ") >= 5 and not said.err


# What nbgrader makes of them.


@pytest.mark.slow
def test_the_committed_release_is_what_nbgrader_generates(graded):
    fresh, committed = notebook("release", graded.slug, graded.folder), notebook("release", graded.slug)
    remedy = f"cd exercises && nbgrader generate_assignment {graded.slug} --force"
    assert nbformat.writes(fresh) == nbformat.writes(committed), f"the release is out of date: {remedy}"
    assert leaks(graded.slug, fresh) == []


@pytest.mark.slow
def test_the_reference_solution_has_full_marks_and_a_deleted_test_comes_back(graded):
    (student,) = (name for name in graded.students if name.startswith("without-"))
    scores = graded.scores(student)
    assert set(scores) == set(marked(notebook("source", graded.slug), "grade"))
    assert all(points == most > 0 for points, most in scores.values()), scores


@pytest.mark.slow
def test_the_empty_release_has_no_marks(graded):
    names = marked(notebook("source", graded.slug), "grade")
    assert {name: points for name, (points, _) in graded.scores("empty").items()} == dict.fromkeys(names, 0)


@pytest.mark.slow
def test_a_wrong_solution_loses_the_marks_it_should_and_a_right_one_none(graded):
    _, wrong = graded.students["wrong"]
    promised = {test for each in wrong for test in each.loses}
    assert promised == set(marked(notebook("source", graded.slug), "grade"))
    assert {test for test, (points, _) in graded.scores("wrong").items() if points == 0} == promised
    assert graded.lost("right") == set()


@pytest.mark.slow
def test_everybody_gets_a_page_of_feedback_with_the_marks(graded):
    for student in graded.students:
        page = graded.folder / "feedback" / student / graded.slug / f"{graded.slug}.html"
        scores = graded.scores(student).values()
        total = f"(Score: {sum(points for points, _ in scores):.1f} / {sum(most for _, most in scores):.1f})"
        assert total in page.read_text(encoding="utf-8"), student


@pytest.mark.slow
def test_a_student_can_validate_before_handing_in(graded):
    release = notebook("release", graded.slug, graded.folder)
    nbformat.write(release, graded.folder / "mine.ipynb")
    assert "NotImplementedError" in graded.run("nbgrader", "validate", "mine.ipynb", ok=False)
    nbformat.write(handed_in(release, reference_answers(graded.slug)), graded.folder / "mine.ipynb")
    assert "Success! Your notebook passes all the tests." in graded.run("nbgrader", "validate", "mine.ipynb")
