"""Which settings to try: every point of a grid, or as many random points as one can afford."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from cnnlab.choices import demand

Point = dict[str, Any]
Space = Mapping[str, Sequence | Callable[[Random], Any]]


def log_uniform(low: float, high: float) -> Callable[[Random], float]:
    r"""A way to draw a positive number whose logarithm is uniform, as a learning rate is drawn (row W06)."""
    demand(0 < low < high, "low", low, f"above 0 and below high={high}")
    return lambda random: math.exp(random.uniform(math.log(low), math.log(high)))


def grid(space: Mapping[str, Sequence]) -> Iterator[Point]:
    """Every combination of the values of `space`: $k^d$ points for $d$ settings of $k$ values (row W06)."""
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))


def random_points(space: Space, *, seed: int = 0) -> Iterator[Point]:
    """Points without end, each setting drawn on its own: n of them try n values of every setting (row W06).

    A setting is a list, from which each value is as likely, or a function of a `random.Random` such as `log_uniform`.
    The same seed gives the same points, and a larger budget only adds to a smaller one.
    Source: {cite:t}`bergstra2012random`.
    """
    random = Random(seed)
    while True:
        yield {name: way(random) if callable(way) else random.choice(way) for name, way in space.items()}


def search(score: Callable[[Point], float], points: Iterator[Point], budget: int) -> list[tuple[float, Point]]:
    """The score of the first `budget` points, best first; of equal ones the earlier (row W06).

    A point whose score is not a number, as of a run that diverged, comes last.
    """
    demand(budget >= 1, "budget", budget, "1 point or more")
    tried = [(score(point), point) for point in itertools.islice(points, budget)]
    return sorted(tried, key=lambda each: math.inf if math.isnan(each[0]) else -each[0])


def chance_of_top(share: float, n: int) -> float:
    r"""That one of $n$ random points is among the best `share` of all: $1 - (1 - s)^n$; 0.95 for 5 % and 59 (row W06)."""
    demand(0 <= share <= 1, "share", share, "from 0 to 1")
    demand(n >= 0, "n", n, "0 or more")
    return 1 - (1 - share) ** n
