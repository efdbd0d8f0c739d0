"""Xception: Inception taken to its extreme, every channel a branch of its own, with skips."""

from torch import nn

from cnnlab.choices import choose
from cnnlab.models.layers import Mean, conv, whole
from cnnlab.techniques.convolutions import depthwise_separable
from cnnlab.techniques.joins import Residual


def xception(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 32) -> nn.Sequential:
    """36 convolutions: two plain, then separable ones, all but the last two in blocks with skips (row H09).

    `size="paper"`: 299x299 images, 22,855,952 parameters. `size="32"` has stride 1 in the stem and the first block, and
    a last map of 4x4. `width` is that of the first convolution. Source: {cite:t}`chollet2017xception`.
    """
    stem, padding, first, second, third, last = choose(STRIDES, size, "size")
    w2, w4, w8, middle, w32, w48, w64 = (whole(w * width / 32) for w in (64, 128, 256, 728, 1024, 1536, 2048))
    return nn.Sequential(
        conv(in_channels, width, 3, placement="before", stride=stem, padding=padding, bias=False),
        conv(width, w2, 3, placement="before", padding=padding, bias=False),
        block(w2, (w4, w4), stride=first, relu_first=False),
        block(w4, (w8, w8), stride=second),
        block(w8, (middle, middle), stride=third),
        *(block(middle, (middle,) * 3) for _ in range(8)),
        block(middle, (middle, w32), stride=last),
        nn.Sequential(separable(w32, w48), nn.ReLU(), separable(w48, w64), nn.ReLU()),
        nn.Sequential(Mean(), nn.Dropout(0.5), nn.Linear(w64, classes)),
    )


def separable(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3x3 filter for each channel, a 1x1 convolution with nothing between them, batch normalization (row H09).

    728 to 728 channels: 536,536 weights of convolutions. Source: {cite:t}`chollet2017xception`.
    """
    return nn.Sequential(depthwise_separable(in_channels, out_channels), nn.BatchNorm2d(out_channels))


def block(in_channels: int, widths: tuple[int, ...], *, stride: int = 1, relu_first: bool = True) -> Residual:
    """Separable convolutions to `widths` with ReLU before each, and a skip around all; `stride` 2 ends with a max pool.

    The skip is a 1x1 convolution where width or size change. `relu_first=False` leaves the first ReLU out, where the
    stem's own comes just before.
    """
    body, channels = nn.Sequential(), in_channels
    for out_channels in widths:
        body.extend([nn.ReLU(), separable(channels, out_channels)])
        channels = out_channels
    body.extend([nn.MaxPool2d(3, stride, padding=1)] if stride > 1 else [])
    shortcut = None
    if stride > 1 or in_channels != channels:
        shortcut = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
    return Residual(body if relu_first else body[1:], shortcut)


# Strides of the stem and of the four blocks that may halve the map; second, the stem's padding.
STRIDES = {"paper": (2, 0, 2, 2, 2, 2), "32": (1, 1, 1, 2, 2, 2)}
