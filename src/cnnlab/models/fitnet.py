"""FitNet4, a thin net of 17 convolutions on which initializations and activations were compared, and FitResNet."""

from torch import nn

from cnnlab.models.layers import check_native, conv, dense, whole
from cnnlab.techniques.joins import Residual

STAGES = (((32, 3), (48, 2)), ((80, 6),), ((128, 6),))  # runs of (width, convolutions), a pool after each stage


def fitnet4(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    width: int = 32,
    activation: str = "relu",
    placement: str = "none",
) -> nn.Sequential:
    """Three stages of 5, 6 and 6 3x3 convolutions, a global max pool, 500 units and the classifier (row H13).

    1,276,806 parameters with ReLU, 2,548,602 with maxout of two pieces. Made for 32x32 images, so that `size="paper"`
    and `"32"` are one net. `placement` puts batch normalization `before` the activation, `after` it or nowhere (`none`), as
    S3 compares; `width` is that of the first convolution. Dropout of .2 on the images, after each pool and after the
    hidden layer. Source: {cite:t}`romero2014fitnets`, {cite:t}`mishkin2015all`.
    """
    check_native(size)
    return _net(in_channels, classes, width, activation, placement, skips=False)


def fitresnet4(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    width: int = 32,
    activation: str = "relu",
    placement: str = "none",
) -> nn.Sequential:
    """FitNet4 with skips: the same layers and parameters, and an identity around pairs that keep the width (row H13).

    S3 prints the accuracies of FitResNet and not its layers, so where the skips go is our reading: see `run`.
    Source: {cite:t}`mishkin2015all`.
    """
    check_native(size)
    return _net(in_channels, classes, width, activation, placement, skips=True)


def run(in_channels: int, width: int, length: int, *, act: str, placement: str, skips: bool) -> nn.Sequential:
    """`length` 3x3 convolutions of one width; with `skips`, an identity around the 2nd and 3rd, the 4th and 5th."""
    first = conv(in_channels, width, 3, act=act, placement=placement)
    rest = [conv(width, width, 3, act=act, placement=placement) for _ in range(length - 1)]
    if skips:
        pairs = [rest[i : i + 2] for i in range(0, len(rest), 2)]
        rest = [Residual(nn.Sequential(*pair)) if len(pair) == 2 else pair[0] for pair in pairs]
    return nn.Sequential(first, *rest)


def _net(in_channels: int, classes: int, width: int, act: str, placement: str, skips: bool) -> nn.Sequential:
    net = nn.Sequential(nn.Dropout(0.2))
    for stage, runs in enumerate(STAGES):
        for channels, length in runs:
            out_channels = whole(channels * width / 32)
            net.append(run(in_channels, out_channels, length, act=act, placement=placement, skips=skips))
            in_channels = out_channels
        net.append(nn.MaxPool2d(2) if stage < 2 else nn.AdaptiveMaxPool2d(1))
        net.append(nn.Dropout(0.2))
    units = whole(500 * width / 32)
    return net.extend([nn.Flatten(), dense(in_channels, units, act=act, dropout=0.2), nn.Linear(units, classes)])
