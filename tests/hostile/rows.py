"""What a row of the corpus is, and the two questions that are attacked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.engine import Limits

SETUP = "import torch\nfrom torch import nn\n\nfrom cnnlab import check"
DOUBLE = "def double(x, f=None):\n    return 2 * x"
TOTAL = "def total(values):\n    return sum(values)"
TEST_DOUBLE = """torch.manual_seed(1)
x = torch.randn(3, 4)
got = double(x.clone(), lambda z: z + 1)
check.close(got, 2 * x, hint="Twice.")
### BEGIN HIDDEN TESTS
secret = "the hidden 31337"
assert (x != 0).all() and torch.randn(5).std() > 0
y = torch.rand(7) + 1
check.close(double(y.clone()), 2 * y)
### END HIDDEN TESTS
"""
TEST_TOTAL = "check.close(total([1, 2, 3]), 6)\ncheck.close(total([0.5, 4]), 4.5)"
SLUG = "attacked"
ASSIGNMENT = Assignment(
    SLUG,
    (
        Cell("given", "setup", SETUP),
        Cell("answer", "double", DOUBLE, binds=("double",)),
        Cell("test", "test-double", TEST_DOUBLE, 2.0),
        Cell("answer", "total", TOTAL, binds=("total",)),
        Cell("test", "test-total", TEST_TOTAL, 3.0),
    ),
)
LIMITS = Limits(
    cell_seconds=3, test_seconds=3, total_seconds=60, memory_mb=300, processes=12, file_mb=8, output_kb=8, message_mb=4
)

TIME, MEMORY, CRASH, FAIL, PASS = "out of time", "out of memory", "crashed", "failed", "passed"
REFUSED = "refused"  # a file that is not read: a person looks
LOST = {TIME, MEMORY, CRASH, FAIL}  # which of them depends on who is first


@dataclass(frozen=True)
class Attack:
    """`ours` is the verdict promised, or those of which one is; `row` is nbgrader's measured weakness that it repeats.

    `file` does something to what is handed in, given its folder and the notebook. `spoils` says that it may cost its own
    other question too. `says` stands in what our commands tell of a file.
    """

    code: str
    ours: str | set[str]
    row: str = ""
    file: Callable[[Path, dict], None] | None = None
    spoils: bool = False
    says: str = ""

    @property
    def promised(self) -> set[str]:
        return {self.ours} if isinstance(self.ours, str) else self.ours

    @property
    def deserves(self) -> float:
        """The points that the answer has earned."""
        return 2.0 if self.promised == {PASS} else 0.0


def indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def inside(body: str) -> str:
    """An attack when the test calls."""
    return f"import os, sys\ndef double(x, f=None):\n{indented(body)}"


def finds(body: str) -> str:
    """An attack that looks for something: `found` true makes it answer rightly."""
    return inside(f"found = False\ntry:\n{indented(body)}\nexcept Exception:\n    pass\nreturn 2 * x if found else x")
