"""How strong the signal is at each depth."""

import math

from cnnlab.plots import axes, label, look


def depth(series: dict[str, list[float]], ax=None, *, ylabel: str = "variance", reference: float | None = 1.0):
    """One line a name, a value a layer, on a logarithmic axis; the dotted line at `reference` is strength kept.

    Values that are zero or not finite cannot be drawn on it: the legend says at which layer a line ends.
    """
    ax = axes(ax)
    if reference is not None:
        ax.axhline(reference, color="#999999", linewidth=1, linestyle=":")
    for i, (name, values) in enumerate(series.items()):
        drawn = [(n, v) for n, v in enumerate(values, start=1) if 0 < v < math.inf]
        gone = "" if len(drawn) == len(values) else f" (0 or ∞ in {len(values) - len(drawn)} of {len(values)})"
        columns = zip(*drawn, strict=True) if drawn else ([], [])
        ax.plot(*columns, label=label(name) + gone, linewidth=1.6, markersize=4, **look(name, i))
    ax.set(yscale="log", xlabel="layer", ylabel=ylabel)
    ax.legend(fontsize=8.5, frameon=False)
    return ax
