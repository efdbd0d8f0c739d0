from contract import Case, images
from torch import nn

from cnnlab.techniques.collapse import collapse


def dense():
    return collapse(nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 4)))


def convolutional():
    return collapse(nn.Sequential(nn.Conv2d(2, 5, 3, stride=2), nn.Conv2d(5, 4, 3, padding=1)))


CASES = {
    "dense": Case(
        dense,
        images(3, 5),
        bad=(
            (
                lambda: collapse(nn.Sequential(nn.Linear(2, 2), nn.ReLU())),
                r"collapse takes a stack.*got \[Linear.*ReLU",
            ),
            (
                lambda: collapse(nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3, groups=2))),
                "one group, no dilation.*groups=2",
            ),
        ),
    ),
    "convolutional": Case(convolutional, images(2, 2, 9, 9)),
}
