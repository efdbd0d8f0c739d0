"""What the page *Published and ours* shows: each experiment with its record, its published table and its figures."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cnnlab import experiment as experiments
from cnnlab import plots
from cnnlab import record as records
from cnnlab.claims import Claim, Verdict, claims, verdicts
from cnnlab.experiment import Experiment, Level
from cnnlab.plots.crossed import crossed, crossed_published
from cnnlab.plots.levels import levels, levels_published
from cnnlab.record import Record


@dataclass(frozen=True)
class Found:
    """An experiment, its record if there is one, and the rows of its published table."""

    experiment: Experiment
    record: Record | None
    rows: list[dict]
    techniques: tuple[str, ...] = ()

    @cached_property
    def standing(self) -> str:
        return self.record.standing(self.experiment) if self.record else "missing"

    @property
    def is_drawn(self) -> bool:
        return self.standing in {"measured", "no instrument"}

    @cached_property
    def verdicts(self) -> list[tuple[Claim, Verdict | None]]:
        """Each claim with its verdict, None where the record gives none."""
        given = verdicts(self.experiment, self.record) if self.is_drawn else []
        return [(claim, given[i] if given else None) for i, claim in enumerate(claims(self.experiment))]

    def published(self, level: Level) -> dict:
        """The published row at a level, empty where there is none."""
        return next((row for row in self.rows if level.items() <= row.items()), {})

    @property
    def is_told(self) -> bool:
        """Whether at least half of the levels have a published number: below, a figure of them shows next to nothing."""
        told = [self.published(level).get("test_accuracy") is not None for level in self.experiment.levels()]
        return 2 * sum(told) >= len(told)

    def levels(self) -> list[Level]:
        """Every level, the best published first; those without a published number last, as the experiment has them."""
        return sorted(self.experiment.levels(), key=lambda level: -(self.published(level).get("test_accuracy") or 0))


def find(slug: str) -> Found:
    """What the package has of an experiment."""
    experiment, folder = experiments.load(slug), experiments.folder()
    measured = records.load(slug) if (folder / f"{slug}.json").is_file() else None
    rows = records.published(experiment.published) if experiment.published else []
    techniques = tomllib.loads((folder / f"{slug}.toml").read_text(encoding="utf-8")).get("rows", [])
    return Found(experiment, measured, rows, tuple(techniques))


def draw(each: Found, folder: Path) -> dict[str, Path]:
    """The figures of an experiment, `published` and `ours`, as SVG; drawn only where something in them is new."""
    names = ("published", "ours") if each.is_told else ("ours",)
    slug, digest = each.experiment.slug, _digest(each)
    paths = {who: folder / f"{slug}.{who}.{digest}.svg" for who in names}
    if not all(path.is_file() for path in paths.values()):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{slug}.*.svg"):
            old.unlink()
        for who, path in paths.items():
            _save(each, path, published=who == "published")
    return paths


def _digest(each: Found) -> str:
    drawn_by = "".join(path.read_text("utf8") for path in sorted(Path(plots.__file__).parent.glob("*.py")))
    return hashlib.sha256(repr((each.record, each.rows, drawn_by)).encode()).hexdigest()[:12]


def _save(each: Found, path: Path, *, published: bool) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = path.stem
    ax = _crossed(each, published) if len(each.experiment.factors) == 2 else _levels(each, published)
    ax.figure.savefig(path, metadata={"Date": None})
    matplotlib.pyplot.close(ax.figure)


def _crossed(each: Found, published: bool):
    ax = plots.axes(size=(4.6, 3.8))
    crossed_published(each.rows, each.record, ax=ax) if published else crossed(each.record, ax=ax)
    ax.set_title("published" if published else "ours")
    return ax


def _levels(each: Found, published: bool):
    (factor,) = each.record.factors
    order = [level[factor] for level in each.levels()]
    home = each.record.baseline_level(each.experiment)[factor]
    return levels_published(each.rows, order, factor) if published else levels(each.record, order, home)
