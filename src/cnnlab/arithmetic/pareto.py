"""Choose among networks by what they cost and what they give."""

from collections.abc import Mapping, Sequence

from cnnlab.choices import demand

Point = Sequence[float]


def pareto_front(points: Sequence[Point]) -> list[int]:
    """The places of the points that no other dominates, in order; equal points stay together (row P01).

    Every coordinate is a cost, lower is better: give accuracy with a minus sign. Points of different lengths raise a
    `ValueError`. Source: {cite:t}`smith2016design`.
    """
    lengths = sorted({len(point) for point in points})
    demand(len(lengths) <= 1, "points", lengths, "of one length")
    return [i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)]


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is at least as low as `b` everywhere and lower somewhere."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def pareto_depth(points: Sequence[Point]) -> list[int]:
    """For every point the number of its front: 1 on the front, 2 on the front of what is left, and so on (row M02)."""
    depth = dict.fromkeys(range(len(points)), 0)
    for front in range(1, len(points) + 1):
        left = [i for i in depth if not depth[i]]
        for i in pareto_front([points[i] for i in left]):
            depth[left[i]] = front
    return list(depth.values())


def best_within(networks: Mapping[str, Mapping[str, float]], budget: Mapping[str, float], *, gain: str) -> str:
    """The network with the most `gain` among those that exceed no limit of `budget` (row P01).

    `best_within({"a": {"top1": 71.6, "macs": 15.5e9}, ...}, {"macs": 5e9}, gain="top1")`. The application sets the
    budget, not the leaderboard. Where none fits, a `ValueError` is raised. Source: {cite:t}`smith2016design`.
    """
    admissible = [name for name, costs in networks.items() if all(costs[key] <= most for key, most in budget.items())]
    demand(bool(admissible), "budget", dict(budget), f"met by at least one of {', '.join(networks)}")
    return max(admissible, key=lambda name: networks[name][gain])
