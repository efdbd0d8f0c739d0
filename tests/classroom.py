"""A class for the tests of grading: a course, notebooks that students hand in, and a grader that needs no processes."""

import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cnnlab.grading.assignment import Outcome, read_assignment

EXERCISES = Path(__file__).resolve().parents[1] / "exercises"


def reference(slug: str) -> dict[str, str]:
    assignment = read_assignment(EXERCISES / "source" / slug / f"{slug}.ipynb")
    return {cell.name: cell.source for cell in assignment.of_kind("answer")}


def notebook(slug: str, answers: dict[str, str] | None = None) -> dict:
    """The released notebook with these answers in it."""
    found = json.loads((EXERCISES / "release" / slug / f"{slug}.ipynb").read_text("utf8"))
    for cell in found["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = (answers or {}).get(name, cell["source"])
    return found


def handed_in(slug: str, answers: dict[str, str] | None = None) -> bytes:
    return json.dumps(notebook(slug, answers)).encode()


def zipped(path: Path, files: dict[str, bytes], when: tuple = (2026, 11, 20, 12, 0, 0)) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), data)
    return path


@dataclass(frozen=True)
class Level:
    name: str = "pretense"
    covers: str = "nothing is run at all"


@dataclass(frozen=True)
class Limits:
    cell_seconds: float = 20
    test_seconds: float = 20
    total_seconds: float = 60


class FakeGrader:
    """Gives full points for the reference's own text, none for another; `calls` has what it was asked."""

    calls: list[tuple[str, ...]] = []
    before: Callable[[], None] = staticmethod(lambda: None)  # called before each submission

    def __init__(self, level=None, limits=None, trust=False):
        self.level = level or Level()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def grade(self, assignment, answers, tests=None, seed=0):
        type(self).before()
        time.sleep(float(os.environ.get("FAKE_SECONDS", 0)))
        type(self).calls.append(tuple(tests))
        right = {cell.name: cell.source for cell in assignment.of_kind("answer")}
        return [self._outcome(cell, answers, right) for cell in assignment.of_kind("test") if cell.name in tests]

    def _outcome(self, cell, answers, right) -> Outcome:
        name = cell.name.removeprefix("test-")
        said = answers.get(name, "")
        if said.strip() == right[name].strip():
            return Outcome(cell.name, "passed", cell.points, cell.points, seconds=0.25)
        for verdict in ("crashed", "out of time", "not gradable"):
            if verdict in said:
                return Outcome(cell.name, verdict, 0, cell.points, f"it {verdict}", notes=(f"note of {verdict}",))
        return Outcome(cell.name, "failed", 0, cell.points, f"<b>wrong</b>: {said[:60]}", "hidden" in said, 0.5)


def pretend() -> type[FakeGrader]:
    """Put the fake where `cnnlab grade run` looks for its engine; gives its class, with no call noted yet."""
    engine = ModuleType("cnnlab.grading.engine")
    engine.Grader = type("Grader", (FakeGrader,), {"calls": []})
    engine.Limits, engine.probe = Limits, Level
    sys.modules["cnnlab.grading.engine"] = engine
    return engine.Grader


def install(monkeypatch) -> type[FakeGrader]:
    """`pretend`, for one test."""
    monkeypatch.setitem(sys.modules, "cnnlab.grading.engine", None)
    return pretend()
