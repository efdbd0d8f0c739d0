r"""DenseNet: each layer sees all layers before it in its block, $x_l = H_l([x_0, x_1, \ldots, x_{l-1}])$."""

import torch
from torch import Tensor, nn

from cnnlab.choices import choose
from cnnlab.models.resnet import blocks_a_stage, head


def densenet(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", **options) -> nn.Module:
    """`size="paper"` is torchvision's DenseNet-121, 7,978,856 parameters; `size="32"` is for 32x32 images (row H15).

    `options` are those of `cifar_densenet`. Source: {cite:t}`huang2017densely`.
    """
    return choose(SIZES, size, "size")(in_channels, classes, **options)


def imagenet_densenet(in_channels: int = 3, classes: int = 1000) -> nn.Module:
    """torchvision's DenseNet-121 (row H15). Source: {cite:t}`huang2017densely`."""
    from torchvision.models import densenet121

    net = densenet121(num_classes=classes)
    net.features.conv0 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    return net


def cifar_densenet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    depth: int = 100,
    growth: int = 12,
    bottleneck: bool = True,
) -> nn.Sequential:
    """DenseNet-BC of `depth` 6n + 4 and growth rate k = `growth`: 769,162 parameters at 100 and 12 (row H15).

    Three blocks of n layers; between them a 1x1 convolution halves the channels and an average pool the map. Without
    `bottleneck`, DenseNet of depth 3n + 4: one 3x3 convolution a layer, channels kept; 1,019,722 parameters at 40 and
    12. The paper's dropout of .2 behind each convolution but the first, for data without augmentation, is left out.
    Source: {cite:t}`huang2017densely`.
    """
    layers = blocks_a_stage(depth, layers=2 if bottleneck else 1, extra=4)
    channels = 2 * growth if bottleneck else 16
    net = nn.Sequential(nn.Conv2d(in_channels, channels, 3, padding=1, bias=False))
    for block in range(3):
        net.append(DenseBlock(channels, layers, growth=growth, bottleneck=bottleneck))
        channels = net[-1].out_channels
        if block < 2:
            after = channels // 2 if bottleneck else channels
            net.extend([*activated_conv(channels, after, 1), nn.AvgPool2d(2)])
            channels = after
    return net.extend([nn.BatchNorm2d(channels), nn.ReLU(), *head(channels, classes)])


class DenseBlock(nn.Module):
    r"""`layers` layers, each of which adds `growth` channels to all there are: layer l sees $k_0 + k(l - 1)$ (row H15).

    (N, in_channels, H, W) to (N, out_channels, H, W), out_channels = in_channels + layers · growth. A `bottleneck` takes
    what a layer sees to 4·growth channels first. Source: {cite:t}`huang2017densely`.
    """

    def __init__(self, in_channels: int, layers: int, *, growth: int, bottleneck: bool = True):
        super().__init__()
        self.out_channels = in_channels + layers * growth
        seen = range(in_channels, self.out_channels, growth)
        self.layers = nn.ModuleList(layer(channels, growth, bottleneck) for channels in seen)

    def forward(self, x: Tensor) -> Tensor:
        for each in self.layers:
            x = torch.cat([x, each(x)], dim=1)
        return x


def layer(in_channels: int, growth: int, bottleneck: bool) -> nn.Sequential:
    """H: BN, ReLU and a 3x3 convolution, after BN, ReLU and a 1x1 if `bottleneck`."""
    if not bottleneck:
        return nn.Sequential(*activated_conv(in_channels, growth, 3))
    return nn.Sequential(*activated_conv(in_channels, 4 * growth, 1), *activated_conv(4 * growth, growth, 3))


def activated_conv(in_channels: int, out_channels: int, kernel_size: int) -> tuple[nn.Module, ...]:
    """Batch normalization, ReLU and a convolution that keeps height and width."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
    return nn.BatchNorm2d(in_channels), nn.ReLU(), conv


SIZES = {"paper": imagenet_densenet, "32": cifar_densenet}
