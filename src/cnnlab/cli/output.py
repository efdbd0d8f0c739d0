"""How the commands write: width, names of levels, times, small curves."""

import os
import sys
from collections.abc import Sequence

from cnnlab.experiment import Level

WIDTH = 100  # where the output is no terminal
BARS = "▁▂▃▄▅▆▇█"


def console():
    """A `rich` console on standard output that takes every text as it is."""
    from rich.console import Console

    fixed = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if fixed else WIDTH, markup=False, emoji=False, highlight=False)


def label(level: Level) -> str:
    return " · ".join(level.values())


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """A bar a value, from `low` to `high`: `▁▃▆█`."""
    reach = (high - low) or 1
    return "".join(BARS[min(len(BARS) - 1, max(0, int((value - low) / reach * len(BARS))))] for value in values)


def clock(seconds: float) -> str:
    """A time to go by: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
