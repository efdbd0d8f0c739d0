"""Wide ResNet: fewer blocks, each `widen` times as wide, with dropout between its convolutions."""

from functools import partial

from torch import Tensor, nn

from cnnlab.models.layers import check_native
from cnnlab.models.resnet import blocks_a_stage, head, stages


def wide_resnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    depth: int = 28,
    widen: int = 10,
    dropout: float = 0.0,
) -> nn.Sequential:
    """WRN-d-k of `depth` d = 6n + 4 and stages of 16k, 32k and 64k channels, k = `widen` (row H06).

    36,479,194 parameters for WRN-28-10, 10,961,370 for 16-8, 8,949,210 for 40-4. Made for 32x32 images: both sizes are
    one net; for ImageNet torchvision has `wide_resnet50_2`. Source: {cite:t}`zagoruyko2016wide`.
    """
    check_native(size)
    widths = (16, 16 * widen, 32 * widen, 64 * widen)
    stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
    body = stages(partial(WideBlock, dropout=dropout), widths, blocks_a_stage(depth, layers=2, extra=4))
    return nn.Sequential(stem, *body, *activated(widths[-1]), *head(widths[-1], classes))


def activated(channels: int) -> tuple[nn.Module, nn.Module]:
    """Batch normalization and ReLU, which stand before each convolution here."""
    return nn.BatchNorm2d(channels), nn.ReLU()


class WideBlock(nn.Module):
    """BN, ReLU, 3x3, BN, ReLU, dropout, 3x3, and the shortcut (row H06).

    Where shapes differ, the shortcut is a 1x1 convolution of what the first ReLU gives; else it is the identity of the
    input. Source: {cite:t}`zagoruyko2016wide`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, dropout: float = 0.0):
        super().__init__()
        self.activate = nn.Sequential(*activated(in_channels))
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            *activated(out_channels),
            nn.Dropout(dropout),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        )
        same = stride == 1 and in_channels == out_channels
        self.projection = None if same else nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = self.activate(x)
        around = x if self.projection is None else self.projection(active)
        return around + self.branch(active)
