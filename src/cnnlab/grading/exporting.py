"""Grades as a table for nbgrader's readers, for Moodle's grading worksheet, or for Canvas's gradebook."""

import csv
import io
import unicodedata
from collections.abc import Iterable

from cnnlab.choices import choose
from cnnlab.grading.collecting import remembered
from cnnlab.grading.course import Course
from cnnlab.grading.gradebook import gradebook
from cnnlab.grading.pages import points

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet runs a cell that begins so
NBGRADER = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


def export(course: Course, slugs: Iterable[str], form: str) -> tuple[str, list[str], list[str]]:
    """The grades as CSV, the students whom the platform will not know, and those whose grade waits for a person.

    Who handed in nothing has 0, as in nbgrader. A grade that waits is left empty for a platform: that changes nothing there.
    """
    write = choose({"nbgrader": _nbgrader, "moodle": _moodle, "canvas": _canvas}, form, "form of export")
    with gradebook(course) as book:
        found = [each for each in book.assignments if each.name in set(slugs)]
        numbers = _participants(course, found, book.students) if form == "moodle" else {}
        rows = write(found, book.students, numbers)
        strangers = [each.id for each in book.students if form == "moodle" and not numbers.get(each.id)]
        waiting = sorted({each.student_id for one in found for each in one.submissions if _waits(each)})
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_safe(cell) for cell in row] for row in rows])
    return out.getvalue(), strangers, waiting


def _safe(cell: object) -> object:
    wide = isinstance(cell, str) and unicodedata.normalize("NFKC", cell[:1])  # "＝" is as good as "=" to some
    return f"'{cell}" if wide and wide.startswith(FORMULA) else cell


def _waits(submission) -> bool:
    """Whether a person may still give points."""
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades if grade.needs_manual_grade]
    return any(each.manual_score is None and (each.auto_score or 0.0) < each.cell.max_score for each in grades)


def _known(assignment, student) -> str:
    """The points, as a platform is told; nothing as long as a person may still give some."""
    waits = any(each.student_id == student.id and _waits(each) for each in assignment.submissions)
    return "" if waits else points(_score(assignment, student)[3])


def _score(assignment, student) -> tuple:
    """When it was handed in, the points, what is taken off for being late, and what is left."""
    for each in assignment.submissions:
        if each.student_id == student.id:
            late = each.late_submission_penalty or 0.0
            return each.timestamp or "", each.score, late, max(0.0, each.score - late)
    return "", 0.0, 0.0, 0.0


def _nbgrader(assignments: list, students: list, _numbers: dict) -> list[list]:
    rows = [list(NBGRADER)]
    for assignment in assignments:
        for student in students:
            when, raw, late, score = _score(assignment, student)
            who = [student.id, student.last_name or "", student.first_name or "", student.email or ""]
            rows.append([assignment.name, assignment.duedate or "", when, *who, raw, late, score, assignment.max_score])
    return rows


def _participants(course: Course, assignments: list, students: list) -> dict[str, str]:
    """Student to the number that Moodle has for them in this assignment: from its archive, or else from the list."""
    if len(assignments) != 1:
        raise ValueError(f"Moodle's worksheet holds one exercise, not {len(assignments)}: name the one to export")
    senders, _ = remembered(course, assignments[0].name)
    seen = {student: who.lms for student, who in senders.items() if who.platform == "moodle"}
    return seen or {each.id: each.lms_user_id for each in students}


def _moodle(assignments: list, students: list, numbers: dict[str, str]) -> list[list]:
    """What Moodle's import asks for: rows go by the number, and an id in its place could be read as another's number.

    With no time in the last column, a grade that stands in Moodle stays, unless its import is told otherwise.
    """
    (assignment,) = assignments
    rows = [["Identifier", "Full name", "Email address", "Grade", "Maximum Grade", "Last modified (grade)"]]
    for student in students:
        number = f"Participant {numbers[student.id]}" if numbers.get(student.id) else ""
        score = _known(assignment, student)
        rows.append([number, _full(student), student.email or "", score, points(assignment.max_score), ""])
    return rows


def _canvas(assignments: list, students: list, _numbers: dict) -> list[list]:
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(each.name for each in assignments)]]
    rows.append(["    Points Possible", "", "", "", "", *(points(each.max_score) for each in assignments)])
    for student in students:
        name = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
        scores = [_known(each, student) for each in assignments]
        rows.append([name, student.lms_user_id or "", "", student.id, "", *scores])
    return rows


def _full(student) -> str:
    return f"{student.first_name or ''} {student.last_name or ''}".strip() or student.id
