import torch
from contract import Case, images, seeded
from torch import nn

from cnnlab.techniques.invariance import GROUPS, GroupAverage, random_transform


def net():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 2))


CASES = {name: Case(lambda function=function: function, images(2, 2, 4, 4)) for name, function in GROUPS.items()}
CASES["GroupAverage"] = Case(lambda: GroupAverage(net()), images(2, 2, 4, 4))
CASES["random_transform"] = Case(
    lambda: lambda x: random_transform(x, generator=seeded()),
    images(5, 2, 4, 4),
    why_not={"vmap": "it draws on the CPU for each image, which vmap refuses"},
    bad=((lambda: random_transform(torch.zeros(1, 1, 4, 5)), r"must be square, \(N, C, H, H\); got \(1, 1, 4, 5\)"),),
)
