"""All the tricks together: what each gave CaffeNet-128 alone, what all gave, and the net that has those it can have."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from torch import nn

from cnnlab.choices import demand
from cnnlab.models.alexnet import CAFFENET, pool, trunk
from cnnlab.models.layers import classifier, even
from cnnlab.techniques.joins import Parallel
from cnnlab.techniques.learned_color import LearnedColor
from cnnlab.techniques.pooling import SpatialPyramidPool2d


class Additivity(NamedTuple):
    """The gains of single changes in a row, their sum, the gain of all together, and how much is missing."""

    gains: dict[str, float]
    total: float
    together: float
    gap: float


def additivity(alone: Mapping[str, float], *, baseline: float, together: float) -> Additivity:
    r"""Do gains add up? $\sum_i (a_i - a_0)$ against $a - a_0$ (row H21).

    `alone` is the accuracy of each change by itself, `baseline` $a_0$, `together` $a$ with all of them. For the
    benchmark's `ALONE`, .470 and .530: gains of .085 that give .060 together, a gap of .025. Source:
    {cite:t}`mishkin2016`.
    """
    gains = {name: accuracy - baseline for name, accuracy in alone.items()}
    total, gained = sum(gains.values()), together - baseline
    return Additivity(gains, total, gained, total - gained)


def caffenet_with(
    in_channels: int = 3, classes: int = 1000, *, tricks: Collection[str], size: str = "paper", width: int = 96
) -> nn.Sequential:
    """CaffeNet-128 with any of `elu`, `pyramid`, `color` and `max+average` (row H21).

    `elu` replaces ReLU, `max+average` sums two poolings after the first two convolutions, `pyramid` takes the maxima of
    4x4, 2x2 and 1x1 cells in place of the last pool (the benchmark adds their means), `color` mixes the channels, 3 to 10
    to 3, before all. The two other tricks, Nesterov's momentum and the linear schedule, belong to training: `cnnlab.fit`
    has both. Without tricks it is `caffenet` at "128" or "32". Source: {cite:t}`mishkin2016`.
    """
    demand(set(tricks) <= TRICKS, "tricks", sorted(tricks), f"among {', '.join(sorted(TRICKS))}")
    demand(size in ("paper", "32"), "size", size, '"paper" or "32"')
    plan, act = CAFFENET["128" if size == "paper" else size], "elu" if "elu" in tricks else "relu"
    net = nn.Sequential()
    if "color" in tricks:
        net.append(LearnedColor(10, in_channels=in_channels))
        in_channels = 3
    if "max+average" in tricks:
        plan = plan._replace(between=(max_average,))
    net.append(trunk(plan, in_channels, width, act))
    net.append(SpatialPyramidPool2d((4, 2, 1)) if "pyramid" in tricks else pool())
    features = even(256 * width / 96) * (4**2 + 2**2 + 1 if "pyramid" in tricks else plan.side**2)
    head = classifier(features, even(plan.units * width / 96), classes, made_for=plan.made_for, act=act)
    return net.append(head)


def max_average() -> Parallel:
    """CaffeNet's pool and the mean of the same windows, summed."""
    return Parallel([pool(), nn.AvgPool2d(3, stride=2, ceil_mode=True)])


TRICKS = {"elu", "pyramid", "color", "max+average"}
# Top-1 accuracy of CaffeNet-128 on ImageNet with one change; the default has .470, all together .530.
ALONE = {"elu": 0.488, "pyramid": 0.483, "color": 0.485, "nesterov": 0.473, "max+average": 0.483, "linear": 0.493}
