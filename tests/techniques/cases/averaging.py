import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import averaging


def two(generator):
    return torch.randn(3, 4, generator=generator), torch.randn(3, 4, generator=generator)


CASES = {
    name: Case(lambda average=average: average(nn.Conv2d(3, 4, 3)), images(2, 3, 5, 5))
    for name, average in averaging.AVERAGES.items()
} | {
    "running_mean": Case(lambda: lambda a, x: averaging.running_mean(a, x, 3), two),
    "moving_average": Case(
        lambda: lambda a, x: averaging.moving_average(a, x, decay=0.9),
        two,
        bad=(
            (lambda: averaging.moving_average(*two(None), decay=2.0), "decay must be from 0 to 1; got 2.0"),
            (lambda: averaging.ema(nn.Linear(1, 1), decay=-1.0), "decay must be from 0 to 1; got -1.0"),
            (lambda: averaging.mean_weights([]), r"checkpoints must be one or more; got \[\]"),
            (lambda: averaging.snapshot_cosine(0.5, cycles=0), "cycles must be 1 or more; got 0"),
            (lambda: averaging.snapshot_steps(3, cycles=4), "cycles must be from 1 to the 3 steps; got 4"),
        ),
    ),
}
