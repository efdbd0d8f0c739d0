"""A record: what was measured, with its conditions. Written once by a machine, read by everything."""

import csv
import json
import math
import os
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.config import Config
from cnnlab.experiment import Experiment, Level, folder

INSTRUMENT = 15  # points above a linear model on the same pixels, from which on a baseline shows what a network does
# What `Record.conditions` says of each setting, and what it says only of one away from its default.
SAID = {"model": "{} net", "depth": "depth {}", "width": "width {}", "activation": "{}", "initialization": "{} start",
        "batch_size": "batch {}", "lr": "lr {}", "schedule": "{} schedule"}  # fmt: skip
DEPARTURES = {"image_size": "{0} x {0} pixels", "placement": "batch norm {} the activation", "head": "head {}",
              "convolution": "{} convolutions", "padding": "{} padding", "pooling": "{} pooling"}  # fmt: skip
ELSEWHERE = {"dataset", "train_images", "epochs", "steps"}
# 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the last serves, a little too wide
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

    @property
    def width(self) -> str:
        """The half-width to one digit that counts, and at least one decimal."""
        digits = max(1, -math.floor(math.log10(self.half))) if 0 < self.half < math.inf else 1
        return f"{self.half:.{digits}f}"

    @property
    def numbers(self) -> str:
        """Mean and half-width, whether or not zero lies inside: `+0.3 ± 0.9`."""
        return f"{self.mean:+.{len(self.width.partition('.')[2])}f} ± {self.width}"

    def __str__(self) -> str:
        return self.numbers if self.sees else f"cannot tell (± {self.width})"


@dataclass(frozen=True)
class Record:
    """Everything a figure may say. `smoke` marks a run that only shows that the machinery turns.

    `varied` names the config fields that the factors change: of those, `baseline` says nothing about the runs. In a
    record older than that name, `load` takes the factors that are called like a field.
    """

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
    varied: list[str] = field(default_factory=list)

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
        return self.contrast(measure, [(1, level), (-1, other)])

    def contrast(self, measure: str, terms: list[tuple[int, Level]]) -> Interval:
        """The sum of `measure` at each level times its sign, seed by seed, over the seeds that all of them have."""
        columns = [(sign, self._by_seed(measure, level)) for sign, level in terms]
        seeds = sorted(set.intersection(*(set(column) for _, column in columns)))
        return interval([sum(sign * column[seed] for sign, column in columns) for seed in seeds])

    def _by_seed(self, measure: str, level: Level) -> dict[int, float]:
        if set(level) != set(self.factors):
            raise ValueError(f"a difference needs a level of each factor ({', '.join(self.factors)}); got {level}")
        runs = self.at(**level)
        return dict(zip((run.seed for run in runs), self.values(measure, **level), strict=True))

    def conditions(self) -> str:
        """One sentence under which every number of this record stands: data, net, training, seeds, machine, date."""
        m, minutes = self.machine, sum(run.seconds for run in self.runs) / 60
        images = "" if "train_images" in self.varied else f", {self.data['train_images']:,} training images"
        varied = f"; varied: {', '.join(self.varied).replace('_', ' ')}" if self.varied else ""
        return (
            f"{self.data['name']}{images}; {', '.join(self._fixed())}{varied}; "
            f"{len(self.seeds)} seeds; {len(self.runs)} runs, {minutes:.1f} minutes of training; {m['device']} "
            f"({m['processor']}), {m['threads']} thread{'s' * (m['threads'] > 1)}, trained {m['engine']}, "
            f"{m['precision']}, torch {m['torch']}, cnnlab {self.version}, {self.date}. "
            f"A linear model on the same pixels, trained likewise: {self.data['linear_accuracy']:.1f} %."
        )

    def _fixed(self) -> list[str]:
        """The settings that no factor varies: the main ones, the length, and what departs from the defaults."""
        usual = Config().flat()
        here = {name: value for name, value in (usual | self.baseline).items() if name not in self.varied}
        main = [phrase.format(here[name]) for name, phrase in SAID.items() if name in here]
        steps, epochs = here.get("steps"), here.get("epochs")
        length = [] if {"steps", "epochs"} & set(self.varied) else [f"{steps} steps" if steps else f"{epochs} epochs"]
        away = [name for name in here if here[name] != usual[name] and name not in SAID.keys() | ELSEWHERE]
        return main + length + [_departure(name, here[name]) for name in away]

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

    def baseline_level(self, experiment: Experiment) -> Level:
        """The level that changes nothing of the baseline; where no level does, the one with the best mean accuracy."""
        home = experiment.baseline_at(self.size)
        same = [level for level in experiment.levels() if experiment.config(level, self.size) == home]
        best = max(experiment.levels(), key=lambda level: spread(self.values("test_accuracy", **level))[0])
        return same[0] if same else best

    def standing(self, experiment: Experiment) -> str:
        """`measured`, or why nothing may be concluded: `smoke`, `stale`, `no instrument`.

        No instrument is a baseline with less than 15 points more than a linear model on the same pixels.
        """
        if self.smoke or self.is_stale(experiment):
            return "smoke" if self.smoke else "stale"
        mean, _ = spread(self.values("test_accuracy", **self.baseline_level(experiment)))
        return "measured" if mean >= self.data["linear_accuracy"] + INSTRUMENT else "no instrument"


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation; nan where a value is not finite, and for the deviation of fewer than two."""
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def _departure(name: str, value) -> str:
    if isinstance(value, bool):
        return f"{'' if value else 'no '}{name}"
    return DEPARTURES.get(name, name.replace("_", " ") + " {}").format(value)


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
        varied = [name for name in table["factors"] if name in table["baseline"]]
        return Record(**{"varied": varied, **table, "runs": [Run(**run) for run in table["runs"]]})
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
