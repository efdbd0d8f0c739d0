"""nbgrader's database, of which this process is the only writer: who is in the course, and what they have."""

import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cnnlab.grading.assignment import Outcome
from cnnlab.grading.course import CONFIG, Course

EMPTY = "No response."  # nbgrader's own comment on an answer that is as it was given out


@dataclass(frozen=True)
class Person:
    """Somebody in the course; `lms` is the number by which Moodle or Canvas knows them."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms: str = ""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip() or self.id


@dataclass(frozen=True)
class Mark:
    """What one test of one submission has in the gradebook; None where nobody has said yet."""

    auto: float | None
    manual: float | None
    extra: float | None
    most: float
    open: bool = False

    @property
    def points(self) -> float:
        return (self.manual if self.manual is not None else self.auto or 0.0) + (self.extra or 0.0)


@dataclass(frozen=True)
class Graded:
    """What is written for one submission: the outcome of each test, the names a human should look at, what was left empty."""

    student: str
    outcomes: tuple[Outcome, ...]
    look: frozenset[str] = frozenset()
    unedited: frozenset[str] = frozenset()
    stamp: str = ""  # when it was handed in, as it stands beside it


def configuration(course: Course):
    """The course's own `nbgrader_config.py`, with its folder as the root."""
    try:
        from traitlets.config.loader import PyFileConfigLoader
    except ImportError:
        raise ValueError("grading needs nbgrader: pip install 'cnnlab[grading]'") from None
    config = PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
    config.CourseDirectory.root = str(course.root)
    return config


@contextmanager
def gradebook(course: Course) -> Iterator:
    """nbgrader's gradebook of the course, made where it is missing."""
    path = os.environ.get("PATH", "")
    if (here := str(Path(sys.executable).parent)) not in path.split(os.pathsep):
        os.environ["PATH"] = here + os.pathsep + path  # nbgrader calls alembic by its bare name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = configuration(course)
        with _opened(config) as book:
            yield book


def _opened(config):
    try:
        from nbgrader.api import Gradebook
        from nbgrader.coursedir import CourseDirectory
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise ValueError("grading needs nbgrader: pip install 'cnnlab[grading]'") from None
    home = CourseDirectory(config=config)
    try:
        return Gradebook(home.db_url, home.course_id)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"the gradebook's address needs the package {error.name}; for PostgreSQL: pip install 'psycopg[binary]'"
        ) from None
    except SQLAlchemyError as error:
        raise ValueError(f"the gradebook cannot be opened: {str(error).splitlines()[0]}") from None


def people(course: Course) -> list[Person]:
    """Everybody whom the gradebook knows."""
    with gradebook(course) as book:
        return [
            Person(each.id, *(value or "" for value in (each.first_name, each.last_name, each.email, each.lms_user_id)))
            for each in book.students
        ]


def enter(course: Course, new: Iterable[Person]) -> None:
    """Put people into the gradebook; what is known of them already is kept where nothing new is said."""
    with gradebook(course) as book:
        for each in new:
            said = {"first_name": each.first, "last_name": each.last, "email": each.email, "lms_user_id": each.lms}
            _student(book, each.id, **{key: value for key, value in said.items() if value})
        book.db.commit()


def _student(book, name: str, **said: str):
    from nbgrader.api import Student

    student = book.db.get(Student, name)
    if student is None:
        student = Student(id=name)
        book.db.add(student)
    for key, value in said.items():
        setattr(student, key, value)
    return student


def due(course: Course, slug: str) -> datetime | None:
    """When an exercise was to be handed in, in UTC, where the gradebook says so."""
    with gradebook(course) as book:
        return next((each.duedate for each in book.assignments if each.name == slug), None)


def set_due(course: Course, slug: str, when: datetime) -> None:
    with gradebook(course) as book:
        book.find_assignment(slug).duedate = when
        book.db.commit()


def marks(course: Course, slug: str) -> dict[str, dict[str, Mark]]:
    """What every student has in every test of an exercise."""
    with gradebook(course) as book:
        return {each.student_id: _marks(_own(each, slug)) for each in _submissions(book, slug)}


def _marks(notebook) -> dict[str, Mark]:
    return {
        each.cell.name: Mark(
            each.auto_score, each.manual_score, each.extra_credit, each.cell.max_score, each.needs_manual_grade
        )
        for each in notebook.grades
    }


def comments(course: Course, slug: str) -> dict[str, dict[str, str]]:
    """What a human has said of each answer of each student."""
    with gradebook(course) as book:
        return {
            each.student_id: {
                said.cell.name: said.comment
                for said in _own(each, slug).comments
                if said.comment and said.comment != EMPTY
            }
            for each in _submissions(book, slug)
        }


def _submissions(book, slug: str) -> list:
    """All submissions of an exercise with their grades and comments, in a few queries and not one for each."""
    from nbgrader.api import Assignment, BaseCell, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy.orm import selectinload

    book.db.query(BaseCell).all()  # the parts that all submissions share
    own = selectinload(SubmittedAssignment.notebooks)
    whole = own.options(selectinload(SubmittedNotebook.grades), selectinload(SubmittedNotebook.comments))
    wanted = book.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == slug)
    return wanted.options(whole, own.selectinload(SubmittedNotebook.notebook)).all()


def _own(submission, slug: str):
    return next(each for each in submission.notebooks if each.notebook.name == slug)


def record(course: Course, slug: str, graded: Iterable[Graded]) -> None:
    """Write what was graded, all of it or nothing. What a human has given stays, and is marked to be looked at again."""
    with gradebook(course) as book, book.db.no_autoflush:
        assignment = book.find_assignment(slug)
        there = {each.student_id: each for each in _submissions(book, slug)}
        for each in graded:
            submission = there.get(each.student) or _submission(book, assignment, each.student)
            submission.timestamp = _time(each.stamp)
            mine = _own(submission, slug)
            _complete(mine)
            outcomes = {outcome.test: outcome for outcome in each.outcomes}
            for grade in mine.grades:
                _grade(grade, outcomes.get(grade.cell.name), each)
            for comment in mine.comments:
                comment.auto_comment = EMPTY if comment.cell.name in each.unedited else None
        book.db.commit()


def _time(stamp: str) -> datetime | None:
    """As nbgrader reads it: formgrader compares the two."""
    from nbgrader.utils import parse_utc

    try:
        return parse_utc(stamp) if stamp else None
    except (ValueError, OverflowError):
        return None


def _submission(book, assignment, student: str):
    """As `Gradebook.add_submission`, without writing yet."""
    from nbgrader.api import SubmittedAssignment, SubmittedNotebook

    submission = SubmittedAssignment(assignment=assignment, student=_student(book, student))
    submission.notebooks = [SubmittedNotebook(notebook=each) for each in assignment.notebooks]
    book.db.add(submission)
    return submission


def _complete(own) -> None:
    """Give a submitted notebook a grade and a comment for each cell that has one, also where the source has new ones."""
    from nbgrader.api import Comment, Grade

    parts, graded, said = own.notebook, {each.cell for each in own.grades}, {each.cell for each in own.comments}
    own.grades += [Grade(cell=each) for each in (*parts.grade_cells, *parts.task_cells) if each not in graded]
    own.comments += [Comment(cell=each) for each in (*parts.solution_cells, *parts.task_cells) if each not in said]


def _grade(grade, outcome: Outcome | None, graded: Graded) -> None:
    name, most = grade.cell.name, grade.cell.max_score or 0.0
    if outcome is not None and outcome.verdict != "not gradable":
        points = outcome.points if math.isfinite(outcome.points) else 0.0
        grade.auto_score = min(max(points, 0.0), most)
    else:  # prose, or a test that cannot be graded; what was left as released is worth nothing
        grade.auto_score = 0.0 if name in graded.unedited else None
    grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None or name in graded.look
