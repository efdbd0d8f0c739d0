from contract import Case, images, seeded
from torch import nn

from cnnlab.techniques.growth import widen


def widened() -> nn.Module:
    first, norm, second = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3)
    layer, norm, following = widen(first, norm, second, width=6, generator=seeded())
    return nn.Sequential(layer, norm, nn.ReLU(), following)


def wide(width: int, groups: int = 1, inputs: int = 4):
    return lambda: widen(nn.Conv2d(4, 4, 1, groups=groups), None, nn.Conv2d(inputs, 2, 1), width=width)


CASES = {
    "widen": Case(
        widened,
        images(2, 3, 7, 7),
        bad=(
            (wide(3), "width must be at least the present 4; got 3"),
            (wide(6, groups=2), "groups must be 1 in both layers; got"),
            (wide(6, inputs=5), "following must be a linear or a convolutional layer of 4 inputs; got Conv2d"),
            (
                lambda: widen(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(9), nn.Conv2d(4, 4, 1), width=5),
                r"norm must be None or a batch norm of 4 channels; got BatchNorm2d\(9",
            ),
            (
                lambda: widen(nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1), width=5),
                "norm must be None or a batch norm",
            ),
            (
                lambda: widen(nn.ConvTranspose2d(4, 4, 3), None, nn.Conv2d(4, 4, 1), width=5),
                "layer must be a linear or a convolutional layer; got ConvTranspose2d",
            ),
        ),
    )
}
