"""Fully convolutional networks: a classifier slid over the image, its coarse scores enlarged to a label for each pixel.

Every transposed convolution is padded by half its stride, so that it enlarges by exactly its factor. Where a map's pixel 0
lies in the image then tells by how many pixels a finer map is cropped to meet it: `Geometry`. The authors' Caffe nets
leave the padding out and crop 5, 9 and 31 where here it is 6, 12 and 3: the same alignment.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose
from cnnlab.models.alexnet import CAFFENET, pool, trunk
from cnnlab.techniques.upsampling import bilinear_kernel, bilinear_upsampling


class Geometry(NamedTuple):
    """The body's stages and first padding, the head's width, first kernel and padding, and where maps are cropped."""

    widths: Sequence[int]
    padding: int
    head: tuple[int, int, int]
    skips: tuple[int, int]  # of the scores at stride 16 and 8
    last: int


def fcn(
    in_channels: int = 3, classes: int = 21, *, size: str = "paper", stride: int = 8, dropout: float = 0.5
) -> nn.Module:
    """FCN-32s, -16s or -8s on the body of VGG-16, by the `stride` of the finest scores it uses (row H16).

    `size="paper"`: 134,346,581 parameters at stride 32, each score sees 404 pixels; 11,109 more at 16 and 5,733 more
    on top at 8. The first layer pads by 100. `size="32"` is a mini net that pads by 1, for images of 32x32 or any other size.
    Output (N, classes, H, W) for input (N, in_channels, H, W), odd sizes too. Source: {cite:t}`long2015fully`.
    """
    plan = choose(SIZES, size, "size")
    return FCN(plan, in_channels, classes, stride=stride, dropout=dropout)


class FCN(nn.Module):
    """Five stages, a head of convolutions, and the scores of stages 5, 4 and 3 added as they are enlarged (row H16).

    The step from stage 5 to 4 and from 4 to 3 is a transposed convolution that starts bilinear and learns; the last, to
    pixels, stays bilinear. Source: {cite:t}`long2015fully`.
    """

    def __init__(self, plan: Geometry, in_channels: int, classes: int, *, stride: int, dropout: float):
        finer = choose(FINER, str(stride), "stride of the finest scores")
        super().__init__()
        self.stages = body(plan, in_channels)
        self.head = convolutional_head(plan.widths[-1], classes, *plan.head, dropout=dropout)
        self.scores = nn.ModuleList(nn.Conv2d(plan.widths[-1 - i], classes, 1) for i in finer)
        self.doubles = nn.ModuleList(bilinear_upsampling(classes, 2) for _ in finer)
        self.enlarge = Bilinear(classes, stride)
        self.skips, self.last = plan.skips, plan.last

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        score = self.head(maps.pop())
        for score_of, double, offset in zip(self.scores, self.doubles, self.skips, strict=False):
            score = fuse(double(score), score_of(maps.pop()), offset)
        height, width = x.shape[2:]
        return self.enlarge(score)[..., self.last : self.last + height, self.last : self.last + width]


def fuse(coarse: Tensor, fine: Tensor, offset: int) -> Tensor:
    """The sum of two maps where both are, `fine` beginning `offset` pixels further up and to the left (row H16).

    Source: {cite:t}`long2015fully`.
    """
    fine = fine[..., offset:, offset:]
    height, width = (min(a, b) for a, b in zip(coarse.shape[2:], fine.shape[2:], strict=True))
    return coarse[..., :height, :width] + fine[..., :height, :width]


torch.fx.wrap("fuse")  # it compares sizes, so torch.fx is to call it rather than look inside


class Bilinear(nn.Module):
    """Bilinear enlargement by `factor`, fixed: (N, channels, H, W) to (N, channels, factor·H, factor·W) (row H16).

    It has no parameters that an initialization could overwrite. Source: {cite:t}`long2015fully`.
    """

    def __init__(self, channels: int, factor: int):
        super().__init__()
        self.channels, self.factor = channels, factor
        taps = bilinear_kernel(factor)
        self.register_buffer("kernel", torch.outer(taps, taps).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.kernel, stride=self.factor, padding=self.factor // 2, groups=self.channels)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, factor={self.factor}"


def body(plan: Geometry, in_channels: int) -> nn.ModuleList:
    """VGG-16's thirteen convolutions in five stages; their pools round up, as Caffe's do, so that no pixel is lost."""
    channels, every = in_channels, nn.ModuleList()
    for stage, (width, convolutions) in enumerate(zip(plan.widths, (2, 2, 3, 3, 3), strict=True)):
        row = nn.Sequential()
        for i in range(convolutions):
            first = stage == i == 0
            row.extend([nn.Conv2d(channels, width, 3, padding=plan.padding if first else 1), nn.ReLU()])
            channels = width
        every.append(row.append(nn.MaxPool2d(2, ceil_mode=True)))
    return every


def convolutional_head(
    channels: int, classes: int, units: int, kernel_size: int, padding: int, *, dropout: float
) -> nn.Sequential:
    """A classifier's two hidden layers of `units` as convolutions, and a score for each class and place (row H16).

    The kernel of the first is as large as the map it was trained on. Source: {cite:t}`long2015fully`.
    """
    return nn.Sequential(
        *(nn.Conv2d(channels, units, kernel_size, padding=padding), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Conv2d(units, units, 1), nn.ReLU(), nn.Dropout(dropout)),
        nn.Conv2d(units, classes, 1),
    )


def fcn_alexnet(in_channels: int = 3, classes: int = 21, *, size: str = "paper", dropout: float = 0.5) -> nn.Module:
    """FCN-AlexNet: one map of scores at stride 32 on the body of CaffeNet; each sees 355 pixels (row H16).

    56,954,261 parameters. It pads by 100, so that 32x32 images are no trouble: both sizes are one net. Source:
    {cite:t}`long2015fully`.
    """
    plan = choose({"paper": CAFFENET["paper"], "32": CAFFENET["paper"]}, size, "size")
    plan = plan._replace(stem=plan.stem | {"padding": 100})
    features = trunk(plan, in_channels, 96, "relu").append(pool())
    scores = nn.Sequential(features, convolutional_head(256, classes, 4096, 6, 0, dropout=dropout))
    return Coarse(scores, Bilinear(classes, 32), offset=2)


class Coarse(nn.Module):
    """Scores at one stride, enlarged and cropped to the image from pixel `offset` (row H16).

    Source: {cite:t}`long2015fully`.
    """

    def __init__(self, scores: nn.Module, enlarge: nn.Module, offset: int):
        super().__init__()
        self.scores, self.enlarge, self.offset = scores, enlarge, offset

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        large = self.enlarge(self.scores(x))
        return large[..., self.offset : self.offset + height, self.offset : self.offset + width]

    def extra_repr(self) -> str:
        return f"offset={self.offset}"


SIZES = {
    "paper": Geometry((64, 128, 256, 512, 512), 100, (4096, 7, 0), (6, 12), 3),
    "32": Geometry((8, 16, 32, 32, 32), 1, (64, 3, 1), (0, 0), 0),
}
FINER = {"32": (), "16": (1,), "8": (1, 2)}  # the stages above the last whose scores are added
