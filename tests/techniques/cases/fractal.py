import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import fractal
from cnnlab.techniques.fractal import FractalBlock

MAPS = images(2, 3, 4, 4)


def two():
    return [nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)]


CASES = {
    "block": Case(
        lambda: FractalBlock(3, 4),
        MAPS,
        bad=(
            (lambda: FractalBlock(3, 4, columns=0), "columns must be at least 1; got 0"),
            (lambda: FractalBlock(3, [4, 5]), r"out_channels must be one width, or 4 for 3 columns; got \[4, 5\]"),
            (lambda: FractalBlock(3, 4).select(3), "column must be None or 0 to 2; got 3"),
        ),
    ),
    "block_training": Case(
        lambda: FractalBlock(3, 4, columns=2),
        MAPS,
        training=True,
        why_not={"vmap": "it draws", "gpu": "it draws on the device"},
    ),
    "fractal_of_fractals": Case(lambda: fractal.fractal_of_fractals(3, (4, 5), columns=2), MAPS),
    "taylor_sum": Case(
        lambda: lambda *xs: fractal.taylor_sum(xs),
        lambda g: tuple(torch.rand(2, 3, 4, 4, generator=g) for _ in range(3)),
    ),
    "taylor_series": Case(lambda: fractal.taylor_series(two()), MAPS),
    "stagewise_boosting": Case(lambda: fractal.stagewise_boosting(two()), MAPS),
}
