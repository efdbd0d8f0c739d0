"""The budget explorer: networks by what they cost and what they give, limits, the Pareto front, the best that fits."""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real

import anywidget
import traitlets

from cnnlab.choices import choose, demand
from cnnlab.record import T975
from cnnlab.widgets.allowed import refusing
from cnnlab.widgets.assemble import esm

COSTS = ("parameters", "multiply_adds", "milliseconds")
MEASURES = (*COSTS, "accuracy")
AT_MOST = 6  # colors and marks that can be told apart


class Budget(anywidget.AnyWidget):
    r"""Networks as points over two of their costs and accuracy, and which of them a budget allows (rows P01, M02).

    `rows` are dicts with `name`, `parameters`, `multiply_adds` and, where known, `milliseconds`, `accuracy` in percent (a
    number, or a list with one a seed) and `source`, as `cnnlab.budgets.of_records` gives them. A model is admissible
    where it exceeds no limit; a cost that is not known meets no limit on it. On the front are the admissible models that no
    other one dominates in the two `axes`: $b$ dominates $a$ where it is nowhere worse and somewhere better. The best has the
    highest mean accuracy; that seeds tell it from another is said only where the 95 % interval of their differences, seed
    by seed, leaves zero out.

    `axes` names the horizontal and the vertical measure, `limits` maps costs to the most that is allowed, `shown` lists
    the sources in sight, at most six. `conditions` maps a source, or a measure, to the sentence under which it was
    measured; those of measures stand in sight. Raises a `TraitError` that says what was given and what is allowed.
    """

    _esm = esm("budget")

    rows = traitlets.List().tag(sync=True)
    conditions = traitlets.Dict().tag(sync=True)
    axes = traitlets.List().tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)
    shown = traitlets.List().tag(sync=True)
    quantiles = traitlets.List().tag(sync=True)

    def __init__(self, rows: Sequence[Mapping], conditions: Mapping[str, str] | None = None, **traits):
        kept = refusing(_kept, rows)
        known = _known(kept)
        most = max(len(row["accuracy"]) for row in kept)
        chosen = {
            "axes": ["multiply_adds", "accuracy" if "accuracy" in known else "parameters"],
            "shown": _sources(kept),
            "quantiles": [T975[min(n - 1, len(T975)) - 1] for n in range(2, most + 1)],
        }
        super().__init__(rows=kept, conditions=dict(conditions or {}), **chosen | traits)

    @traitlets.validate("rows")
    def _models(self, proposal):
        return refusing(_kept, proposal["value"])

    @traitlets.validate("conditions")
    def _sentences(self, proposal):
        said = proposal["value"]
        kept = all(isinstance(part, str) for pair in said.items() for part in pair)
        refusing(demand, kept, "conditions", said, "a sentence for each source or measure")
        return said

    @traitlets.validate("axes")
    def _two(self, proposal):
        axes = list(proposal["value"])
        for name in axes:
            refusing(choose, dict.fromkeys(_known(self.rows)), name, "axis")
        refusing(demand, len(axes) == 2 and axes[0] != axes[1], "axes", axes, "two different measures")
        return axes

    @traitlets.validate("limits")
    def _budget(self, proposal):
        limits = proposal["value"]
        for name, most in limits.items():
            refusing(choose, {cost: None for cost in COSTS if cost in _known(self.rows)}, name, "limit")
            refusing(demand, _above_zero(most), f"the limit on {name}", most, "a number above 0; leave it out for none")
        return {name: _plain(most) for name, most in limits.items()}

    @traitlets.validate("shown")
    def _some(self, proposal):
        for name in proposal["value"]:
            refusing(choose, dict.fromkeys(_sources(self.rows)), name, "source")
        return proposal["value"]


def _kept(rows) -> list[dict]:
    """Every row with every key, its accuracies as a list."""
    listed = isinstance(rows, Sequence) and len(rows) > 0 and all(isinstance(row, Mapping) for row in rows)
    demand(listed, "rows", rows, "a list of at least one dict")
    kept = [_row(i, row) for i, row in enumerate(rows)]
    sources = _sources(kept)
    demand(len(sources) <= AT_MOST, "the sources", sources, f"at most {AT_MOST}, so that colors tell them apart")
    return kept


def _row(place: int, row: Mapping) -> dict:
    where = f"row {place}"
    demand(isinstance(row.get("name"), str) and bool(row["name"]), f"name of {where}", row.get("name"), "text")
    where = f'"{row["name"]}"'
    if unknown := sorted(set(map(str, row)) - {"name", "source", *MEASURES}):
        raise ValueError(f"{where} has {', '.join(unknown)}; it may have only: name, source, {', '.join(MEASURES)}")
    for cost in COSTS:
        free = cost == "milliseconds" and row.get(cost) is None
        allowed = "a number above 0" + (" or None" if cost == "milliseconds" else "")
        demand(free or _above_zero(row.get(cost)), f"{cost} of {where}", row.get(cost), allowed)
    source = row.get("source", "models")
    demand(isinstance(source, str) and bool(source), f"source of {where}", source, "text")
    costs = {cost: _plain(row.get(cost)) for cost in COSTS}
    return {"name": row["name"], **costs, "accuracy": _accuracies(where, row.get("accuracy")), "source": source}


def _accuracies(where: str, given) -> list[float]:
    values = [] if given is None else list(given) if isinstance(given, Sequence) else [given]
    kept = not isinstance(given, str) and all(_number(value) and 0 <= value <= 100 for value in values)
    demand(kept, f"accuracy of {where}", given, "percent from 0 to 100, a list of them (one a seed), or None")
    return [_plain(value) for value in values]


def _plain(value) -> int | float | None:
    """A number as JSON knows it, from one of NumPy as well."""
    return value if value is None else int(value) if isinstance(value, Integral) else float(value)


def _number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _above_zero(value) -> bool:
    return _number(value) and value > 0


def _known(rows: list[dict]) -> list[str]:
    """The measures that at least one model has."""
    return [name for name in MEASURES if any(row[name] not in (None, []) for row in rows)]


def _sources(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(row["source"] for row in rows))
