"""MobileNet: depthwise separable convolutions from the second layer on."""

from torch import nn

from cnnlab.choices import choose
from cnnlab.models.layers import Mean, conv
from cnnlab.techniques import convolutions


def mobilenet(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 32) -> nn.Sequential:
    r"""MobileNet v1: one 3x3 convolution, 13 separable ones, the mean and a linear layer (row H10).

    4,231,976 parameters at `size="paper"` and 568,740,352 multiply-adds on 224x224 images. The paper's width multiplier
    $\alpha$ is `width` / 32, its resolution multiplier $\rho$ the side of the images / 224: any side goes, and the
    multiply-adds of the convolutions go with $\rho^2$. `size="32"` has stride 1 in the first two layers that halve the
    map, and a last map of 4x4. Source: {cite:t}`howard2017mobilenets`.
    """
    strides = choose(STRIDES, size, "size")
    net, channels = nn.Sequential(conv(in_channels, width, 3, placement="before", stride=strides[0], bias=False)), width
    for multiple, stride in zip(MULTIPLES, strides[1:], strict=True):
        net.append(convolutions.mobilenet(channels, multiple * width, stride=stride))
        channels = multiple * width
    return net.extend([Mean(), nn.Linear(channels, classes)])


MULTIPLES = (2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32)  # of `width`, after each separable convolution
STRIDES = {
    "paper": (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1),
    "32": (1, 1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1),
}
