r"""ResNet in ResNet: two streams side by side, one with shortcuts and one without, that feed each other.

S3 gives 1608.02908 as its number, which is RoR's; its own is 1603.08029.
"""

import torch
from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.models.layers import check_native
from cnnlab.models.resnet import blocks_a_stage, conv_norm, head, padded, stages
from cnnlab.techniques.joins import Residual


def resnet_in_resnet(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", depth: int = 20, width: int = 16
) -> nn.Sequential:
    """ResNet-20 whose every block holds two `TwoStreams` layers in place of two convolutions (row H07).

    Half of each stage's `width`, 2·width and 4·width channels is the residual stream. Made for 32x32 images: both sizes
    are one net. Source: {cite:t}`targ2016resnet`.
    """
    check_native(size)
    stem = nn.Sequential(*conv_norm(in_channels, width), nn.ReLU())
    body = stages(block, (width, width, 2 * width, 4 * width), blocks_a_stage(depth, layers=2))
    return nn.Sequential(stem, *body, *head(4 * width, classes))


def block(in_channels: int, out_channels: int, stride: int = 1) -> Residual:
    """The inner residual layers with an outer shortcut around both of them (row H07). Source: {cite:t}`targ2016resnet`."""
    layers = TwoStreams(in_channels, out_channels, stride), TwoStreams(out_channels, out_channels)
    same = stride == 1 and in_channels == out_channels
    return Residual(nn.Sequential(*layers), None if same else padded(in_channels, out_channels, stride))


class TwoStreams(nn.Module):
    r"""A layer of two streams (row H07): $r' = \sigma(W_{rr} r + W_{tr} t + s(r))$, $t' = \sigma(W_{rt} r + W_{tt} t)$.

    The first half of the channels is the residual stream r, with a shortcut s; the second the transient stream t,
    without. One convolution over both holds all four sets of filters: with $W_{tr} = W_{rt} = 0$ they are a residual net
    and a plain one. (N, in, H, W) to (N, out, H / stride, W / stride), both numbers of channels even. Source:
    {cite:t}`targ2016resnet`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        for name, channels in {"in_channels": in_channels, "out_channels": out_channels}.items():
            demand(channels % 2 == 0, name, channels, "even, for two streams")
        self.conv, self.norm = conv_norm(in_channels, out_channels, stride=stride)
        self.shortcut = padded(in_channels // 2, out_channels // 2, stride)

    def forward(self, x: Tensor) -> Tensor:
        residual, _ = x.chunk(2, dim=1)
        around = self.shortcut(residual)
        return torch.relu(self.norm(self.conv(x) + torch.cat([around, torch.zeros_like(around)], dim=1)))
