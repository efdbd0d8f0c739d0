r"""ResNeXt: many narrow transformations side by side, $y = x + \sum_{i \le C} T_i(x)$, written as one grouped convolution."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand
from cnnlab.models.resnet import blocks_a_stage, bottleneck, conv_norm, head, stages, torchvision_resnet


def resnext(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", **options) -> nn.Module:
    """`size="paper"` is torchvision's ResNeXt-50 (32x4d), 25,028,904 parameters; `size="32"` is for 32x32 images (row H08).

    `options` are those of `cifar_resnext`. Source: {cite:t}`xie2017aggregated`.
    """
    return choose(SIZES, size, "size")(in_channels, classes, **options)


def imagenet_resnext(in_channels: int = 3, classes: int = 1000) -> nn.Module:
    """torchvision's ResNeXt-50 (32x4d) (row H08). Source: {cite:t}`xie2017aggregated`."""
    return torchvision_resnet("resnext50_32x4d", in_channels, classes)


def cifar_resnext(
    in_channels: int = 3,
    classes: int = 10,
    *,
    depth: int = 29,
    cardinality: int = 8,
    base_width: int | None = None,
    width: int = 64,
) -> nn.Sequential:
    """ResNeXt-29, 8x64d: `depth` 9n + 2, `cardinality` paths of `base_width` channels in the first stage (row H08).

    Stages give 4, 8 and 16 times `width`, the stem's, and their paths widen as they do; `base_width` None is `width`, as
    in the paper, where both are 64. 34,426,698 parameters. Source: {cite:t}`xie2017aggregated`.
    """
    base_width = width if base_width is None else base_width

    def block(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        inner = cardinality * base_width * out_channels // (4 * width)
        return bottleneck(in_channels, out_channels, stride, groups=cardinality, width=inner)

    blocks = blocks_a_stage(depth, layers=3)
    stem = nn.Sequential(*conv_norm(in_channels, width), nn.ReLU())
    return nn.Sequential(
        stem, *stages(block, (width, 4 * width, 8 * width, 16 * width), blocks), *head(16 * width, classes)
    )


def bottleneck_width(cardinality: int, *, channels: int = 256, budget: int = 69_632) -> int:
    r"""Channels d of each path for which a block costs what ResNet's does: $C (512\,d + 9 d^2) \approx 69{,}632$ (row H08).

    64, 40, 24, 14 and 4 for C = 1, 2, 4, 8 and 32, as in the paper's Table 2. Source: {cite:t}`xie2017aggregated`.
    """
    demand(cardinality >= 1, "cardinality", cardinality, "at least 1")
    return round((math.sqrt(channels**2 + 9 * budget / cardinality) - channels) / 9)


def as_sum(x: Tensor, reduce: Tensor, transform: Tensor, expand: Tensor, *, cardinality: int) -> Tensor:
    """C paths of three convolutions each, added up: the first of three forms that are one function (row H08).

    `x` (N, in, H, W), `reduce` (C·d, in, 1, 1), `transform` (C·d, d, 3, 3), `expand` (out, C·d, 1, 1). Source:
    {cite:t}`xie2017aggregated`.
    """
    paths = zip(reduce.chunk(cardinality), transform.chunk(cardinality), expand.chunk(cardinality, dim=1), strict=True)
    return sum(F.conv2d(F.conv2d(F.conv2d(x, down), middle, padding=1), up) for down, middle, up in paths)


def as_concatenation(x: Tensor, reduce: Tensor, transform: Tensor, expand: Tensor, *, cardinality: int) -> Tensor:
    """C paths of two convolutions, concatenated before one that is as wide as all of them (row H08); as `as_sum`."""
    paths = zip(reduce.chunk(cardinality), transform.chunk(cardinality), strict=True)
    return F.conv2d(torch.cat([F.conv2d(F.conv2d(x, down), middle, padding=1) for down, middle in paths], 1), expand)


def as_groups(x: Tensor, reduce: Tensor, transform: Tensor, expand: Tensor, *, cardinality: int) -> Tensor:
    """Three convolutions, the middle one in C groups: the form that is run (row H08); as `as_sum`."""
    return F.conv2d(F.conv2d(F.conv2d(x, reduce), transform, padding=1, groups=cardinality), expand)


SIZES = {"paper": imagenet_resnext, "32": cifar_resnext}
