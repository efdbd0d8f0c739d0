"""How good an exercise's tests are: the reference passes, nothing passes for nothing, wrong answers lose, right ones do not.

Every trial is graded twice: in the sandbox, as a class is, and in one interpreter, as a student's own kernel does. Where the
two disagree, no student should see the exercise.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnlab.grading.assignment import Assignment
from cnnlab.grading.course import Course, write_json
from cnnlab.grading.mutants import mutants
from cnnlab.grading.outcomes import Known, code_version, keys
from cnnlab.grading.plain import say
from cnnlab.grading.workers import Job

MODES = ("in the sandbox", "in one kernel")
LIMITS = (
    ("cell_seconds", 300),
    ("test_seconds", 300),
    ("total_seconds", 900),
)  # a busy machine is no fault of the exercise


@dataclass(frozen=True)
class Trial:
    """Answers, the tests that they concern, and those they must lose; None where nobody has said (a mutant)."""

    kind: str
    name: str
    answers: dict[str, str]
    tests: tuple[str, ...]
    loses: frozenset[str] | None


@dataclass(frozen=True)
class Tried:
    """What a trial lost in each of `MODES`."""

    trial: Trial
    lost: tuple[frozenset[str], frozenset[str]]

    @property
    def agrees(self) -> bool:
        return self.lost[0] == self.lost[1]

    def good(self, mode: int = 0) -> bool:
        """What was promised was lost, and nothing else; a mutant is caught by any loss."""
        return bool(self.lost[mode]) if self.trial.loses is None else self.lost[mode] == self.trial.loses


def trials(course: Course, slug: str, most: int = 10) -> list[Trial]:
    """The reference, the released stubs, the variants of the course, and at most `most` mutants of each answer."""
    assignment = course.assignment(slug)
    tests = tuple(cell.name for cell in assignment.of_kind("test"))
    reference = {cell.name: cell.source for cell in assignment.of_kind("answer")}
    blank = {slot.name: slot.stub for slot in course.slots(slug) if slot.kind == "answer"}
    found = [Trial("reference", "", reference, tests, frozenset()), Trial("blank", "", blank, tests, frozenset(tests))]
    for name, (loses, answers) in variants(course, slug).items():
        concerned = _concerned(assignment, answers)
        found.append(Trial(name.partition("_")[0], name, reference | answers, concerned, loses))
    for name, source in reference.items():
        concerned = _concerned(assignment, {name: source})
        for slip, text in mutants(source, most).items():
            found.append(Trial("mutant", f"{name}, {slip}", reference | {name: text}, concerned, None))
    return found


def variants(course: Course, slug: str) -> dict[str, tuple[frozenset[str], dict[str, str]]]:
    """By name: what each variant of an exercise loses, and its answers."""
    return {path.stem: _variant(path) for path in sorted((course.root / "variants" / slug).glob("*.py"))}


def _variant(path: Path) -> tuple[frozenset[str], dict[str, str]]:
    """What a file in `variants` says it loses, and its answers: the form stands in `exercises/README.md`."""
    text = path.read_text("utf8")
    loses = re.search(r"^# loses: (.+)$", text, flags=re.MULTILINE)
    parts = re.split(r"^# answer: (\S+)\n", text, flags=re.MULTILINE)[1:]
    return frozenset(loses[1].split() if loses else ()), dict(zip(parts[::2], parts[1::2], strict=True))


def _concerned(assignment: Assignment, answers: dict[str, str]) -> tuple[str, ...]:
    """The tests that follow one of these answers, up to the next answer."""
    found, open_ = [], False
    for cell in assignment.cells:
        if cell.kind == "answer":
            open_ = cell.name in answers
        elif cell.kind == "test" and open_:
            found.append(cell.name)
    return tuple(found)


def check(course: Course, slug: str, pool, most: int = 10) -> Iterator[Tried]:
    """Grade every trial in both ways, as each is done; at the end it is noted for `release` whether they agree."""
    assignment, known = course.assignment(slug), Known(course.own(f"{slug}.outcomes.jsonl"))
    every, disagree = trials(course, slug, most), []
    futures = [_graded(assignment, known, pool, each) for each in every]
    for trial, lost, together in zip(every, futures, _together(assignment, every), strict=True):
        tried = Tried(trial, (lost(), together))
        disagree += [] if tried.agrees else [f"{trial.kind} {trial.name}".strip()]
        yield tried
    write_json(course.own(f"{slug}.check.json"), {"content": content(course, slug), "disagree": disagree})


def _graded(assignment: Assignment, known: Known, pool, trial: Trial):
    """A function that gives what is lost in the sandbox, once that is known."""
    wanted = {
        test: key
        for test, key in keys(assignment, trial.answers, f"{code_version()} {LIMITS}").items()
        if test in trial.tests
    }
    there = known.get(wanted)
    missing = tuple(test for test in wanted if test not in there)
    future = pool.grade(Job(assignment, trial.answers, missing)) if missing else None

    def lost() -> frozenset[str]:
        new = future.result() if future else []
        if new:
            known.note(wanted, new)
        return frozenset(each.test for each in (*there.values(), *new) if each.points < each.max_points)

    return lost


def as_cells(assignment: Assignment) -> list[list[str]]:
    """The cells as a process of `plain` or `chance` reads them."""
    return [[cell.kind, cell.name, cell.source] for cell in assignment.cells]


def _together(assignment: Assignment, every: list[Trial]) -> Iterator[frozenset[str]]:
    """What each trial loses where everything runs in one interpreter."""
    task = {"cells": as_cells(assignment), "trials": [[trial.answers, trial.tests] for trial in every]}
    for trial, passed in zip(every, say("cnnlab.grading.plain", task), strict=True):
        yield frozenset(trial.tests) - set(passed)


def content(course: Course, slug: str) -> str:
    """A fingerprint of the source as it was checked."""
    assignment = course.assignment(slug)
    reference = {cell.name: cell.source for cell in assignment.of_kind("answer")}
    return " ".join(keys(assignment, reference, code_version()).values())


def disagreements(course: Course, slug: str) -> list[str] | None:
    """The trials on which the last check of this very source disagreed; None where it was not checked."""
    path = course.root / ".cnnlab" / f"{slug}.check.json"
    noted = json.loads(path.read_text("utf8")) if path.exists() else {}
    return noted["disagree"] if noted.get("content") == content(course, slug) else None
