"""A map of water from a satellite image: an encoder and a decoder with skips of two kinds, each of which can be cut."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose
from cnnlab.models.resnet import conv_norm


class WaterMap(nn.Module):
    """Scores for each pixel: (N, in_channels, H, W) to (N, classes, H, W), any H and W from 8 (row H20).

    `long` skips bring each of the encoder's maps to the decoder at its size, for fine detail; `dense` skips bring what
    entered a pair of convolutions to the second of them, so that previous activations are used again. Four levels of
    width, 2·width, 4·width and 8·width channels, width 64 at `size="paper"` and 8 at `"32"`: the sources show the two
    kinds of skip and no widths, so these are ours. Source: {cite:t}`isikdogan2017surface`.
    """

    def __init__(
        self, in_channels: int = 3, classes: int = 2, *, size: str = "paper", long: bool = True, dense: bool = True
    ):
        super().__init__()
        self.long = long
        width = choose(WIDTHS, size, "size")
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList(
            Pair(before, after, dense=dense) for before, after in zip([in_channels, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            Pair(2 * after + (after if long else 0), after, dense=dense) for after in reversed(widths[:-1])
        )
        self.score = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for pair in self.down:
            maps.append(pair(F.max_pool2d(maps[-1], 2, ceil_mode=True) if maps else x))
        x = maps.pop()
        for pair in self.up:
            skip = maps.pop()
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear")
            x = pair(torch.cat([x, skip], dim=1) if self.long else x)
        return self.score(x)


class Pair(nn.Module):
    """Two 3x3 convolutions; if `dense`, the second also sees what the first saw (row H20).

    Source: {cite:t}`isikdogan2017surface`.
    """

    def __init__(self, in_channels: int, out_channels: int, *, dense: bool):
        super().__init__()
        self.dense = dense
        self.first = nn.Sequential(*conv_norm(in_channels, out_channels), nn.ReLU())
        self.second = nn.Sequential(*conv_norm(out_channels + (in_channels if dense else 0), out_channels), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        once = self.first(x)
        return self.second(torch.cat([x, once], dim=1) if self.dense else once)


WIDTHS = {"paper": 64, "32": 8}
