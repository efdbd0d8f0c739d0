"""One factor: a row a level, ours with intervals, the published values in the same order."""

from cnnlab.plots import COLORS, axes, label, refuse_smoke
from cnnlab.record import Record, spread


def levels(record: Record, order: list[str], baseline: str, *, measure: str = "test_accuracy", ax=None):
    """Mean over the seeds at every level, from `order[0]` at the top; each seed a small dot, × a diverged level.

    The bar is the 95 % interval of the difference to `baseline`, seed by seed, laid around the level's mean: where it
    crosses the dashed line we cannot tell. A level of which a run diverged stands at the left edge, without a bar.
    """
    refuse_smoke(record)
    (factor,) = record.factors
    ax = axes(ax, size=_size(order))
    columns = {name: record.values(measure, **{factor: name}) for name in order}
    diverged = {name: sum(run.diverged for run in record.at(**{factor: name})) for name in order}
    home = spread(columns[baseline])[0]
    ax.axvline(home, color="#555555", linewidth=1, linestyle="--")
    for y, (name, values) in enumerate(columns.items()):
        if diverged[name]:
            _at_the_edge(ax, y, f"{diverged[name]} of {len(values)} diverged")
            continue
        to_home = record.difference(measure, {factor: name}, {factor: baseline}).half if name != baseline else None
        ax.plot(values, [y + 0.22] * len(values), ".", color=COLORS[0], alpha=0.4, markersize=4)
        ax.errorbar(spread(values)[0], y, xerr=to_home, fmt="o", color=COLORS[0], capsize=3)
    return _finish(ax, order, "ours", measure)


def levels_published(rows: list[dict], order: list[str], factor: str, *, measure: str = "test_accuracy", ax=None):
    """A published table drawn as `levels` draws a record: open diamonds; without a number, its note at the left edge."""
    ax = axes(ax, size=_size(order))
    for row in rows:
        if row[factor] in order and row[measure] is None:
            _at_the_edge(ax, order.index(row[factor]), row["note"])
        elif row[factor] in order:
            style = {"color": COLORS[1], "markerfacecolor": "none", "markersize": 7}
            ax.plot(row[measure], order.index(row[factor]), "D", **style)
    return _finish(ax, order, "published", measure)


def _size(order: list[str]) -> tuple[float, float]:
    return 3.8, 1.1 + 0.3 * len(order)


def _at_the_edge(ax, y: int, note: str) -> None:
    place = {"transform": ax.get_yaxis_transform(), "color": "#555555"}
    ax.plot(0.02, y, "x", **place)
    ax.text(0.05, y, note, va="center", fontsize=8, **place)


def _finish(ax, order: list[str], who: str, measure: str):
    ax.set_yticks(range(len(order)), [label(name) for name in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.grid(axis="x", color="#e2e2e2")
    ax.set_title(who, fontsize=10)
    ax.set_xlabel(measure.replace("_", " ") + (", %" if measure.endswith("accuracy") else ""))
    return ax
