"""How far a grading is, for `progress.watch`: submissions done, what each test came to, the time left."""

import time
from collections import Counter
from dataclasses import dataclass, field

from cnnlab.cli.output import clock

ROUTINE = ("passed", "failed")
SOME = 5  # submissions after which the time left can be told: the first ones wait for the graders to start


@dataclass
class Marking:
    """What is known of a grading while it runs; `workers` is None where their number is not known."""

    grading: object  # a `running.Grading`
    workers: int | None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self):
        self.todo = len(self.grading.open())
        self.first: tuple[int, float] | None = None  # how many were open when the first had come, and when that was

    @property
    def title(self) -> str:
        return f"{self.grading.slug}, {len(self.grading.handed)} submissions"

    def note(self, grading) -> None:
        """Take over a state of the grading."""
        self.grading = grading
        if self.first is None and (left := len(self.open())) < self.todo:
            self.first = left, time.monotonic()

    def open(self) -> list:
        return self.grading.open()

    def line(self) -> str:
        """`120 of 200 submissions, 35 known before, about 40 s left`."""
        every, left = len(self.grading.handed), len(self.open())
        parts = [f"{every - left} of {every} submissions"]
        if known := sum(each.known >= len(each.keys) > 0 for each in self.grading.handed.values()):
            parts.append(f"{known} known before")
        if self.grading.failed:
            parts.append(f"{len(self.grading.failed)} not graded")
        if left and self.first and self.first[0] - left >= SOME:
            spent = time.monotonic() - self.first[1]
            parts.append(f"about {clock(max(1.0, spent / (self.first[0] - left) * left))} left")
        return ", ".join(parts)

    def view(self):
        """All of it for a terminal: two lines, and one for each test that has an outcome."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("test", "passed", "failed", "others"):
            table.add_column(name, justify="left" if name in ("test", "others") else "right")
        for test, counts in self.counts().items():
            others = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if verdict not in ROUTINE)
            table.add_row(test, str(counts["passed"]), str(counts["failed"]), others)
        head = Text(f"{self.line()}; {clock(time.monotonic() - self.started)} so far")
        return Group(Text(self.title, style="bold"), head, table)

    def counts(self) -> dict[str, Counter]:
        """Test to how many submissions have which verdict."""
        found: dict[str, Counter] = {}
        for each in self.grading.handed.values():
            for test, outcome in each.outcomes.items():
                found.setdefault(test, Counter())[outcome.verdict] += 1
        return found
