"""The cells of a students' version, what stands in their place in what is handed in, and what was found on the way."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from cnnlab.grading.assignment import Assignment

SURE, DOUBTFUL = 1.0, 0.75  # below the second somebody should look


@dataclass(frozen=True)
class Slot:
    """A cell of the students' version, and what stands in its place in what they hand in.

    `kind` is "answer" or "text" (the student's, in code or prose), "test" or "given" (the instructor's). `names` is what
    an answer defines.
    """

    kind: str
    name: str
    stub: str
    code: bool = True
    cell_id: str = ""
    names: tuple[str, ...] = ()

    @property
    def theirs(self) -> bool:
        return self.kind in ("answer", "text")


@dataclass(frozen=True)
class Finding:
    """Something to know about a submission: which cell, how it was found or what was done, and how sure that is."""

    cell: str
    how: str
    confidence: float
    says: str


@dataclass(frozen=True)
class Submission:
    """What a student handed in: answers by name, with what was found on the way.

    `unedited` are the answers that are still as released; `texts` the answers in prose.
    """

    answers: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unedited: frozenset[str] = frozenset()

    @property
    def doubtful(self) -> set[str]:
        """The answers of which it is not sure that they are the student's: a human should look."""
        return {each.cell for each in self.findings if each.cell and each.confidence < DOUBTFUL}


def slots(release: Path, assignment: Assignment) -> list[Slot]:
    """The cells of the students' version that nbgrader knows."""
    names = {cell.name: cell.binds for cell in assignment.of_kind("answer")}
    cells = json.loads(release.read_text("utf8"))["cells"]
    found = [_slot(cell) for cell in cells if "nbgrader" in cell["metadata"]]
    return [Slot(*parts, names.get(parts[1], ())) for parts in found]


def _slot(cell: dict) -> tuple:
    mark, code = cell["metadata"]["nbgrader"], cell["cell_type"] == "code"
    kind = "test" if mark.get("grade") else "given"
    if mark.get("solution"):
        kind = "answer" if code else "text"
    return kind, mark["grade_id"], "".join(cell["source"]), code, cell.get("id", "")


def same(one: str, other: str) -> bool:
    """Whether two cells are the same text, spaces at the ends of lines and empty lines aside."""
    return _lines(one) == _lines(other)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]
