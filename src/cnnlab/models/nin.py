"""Network in network: after each convolution, two of 1x1 that mix channels at every pixel."""

from torch import nn

from cnnlab.models.layers import Mean, check_native, conv, whole


def nin(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", width: int = 192, activation: str = "relu"
) -> nn.Sequential:
    """Three convolutions of 5, 5 and 3, each with two of 1x1 behind it; the mean of the last map is the logit (row H14).

    966,986 parameters, made for 32x32 images, so that `size="paper"` and `"32"` are one net. The first pool takes the
    maximum, the second the mean, and dropout of .5 follows both. `width` is that of the first convolution; as in the
    authors' code the activation stands behind every convolution, the last too. Source: {cite:t}`lin2013network`.
    """
    check_native(size)
    w = width
    return nn.Sequential(
        *mlpconv(in_channels, (w, whole(w * 5 / 6), whole(w / 2)), 5, activation),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Dropout(0.5),
        *mlpconv(whole(w / 2), (w, w, w), 5, activation),
        nn.AvgPool2d(3, stride=2, ceil_mode=True),
        nn.Dropout(0.5),
        *mlpconv(w, (w, w, classes), 3, activation),
        Mean(),
    )


def mlpconv(in_channels: int, widths: tuple[int, int, int], kernel_size: int, act: str) -> nn.Sequential:
    """A small multilayer perceptron that slides over the map: one convolution, then two of 1x1."""
    first, second, third = widths
    return nn.Sequential(
        conv(in_channels, first, kernel_size, act=act),
        conv(first, second, 1, act=act),
        conv(second, third, 1, act=act),
    )
