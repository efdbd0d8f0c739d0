"""What the inside of a net says: columns with a value a layer, as `cnnlab.probes.monitor` gives them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cnnlab.diagnosis.findings import Finding, finding
from cnnlab.diagnosis.reading import numbers

DEAD = 0.4  # of a layer's units: what S4 warns of
USUAL = (1e-5, 1e-1)  # of the weights moved by a step: a hundred times less and more than the usual 1e-3
JUMP = 30  # from one layer to the next: a variance that falls or grows so much breaks the chain


def inside(columns: Mapping[str, Sequence]) -> Iterator[Finding]:
    """What the columns `dead`, `variance` and `update_ratio` show, where they are given (row G04)."""
    dead, variance, ratios = (numbers(columns.get(name, ()), name) for name in ("dead", "variance", "update_ratio"))
    yield from dead_units(dead)
    yield from broken_chain(variance)
    yield from unusual_updates(ratios[np.isfinite(ratios)])


def dead_units(dead: np.ndarray) -> Iterator[Finding]:
    """A layer with many units that no image makes fire (rows G04, A03). Source: {cite:t}`wei2015must`."""
    if (dead > DEAD).any():
        layer = int(np.nanargmax(dead))
        yield finding("dead units", {"layer": layer + 1, "dead": float(dead[layer])})


def broken_chain(variance: np.ndarray) -> Iterator[Finding]:
    """A layer after which the variance is far below, or above, that before it (rows G04, I08).

    Source: {cite:t}`mishkin2015all`.
    """
    steps = np.abs(np.diff(np.log(np.clip(variance, 1e-300, 1e300))))
    if (steps > np.log(JUMP)).any():
        layer = int(np.nanargmax(steps)) + 1
        before, after = float(variance[layer - 1]), float(variance[layer])
        name = "signal lost" if after < before else "signal exploded"
        yield finding(name, {"layer": layer + 1, "variance before": before, "after": after})


def unusual_updates(ratios: np.ndarray) -> Iterator[Finding]:
    r"""Steps far from $10^{-3}$ of the weights in the median layer (row G04). Source: {cite:t}`karpathy2016cs231n`."""
    usual = float(np.median(ratios)) if ratios.size else 1e-3
    if not USUAL[0] <= usual <= USUAL[1]:
        yield finding("updates too long" if usual > USUAL[1] else "updates too short", {"update / weight": usual})
