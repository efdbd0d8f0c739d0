r"""Learning rates that rise: cyclical ones, warm-up, and the range test that finds their limits.

As in `schedules`, functions of the progress $t \in [0, 1)$ that return a factor of the largest rate. A cycle goes up
and down again in equal parts, so with `cycles` of them a half has $s = T / (2 \cdot \text{cycles})$ steps, the *step
size* of the paper: 2 to 10 epochs.
"""

import math
from collections.abc import Callable, Sequence

from cnnlab.choices import demand

Schedule = Callable[[float], float]


def triangular(t: float, *, cycles: float = 2, base: float = 1 / 4) -> float:
    r"""$b + (1 - b) \max(0, 1 - x)$ with $x = |2 t n - 2 c + 1|$ in cycle $c = \lfloor 1 + t n \rfloor$ of n (row T03).

    `base` b is the lowest rate as a factor of the highest. Source: {cite:t}`smith2017cyclical`.
    """
    return _wave(t, cycles, base, 1.0)


def triangular2(t: float, *, cycles: float = 2, base: float = 1 / 4) -> float:
    """As `triangular`, each cycle half as high as the one before it: the height times $2^{-(c - 1)}$ (row T03)."""
    return _wave(t, cycles, base, 0.5 ** math.floor(t * cycles))


def exp_range(t: float, *, cycles: float = 2, base: float = 1 / 4, end: float = 0.1) -> float:
    r"""As `triangular`, the height times $e^t$: the paper's $\gamma^k$ with $e = \gamma^T$ at the last step (row T03)."""
    demand(end > 0, "end", end, "above 0")
    return _wave(t, cycles, base, end**t)


def _wave(t: float, cycles: float, base: float, height: float) -> float:
    demand(cycles > 0, "cycles", cycles, "above 0")
    demand(0 <= base <= 1, "base", base, "from 0 to 1")
    x = abs(2 * (t * cycles - math.floor(t * cycles)) - 1)
    return base + (1 - base) * (1 - x) * height


def rising(t: float) -> float:
    """$s(t) = t$: the rates of a range test, from nothing to the highest in equal steps (row T03)."""
    return t


def warm_up(schedule: Schedule, share: float = 0.05) -> Schedule:
    r"""A schedule that first rises from 0 to 1 over `share` of the run, then is `schedule` over the rest (row L01).

    $t / w$ for $t < w$, then $s((t - w) / (1 - w))$. Large batches at a large rate need it.
    Source: {cite:t}`goyal2017accurate`.
    """
    demand(0 < share < 1, "share", share, "above 0 and below 1")
    return lambda t: t / share if t < share else schedule((t - share) / (1 - share))


def range_of(rates: Sequence[float], accuracies: Sequence[float], *, window: float = 0.05) -> tuple[float, float]:
    """(base, max) of a range test: where the accuracy starts to rise, and where it stops rising (row T03).

    `rates` rise; `accuracies`, one for each, are smoothed over `window` of their number on either side. The base is the
    rate at which the rise from the lowest to the highest has made a tenth of its way; the max is the rate of the
    highest, after which the curve turns ragged or falls. Raises a `ValueError` where nothing rises.
    Source: {cite:t}`smith2017cyclical`.
    """
    given = f"{len(accuracies)} accuracies for {len(rates)} rates"
    demand(len(rates) == len(accuracies) >= 10, "a range test", given, "of 10 rates or more, an accuracy for each")
    demand(list(rates) == sorted(set(rates)), "rates", list(rates), "rising")
    smooth = _smoothed(accuracies, max(1, round(window * len(rates))))
    top = max(range(len(smooth)), key=smooth.__getitem__)
    low = min(smooth[: top + 1])
    demand(smooth[top] > low + 1e-9, "accuracies", list(accuracies), "rising somewhere; start lower or go higher")
    start = next(i for i in range(top + 1) if smooth[i] >= low + (smooth[top] - low) / 10 and i >= smooth.index(low))
    return rates[start], rates[top]


def _smoothed(values: Sequence[float], reach: int) -> list[float]:
    """The mean over each value and those up to `reach` before and after it."""
    parts = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]
