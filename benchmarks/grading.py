"""Grading a notebook with four torch tests: nbgrader's own API against our warm servers, and ours over 200 submissions."""

import contextlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from cnnlab.grading.assignment import Assignment, read_assignment
from cnnlab.grading.engine import Grader, probe
from cnnlab.grading.watch import private, processes

SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\nfrom cnnlab import check"
QUESTIONS = {  # answer, test
    "scaled": (
        "def scaled(x):\n    return (x - x.mean()) / x.std()",
        "for seed in range(5):\n    x = torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 3 + 1\n"
        "    check.close(scaled(x).mean(), 0.0, atol=1e-5)\n    check.close(scaled(x).std(), 1.0)",
    ),
    "softplus": (
        "def softplus(x):\n    return torch.logaddexp(x, torch.zeros_like(x))",
        "x = torch.linspace(-9, 9, 1001, requires_grad=True)\n"
        "check.close(torch.autograd.grad(softplus(x).sum(), x)[0], x.detach().sigmoid(), atol=1e-5)",
    ),
    "block": (
        "class Block(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
        "        self.conv, self.norm = nn.Conv2d(n, n, 3, padding=1), nn.BatchNorm2d(n)\n\n"
        "    def forward(self, x):\n        return x + F.relu(self.norm(self.conv(x)))",
        "block = Block(4)\nx = torch.randn(2, 4, 6, 6)\ncheck.close(tuple(block(x).shape), (2, 4, 6, 6))\n"
        "block(x).square().mean().backward()\nassert all(p.grad is not None for p in block.parameters())",
    ),
    "norms": (
        "def norms(model):\n    return [p.norm().item() for p in model.parameters()]",
        "model = nn.Sequential(nn.Linear(9, 5), nn.ReLU(), nn.Linear(5, 2))\n"
        "check.close(tuple(norms(model)), tuple(p.norm().item() for p in model.parameters()))",
    ),
}


def four_tests() -> tuple[Callable, Callable] | str:
    """nbgrader's API on one submission, in a process that has imported it, and ours on the same."""
    if probe().name == "none":
        return "no isolation here: install bubblewrap"
    try:
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import Config
    except ImportError:
        return "nbgrader is not installed: pip install 'nbgrader>=0.9.5'"
    course = _course()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic
    api = NbGraderAPI(config=Config({"CourseDirectory": {"root": str(course), "course_id": "speed"}}))
    with contextlib.redirect_stderr(io.StringIO()):
        api.generate_assignment("four")
    shutil.copytree(course / "source/four", course / "submitted/ada/four")

    def theirs() -> None:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            done = api.autograde("four", "ada", force=True)
        if not done["success"]:
            raise RuntimeError(done["error"] or done["log"][-2000:])

    assignment, answers = _four(course)
    return theirs, _grades(Grader().__enter__(), assignment, answers)


def seconds_each() -> list[float] | str:
    """Seconds of our grader for a submission, 20 times, once the servers are warm."""
    return _measured(20, lambda grader: None)[0]


def growth() -> list[float] | str:
    """MB by which the two servers grow over 200 submissions."""
    return _measured(
        200, lambda grader: [sum(map(private, processes(s.process.pid))) for s in (grader.answers, grader.tests)]
    )[1]


def _measured(count: int, look: Callable) -> tuple[list[float], list[float]] | tuple[str, str]:
    if probe().name == "none":
        return ("no isolation here: install bubblewrap",) * 2
    assignment, answers = _four(_course())
    found = []
    with Grader() as grader:
        grade = _grades(grader, assignment, answers)
        grade(), grade()
        before = look(grader)
        for _ in range(count):
            start = time.perf_counter()
            grade()
            found.append(time.perf_counter() - start)
        grown = [(b - a) / 1e6 for a, b in zip(before, look(grader), strict=True)] if before else []
    print(f" {statistics.median(found):.2f} s each", end="", file=sys.stderr)
    return found, grown


def _grades(grader: Grader, assignment: Assignment, answers: dict[str, str]) -> Callable:
    def ours() -> None:
        outcomes = grader.grade(assignment, answers)
        if [each.verdict for each in outcomes] != ["passed"] * len(QUESTIONS):
            raise RuntimeError(f"not all tests passed: {outcomes}")

    return ours


def _four(course: Path) -> tuple[Assignment, dict[str, str]]:
    assignment = read_assignment(course / "source/four/four.ipynb")
    return assignment, {cell.name: cell.source for cell in assignment.of_kind("answer")}


def _course() -> Path:
    """A course of nbgrader's with one notebook of four questions."""
    cells = [new_code_cell(SETUP, metadata=_mark("setup"))]
    for name, (answer, test) in QUESTIONS.items():
        wrapped = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
        cells.append(new_code_cell(wrapped, metadata=_mark(name, solution=True, locked=False)))
        cells.append(new_code_cell(test, metadata=_mark(f"test-{name}", grade=True, points=1)))
    folder = Path(tempfile.mkdtemp(prefix="cnnlab-bench-"))
    (folder / "source/four").mkdir(parents=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "source/four/four.ipynb")
    return folder


def _mark(name: str, **flags: object) -> dict:
    plain = {"grade": False, "grade_id": name, "locked": True, "schema_version": 3, "solution": False, "task": False}
    return {"nbgrader": plain | flags}
