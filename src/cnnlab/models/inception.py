"""Inception: kernels of several sizes side by side, with 1x1 convolutions that make the large ones cheap."""

from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.choices import choose
from cnnlab.models.layers import Flat, Mean, conv, whole
from cnnlab.techniques.joins import Parallel, concatenated

# Filters of: 1x1 | 1x1 before 3x3, 3x3 | 1x1 before 5x5, 5x5 | 1x1 behind the pool.
Widths = tuple[int, int, int, int, int, int]


class Inception(Parallel):
    """Four branches, concatenated: 1x1; 1x1 and 3x3; 1x1 and 5x5; a 3x3 max pool and 1x1 (rows H03, K05).

    Input (N, `in_channels`, H, W), output the same H and W and the sum of the 1st, 3rd, 5th and 6th of `widths`.
    Block 3a, `Inception(192, (64, 96, 128, 16, 32, 32))`: 256 channels out, 163,696 parameters, and on 28x28 maps 128.0 M
    multiply-adds; without the two 1x1 before the large kernels they would be 303.5 M. torchvision's block has a 3x3
    where the paper has the 5x5. `placement` as in `layers.conv`. Source: {cite:t}`szegedy2015going`.
    """

    def __init__(self, in_channels: int, widths: Widths, *, placement: str = "none"):
        make = partial(conv, placement=placement)
        one, reduce3, three, reduce5, five, pooled = widths
        branches = [
            make(in_channels, one, 1),
            nn.Sequential(make(in_channels, reduce3, 1), make(reduce3, three, 3)),
            nn.Sequential(make(in_channels, reduce5, 1), make(reduce5, five, 5)),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), make(in_channels, pooled, 1)),
        ]
        super().__init__(branches, concatenated)
        self.out_channels = one + three + five + pooled


class ResidualInception(nn.Module):
    r"""$\mathrm{ReLU}(s(x) + a\,P f(x))$: an Inception block $f$ as a residual, made small by $a$ (row H03).

    $P$ is a 1x1 convolution without activation, $s$ the identity, or a 1x1 convolution where the width changes. `scale`
    is $a$; with .1 to .3 wide nets did not die early in training. Source: {cite:t}`szegedy2016inception`.
    """

    def __init__(self, in_channels: int, widths: Widths, *, placement: str = "none", scale: float = 0.2):
        super().__init__()
        self.block, self.scale = Inception(in_channels, widths, placement=placement), scale
        self.out_channels = self.block.out_channels
        self.project = nn.Conv2d(self.out_channels, self.out_channels, 1)
        widens = in_channels != self.out_channels
        self.shortcut = nn.Conv2d(in_channels, self.out_channels, 1) if widens else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.scale * self.project(self.block(x)))

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class GoogLeNet(nn.Module):
    """Nine Inception blocks in three stages, a mean and one linear layer (row H03).

    `size="paper"`: 224x224 images, 6,998,552 parameters, no batch normalization (it came a year later). With `aux` two
    small classifiers hang at blocks 4a and 4d (13,378,280 parameters), and in training the output is a tuple `(logits,
    logits of 4d, logits of 4a)`, whose cross-entropies are summed with weights 1, .3 and .3. `size="32"` begins with one
    3x3 convolution in place of the stem's three, and batch-normalizes. `width` is the stem's, 64 in the paper;
    `residual` makes every block a `ResidualInception` (S3's GoogLeNet128Res sums around some blocks, without a scale).
    Source: {cite:t}`szegedy2015going`.
    """

    def __init__(
        self,
        in_channels: int = 3,
        classes: int = 1000,
        *,
        size: str = "paper",
        width: int = 64,
        aux: bool = False,
        residual: bool = False,
    ):
        super().__init__()
        make_stem, placement, made_for = choose(STEMS, size, "size")
        make_block = ResidualInception if residual else Inception
        self.stem, self.blocks, channels = make_stem(in_channels, width), nn.ModuleDict(), 3 * width
        for name, widths in BLOCKS.items():
            self.blocks[name] = make_block(channels, tuple(whole(w * width / 64) for w in widths), placement=placement)
            channels = self.blocks[name].out_channels
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.head = nn.Sequential(Mean(), nn.Dropout(0.4), nn.Linear(channels, classes))
        self.aux = nn.ModuleDict({at: auxiliary(self.blocks[at].out_channels, classes, made_for) for at in AUX if aux})

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x, extra = self.stem(x), []
        for name, block in self.blocks.items():
            x = block(self.pool(x) if name in ("4a", "5a") else x)
            if self.training and name in self.aux:
                extra.append(self.aux[name](x))
        return (self.head(x), *reversed(extra)) if extra else self.head(x)


def auxiliary(in_channels: int, classes: int, made_for: int) -> nn.Sequential:
    """A classifier on a 14x14 or 16x16 map: a 5x5 mean pool of stride 3, 128 1x1 filters, 1024 units, the logits."""
    return nn.Sequential(
        nn.AvgPool2d(5, stride=3),
        conv(in_channels, 128, 1),
        Flat(2048, made_for),
        nn.Linear(2048, 1024),
        nn.ReLU(),
        nn.Dropout(0.7),
        nn.Linear(1024, classes),
    )


def inception_v3(classes: int = 1000, *, aux: bool = True) -> nn.Module:
    """torchvision's Inception v3 for 299x299 images, which factorizes 5x5 and 7x7 kernels (row H03).

    27,161,264 parameters, 23,834,568 without the auxiliary classifier. Source: {cite:t}`szegedy2016rethinking`.
    """
    from torchvision import models

    return models.inception_v3(num_classes=classes, aux_logits=aux, init_weights=False)


def _paper_stem(in_channels: int, width: int) -> nn.Sequential:
    normalized = {"size": 5, "alpha": 1e-4, "beta": 0.75}
    return nn.Sequential(
        conv(in_channels, width, 7, stride=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.LocalResponseNorm(**normalized),
        conv(width, width, 1),
        conv(width, 3 * width, 3),
        nn.LocalResponseNorm(**normalized),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
    )


def _small_stem(in_channels: int, width: int) -> nn.Sequential:
    return conv(in_channels, 3 * width, 3, placement="before")


# The stem, where batch normalization goes, and the images.
STEMS = {"paper": (_paper_stem, "none", 224), "32": (_small_stem, "before", 32)}
AUX = ("4a", "4d")
BLOCKS: dict[str, Widths] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
