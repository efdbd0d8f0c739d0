"""AlexNet and CaffeNet: five convolutions, three overlapping max pools, three fully connected layers.

torchvision's `alexnet` is a later, narrower net without groups (61,100,840 parameters), so both are built here.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from cnnlab.choices import choose
from cnnlab.models.layers import classifier, conv, even


def alexnet(
    in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 96, activation: str = "relu"
) -> nn.Sequential:
    """The net of 2012, which normalizes before it pools (row H01).

    60,965,224 parameters at `size="paper"`, which takes 227x227 images (the paper says 224; its 55x55 map needs 227);
    `size="32"` begins with 5x5 kernels of stride 1. `width` is that of the first convolution, and all others go with
    it. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    return _net(choose(ALEXNET, size, "size"), in_channels, classes, width, activation)


def caffenet(
    in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 96, activation: str = "relu"
) -> nn.Sequential:
    """Caffe's AlexNet, which pools before it normalizes, and the benchmark's for 128x128 images (row H01).

    `size="paper"` takes 227x227 images: maps of 55, 27, 13 and 6 pixels a side, 60,965,224 parameters. `size="128"` has
    no normalization and 2048 units in each hidden layer: maps of 30, 15, 7 and 3, because Caffe's pools round up, and
    13,300,072 parameters. S3 prints stride 2 and padding 1 for the second convolution; it has stride 1 and padding 2.
    Source: {cite:t}`jia2014caffe`, {cite:t}`mishkin2016`.
    """
    return _net(choose(CAFFENET, size, "size"), in_channels, classes, width, activation)


def pool() -> nn.MaxPool2d:
    """3x3 windows two pixels apart; a last window that hangs over the edge counts, as in Caffe."""
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def normalized_2012() -> nn.LocalResponseNorm:
    """Over 5 channels; torch takes their mean where the paper takes their sum, so its alpha of 1e-4 is 5e-4 here."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


def normalized_caffe() -> nn.LocalResponseNorm:
    """Caffe's, which divides alpha by the 5 channels as torch does, and adds 1 instead of 2."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)


class Plan(NamedTuple):
    """How the versions differ: the first convolution, what follows each of the first two, and the head's sizes."""

    stem: dict
    between: tuple[Callable[[], nn.Module], ...]
    side: int  # of the map after the last pool
    units: int  # of a hidden layer
    made_for: int


def trunk(plan: Plan, in_channels: int, width: int, act: str) -> nn.Sequential:
    """The five convolutions with what stands between them, without the last pool."""
    c1, c2, c3, c4, c5 = (even(channels * width / 96) for channels in (96, 256, 384, 384, 256))
    return nn.Sequential(
        conv(in_channels, c1, act=act, **plan.stem),
        *(make() for make in plan.between),
        conv(c1, c2, 5, act=act, groups=2),
        *(make() for make in plan.between),
        conv(c2, c3, 3, act=act),
        conv(c3, c4, 3, act=act, groups=2),
        conv(c4, c5, 3, act=act, groups=2),
    )


def _net(plan: Plan, in_channels: int, classes: int, width: int, act: str) -> nn.Sequential:
    features, units = even(256 * width / 96) * plan.side**2, even(plan.units * width / 96)
    head = classifier(features, units, classes, made_for=plan.made_for, act=act)
    return nn.Sequential(trunk(plan, in_channels, width, act), pool(), head)


_STEM = {"kernel_size": 11, "stride": 4, "padding": 0}
_SMALL = {"kernel_size": 5}
ALEXNET = {
    "paper": Plan(_STEM, (normalized_2012, pool), 6, 4096, 227),
    "32": Plan(_SMALL, (normalized_2012, pool), 4, 512, 32),
}
CAFFENET = {
    "paper": Plan(_STEM, (pool, normalized_caffe), 6, 4096, 227),
    "128": Plan(_STEM, (pool,), 3, 2048, 128),
    "32": Plan(_SMALL, (pool,), 4, 512, 32),
}
