"""The record of a check: how good an exercise's tests are, kept beside the exercise until either changes.

Its two parts are measured one by one: `verdicts`, of all trials in both modes, and `luck`. Each has a digest of what it was
measured on.
"""

import ast
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from cnnlab.grading.chance import FAR
from cnnlab.grading.course import Course, write_json
from cnnlab.grading.definitions import plain
from cnnlab.grading.plain import say
from cnnlab.grading.quality import Tried, as_cells, variants

KINDS = {"reference": "full", "blank": "zero", "right": "kept", "wrong": "caught", "mutant": "caught"}


def read(path: Path) -> dict:
    """A record; an empty one where there is none."""
    return json.loads(path.read_text("utf8")) if path.exists() else {}


def write(path: Path, course: Course, slug: str, **part: dict) -> None:
    """Put `verdicts` or `luck` into a record, with digest and conditions; the other part stays."""
    conditions = {"date": f"{datetime.now():%Y-%m-%d}", "python": platform.python_version(), "torch": version("torch")}
    own = {name: {"digest": digest(course, slug)} | found | {"conditions": conditions} for name, found in part.items()}
    write_json(path, {"slug": slug} | read(path) | own)


def verdicts(tried: list[Tried], before: dict) -> dict:
    """What came of all trials. Counts are [in the sandbox, in one kernel, of how many].

    Of each mutant that survives a person says why; what stands in the record from `before` is kept.
    """
    why = before.get("verdicts", {}).get("survivors", {})
    survivors = [each.trial.name for each in tried if each.trial.kind == "mutant" and not each.good()]
    return {
        "counts": {kind: counts(tried, kind) for kind in KINDS},
        "disagree": [f"{each.trial.kind} {each.trial.name}".strip() for each in tried if not each.agrees],
        "survivors": {name: why.get(name, "") for name in survivors},
    }


def counts(tried: Iterable[Tried], kind: str) -> list[int]:
    """How many trials of a kind came out as they should in each mode, and of how many."""
    of_kind = [each for each in tried if each.trial.kind == kind]
    return [sum(each.good(mode) for each in of_kind) for mode in (0, 1)] + [len(of_kind)]


def luck(course: Course, slug: str, seeds: int, workers: int | None = None) -> dict:
    """What `seeds` seeds make of each test that draws: {test: {answers: failures and margin}}.

    The answers are the reference and, where it does not draw itself, the right ones that do. A measurement that was
    interrupted goes on.
    """
    assignment, path, found = course.assignment(slug), course.own(f"{slug}.luck.json"), {}
    known, runs = read(path), list(_runs(course, slug))

    def measured(run: tuple[str, dict, str]) -> dict | None:
        task = {"cells": as_cells(assignment), "answers": run[1], "test": run[2], "seeds": seeds}
        key = _key(**task)
        if key not in known:
            (known[key],) = say("cnnlab.grading.chance", task)
            write_json(path, dict(known))
        return known[key]

    with ThreadPoolExecutor(workers) as pool:
        for (name, _, test), result in zip(runs, pool.map(measured, runs), strict=True):
            if result:
                found.setdefault(test, {})[name] = result
    return {"seeds": seeds, "tests": found}


def _runs(course: Course, slug: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Name, answers and test of all that is measured."""
    assignment, right = course.assignment(slug), variants(course, slug)
    reference = {cell.name: cell.source for cell in assignment.of_kind("answer")}
    for name, source in reference.items():
        yield "reference", reference, f"test-{name}"
        for other, (_, answers) in right.items():
            if "rand" in answers.get(name, "") and "rand" not in source and other.startswith("right_"):
                yield other, reference | answers, f"test-{name}"


def _key(cells: list[list[str]], answers: dict[str, str], test: str, seeds: int) -> str:
    """A fingerprint of all that a measurement runs, comments aside."""
    ends = [name for _, name, _ in cells].index(test)
    run = [[name, _code(answers.get(name, source))] for kind, name, source in cells[:ends] if kind != "test"]
    return _hash([run, _code(cells[ends][2]), seeds])


def sentence(seeds: int, answers: dict[str, dict]) -> str:
    """What stands beside a test about luck: the failures, and the nearest margin, of all answers that were tried."""
    failures, margin = (
        sum(each["failures"] for each in answers.values()),
        min(each["margin"] for each in answers.values()),
    )
    tried = f"{seeds} seeds" + (f" with each of {len(answers)} answers" if len(answers) > 1 else "")
    near = f"{margin} standard deviations away" if margin < FAR else "out of reach"
    return f"Luck: {tried}, {failures or 'no'} failure{'s' * (failures > 1)}; the nearest threshold is {near}."


def digest(course: Course, slug: str) -> str:
    """A fingerprint of the exercise with its variants, comments aside: whether a record belongs to it or is stale."""
    parts: list = [[cell.kind, cell.name, cell.points, _code(cell.source)] for cell in course.assignment(slug).cells]
    for name, (loses, answers) in variants(course, slug).items():
        parts.append([name, sorted(loses), {each: _code(text) for each, text in sorted(answers.items())}])
    return _hash(parts)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _code(source: str) -> str:
    return ast.unparse(ast.parse(plain(source)))
