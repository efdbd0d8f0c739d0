r"""The other rules of scale: uniform draws, the fan-in alone, what libraries do by default, and what a rule predicts.

Rules fill a weight in place and return it, as those of `initialization` do, and take the same arguments.
"""

import math

import torch
from torch import Generator, Tensor

from cnnlab.choices import choose, demand
from cnnlab.techniques.initialization import fans, normal_, room


@torch.no_grad()
def uniform_(weight: Tensor, variance: float, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""$w \sim U(-b, b)$ with $b = \text{gain}\,\sqrt{3\,\text{variance}}$: gain² times that variance (row I03)."""
    bound = gain * math.sqrt(3 * variance)
    draw = room(weight, generator).uniform_(-bound, bound, generator=generator)
    return weight.copy_(draw)


def lecun_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""$w \sim N(0, 1) / \sqrt{\text{fan_in}}$: a sum of unit inputs has variance 1 (row I03).

    S1 divides by the fan-in and calls it Xavier; the formula needs its root, and is LeCun's. Source:
    {cite:t}`lecun1998efficient`.
    """
    return normal_(weight, gain=gain, generator=generator, std=1 / math.sqrt(fans(weight)[0]))


def caffe_xavier_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Caffe's "xavier", $U(\pm\sqrt{3 / \text{fan_in}})$: the variance of `lecun_`, not of Glorot (row I03)."""
    return uniform_(weight, 1 / fans(weight)[0], gain=gain, generator=generator)


def xavier_uniform_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Glorot's rule as printed, $U(\pm\sqrt{6 / (\text{fan_in} + \text{fan_out})})$ (row I03).

    Source: {cite:t}`glorot2010understanding`.
    """
    return uniform_(weight, 2 / sum(fans(weight)), gain=gain, generator=generator)


def he_uniform_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""$U(\pm\sqrt{6 / \text{fan_in}})$, the variance of `he_` (row I04). Source: {cite:t}`he2015delving`."""
    return uniform_(weight, 2 / fans(weight)[0], gain=gain, generator=generator)


def torch_default_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""What `nn.Linear` and `nn.Conv2d` start from: $\mathrm{Var}(w) = 1 / (3\,\text{fan_in})$ (row I04).

    torch writes it as He's uniform rule for a leaky ReLU of slope $\sqrt 5$; under ReLU it loses 5/6 of the mean
    square in each layer.
    """
    return uniform_(weight, 1 / (3 * fans(weight)[0]), gain=gain, generator=generator)


def predicted_rms(std: float, fan_in: int, *, layers: int) -> float:
    r"""The root mean square after L ReLU layers of small random weights, $(\mathrm{std}\,\sqrt{n/2})^L$ (row I02).

    Weights $N(0, \mathrm{std}^2)$, n = `fan_in` inputs a unit, at first of root mean square 1. AlexNet's 0.01 with
    1152 inputs gives 0.24 a layer, 2.9e-11 after 17. S3 writes that 0.01 as the variance; it is the standard
    deviation. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    return (std * math.sqrt(fan_in / 2)) ** layers


def input_scale(images: Tensor) -> float:
    r"""The factor $1/\sqrt{\mathrm{Var}(x)}$ that brings images to variance 1, over all their values (row I07).

    LSUV divides the scale s of the images out of the first layer's weights, so the network computes the same; but a
    step of SGD then changes those weights, relative to their size, by s² as much. A variance that is 0, infinite or
    NaN raises a `ValueError`. Source: {cite:t}`mishkin2016`.
    """
    variance = images.double().var(correction=0).item()
    usable = 0 < variance < math.inf
    demand(usable, "the variance of the images", variance, "positive and finite, or no factor makes it 1")
    return 1 / math.sqrt(variance)


def rescale_(weight: Tensor, rule: str, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill `weight` by the named rule of this file; an unknown name lists the choices."""
    return choose(SCALINGS, rule, "scaling")(weight, gain=gain, generator=generator)


SCALINGS = {
    "lecun": lecun_,
    "caffe_xavier": caffe_xavier_,
    "xavier_uniform": xavier_uniform_,
    "he_uniform": he_uniform_,
    "torch_default": torch_default_,
}
