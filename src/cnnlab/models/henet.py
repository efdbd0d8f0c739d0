"""Model J of the constrained-time study: depth paid for with 2x2 kernels."""

from torch import nn

from cnnlab.choices import choose
from cnnlab.models.layers import classifier, conv, whole


def henet(
    in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 64, activation: str = "relu"
) -> nn.Sequential:
    """Eleven convolutions, all but the first 2x2, at .97 of the multiply-adds of a net of five (row H18).

    `size="paper"`, for 224x224 images, has maps of 35 and 36, 17 and 18, 5 and 6 pixels a side, because every other 2x2
    layer pads. S3 prints the convolutions only; the head is that of the benchmark, a pool and two layers of 2048 (its
    own net for 128x128 images, .561, pads nearly every layer). `size="32"` begins with a 3x3 kernel of stride 1. `width`
    is that of the first convolution. Source: {cite:t}`he2014constrained`.
    """
    stem, windows, side, units, made_for = choose(PLANS, size, "size")
    pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    head = classifier(4 * width * side**2, whole(units * width / 64), classes, made_for=made_for, act=activation)
    return nn.Sequential(trunk(in_channels, width, activation, stem, windows), pool, head)


def trunk(in_channels: int, width: int, act: str, stem: dict, windows: tuple[int, int, int]) -> nn.Sequential:
    """The eleven convolutions: the stem and three stages, a max pool before each; `windows` are the pools'."""
    return nn.Sequential(
        conv(in_channels, width, act=act, **stem),
        nn.MaxPool2d(windows[0]),
        twos(width, (2 * width,) * 4, act),
        nn.MaxPool2d(windows[1]),
        twos(2 * width, (4 * width,) * 4, act),
        nn.MaxPool2d(windows[2]),
        twos(4 * width, (36 * width, 4 * width), act),
    )


def twos(in_channels: int, widths: tuple[int, ...], act: str) -> nn.Sequential:
    """2x2 convolutions to `widths`; every other one pads, so that the map shrinks by a pixel and grows back."""
    row = nn.Sequential()
    for i, out_channels in enumerate(widths):
        row.append(conv(in_channels, out_channels, 2, act=act, padding=i % 2))
        in_channels = out_channels
    return row


# The first convolution, the three pools' windows, the side of the map after the last, the hidden units, the images.
PLANS = {
    "paper": ({"kernel_size": 7, "stride": 2, "padding": 0}, (3, 2, 3), 3, 2048, 224),
    "32": ({"kernel_size": 3}, (2, 2, 2), 2, 512, 32),
}
