r"""The widths that a budget buys, and what width brings.

Searches are over whole numbers of channels, so a budget is met within the stated share, or a `ValueError` says that it
cannot be.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import NamedTuple

import torch
from torch import nn

from cnnlab.arithmetic.budgets import conv_parameters
from cnnlab.arithmetic.sizes import Layer
from cnnlab.choices import demand
from cnnlab.techniques.statistics import fit_power_law


class Stage(NamedTuple):
    r"""A $k \times k$ convolution from `channels` to as many, on a map of `size` x `size` (row P05)."""

    channels: int
    size: int
    kernel_size: int = 3

    @property
    def weights(self) -> int:
        r"""$k^2 c^2$, without biases."""
        return self.kernel_size**2 * self.channels**2

    @property
    def macs(self) -> int:
        """Multiply-adds: every weight once for each pixel."""
        return self.weights * self.size**2

    @property
    def activations(self) -> int:
        """Numbers in the map."""
        return self.channels * self.size**2

    def next(self, growth: int = 2, shrink: int = 2) -> "Stage":
        """The stage after a pool by `shrink`, with `growth` times the channels.

        Twice the channels on half the side: as many multiply-adds, 4 times the weights, half the activations. Source:
        {cite:t}`simonyan2014very`.
        """
        return self._replace(channels=self.channels * growth, size=self.size // shrink)


def pyramid_macs(widths: Iterable[int], *, size: int = 32, layers: int = 1) -> int:
    """Multiply-adds of `layers` 3x3 convolutions in each stage, on maps of `size`, `size` / 2, ... a side (row P05)."""
    return layers * sum(Stage(width, size // 2**i).macs for i, width in enumerate(widths))


def solve_widths(budget: int, growth: float = 2.0, *, stages: int = 3, size: int = 32, layers: int = 1) -> list[int]:
    r"""Channels of each stage so that `pyramid_macs` comes within 2 % of the budget (row P05).

    $c_i \approx c\,\text{growth}^i$, each at most a channel away where that comes closer: growth 1 makes a cylinder, more
    a pyramid, less an inverted one. `ValueError` where 2 % cannot be had.
    """
    demand(growth > 0, "growth", growth, "above 0")
    demand(budget > 0, "budget", budget, "above 0")
    demand(layers >= 1, "layers", layers, "at least 1")
    most = size.bit_length()
    demand(1 <= stages <= most, "stages", stages, f"from 1 to {most}, as often as {size} pixels can be halved")
    first = math.sqrt(budget / (9 * layers * sum((growth**i * (size // 2**i)) ** 2 for i in range(stages))))
    near = [round(first * growth**i) for i in range(stages)]
    moved = ([max(w + d, 1) for w, d in zip(near, moves, strict=True)] for moves in product((-1, 0, 1), repeat=stages))
    steady = (widths for widths in moved if widths == sorted(widths, reverse=growth < 1))
    best = min(steady, key=lambda widths: abs(pyramid_macs(widths, size=size, layers=layers) - budget))
    made = pyramid_macs(best, size=size, layers=layers)
    demand(abs(made - budget) <= 0.02 * budget, "budget", budget, f"within 2 % of a network's; near is {made}")
    return best


def additive_widths(first: int, added: int, layers: int) -> list[int]:
    r"""PyramidNet's widths, $D_k = D_{k-1} + \alpha / N$, rounded down (row P05): a slope instead of steps.

    `added` is $\alpha$, what all $N$ `layers` add to the `first` width. Source: {cite:t}`han2017deep`.
    """
    demand(layers >= 1, "layers", layers, "at least 1")
    return [first + added * k // layers for k in range(1, layers + 1)]


def scaled(layers: Iterable[Layer], factor: float) -> list[Layer]:
    r"""The layers with `factor` times the channels, rounded to what every number of groups in them divides (row P11).

    Interior weights grow with the factor's square, activations with the factor. Source: {cite:t}`howard2017mobilenets`.
    """
    layers = list(layers)
    unit = math.lcm(*(layer.groups for layer in layers))
    return [
        layer._replace(channels=layer.channels and unit * max(round(factor * layer.channels / unit), 1))
        for layer in layers
    ]


def fit_width(cost: Callable[[float], float], budget: float, *, step: float = 1 / 64, most: float = 64.0) -> float:
    r"""The largest multiple $\alpha$ of `step` with cost($\alpha$) within the budget, by bisection (row P11).

    `cost` grows with the width: bytes, multiply-adds, seconds. $\alpha$ fits and $\alpha$ + `step` does not. A budget
    that is too small for one step, or large enough for `most`, raises a `ValueError`.
    """
    low, high = 1, round(most / step)
    demand(cost(step) <= budget, "budget", budget, f"at least {cost(step)}, the cost of width {step:g}")
    demand(cost(high * step) > budget, "budget", budget, f"below {cost(high * step)}, the cost of width {most:g}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle * step) <= budget else (low, middle)
    return low * step


class Saturation(NamedTuple):
    r"""Accuracy over width, $a - b\,w^{-c}$: `a` is what no width exceeds (row W01)."""

    a: float
    b: float
    c: float

    def __call__(self, width: float) -> float:
        return self.a - self.b * width**-self.c


def fit_saturation(widths: Sequence[float], accuracies: Sequence[float]) -> Saturation:
    r"""The curve $a - b\,w^{-c}$ with the least squared error (row W01).

    Fewer than three widths raise a `ValueError`. The widths of {cite:t}`mishkin2016` are fit to an RMSE of .010.
    """
    demand(len(set(widths)) >= 3, "widths", list(widths), "at least three different ones")
    w, y = torch.tensor(widths, dtype=torch.float64), torch.tensor(accuracies, dtype=torch.float64)
    b, c, negative = fit_power_law(w, -y)
    return Saturation(-negative, b, c)


def plain_parameters(widths: Sequence[int], *, in_channels: int = 3, classes: int = 10) -> int:
    """Weights and biases of 3x3 convolutions of these widths in a row, an average, and a linear layer (row W02)."""
    pairs = zip([in_channels, *widths], widths, strict=False)
    return sum(conv_parameters(a, b, 3) for a, b in pairs) + (widths[-1] + 1) * classes


def plain_widths(depth: int, budget: int, *, in_channels: int = 3, classes: int = 10) -> list[int]:
    r"""Widths of `depth` convolutions so that the network has `budget` parameters within 1 % (row W02).

    All are $w$ or, in the first layers, $w + 1$: nets of any depth to compare at equal parameters. Where one channel is
    already too much a `ValueError` says so. Source: {cite:t}`he2014constrained`.
    """

    def net(channels: int) -> list[int]:
        """`channels` in all, dealt out over the layers."""
        width, more = divmod(channels, depth)
        return [width + (i < more) for i in range(depth)]

    def gap(channels: int) -> int:
        return plain_parameters(net(channels), in_channels=in_channels, classes=classes) - budget

    demand(depth >= 1, "depth", depth, "at least 1")
    low, high = depth, depth * max(budget, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if gap(middle) <= 0 else (low, middle)
    best = min(low, high, key=lambda channels: abs(gap(channels)))
    near = gap(best) + budget
    demand(abs(gap(best)) <= budget / 100, "budget", budget, f"within 1 % of a net of {depth} layers; near is {near}")
    return net(best)


def plain_net(widths: Sequence[int], *, in_channels: int = 3, classes: int = 10) -> nn.Sequential:
    """3x3 convolutions of these widths with ReLUs, a 2x2 max pool after each third, an average, a linear layer (row W02).

    For images of at least 8 pixels a side. `plain_widths` gives widths for a budget.
    """
    layers = []
    for i, (before, after) in enumerate(zip([in_channels, *widths], widths, strict=False), 1):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        if 3 * i // len(widths) > 3 * (i - 1) // len(widths):
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))
