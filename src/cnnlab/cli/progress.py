"""How far a measurement is: redrawn in place in a terminal, elsewhere a plain line now and then."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest
from statistics import fmean

from cnnlab.cli.output import clock, console, label, sparkline
from cnnlab.experiment import Level
from cnnlab.record import Record, Run

EVERY = 30.0  # seconds between two plain lines
POINTS = 24  # of a curve

Job = list[tuple[Level, int]]


@dataclass
class Progress:
    """What is known of a measurement while it runs: its jobs in the order they are started, the runs done so far.

    `workers` is None where their number is not known; then the jobs done so far tell how long the rest takes. `news` gives
    the curves of the runs in training, under level and seed.
    """

    title: str
    jobs: list[Job]
    workers: int | None
    news: Callable[[], dict[tuple[str, int], list[float]]] = dict
    runs: list[Run] = field(default_factory=list)
    finished: int = 0  # jobs, under this command
    started: float = field(default_factory=time.monotonic)
    changed: float = field(default_factory=time.monotonic)

    def note(self, record: Record) -> None:
        """Take over a state of the record, of which a job is new."""
        self.runs, self.changed = record.runs, time.monotonic()
        self.finished += 1

    def open(self) -> list[Job]:
        """The jobs that are not done."""
        done = {(label(run.level), run.seed) for run in self.runs}
        return [job for job in self.jobs if any((label(level), seed) not in done for level, seed in job)]

    def left(self) -> float | None:
        """Seconds until all is done, None before the first run: a run takes what the last one at its level took."""
        if not self.runs:
            return None
        if self.workers:
            usual, of_level = fmean(run.seconds for run in self.runs), {label(r.level): r.seconds for r in self.runs}
            jobs = [sum(of_level.get(label(level), usual) for level, _ in job) for job in self.open()]
            todo = max(sum(jobs) / self.workers, *jobs, 0)
        else:
            todo = len(self.open()) * (self.changed - self.started) / self.finished
        return max(1.0, todo - (time.monotonic() - self.changed))

    def line(self) -> str:
        """`12 of 120 runs, 2 diverged, about 40 min left`."""
        parts = [f"{len(self.runs)} of {sum(map(len, self.jobs))} runs"]
        if diverged := sum(run.diverged for run in self.runs):
            parts.append(f"{diverged} diverged")
        if self.open():
            left = self.left()
            parts.append("no time known before the first run" if left is None else f"about {clock(left)} left")
        return ", ".join(parts)

    def now(self) -> str:
        """What is being trained: workers take the jobs in order. Empty where their number is not known."""
        return ";  ".join(map(_job, self.open()[: self.workers or 0]))

    def view(self):
        """All of it for a terminal: two lines, and a curve for each level that has a finished run."""
        from rich.console import Group
        from rich.text import Text

        head = [Text(self.title, style="bold"), Text(f"{self.line()}; {clock(time.monotonic() - self.started)} so far")]
        if now := self.now():
            doing = "in training" if self.finished else "first a look at data and code, then"
            head.append(Text(f"{doing}: {now}", style="dim", overflow="ellipsis", no_wrap=True))
        current = {run: _finite(line) for run, line in self.news().items()}
        return Group(*head, *([self._curves(current)] if self.runs or current else []))

    def _curves(self, current: dict[tuple[str, int], list[float]]):
        """A line for each level that has a finished run, and one for each run in training."""
        from rich.table import Table

        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            groups.setdefault(label(run.level), []).append(run)
        curves = {level: curve(runs) for level, runs in groups.items()}
        low, high = _range([*curves.values(), *current.values()])
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("level")
        table.add_column(f"valid accuracy, {low:.0f} to {high:.0f} %", no_wrap=True)
        for name in ("last, %", "runs", "diverged"):
            table.add_column(name, justify="right")
        for level, runs in groups.items():
            line, diverged = curves[level], sum(run.diverged for run in runs)
            last = f"{line[-1]:.1f}" if line else ""
            table.add_row(level, sparkline(_thin(line), low, high), last, str(len(runs)), str(diverged or ""))
        for (level, seed), line in current.items():
            last = f"{line[-1]:.1f}" if line else ""
            table.add_row(f"{level}, seed {seed}", sparkline(_thin(line), low, high), last, "now", "", style="dim")
        return table


def _job(job: Job) -> str:
    (level, seed), *others = job
    return f"all levels at seed {seed}" if others else f"{label(level)}, seed {seed}"


def curve(runs: list[Run]) -> list[float]:
    """The mean valid accuracy over the runs at each epoch; a diverged run counts as far as it has numbers."""
    columns = zip_longest(*(run.curves.get("valid_accuracy", ()) for run in runs))
    kept = ([value for value in column if value is not None and math.isfinite(value)] for column in columns)
    return [fmean(values) for values in kept if values]


def _finite(line: list[float]) -> list[float]:
    return [value for value in line if math.isfinite(value)]


def _range(curves) -> tuple[float, float]:
    values = [value for line in curves for value in line]
    return (min(values), max(values)) if values else (0.0, 100.0)


def _thin(line: list[float]) -> list[float]:
    """At most `POINTS` of a curve, the last among them."""
    step = -(-len(line) // POINTS) or 1
    return line[::-1][::step][::-1]


def watch(states: Iterator[Record], progress: Progress) -> Record:
    """Show the states of a measurement as they come; the last of them. The measurement is closed whatever happens."""
    screen = console()
    with closing(states):
        return (_live if screen.file.isatty() and screen.is_interactive else _plain)(states, progress, screen)


def _live(states: Iterator[Record], progress: Progress, screen) -> Record:
    from rich.live import Live

    with Live(get_renderable=progress.view, console=screen, refresh_per_second=2):
        for state in states:
            progress.note(state)
    return state


def _plain(states: Iterator[Record], progress: Progress, _screen) -> Record:
    print(f"{progress.title}: {progress.line()}", flush=True)
    said = -math.inf
    for state in states:
        progress.note(state)
        if progress.open() and time.monotonic() - said >= EVERY:
            print(progress.line(), flush=True)
            said = time.monotonic()
    print(progress.line(), flush=True)
    return state
