"""A record: what was measured, with its conditions. Written once by a machine, read by everything."""

import csv
import json
import math
import os
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.experiment import Experiment, Level, folder

# 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom
T975 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One training: `ended` is "finished" or "diverged at step n"; curves are columns, measures single numbers."""

    level: Level
    seed: int
    seconds: float
    ended: str
    measures: dict[str, float | None]
    curves: dict[str, list]

    @property
    def diverged(self) -> bool:
        return self.ended != "finished"


@dataclass(frozen=True)
class Interval:
    """A mean with the half-width of its 95 % t-interval over `n` seeds; `sees` is false where zero lies inside."""

    mean: float
    half: float
    n: int

    @property
    def sees(self) -> bool:
        return abs(self.mean) > self.half

    def __str__(self) -> str:
        digits = max(1, -math.floor(math.log10(self.half))) if 0 < self.half < math.inf else 1
        half = f"± {self.half:.{digits}f}"
        return f"{self.mean:+.{digits}f} {half}" if self.sees else f"cannot tell ({half})"


@dataclass(frozen=True)
class Record:
    """Everything a figure may say. `smoke` marks a run that only shows that the machinery turns."""

    slug: str
    fingerprint: str
    size: str
    smoke: bool
    version: str
    date: str
    machine: dict
    data: dict
    baseline: dict
    factors: dict[str, list[str]]
    seeds: list[int]
    runs: list[Run] = field(default_factory=list)
    canary: dict[str, list[float]] = field(default_factory=dict)

    def at(self, **level: str) -> list[Run]:
        """The runs at a level, by seed: `record.at(initialization="he", activation="relu")`."""
        found = [run for run in self.runs if level.items() <= run.level.items()]
        if not found:
            raise ValueError(f"no run of {self.slug} is at {level}; its factors and levels are {self.factors}")
        return sorted(found, key=lambda run: run.seed)

    def values(self, measure: str, **level: str) -> list[float]:
        """One value a seed, in the order of the seeds; a missing measure (a diverged run) is nan."""
        values = (run.measures.get(measure) for run in self.at(**level))
        return [math.nan if value is None else value for value in values]

    def difference(self, measure: str, level: Level, other: Level) -> Interval:
        """`level` minus `other`, seed by seed, with a 95 % t-interval; both name a level of every factor."""
        one, two = self._by_seed(measure, level), self._by_seed(measure, other)
        return interval([one[seed] - two[seed] for seed in sorted(one.keys() & two.keys())])

    def _by_seed(self, measure: str, level: Level) -> dict[int, float]:
        if set(level) != set(self.factors):
            raise ValueError(f"a difference needs a level of each factor ({', '.join(self.factors)}); got {level}")
        runs = self.at(**level)
        return dict(zip((run.seed for run in runs), self.values(measure, **level), strict=True))

    def conditions(self) -> str:
        """One sentence under which every number of this record stands: data, net, training, seeds, machine, date."""
        b, m = self.baseline, self.machine
        side = f" at {b['image_size']} x {b['image_size']} pixels" if b["image_size"] else ""
        minutes = sum(run.seconds for run in self.runs) / 60
        length = f"{b['steps']} steps" if b["steps"] else f"{b['epochs']} epochs"
        return (
            f"{self.data['name']}, {self.data['train_images']:,} training images{side}; {b['model']} net of depth "
            f"{b['depth']} and width {b['width']}; {length} of batch {b['batch_size']}, lr {b['lr']}, {b['schedule']}; "
            f"{len(self.seeds)} seeds; {len(self.runs)} runs, {minutes:.0f} minutes of training; {m['device']} "
            f"({m['processor']}), {m['threads']} thread, {m['precision']}, torch {m['torch']}, cnnlab {self.version}, "
            f"{self.date}. A linear model on the same pixels, trained likewise: {self.data['linear_accuracy']:.1f} %."
        )

    def save(self, path: str | Path) -> Path:
        """Write atomically: a temporary file beside it, then a rename. Numbers keep four digits."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            part.write_text(_dumps(_four_digits(asdict(self))), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def is_stale(self, experiment: Experiment) -> bool:
        """True where the experiment's question has changed since this was measured."""
        return self.fingerprint != experiment.fingerprint


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation; nan where a value is not finite, and for the deviation of fewer than two."""
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def interval(values: list[float]) -> Interval:
    """Mean and half-width $t_{.975, n-1}\\, s / \\sqrt{n}$; needs at least two values."""
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two seeds; got {len(values)}")
    t = T975[min(len(values) - 1, len(T975)) - 1]
    mean, deviation = spread(values)
    return Interval(mean, t * deviation / math.sqrt(len(values)), len(values))


def load(name: str | Path) -> Record:
    """The record of an experiment by its slug (from the package), or by the path of its `.json`."""
    file = Path(name) if str(name).endswith(".json") else folder() / f"{name}.json"
    if not file.is_file():
        path = f"{name}" if file == name else f"records/{name}.json"
        raise FileNotFoundError(
            f'there is no record "{name}" in the package; cnnlab run measures an experiment of `cnnlab list`, and leaves '
            f"its record in a folder: name the file, as {path}"
        )
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        return Record(**{**table, "runs": [Run(**run) for run in table["runs"]]})
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{name} is not a record of cnnlab ({error}); measure it again, or name another file"
        ) from error


def _four_digits(value):
    """Numbers with four digits; what is not finite becomes null, because JSON knows no NaN."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: v if key == "canary" else _four_digits(v) for key, v in value.items()}
    return [_four_digits(v) for v in value] if isinstance(value, list | tuple) else value


def _dumps(table: dict) -> str:
    """JSON with a line a run, so that a diff shows which run changed."""
    runs = ",\n".join("  " + json.dumps(run) for run in table["runs"])
    rest = json.dumps({**table, "runs": "RUNS"}, indent=1)
    return rest.replace('"runs": "RUNS"', f'"runs": [\n{runs}\n ]', 1) + "\n"


def published(table: str, measure: str = "test_accuracy") -> list[dict]:
    """A table of the sources, a row a cell: its levels by factor, `measure` as a float or None, `note` and `source`."""
    here = folder() / "published"
    names = {entry.name[:-4]: entry for entry in here.iterdir() if entry.name.endswith(".csv")}
    text = choose(names, table, "published table").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [{**row, measure: float(row[measure]) if row[measure] else None} for row in rows]
