"""An assignment as plain data: the code cells of its source notebook, in order, and what a graded test came to."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")  # nbgrader's own marks


@dataclass(frozen=True)
class Cell:
    """A code cell. `kind` is "given" (the instructor's, run on both sides), "answer" (the student's), or "test".

    `source` is the instructor's: the reference solution of an answer, a test with its hidden part. `binds` are the names
    that the reference binds: what a test may ask of the student's side.
    """

    kind: str
    name: str
    source: str
    points: float = 0.0
    binds: tuple[str, ...] = ()

    @property
    def mentions(self) -> set[str]:
        """The names that stand in the source."""
        try:
            return {node.id for node in ast.walk(ast.parse(self.source)) if isinstance(node, ast.Name)}
        except SyntaxError:
            return set()


@dataclass(frozen=True)
class Assignment:
    """The code cells of one exercise, in the order in which they run."""

    slug: str
    cells: tuple[Cell, ...]

    def of_kind(self, kind: str) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind == kind)


@dataclass(frozen=True)
class Outcome:
    """What one test came to.

    `verdict` is one of `VERDICTS`; `message` is plain text for the student, without any line of a hidden test; `hidden`
    says that it failed in the hidden part; `notes` are for the instructor: the end of stderr, limits that fired.
    """

    test: str
    verdict: str
    points: float
    max_points: float
    message: str = ""
    hidden: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


VERDICTS = {
    "passed": "every check held",
    "failed": "a check did not hold, or the student's code raised",
    "crashed": "the student's process ended, or broke the rules of the channel",
    "out of time": "the test and what it called took longer than the limit",
    "out of memory": "the student's process asked for more than the limit",
    "not gradable": "the test asks for what cannot cross between processes: the author's fault, never the student's",
}


def read_assignment(path: Path) -> Assignment:
    """The assignment in a source notebook of nbgrader's; a `ValueError` names the file and cell that is amiss."""
    cells = json.loads(path.read_text("utf8"))["cells"]
    found = tuple(_cell(cell, path) for cell in cells if cell["cell_type"] == "code" and not _installs(cell))
    names = [cell.name for cell in found]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"{path}: cell names {sorted(doubled)} stand more than once; give each cell a grade_id of its own"
        )
    return Assignment(path.stem, found)


def _installs(cell: dict) -> bool:
    return "install" in cell["metadata"].get("tags", [])


def _cell(cell: dict, path: Path) -> Cell:
    mark = cell["metadata"].get("nbgrader", {})
    source = "".join(cell["source"])
    name = mark.get("grade_id") or cell.get("id") or ""
    if mark.get("solution"):
        return Cell("answer", name, source, binds=bound_names(source, f"{path}, cell {name}"))
    if mark.get("grade"):
        return Cell("test", name, source, float(mark["points"]))
    return Cell("given", name, source)


def bound_names(source: str, where: str) -> tuple[str, ...]:
    """The public names that a cell binds at its top level, in order: functions, classes, assignments."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"{where}: line {error.lineno} is not Python: {error.msg}") from None
    names: list[str] = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_")))
