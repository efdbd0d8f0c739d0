"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters, by squeezing before every expansion."""

from torch import nn

from cnnlab.choices import choose, demand
from cnnlab.models.layers import Mean, conv, whole
from cnnlab.techniques.joins import Parallel, concatenated


def fire(in_channels: int, squeeze: int, expand: int) -> nn.Sequential:
    """A 1x1 convolution squeezes to few channels; 1x1 and 3x3 ones expand them, concatenated in that order (row H18).

    Input (N, `in_channels`, H, W), output (N, 2·`expand`, H, W); ReLU after all three. 128 channels to (16; 64, 64):
    2,064 + 1,088 + 9,280 = 12,432 parameters. Source: {cite:t}`iandola2016squeezenet`.
    """
    expanded = Parallel([conv(squeeze, expand, 1), conv(squeeze, expand, 3)], concatenated)
    return nn.Sequential(conv(in_channels, squeeze, 1), expanded)


def squeezenet(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", width: int = 64) -> nn.Module:
    """SqueezeNet 1.1: a stem, eight fire modules, a 1x1 convolution to the classes and the mean (row H18).

    `size="paper"` is torchvision's for 224x224 images, 1,235,496 parameters. `size="32"` has a stem of stride 1 and no
    pool behind it, a last map of 8x8, and no ReLU on the logits: a class whose map is below zero everywhere would never
    learn. `width` is the stem's; torchvision's is 64. Source: {cite:t}`iandola2016squeezenet`.
    """
    return choose(SIZES, size, "size")(in_channels, classes, width)


def _paper(in_channels: int, classes: int, width: int) -> nn.Module:
    from torchvision import models

    demand(width == 64, "width", width, '64 at size="paper"')
    demand(in_channels == 3, "in_channels", in_channels, '3 at size="paper"')
    return models.squeezenet1_1(num_classes=classes)


def _small(in_channels: int, classes: int, width: int) -> nn.Sequential:
    net, channels = nn.Sequential(conv(in_channels, width, 3)), width
    for module, (squeeze, expand) in enumerate(FIRES):
        net.append(fire(channels, whole(squeeze * width / 64), whole(expand * width / 64)))
        net.extend([nn.MaxPool2d(3, stride=2, ceil_mode=True)] if module in (1, 3) else [])
        channels = 2 * whole(expand * width / 64)
    return net.extend([nn.Dropout(0.5), nn.Conv2d(channels, classes, 1), Mean()])


FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))  # (squeeze, expand)
SIZES = {"paper": _paper, "32": _small}
