"""Two crossed factors: the second along the axis, the first by color and shape."""

from cnnlab.plots import axes, label, look, refuse_smoke
from cnnlab.record import Record, spread


def crossed(record: Record, measure: str = "test_accuracy", ax=None):
    """Mean and standard deviation over the seeds at every pair of levels, each seed a small dot; × marks divergence."""
    refuse_smoke(record)
    (inner, names), (outer, groups) = record.factors.items()
    ax = axes(ax)
    for i, name in enumerate(names):
        for x, group in enumerate(groups):
            at = {inner: name, outer: group}
            values, place = record.values(measure, **at), x + _offset(i, len(names))
            diverged = [run.diverged for run in record.at(**at)]
            style = look(name, i) | ({"marker": "x"} if all(diverged) else {})
            ax.errorbar(place, *spread(values), capsize=2, **style)
            ax.plot([place + 0.05] * len(values), values, ".", color=style["color"], alpha=0.4, markersize=3)
    linear = record.data.get("linear_accuracy") if measure == "test_accuracy" else None
    if linear is not None and ax.get_ylim()[0] < linear:  # far below all levels it would only squeeze them
        ax.axhline(linear, color="#555555", linewidth=1, linestyle="--", label="a linear model on the pixels")
    return _finish(ax, names, groups, record.data["name"], measure)


def crossed_published(rows: list[dict], like: Record, measure: str = "test_accuracy", ax=None):
    """A published table drawn as `crossed` draws the record `like`; × at the bottom: reported as not converged.

    Rows at levels that the record does not have are left out.
    """
    (inner, names), (outer, groups) = like.factors.items()
    ax = axes(ax)
    rows = [row for row in rows if row[inner] in names and row[outer] in groups]
    floor = min(row[measure] for row in rows if row[measure] is not None) - 0.5
    for row in rows:
        i, x = names.index(row[inner]), groups.index(row[outer])
        value = row[measure]
        style = look(row[inner], i) | ({"marker": "x"} if value is None else {})
        ax.plot(x + _offset(i, len(names)), floor if value is None else value, linestyle="none", **style)
    return _finish(ax, [], groups, f"published: {rows[0]['source']}", measure)


def _offset(i: int, count: int) -> float:
    return (i - (count - 1) / 2) * 0.8 / count


def _finish(ax, names: list[str], groups: list[str], title: str, measure: str):
    for i, name in enumerate(names):
        ax.plot([], [], linestyle="none", label=label(name), **look(name, i))
    ax.set_xticks(range(len(groups)), [label(group) for group in groups])
    ax.set_title(title, fontsize=10)
    ax.set_ylabel(measure.replace("_", " ") + (", %" if measure.endswith("accuracy") else ""))
    if names:
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
        ax.legend(fontsize=8, ncols=2, frameon=False)
    return ax
