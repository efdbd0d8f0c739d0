"""VGG: nothing but 3x3 convolutions, in five stages with a 2x2 max pool after each."""

from torch import nn

from cnnlab.choices import choose, demand
from cnnlab.models.layers import Flat


def vgg(
    in_channels: int = 3,
    classes: int = 1000,
    *,
    size: str = "paper",
    depth: int = 16,
    width: int = 64,
    batch_norm: bool = False,
) -> nn.Module:
    """The net with `depth` layers that have weights: 11, 13, 16 or 19, the paper's columns A, B, D and E (row H02).

    `size="paper"` is torchvision's for 224x224 images: 138,357,544 parameters at depth 16, 143,667,240 at 19, and
    19.63 G multiply-adds there (S3 calls them floating point operations). `size="32"` leaves the two hidden layers of
    4096 out, as is usual on CIFAR-10: five pools take 32x32 to 1x1, and one linear layer follows. `width` is that of
    the first stage; the paper's head fits 64 only. Source: {cite:t}`simonyan2014very`.
    """
    features = stages(in_channels, depth, width, batch_norm)
    return choose(SIZES, size, "size")(features, classes, width)


def stages(in_channels: int, depth: int, width: int, batch_norm: bool) -> nn.Sequential:
    """The convolutions and pools in one row, under the names that torchvision's weights have."""
    row = nn.Sequential()
    demand(depth in DEPTHS, "depth", depth, "11, 13, 16 or 19")
    for stage, convolutions in enumerate(DEPTHS[depth]):
        out_channels = width * min(2**stage, 8)
        for _ in range(convolutions):
            row.append(nn.Conv2d(in_channels, out_channels, 3, padding=1))
            row.extend([nn.BatchNorm2d(out_channels)] if batch_norm else [])
            row.append(nn.ReLU())
            in_channels = out_channels
        row.append(nn.MaxPool2d(2))
    return row


def _paper(features: nn.Sequential, classes: int, width: int) -> nn.Module:
    from torchvision.models import VGG

    demand(width == 64, "width", width, '64 at size="paper"')
    return VGG(features, num_classes=classes, init_weights=False)


def _small(features: nn.Sequential, classes: int, width: int) -> nn.Module:
    return nn.Sequential(features, Flat(8 * width, 32), nn.Linear(8 * width, classes))


DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
SIZES = {"paper": _paper, "32": _small}
