import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import joins
from cnnlab.techniques.joins import JOINS, TRANSITIONS, PaddedShortcut, Parallel, PoolConcat, Residual

MAPS = images(2, 3, 6, 6)


def branches(g):
    return tuple(torch.randn(2, 3, 4, 4, generator=g) for _ in range(3))


def bottleneck():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1))


CASES = {name: Case(lambda join=join: lambda *xs: join(xs), branches) for name, join in JOINS.items()}
CASES |= {name: Case(lambda make=make: make(3, 6), MAPS) for name, make in TRANSITIONS.items()}
CASES |= {
    "masked_mean": Case(
        lambda: lambda live, *xs: joins.masked_mean(xs, live),
        lambda g: (torch.tensor([[True, False], [True, True], [False, False]]), *branches(g)),
        bad=tuple(
            (lambda live=live: joins.masked_mean([torch.ones(2, 3)] * 4, live), message)
            for live, message in (
                (torch.tensor([True]), r"the shape of live must be \(4,\) or \(4, N\), .*; got \(1,\)"),
                (torch.tensor([[True, True]]), r"the shape of live must be .*; got \(1, 2\)"),
                (torch.ones(4), "the dtype of live must be torch.bool; got torch.float32"),
            )
        ),
    ),
    "parallel": Case(lambda: Parallel([nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)]), MAPS),
    "residual": Case(
        lambda: Residual(bottleneck()),
        MAPS,
        bad=(
            (lambda: joins.zero_gamma_(nn.Sequential(Residual(nn.ReLU()))), 'in each branch; "0" has none'),
            (lambda: joins.zero_gamma_(bottleneck()), "needs blocks that are joins.Residual; the model has none"),
        ),
    ),
    "padded_shortcut": Case(
        lambda: PaddedShortcut(6),
        MAPS,
        bad=((lambda: PaddedShortcut(2)(torch.zeros(1, 3, 4, 4)), "out_channels must be at least the 3 channels"),),
    ),
}
CASES["pool_concat"] = Case(
    lambda: PoolConcat(3, 6),
    MAPS,
    bad=((lambda: PoolConcat(3, 3), "out_channels must be above in_channels, 3; got 3"),),
)
