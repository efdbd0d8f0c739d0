"""An experiment: a question, a baseline, one factor or two crossed, their levels, the seeds. Data, read from TOML."""

import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from types import NoneType
from typing import get_args, get_type_hints

from cnnlab.choices import choose, demand
from cnnlab.config import Config

Level = dict[str, str]  # factor -> name of its level
ENGINES = ("in turn", "fused")
NEEDS = {"question": str, "sources": list, "baseline": dict, "factor": dict, "size": dict}
MAY = {"published": str, "rows": list, "engine": str, "claim": list, "reading": str}
KINDS = {name: kind for part in fields(Config) for name, kind in get_type_hints(part.type).items()}
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", list: "a list", dict: "a table"}


@dataclass(frozen=True)
class Factor:
    """What is varied: its name, the config fields it may change, and for each level their values."""

    name: str
    fields: tuple[str, ...]
    levels: dict[str, dict]

    def __post_init__(self):
        if not self.levels:
            raise ValueError(f'factor "{self.name}" has no levels')
        for level, values in self.levels.items():
            if extra := set(values) - set(self.fields):
                raise ValueError(
                    f'level "{level}" of factor "{self.name}" changes {", ".join(sorted(extra))}, '
                    f"but the factor may change only: {', '.join(self.fields)}"
                )
        if idle := set(self.fields) - set().union(*self.levels.values()):
            raise ValueError(f'factor "{self.name}" lists {", ".join(sorted(idle))}, but no level changes it')


@dataclass(frozen=True)
class Size:
    """How large a measurement: the seeds, and the config fields that make it fit a machine."""

    seeds: tuple[int, ...]
    fields: dict = field(default_factory=dict)

    def __post_init__(self):
        demand(all(type(seed) is int and seed >= 0 for seed in self.seeds), "seeds", self.seeds, "whole numbers from 0")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"a size needs seeds, each of them once; got {list(self.seeds)}")


@dataclass(frozen=True)
class Experiment:
    """What is asked. `fingerprint` follows what the TOML asks, not its prose; changed code shows in the canary."""

    slug: str
    question: str
    sources: tuple[str, ...]
    published: str | None
    baseline: Config
    factors: tuple[Factor, ...]
    sizes: dict[str, Size]
    fingerprint: str
    engine: str = "in turn"
    claims: tuple[dict, ...] = ()
    reading: str = ""

    def baseline_at(self, size: str = "cpu") -> Config:
        """The baseline with the fields of that size."""
        return self.baseline.with_fields(**choose(self.sizes, size, "size").fields)

    def config(self, level: Level, size: str = "cpu") -> Config:
        """The baseline at that size, with the fields of each factor's level changed."""
        names = [factor.name for factor in self.factors]
        demand(set(level) == set(names), "a level", level, f"named for each factor ({', '.join(names)})")
        config = self.baseline_at(size)
        for factor in self.factors:
            config = config.with_fields(**choose(factor.levels, level[factor.name], f"level of {factor.name}"))
        return config

    def levels(self) -> Iterator[Level]:
        """Every combination of the factors' levels."""
        for names in itertools.product(*(factor.levels for factor in self.factors)):
            yield dict(zip((factor.name for factor in self.factors), names, strict=True))

    def runs(self, size: str = "cpu") -> list[tuple[Level, int]]:
        """Every (level, seed); seeds turn slowest, so that an unfinished measurement is balanced."""
        return [(level, seed) for seed in choose(self.sizes, size, "size").seeds for level in self.levels()]


def parse(slug: str, text: str) -> Experiment:
    """An `Experiment` from the text of its TOML; what is missing, unknown, idle or of another kind raises a `ValueError`."""
    table = tomllib.loads(text)
    _check_table(f'experiment "{slug}"', table)
    factors = tuple(Factor(name, tuple(f["fields"]), f["levels"]) for name, f in table["factor"].items())
    _refuse_overlap(slug, factors)
    asked = {key: table[key] for key in ("baseline", "factor", "size", "engine") if key in table}
    experiment = Experiment(
        slug=slug,
        question=table["question"],
        sources=tuple(table["sources"]),
        published=table.get("published"),
        baseline=Config().with_fields(**table["baseline"]),
        factors=factors,
        sizes={name: Size(tuple(s["seeds"]), s.get("fields", {})) for name, s in table["size"].items()},
        fingerprint=hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16],
        engine=choose({name: name for name in ENGINES}, table.get("engine", "in turn"), "engine"),
        claims=tuple(table.get("claim", ())),
        reading=table.get("reading", ""),
    )
    _refuse_idle(experiment)
    return experiment


def _check_table(where: str, table: dict) -> None:
    """Keys and values of every part, before any of it is used."""
    _check_keys(where, table, needs=NEEDS, may=MAY)
    for name, part in table["factor"].items():
        _check_keys(f"[factor.{name}]", part, needs={"fields": list, "levels": dict})
        for listed in part["fields"]:
            choose(KINDS, str(listed), "config field")
        for level, values in part["levels"].items():
            _check_fields(f'level "{level}" of factor "{name}"', values)
    for each in table["sources"]:
        demand(isinstance(each, str), f"each of the sources of {where}", each, WORDS[str])
    demand(len(table["size"]) > 0, f"the sizes of {where}", [], "at least one, such as [size.cpu]")
    for name, part in table["size"].items():
        named = (
            re.fullmatch(r"\w+", name) and name != "smoke"
        )  # files are named by it; `--smoke` makes a size of its own
        demand(bool(named), f"the name of a size of {where}", name, 'a word, and not "smoke"')
        _check_keys(f"[size.{name}]", part, needs={"seeds": list}, may={"fields": dict})
        _check_fields(f"[size.{name}]", part.get("fields", {}))
    _check_fields("[baseline]", table["baseline"])


def _check_keys(where: str, part, *, needs: dict[str, type], may: dict[str, type] | None = None) -> None:
    kinds = needs | (may or {})
    demand(isinstance(part, dict), where, part, "a table")
    if missing := needs.keys() - part.keys():
        raise ValueError(f"{where} says nothing of: {', '.join(sorted(missing))}")
    if unknown := part.keys() - kinds.keys():
        raise ValueError(f"{where} has {', '.join(sorted(unknown))}; it may have only: {', '.join(sorted(kinds))}")
    for key, value in part.items():
        demand(isinstance(value, kinds[key]), f"{key} of {where}", value, WORDS[kinds[key]])


def _check_fields(where: str, values: dict) -> None:
    """Config fields that exist, with values of the kind that the config's dataclasses declare."""
    demand(isinstance(values, dict), where, values, "a table")
    for name, value in values.items():
        declared = choose(KINDS, name, "config field")
        allowed = {kind for kind in (get_args(declared) or (declared,)) if kind is not NoneType}
        fits = type(value) in allowed or (type(value) is int and float in allowed)
        demand(fits, f"{name} of {where}", value, " or ".join(WORDS[kind] for kind in allowed))


def _refuse_overlap(slug: str, factors: tuple[Factor, ...]) -> None:
    if not 1 <= len(factors) <= 2:
        raise ValueError(f'experiment "{slug}" varies {len(factors)} factors; it may vary one, or cross two')
    if len(factors) == 2 and (both := set(factors[0].fields) & set(factors[1].fields)):
        raise ValueError(f"both factors of {slug} change {', '.join(sorted(both))}; a field belongs to one factor")


def _refuse_idle(experiment: Experiment) -> None:
    """Each field of a factor is away from the baseline at a level, at some size."""
    changed = set()
    for size, level in itertools.product(experiment.sizes, experiment.levels()):
        usual = experiment.baseline_at(size).flat()
        changed |= {name for name, value in experiment.config(level, size).flat().items() if value != usual[name]}
    for factor in experiment.factors:
        if idle := set(factor.fields) - changed:
            raise ValueError(
                f'factor "{factor.name}" lists {", ".join(sorted(idle))}, but every level has it as the baseline has'
            )


def folder():
    """Where the experiments, records and published tables lie: inside the installed package."""
    return resources.files("cnnlab") / "experiments"


def slugs() -> list[str]:
    """The experiments that ship with the package."""
    return sorted(entry.name[:-5] for entry in folder().iterdir() if entry.name.endswith(".toml"))


def load(name: str | Path) -> Experiment:
    """An experiment of the package by its slug, or one of your own by the path of its `.toml`."""
    if str(name).endswith(".toml"):
        return parse(Path(name).stem, Path(name).read_text(encoding="utf-8"))
    slug = choose({slug: slug for slug in slugs()}, str(name), "experiment")
    return parse(slug, (folder() / f"{slug}.toml").read_text(encoding="utf-8"))
