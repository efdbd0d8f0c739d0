r"""What layers cost in closed form, without a network: weights, and multiply-adds, which papers often call FLOPs.

Costs are exact integers. `costs` counts the same on any module; which widths a budget buys is in `widths`.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from cnnlab.arithmetic.sizes import CAFFENET, Layer, trace
from cnnlab.choices import choose, demand


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], *, groups: int = 1, bias: bool = True
) -> int:
    r"""$k^2\,(C / g)\,C' + C'$: the weights of a convolution, and a bias for each output channel (rows C07, K08).

    One channel to 16 with k = 3 is 160; S1's example has 32 biases for its 16 filters. Groups that do not divide both
    channel counts raise a `ValueError`.
    """
    divides = groups >= 1 and in_channels % groups == 0 and out_channels % groups == 0
    demand(divides, "groups", groups, f"a divisor of {in_channels} and of {out_channels}")
    area = kernel_size**2 if isinstance(kernel_size, int) else math.prod(kernel_size)
    return area * (in_channels // groups) * out_channels + bias * out_channels


def layer_weights(name: str, in_channels: int, out_channels: int, kernel_size: int = 3) -> int:
    r"""Weights of the layer of that name in `techniques.convolutions`, biases left out (rows K01, K03, K06, K07).

    At 256 to 128 channels and k = 3: 294,912 in full, 35,072 depthwise separable (a share of $1/C' + 1/k^2$), and 34,304
    with rows and columns apart as well, which is only 2.2 % less. A kernel below 1, or for `stack_of_3x3` one that is
    not odd and at least 3, raises a `ValueError`; an unknown name lists the choices.
    """
    demand(kernel_size >= 1, "kernel_size", kernel_size, "at least 1")
    return choose(WEIGHTS, name, "layer")(in_channels, out_channels, kernel_size)


def layer_macs(name: str, in_channels: int, out_channels: int, kernel_size: int = 3, *, pixels: int) -> int:
    """Multiply-adds of the named layer with stride 1 on a map of height x width `pixels`: weights x pixels (row K07)."""
    return layer_weights(name, in_channels, out_channels, kernel_size) * pixels


def bottleneck_weights(in_channels: int, squeeze: int, out_channels: int, kernel_size: int = 3) -> int:
    r"""$C c + k^2 c\, C'$: 1x1 down to `squeeze` channels, then k x k; times H·W, the multiply-adds (row K05).

    256 to 64 to 128 on 32 x 32 pixels costs 92,274,688 multiply-adds, without the bottleneck 301,989,888. Source:
    {cite:t}`szegedy2015going`.
    """
    return in_channels * squeeze + kernel_size**2 * squeeze * out_channels


def break_even(in_channels: int, out_channels: int, kernel_size: int = 3) -> float:
    r"""The bottleneck width from which it costs more than it saves, $c^* = k^2 C C' / (C + k^2 C')$ (row K05).

    209.45 for 256 to 128 channels with k = 3.
    """
    area = kernel_size**2
    return area * in_channels * out_channels / (in_channels + area * out_channels)


class Cost(NamedTuple):
    """Weights without biases, multiply-adds, and numbers in the output map."""

    weights: int
    macs: int
    activations: int


def costs(layers: Iterable[Layer], size: int, *, channels: int = 3, ceil_mode: bool = False) -> list[Cost]:
    r"""What each layer of a chain costs on `size` x `size` images of `channels` (row C06).

    A convolution has $n_{l-1} s_l^2 n_l m_l^2 / g_l$ multiply-adds ($s$ the kernel's side, $m$ the output's), a pool
    none. Source: eq. 1 of {cite:t}`he2014constrained`.
    """
    layers, each = list(layers), []
    for layer, side in zip(layers, trace(layers, size, ceil_mode=ceil_mode), strict=True):
        weights = 0
        if layer.channels is not None:
            weights = conv_parameters(channels, layer.channels, layer.kernel_size, groups=layer.groups, bias=False)
            channels = layer.channels
        each.append(Cost(weights, weights * side**2, channels * side**2))
    return each


def total(layers: Iterable[Layer], size: int, *, channels: int = 3, ceil_mode: bool = False) -> Cost:
    """The sums of `costs` over the layers (rows C06, W04).

    Twice the input's side is four times the multiply-adds at the same weights, exactly where every stride divides it;
    CaffeNet from 64 to 300 pixels follows the square within 20 %. Source: {cite:t}`mishkin2016`.
    """
    return Cost(*map(sum, zip(*costs(layers, size, channels=channels, ceil_mode=ceil_mode), strict=True)))


def caffenet_parameters(size: int = 128, *, hidden: int = 2048, classes: int = 1000, ceil_mode: bool = True) -> int:
    """Weights and biases of CaffeNet: five convolutions, then `hidden`, `hidden`, `classes` units (rows C04, C07).

    On 128 pixels 13,300,072 with Caffe's rounding (its last map is 3 x 3) and 10,678,632 with torch's (2 x 2). On 227
    with 4,096 units the two agree on 60,965,224. Source: {cite:t}`mishkin2016`.
    """
    layers = CAFFENET.values()
    biases = sum(layer.channels or 0 for layer in layers)
    flat = costs(layers, size, ceil_mode=ceil_mode)[-1].activations
    units = [flat, hidden, hidden, classes]
    dense = sum((before + 1) * after for before, after in zip(units, units[1:], strict=False))
    return total(layers, size).weights + biases + dense


def _stack_of_3x3(in_channels: int, out_channels: int, kernel_size: int) -> int:
    kept = kernel_size >= 3 and kernel_size % 2 == 1
    demand(kept, "kernel_size", kernel_size, "odd and at least 3, which is what 3x3 kernels make in a row")
    return 9 * in_channels * out_channels + 9 * (kernel_size // 2 - 1) * out_channels**2


WEIGHTS = {
    "full": lambda c, d, k: k**2 * c * d,
    "stack_of_3x3": _stack_of_3x3,
    "row_column": lambda c, d, k: k * c * d + k * d**2,
    "mlpconv": lambda c, d, k: k**2 * c * d + 2 * d**2,
    "bottleneck": lambda c, d, k: bottleneck_weights(c, max(c // 4, 1), d, k),
    "depthwise_separable": lambda c, d, k: k**2 * c + c * d,
    "pointwise_first": lambda c, d, k: c * d + k**2 * d,
    "row_column_depthwise": lambda c, d, k: 2 * k * c + c * d,
}
