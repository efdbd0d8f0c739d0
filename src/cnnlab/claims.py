"""Claims: what the sources say of an experiment's levels, and what a record says of it."""

import math
from dataclasses import dataclass

from cnnlab.choices import choose, demand
from cnnlab.experiment import Experiment, Level
from cnnlab.record import Interval, Record

NEEDS, MAY = {"says", "better", "than"}, {"beyond", "measure"}


@dataclass(frozen=True)
class Claim:
    """A sentence of the sources: `measure` is larger at `better` than at `than`; with `beyond`, by more than there."""

    says: str
    better: Level
    than: Level
    beyond: tuple[Level, Level] | None = None
    measure: str = "test_accuracy"

    @property
    def terms(self) -> list[tuple[int, Level]]:
        """Levels with their signs: $a - b$, or $(a - b) - (c - d)$. The claim is that the sum is above zero."""
        gain = [(1, self.better), (-1, self.than)]
        return gain + ([(-1, self.beyond[0]), (1, self.beyond[1])] if self.beyond else [])

    def published(self, rows: list[dict]) -> float | None:
        """The sum in a published table; None where the table has not one number at each of the levels."""
        cells = [[row.get(self.measure) for row in rows if level.items() <= row.items()] for _, level in self.terms]
        if any(len(cell) != 1 or not isinstance(cell[0], float) for cell in cells):
            return None
        return sum(sign * cell[0] for (sign, _), cell in zip(self.terms, cells, strict=True))


@dataclass(frozen=True)
class Verdict:
    """A claim beside a record: `interval` is that of its sum, seed by seed; `diverged` counts runs that count as chance."""

    claim: Claim
    interval: Interval
    diverged: int = 0

    @property
    def word(self) -> str:
        """`held`, `contradicted`, or `cannot tell` where the interval contains zero."""
        if not self.interval.sees:
            return "cannot tell"
        return "held" if self.interval.mean > 0 else "contradicted"

    @property
    def measured(self) -> str:
        """The difference in words, with what it could have seen, and how many runs diverged."""
        if math.isnan(self.interval.mean):
            return f"A diverged run has no {self.claim.measure.replace('_', ' ')}."
        unit = "points" if self.claim.measure.endswith("accuracy") else self.claim.measure.replace("_", " ")
        text = f"Ours: {self.interval.numbers} {unit} over {self.interval.n} seeds."
        if not self.interval.sees:
            text += f" An effect larger than {self.interval.width} would probably have been seen."
        if self.diverged:
            runs = "run of these levels counts" if self.diverged == 1 else "runs of these levels count"
            text += f" {self.diverged} diverged {runs} at chance."
        return text

    def __str__(self) -> str:
        return f"{self.word.capitalize()}: {self.claim.says} {self.measured}"


def claims(experiment: Experiment) -> list[Claim]:
    """The claims of an experiment; a `ValueError` names what is missing, unknown or at no level of its factors."""
    return [_claim(experiment, table) for table in experiment.claims]


def verdicts(experiment: Experiment, record: Record) -> list[Verdict]:
    """What a record says of each claim; nothing where it is a smoke run or stale, or has one seed.

    Where the record is no instrument (`Record.standing`), verdicts are given and should not be counted.
    """
    if record.standing(experiment) in {"smoke", "stale"} or len(record.seeds) < 2:
        return []
    return [_verdict(claim, record) for claim in claims(experiment)]


def _claim(experiment: Experiment, table: dict) -> Claim:
    where = f"a [[claim]] of {experiment.slug}"
    _check_keys(where, table, NEEDS, MAY)
    demand(isinstance(table["says"], str), f"says in {where}", table["says"], "a sentence")
    beyond = table.get("beyond")
    if beyond is not None:
        _check_keys(f"beyond in {where}", beyond, {"better", "than"}, set())
        beyond = (_level(experiment, beyond["better"]), _level(experiment, beyond["than"]))
    better, than = _level(experiment, table["better"]), _level(experiment, table["than"])
    demand(better != than, f"than in {where}", than, "another level than better")
    return Claim(table["says"], better, than, beyond, table.get("measure", "test_accuracy"))


def _check_keys(where: str, table: dict, needs: set[str], may: set[str]) -> None:
    demand(isinstance(table, dict), where, table, "a table")
    if missing := needs - table.keys():
        raise ValueError(f"{where} says nothing of: {', '.join(sorted(missing))}")
    if unknown := table.keys() - needs - may:
        raise ValueError(
            f"{where} has {', '.join(sorted(unknown))}; it may have only: {', '.join(sorted(needs | may))}"
        )


def _level(experiment: Experiment, level: Level) -> Level:
    names = [factor.name for factor in experiment.factors]
    demand(isinstance(level, dict), f"a level in a claim of {experiment.slug}", level, "a table")
    if set(level) != set(names):
        raise ValueError(
            f"a claim of {experiment.slug} compares levels of each factor ({', '.join(names)}); got {level}"
        )
    for factor in experiment.factors:
        demand(isinstance(level[factor.name], str), f"{factor.name} in a claim", level[factor.name], "a level's name")
        choose(factor.levels, level[factor.name], f"level of {factor.name}")
    return level


def _verdict(claim: Claim, record: Record) -> Verdict:
    choose(record.runs[0].measures, claim.measure, "measure")
    interval = record.contrast(claim.measure, claim.terms)
    levels = {tuple(level.items()): level for _, level in claim.terms}.values()
    diverged = sum(run.diverged for level in levels for run in record.at(**level))
    return Verdict(claim, interval, diverged)
