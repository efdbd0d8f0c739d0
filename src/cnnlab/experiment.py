"""An experiment: a question, a baseline, one factor or two crossed, their levels, the seeds. Data, read from TOML."""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.config import Config

Level = dict[str, str]  # factor -> name of its level


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

    def config(self, level: Level, size: str = "cpu") -> Config:
        """The baseline at that size, with the fields of each factor's level changed."""
        config = self.baseline.with_fields(**choose(self.sizes, size, "size").fields)
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
    """An `Experiment` from the text of its TOML; what is missing, unknown or idle raises a `ValueError`."""
    table = tomllib.loads(text)
    if missing := {"question", "sources", "baseline", "factor", "size"} - set(table):
        raise ValueError(f'experiment "{slug}" says nothing of: {", ".join(sorted(missing))}')
    for name, part in table["factor"].items():
        _check_keys(f"[factor.{name}]", part, needs={"fields", "levels"})
    for name, part in table["size"].items():
        _check_keys(f"[size.{name}]", part, needs={"seeds"}, may={"fields"})
    factors = tuple(Factor(name, tuple(f["fields"]), f["levels"]) for name, f in table["factor"].items())
    _refuse_overlap(slug, factors)
    sizes = {name: Size(tuple(s["seeds"]), s.get("fields", {})) for name, s in table["size"].items()}
    asked = {key: table[key] for key in ("baseline", "factor", "size")}
    experiment = Experiment(
        slug=slug,
        question=table["question"],
        sources=tuple(table["sources"]),
        published=table.get("published"),
        baseline=Config().with_fields(**table["baseline"]),
        factors=factors,
        sizes=sizes,
        fingerprint=hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16],
    )
    for size, level in itertools.product(sizes, experiment.levels()):
        experiment.config(level, size)
    return experiment


def _check_keys(where: str, part, *, needs: set[str], may: frozenset | set = frozenset()) -> None:
    keys = set(part) if isinstance(part, dict) else set()
    if missing := needs - keys:
        raise ValueError(f"{where} says nothing of: {', '.join(sorted(missing))}")
    if unknown := keys - needs - may:
        raise ValueError(
            f"{where} has {', '.join(sorted(unknown))}; it may have only: {', '.join(sorted(needs | may))}"
        )


def _refuse_overlap(slug: str, factors: tuple[Factor, ...]) -> None:
    if not 1 <= len(factors) <= 2:
        raise ValueError(f'experiment "{slug}" varies {len(factors)} factors; it may vary one, or cross two')
    if len(factors) == 2 and (both := set(factors[0].fields) & set(factors[1].fields)):
        raise ValueError(f"both factors of {slug} change {', '.join(sorted(both))}; a field belongs to one factor")


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
