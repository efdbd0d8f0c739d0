"""Grades what was handed in: reads, asks the graders for what is not known yet, compares, and writes once at the end."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from cnnlab.grading import gradebook
from cnnlab.grading.assignment import Assignment, Outcome
from cnnlab.grading.course import Course, write_json
from cnnlab.grading.entries import stamp
from cnnlab.grading.gradebook import Graded, Mark
from cnnlab.grading.matching import match
from cnnlab.grading.outcomes import Known, code_version, keys
from cnnlab.grading.reading import Unreadable, read_cells
from cnnlab.grading.returned import autograded
from cnnlab.grading.slots import Finding, Slot, Submission
from cnnlab.grading.workers import Job, Settings


@dataclass
class Handed:
    """A submission and what came of it; `wrong` says why the file could not be read at all."""

    student: str
    submission: Submission
    wrong: str = ""
    stamp: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    known: int = 0  # outcomes that an earlier run has left


@dataclass
class Grading:
    """How far a run is; what it is in the end."""

    slug: str
    assignment: Assignment
    handed: dict[str, Handed]
    reference: Handed
    level: str = ""
    failed: dict[str, str] = field(default_factory=dict)  # student to what kept the grader from grading
    seconds: float = 0.0

    def open(self) -> list[Handed]:
        """Those of which some test is neither known nor given up."""
        return [each for each in self.handed.values() if each.student not in self.failed and missing(each)]


def missing(handed: Handed) -> tuple[str, ...]:
    return tuple(test for test in handed.keys if test not in handed.outcomes)


def prepare(course: Course, slug: str, settings: Settings, *, students: list[str] | None = None, fresh: bool = False):
    """What is to be graded, with the outcomes that are known already; `fresh` forgets those. Gives a `Grading`."""
    assignment, slots = course.assignment(slug), course.slots(slug)
    there = course.students(slug)
    if unknown := sorted(set(students or ()) - set(there)):
        raise ValueError(f"{unknown[0]} has handed in nothing for {slug}; who has: {', '.join(there[:20]) or 'nobody'}")
    known, conditions = Known(course.own(f"{slug}.outcomes.jsonl")), f"{code_version()} {settings.limits}"
    handed = {student: read(course, slug, student, slots) for student in students or there}
    reference = Handed("the reference", Submission({cell.name: cell.source for cell in assignment.of_kind("answer")}))
    for each in (reference, *handed.values()):
        each.keys = keys(assignment, each.submission.answers, conditions)
        each.outcomes = _unread(assignment, each.wrong) if each.wrong else {} if fresh else known.get(each.keys)
        each.known = 0 if each.wrong else len(each.outcomes)
    return Grading(slug, assignment, handed, reference)


def read(course: Course, slug: str, student: str, slots: list[Slot]) -> Handed:
    """What one student handed in, whatever lies there."""
    path = course.notebook("submitted", slug, student)
    try:
        found, note = _the_file(path), ()
        if found != path:
            note = (Finding("", "renamed", 1.0, f"the notebook is called {found.name}, not {path.name}"),)
        submission = match(slots, read_cells(found, course.root))
        whole = Submission(submission.answers, submission.texts, (*note, *submission.findings), submission.unedited)
        return Handed(student, whole, stamp=stamp(path))
    except Unreadable as error:
        seen = Submission(findings=(Finding("", "unreadable", 0.0, str(error)),))
        return Handed(student, seen, str(error), stamp(path))


def _the_file(path: Path) -> Path:
    """The notebook under its own name, or the only one there is."""
    if path.is_symlink() or path.exists():
        return path
    others = sorted(each for each in path.parent.glob("*.ipynb"))
    if len(others) != 1:
        raise Unreadable(f"there is no {path.name}, and {len(others)} other notebooks")
    return others[0]


def _unread(assignment: Assignment, why: str) -> dict[str, Outcome]:
    says = f"Your file could not be read: {why}. Hand it in again."
    return {test.name: Outcome(test.name, "failed", 0.0, test.points, says) for test in assignment.of_kind("test")}


def grade(course: Course, grading: Grading, pool) -> Iterator[Grading]:
    """Let the pool grade what is open, each content once; yields the state after every submission.

    An outcome is on disk before it is told. A submission on which the graders themselves fail is left out and named. A
    `RuntimeError` says where the reference solution fails here: then no grade would mean anything.
    """
    started, known = time.monotonic(), Known(course.own(f"{grading.slug}.outcomes.jsonl"))
    grading.level = pool.level()
    _try_reference(grading, known, pool)
    groups: dict[tuple, list[Handed]] = {}
    for each in grading.open():
        groups.setdefault(tuple(each.keys[test] for test in missing(each)), []).append(each)
    futures = {}
    try:
        for group in groups.values():
            job = Job(grading.assignment, group[0].submission.answers, missing(group[0]))
            futures[pool.grade(job)] = group
        for future in as_completed(futures):
            group = futures[future]
            if (error := future.exception()) is not None:
                grading.failed |= {each.student: str(error) or type(error).__name__ for each in group}
            else:
                known.note(group[0].keys, future.result())
                for each in group:
                    each.outcomes |= {outcome.test: outcome for outcome in future.result()}
            grading.seconds = time.monotonic() - started
            yield grading
    finally:
        for future in futures:
            future.cancel()
    grading.seconds = time.monotonic() - started
    yield grading


def _try_reference(grading: Grading, known: Known, pool) -> None:
    own = grading.reference
    if missing(own):
        outcomes = pool.grade(Job(grading.assignment, own.submission.answers, missing(own))).result()
        known.note(own.keys, outcomes)
        own.outcomes |= {outcome.test: outcome for outcome in outcomes}
        new = {
            own.keys[outcome.test]: outcome for outcome in outcomes
        }  # not what an earlier run knew: this one may be fresh
        for each in grading.open():
            each.outcomes |= {test: new[each.keys[test]] for test in missing(each) if each.keys[test] in new}
    for outcome in own.outcomes.values():
        if not _full(outcome):
            said = " / ".join((outcome.message, *outcome.notes))
            raise RuntimeError(
                f"nobody was graded: the reference solution itself does not pass {outcome.test} here "
                f"({outcome.verdict}: {said}). Mend the exercise, or this machine's isolation."
            )


@dataclass(frozen=True)
class Change:
    """A grade that would not stay as it is; `before` None stands for a test that was not graded yet."""

    student: str
    test: str
    before: float | None
    after: float


def changes(before: dict[str, dict[str, Mark]], grading: Grading) -> list[Change]:
    """What writing this grading would change in the gradebook, in grades that stand there."""
    found = []
    for student, each in grading.handed.items():
        for test, outcome in each.outcomes.items():
            mark = before.get(student, {}).get(test)
            if mark and mark.auto is not None and outcome.verdict != "not gradable" and mark.auto != outcome.points:
                found.append(Change(student, test, mark.auto, outcome.points))
    return found


def save(course: Course, grading: Grading) -> None:
    """Write the grades into the gradebook, the notebooks that formgrader shows, and what report and feedback read."""
    done = [each for each in grading.handed.values() if each.student not in grading.failed and not missing(each)]
    release = json.loads(course.notebook("release", grading.slug).read_text("utf8"))
    for each in done:
        path = course.notebook("autograded", grading.slug, each.student)
        autograded(path, release, each.submission, each.outcomes)
    gradebook.record(course, grading.slug, [_graded(grading.assignment, each) for each in done])
    path = course.own(f"{grading.slug}.json")
    students = load(course, grading.slug)["students"] if path.exists() else {}
    students |= {each.student: _summary(each) for each in done}
    head = {"slug": grading.slug, "level": grading.level, "date": f"{datetime.now():%Y-%m-%d %H:%M}"}
    write_json(path, head | {"seconds": round(grading.seconds, 1), "students": dict(sorted(students.items()))})


def _graded(assignment: Assignment, each: Handed) -> Graded:
    """A test is looked at by a human where an answer before it was not surely found, or the file not read."""
    look, doubtful = set(), False
    for cell in assignment.cells:
        doubtful = doubtful or bool(each.wrong) or cell.name in each.submission.doubtful
        look |= (
            {cell.name} if doubtful and each.outcomes.get(cell.name) and not _full(each.outcomes[cell.name]) else set()
        )
    outcomes = tuple(each.outcomes.values())
    return Graded(each.student, outcomes, frozenset(look), each.submission.unedited, each.stamp)


def _full(outcome: Outcome) -> bool:
    return outcome.points >= outcome.max_points


def _summary(each: Handed) -> dict:
    return {
        "wrong": each.wrong,
        "answers": each.submission.answers,
        "texts": each.submission.texts,
        "unedited": sorted(each.submission.unedited),
        "findings": [asdict(finding) for finding in each.submission.findings],
        "outcomes": {test: asdict(outcome) for test, outcome in each.outcomes.items()},
    }


def load(course: Course, slug: str) -> dict:
    """What the last run has left for report and feedback; a `ValueError` where there was none."""
    path = course.own(f"{slug}.json")
    if not path.exists():
        raise ValueError(f"{slug} was not graded yet: run `cnnlab grade run {slug}` first")
    return json.loads(path.read_text("utf8"))
