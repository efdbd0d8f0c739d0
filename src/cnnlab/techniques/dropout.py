r"""Dropout: units, channels or pixels set to zero at random in training, so that no other may rely on them.

The *inverted* form divides what is left by its share $1 - p$ in training, so that nothing needs scaling in use. Here
`p` is the share that is dropped, as in torch; TensorFlow 1's `keep_prob` is $1 - p$.
"""

import copy

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import demand


def dropout(x: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    r"""$x m / (1 - p)$ with $m \sim B(1, 1 - p)$ for each element: the mean stays (rows R05, P06).

    The variance grows by $x^2 p / (1 - p)$. `torch.nn.Dropout` is the module; p is .5 before dense layers, .2 at an
    input. In use, where nothing is dropped, a softmax layer computes the geometric mean of all thinned networks exactly.
    Source: {cite:t}`srivastava2014dropout`.
    """
    return x * _kept(x, x.shape, p, generator)


def pixel_dropout(x: Tensor, p: float = 0.1, *, generator: Generator | None = None) -> Tensor:
    """Whole pixels of images (N, C, H, W) set to zero, all channels at once, the others divided by 1 - p (row R10).

    Neighboring pixels and the channels of one are so alike that `dropout`, element by element, hides little of an image.
    That one, with p = .1 on the input of CaffeNet-128, is what the benchmark tried: .306 in a run that was not finished,
    against .471. Source: {cite:t}`mishkin2016`.
    """
    demand(x.ndim == 4, "x", tuple(x.shape), "a batch of images (N, C, H, W)")
    return x * _kept(x, (len(x), 1, *x.shape[2:]), p, generator)


def _kept(x: Tensor, shape: tuple[int, ...], p: float, generator: Generator | None) -> Tensor:
    """A mask of zeros, with chance p, and of 1 / (1 - p)."""
    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    return (torch.rand(shape, generator=generator) >= p).to(x.device, x.dtype) / (1 - p)


def variance_after_dropout(x: Tensor, p: float) -> Tensor:
    r"""The variance that dropout adds to each element: $x^2 p / (1 - p)$ (row R10)."""
    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    return x.square() * p / (1 - p)


def effective_width(width: int, p: float) -> float:
    """$(1 - p) n$, the units that a layer of n has left on average (row R06).

    The hypothesis that layers of equal effective width are equally good is refuted: published .497 for 2048 units at
    p = .3, but .465 for 4096 at .65, .447 for 6144 at .77 and .456 for 1433 without. Source: {cite:t}`mishkin2016`.
    """
    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    return (1 - p) * width


def rate_for(width: int, effective: float) -> float:
    """The p at which `width` units have an effective width of `effective` (row R06)."""
    demand(0 < effective <= width, "effective", effective, f"above 0 and at most width={width}")
    return 1 - effective / width


def difficulty_gap(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Accuracy in use minus accuracy in training on the same images, from -1 to 1 (row P06).

    Above zero where training is harder than use, as it is meant to be with dropout, drop-path or noise: the signature
    of *overtraining* in the sense of {cite:t}`smith2016design`. `model` is left as it was, running statistics included.
    """
    with torch.no_grad():
        use, training = (copy.deepcopy(model).train(mode)(images).argmax(dim=1) for mode in (False, True))
    return ((use == labels).double().mean() - (training == labels).double().mean()).item()


DROPOUTS = {"dropout": nn.Dropout, "channels": nn.Dropout2d}
