r"""ResNet: blocks that learn what to add to what they were given, $y = \sigma(F(x) + s(x))$.

`stages` lays out the three stages of a net for 32x32 images; the other residual families here use it with blocks of
their own. A block is made by a function `(in_channels, out_channels, stride)`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from cnnlab.choices import choose, demand
from cnnlab.models.layers import Mean
from cnnlab.techniques.activations import activation as activate
from cnnlab.techniques.activations import pieces
from cnnlab.techniques.joins import Residual

Block = Callable[[int, int, int], nn.Module]


def resnet(in_channels: int = 3, classes: int = 1000, *, size: str = "paper", **options) -> nn.Module:
    """Residual nets: `size="paper"` for ImageNet with `depth` 50, `size="32"` for 32x32 images with `depth` 20 (row H04).

    `options` are those of `imagenet_resnet` and of `cifar_resnet`, both of which are in the paper. Source:
    {cite:t}`he2016`.
    """
    return choose(SIZES, size, "size")(in_channels, classes, **options)


def imagenet_resnet(in_channels: int = 3, classes: int = 1000, *, depth: int = 50) -> nn.Module:
    """torchvision's ResNet of `depth` 18, 34, 50, 101 or 152: 25,557,032 parameters at 50 (row H04).

    Its bottlenecks stride in the 3x3 convolution, where the paper's do in the first 1x1. Source: {cite:t}`he2016`.
    """
    demand(depth in (18, 34, 50, 101, 152), "depth", depth, "18, 34, 50, 101 or 152")
    return torchvision_resnet(f"resnet{depth}", in_channels, classes)


def torchvision_resnet(name: str, in_channels: int, classes: int) -> nn.Module:
    """torchvision's net of that name from the family of ResNets, for images with `in_channels` channels."""
    from torchvision.models import get_model

    net = get_model(name, num_classes=classes)
    net.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    return net


def cifar_resnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    depth: int = 20,
    width: int = 16,
    activation: str = "relu",
    option: str = "A",
) -> nn.Sequential:
    """The paper's nets for CIFAR: a 3x3 stem, three stages of n basic blocks, an average; `depth` is 6n + 2 (row H04).

    Stages have `width`, 2·width and 4·width channels. With shortcut `option` A, 269,722 parameters at depth 20,
    1,727,962 at 110 and 19,421,274 at 1202; with B, 272,474 at 20. Source: {cite:t}`he2016`.
    """
    blocks = blocks_a_stage(depth, layers=2)
    demand(pieces(activation) == 1, "activation", activation, "one that keeps the number of channels")

    def block(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return basic(in_channels, out_channels, stride, option=option, activation=activation)

    stem = nn.Sequential(*conv_norm(in_channels, width), activate(activation))
    return nn.Sequential(stem, *stages(block, (width, width, 2 * width, 4 * width), blocks), *head(4 * width, classes))


def stages(block: Block, widths: Sequence[int], blocks: int) -> list[nn.Sequential]:
    """One stage of `blocks` blocks from each of `widths`, the stem's first, to the next; all but the first halve the map."""
    return [
        nn.Sequential(
            block(before, after, 2 if stage else 1),
            *(block(after, after, 1) for _ in range(blocks - 1)),
        )
        for stage, (before, after) in enumerate(pairwise(widths))
    ]


def head(channels: int, classes: int) -> tuple[nn.Module, nn.Module]:
    """A global average and a linear layer."""
    return Mean(), nn.Linear(channels, classes)


def blocks_a_stage(depth: int, *, layers: int, extra: int = 2) -> int:
    """n, where three stages of n blocks of `layers` convolutions and `extra` other layers make a net of `depth`."""
    step = 3 * layers
    kept = depth > extra and depth % step == extra % step
    demand(kept, "depth", depth, f"{step}n + {extra}: {step + extra}, {2 * step + extra}, {3 * step + extra}, ...")
    return (depth - extra) // step


def conv_norm(in_channels: int, out_channels: int, kernel_size: int = 3, **options) -> tuple[nn.Module, nn.Module]:
    """A convolution without bias that keeps height and width at stride 1, and batch normalization."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False, **options)
    return conv, nn.BatchNorm2d(out_channels)


def basic(
    in_channels: int, out_channels: int, stride: int = 1, *, option: str = "A", activation: str = "relu"
) -> nn.Sequential:
    """Two 3x3 convolutions and their shortcut, added before the last activation (row H04). Source: {cite:t}`he2016`."""
    branch = nn.Sequential(
        *conv_norm(in_channels, out_channels, stride=stride),
        activate(activation),
        *conv_norm(out_channels, out_channels),
    )
    return nn.Sequential(Residual(branch, shortcut(option, in_channels, out_channels, stride)), activate(activation))


def bottleneck(
    in_channels: int,
    out_channels: int,
    stride: int = 1,
    *,
    option: str = "B",
    groups: int = 1,
    width: int | None = None,
) -> nn.Sequential:
    """1x1 down to `width` (a quarter of `out_channels`), 3x3 in `groups`, 1x1 up, and the shortcut (rows H04, H08).

    From 256 to 256 channels its convolutions have 69,632 weights. Source: {cite:t}`he2016`.
    """
    width = width or out_channels // 4
    branch = nn.Sequential(
        *conv_norm(in_channels, width, 1),
        nn.ReLU(),
        *conv_norm(width, width, stride=stride, groups=groups),
        nn.ReLU(),
        *conv_norm(width, out_channels, 1),
    )
    return nn.Sequential(Residual(branch, shortcut(option, in_channels, out_channels, stride)), nn.ReLU())


def shortcut(option: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The way around a block (row H04).

    A: the identity, and where shapes differ every `stride`-th pixel with zeros for the new channels. B: a 1x1
    convolution and batch normalization where shapes differ. C: these everywhere. Source: {cite:t}`he2016`.
    """
    make = choose(SHORTCUTS, option, "shortcut option")
    same = stride == 1 and in_channels == out_channels
    return nn.Identity() if same and option != "C" else make(in_channels, out_channels, stride)


def padded(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Option A: `joins.PaddedShortcut`, of pieces whose sizes are known beforehand, so that torch.fx can read them.

    Fewer channels than come in raise a `ValueError`.
    """
    demand(
        out_channels >= in_channels, "out_channels", out_channels, f"at least in_channels, {in_channels}, to be padded"
    )
    return nn.Sequential(nn.AvgPool2d(1, stride), nn.ZeroPad3d((0, 0, 0, 0, 0, out_channels - in_channels)))


def projected(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Options B and C: a 1x1 convolution and batch normalization."""
    return nn.Sequential(*conv_norm(in_channels, out_channels, 1, stride=stride))


SHORTCUTS = {"A": padded, "B": projected, "C": projected}
SIZES = {"paper": imagenet_resnet, "32": cifar_resnet}
