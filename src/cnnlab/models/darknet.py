"""Darknet's reference net: seven 3x3 convolutions, twice as wide after each pool, and no linear layer."""

from torch import nn

from cnnlab.choices import choose
from cnnlab.models.layers import Mean


def darknet(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 16) -> nn.Sequential:
    """Seven convolutions of 16 to 1024 filters, a 1x1 convolution to the classes and the mean (row H18).

    7,319,416 parameters; `size="paper"` has a 2x2 max pool between any two convolutions, for 224x224 images, `size="32"`
    between the last four only. `width` is that of the first. Batch normalization comes before a leaky ReLU of slope .1;
    the benchmark's DarkNet, .502, has PReLU and normalizes after it. Source: {cite:t}`redmon2013darknet`.
    """
    unpooled = choose(UNPOOLED, size, "size")
    net = nn.Sequential()
    for layer in range(7):
        net.append(unit(in_channels, width * 2**layer))
        net.extend([nn.MaxPool2d(2, ceil_mode=True)] if unpooled <= layer < 6 else [])
        in_channels = width * 2**layer
    return net.extend([nn.Conv2d(in_channels, classes, 1), Mean()])


def unit(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3x3 convolution, batch normalization and a leaky ReLU of slope .1."""
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.LeakyReLU(0.1))


UNPOOLED = {"paper": 0, "32": 3}  # how many convolutions come without a pool behind them
