"""Curves of a record over the steps."""

import statistics

from cnnlab.plots import axes, label, look
from cnnlab.record import Level, Record


def curves(record: Record, levels: dict[str, Level], curve: str = "train_loss", ax=None):
    """The mean over seeds of one curve at each named level, with a band of one standard deviation."""
    ax = axes(ax)
    for i, (name, level) in enumerate(levels.items()):
        runs = [run for run in record.at(**level) if not run.diverged]
        if not runs:
            ax.plot([], [], "x", color=look(name, i)["color"], label=f"{label(name)} (diverged)")
            continue
        points = list(zip(*(run.curves[curve] for run in runs), strict=True))
        mean = [statistics.fmean(point) for point in points]
        band = [statistics.stdev(point) if len(point) > 1 else 0.0 for point in points]
        low, high = ([m + sign * b for m, b in zip(mean, band, strict=True)] for sign in (-1, 1))
        steps = runs[0].curves["step"]
        line = ax.plot(steps, mean, markersize=4, label=label(name), **look(name, i))[0]
        ax.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set(xlabel="step", ylabel=curve.replace("_", " "))
    ax.legend(fontsize=8.5, frameon=False)
    return ax
