"""The record explorer: levels, differences seed by seed and curves of any record, with its conditions, in the page."""

import itertools
import math
from pathlib import Path

import anywidget
import traitlets

from cnnlab import experiment as experiments
from cnnlab import record as records
from cnnlab.choices import choose
from cnnlab.experiment import Experiment, Level
from cnnlab.plots import label
from cnnlab.record import T975, Record, spread
from cnnlab.widgets.allowed import refusing
from cnnlab.widgets.assemble import esm

AT_MOST = 6  # curves of more levels than colors would not be told apart
STANDINGS = {
    "smoke": "A smoke run: it shows that the machinery turns, and nothing else. Conclude nothing from these numbers.",
    "stale": "Stale: the question has changed since this was measured. Measure it again before you conclude anything.",
    "no instrument": "No instrument: the baseline is less than 15 points above a linear model on the same pixels, so "
    "these numbers say little about what a network does.",
    "unknown": "The question behind this record is not at hand, so nothing says whether it is stale.",
}


class RecordExplorer(anywidget.AnyWidget):
    r"""A record to look through: each level with its seeds, its difference to a reference, its curves, tables and CSV.

    `record` is a slug of the package, the path of a `.json`, or a `cnnlab.record.Record`. The page computes mean and
    standard deviation over the seeds, and for each level minus `reference` the mean of the differences seed by seed
    with its half-width $t_{.975, n-1}\, s / \sqrt{n}$, as `Record.difference` does; where zero lies inside, it says
    "cannot tell". Accuracies are in percent, their differences in points.

    `measure` is one of the record's measures, or a curve of it (`"valid_loss"`): then its last value. `reference` names
    a level of each factor; by default the one that changes nothing of the baseline. Where two factors are crossed,
    `contrast="interaction"` shows instead what a level is beyond what each factor does alone: $(a, b) - (a, d) - (c, b)
    + (c, d)$ with the reference (c, d). `curve` is drawn over the steps at
    the levels `shown`, at most six. `experiment` is the question, where it is not one of the package's, nor beside the
    file. Raises a `TraitError` that says what was given and what is allowed. Rows L01, L02.
    """

    _esm = esm("record")

    table = traitlets.Dict().tag(sync=True)
    measure = traitlets.Unicode("test_accuracy").tag(sync=True)
    reference = traitlets.Dict().tag(sync=True)
    contrast = traitlets.Enum(["difference", "interaction"], "difference").tag(sync=True)
    curve = traitlets.Unicode("valid_loss").tag(sync=True)
    shown = traitlets.List().tag(sync=True)

    def __init__(self, record: str | Path | Record, *, experiment: Experiment | None = None, **traits):
        found = refusing(_found, record)
        asked = experiment if experiment is not None else _asked(record, found)
        table = _table(found, _standing(found, asked), asked.question if asked else "")
        home = _home(found, asked, table["levels"])
        chosen = {
            "measure": "test_accuracy" if "test_accuracy" in table["measures"] else _names(table)[0],
            "reference": home,
            "curve": "valid_loss" if "valid_loss" in table["curves"] else (table["curves"] or [""])[0],
            "shown": _telling(found, home, _as_dicts(table)),
        }
        super().__init__(table=table, **chosen | traits)

    @traitlets.validate("measure", "curve")
    def _named(self, proposal):
        names = _names(self.table) if proposal["trait"].name == "measure" else self.table["curves"] or [""]
        refusing(choose, dict.fromkeys(names), proposal["value"], proposal["trait"].name)
        return proposal["value"]

    @traitlets.validate("contrast")
    def _crossed(self, proposal):
        if proposal["value"] == "interaction" and len(self.table["factors"]) < 2:
            raise traitlets.TraitError('contrast "interaction" needs two crossed factors; this record has one')
        return proposal["value"]

    @traitlets.validate("reference")
    def _measured(self, proposal):
        return _level(self.table, proposal["value"], "reference")

    @traitlets.validate("shown")
    def _few(self, proposal):
        levels = [_level(self.table, level, "each of shown") for level in proposal["value"]]
        if len(levels) > AT_MOST:
            raise traitlets.TraitError(f"shown may name at most {AT_MOST} levels; got {len(levels)}")
        return levels


def _found(record) -> Record:
    if isinstance(record, Record):
        return record
    if not isinstance(record, str | Path):
        raise ValueError(f"record must be a slug, the path of a .json, or a cnnlab.record.Record; got {record!r}")
    return records.load(record)


def _asked(record, found: Record) -> Experiment | None:
    """The question beside the file, else the package's of that name."""
    beside = Path(str(record)).with_suffix(".toml")
    if str(record).endswith(".json") and beside.is_file():
        return experiments.load(beside)
    return experiments.load(found.slug) if found.slug in experiments.slugs() else None


def _standing(found: Record, asked: Experiment | None) -> str:
    if found.smoke or asked is None:
        return "smoke" if found.smoke else "unknown"
    return found.standing(asked)


def _home(found: Record, asked: Experiment | None, levels: list[list[int]]) -> Level:
    """The level that changes nothing of the baseline; where the question does not fit, the best, or the first."""
    if asked is not None and not found.smoke and not found.is_stale(asked):
        return found.baseline_level(asked)
    return _by_mean(found, [_named_level(found.factors, places) for places in levels])[-1]


def _by_mean(found: Record, levels: list[Level]) -> list[Level]:
    """From the lowest mean test accuracy to the highest; those without a number come first."""
    means = [spread(found.values("test_accuracy", **level))[0] for level in levels]
    order = sorted(
        range(len(levels)), key=lambda i: (math.isfinite(means[i]), means[i] if math.isfinite(means[i]) else 0)
    )
    return [levels[i] for i in order]


def _telling(found: Record, home: Level, levels: list[Level]) -> list[Level]:
    """The reference, and the lowest and the highest of the others."""
    others = _by_mean(found, [level for level in levels if level != home])
    return [home, *others[:1], *others[1:][-1:]]


def _named_level(factors: dict[str, list[str]], places: list[int]) -> Level:
    return {factor: names[place] for (factor, names), place in zip(factors.items(), places, strict=True)}


def _as_dicts(table: dict) -> list[Level]:
    factors = {factor["name"]: factor["levels"] for factor in table["factors"]}
    return [_named_level(factors, places) for places in table["levels"]]


def _names(table: dict) -> list[str]:
    return list(dict.fromkeys(table["measures"] + table["curves"]))


def _level(table: dict, level, what: str) -> Level:
    known = _as_dicts(table)
    if level not in known:
        factors = {factor["name"]: factor["levels"] for factor in table["factors"]}
        raise traitlets.TraitError(f"{what} must be a measured level of each factor of {factors}; got {level!r}")
    return level


def _table(found: Record, standing: str, question: str) -> dict:
    """What a page needs of a record. Levels are places in the lists of the factors; JSON objects would reorder them."""
    if not found.runs:
        raise traitlets.TraitError(f"the record of {found.slug} has no runs; go on with: cnnlab run {found.slug}")
    at = [tuple(found.factors[name].index(run.level[name]) for name in found.factors) for run in found.runs]
    every = itertools.product(*(range(len(names)) for names in found.factors.values()))
    levels = [one for one in every if one in at]
    measures = list(dict.fromkeys(name for run in found.runs for name in run.measures))
    curves = list(dict.fromkeys(name for run in found.runs for name in run.curves if name != "step"))
    steps = list(dict.fromkeys(tuple(run.curves.get("step", ())) for run in found.runs))
    runs = [
        {
            "level": levels.index(place),
            "seed": run.seed,
            "ended": run.ended if run.diverged else "",
            "measures": _finite([run.measures.get(name) for name in measures]),
            "steps": steps.index(tuple(run.curves.get("step", ()))),
            "curves": [_finite(run.curves.get(name, [])) for name in curves],
        }
        for place, run in sorted(zip(at, found.runs, strict=True), key=lambda pair: pair[1].seed)
    ]
    names = found.factors.items()
    return {
        "slug": found.slug,
        "question": question,
        "standing": standing,
        "warning": STANDINGS.get(standing, ""),
        "conditions": found.conditions(),
        "linear": found.data.get("linear_accuracy"),
        "factors": [
            {"name": name, "levels": list(each), "labels": [label(one) for one in each]} for name, each in names
        ],
        "levels": [list(one) for one in levels],
        "measures": measures,
        "curves": curves,
        "steps": [list(one) for one in steps],
        "t975": [T975[min(n - 1, len(T975)) - 1] for n in range(2, len(found.seeds) + 1)],
        "runs": runs,
    }


def _finite(values: list) -> list:
    """As they are, but for what JSON has no word for."""
    return [value if value is not None and math.isfinite(value) else None for value in values]
