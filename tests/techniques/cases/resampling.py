import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import resampling as R

CASES = {name: Case(make, images(2, 3, 8, 8)) for name, make in R.DOWNSAMPLINGS.items()}


def net(**pool) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2, **pool), nn.Conv2d(4, 5, 3))


def classifier() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 6), nn.Tanh(), nn.Linear(6, 5))


CASES["blur"] = Case(
    R.BlurPool2d,
    images(2, 3, 8, 8),
    bad=((lambda: R.BlurPool2d(4), "kernel_size must be odd and at least 3; got 4"),),
)
CASES["subsample"] = Case(lambda: R.subsample, images(2, 3, 7, 8))
CASES["pools_to_strides"] = Case(
    lambda: R.pools_to_strides(net()),
    images(2, 3, 8, 8),
    bad=((lambda: R.pools_to_strides(nn.Sequential(nn.MaxPool2d(2))), 'before pool "0" must be a convolution'),),
)
CASES["replace_pools"] = Case(
    lambda: R.replace_pools(net(), torch.zeros(1, 3, 8, 8)),
    images(2, 3, 8, 8),
    bad=(
        (lambda: R.replace_pools(net(ceil_mode=True), torch.zeros(1, 3, 8, 8)), 'ceil_mode of pool "2" must be False'),
    ),
)
CASES["fully_convolutional"] = Case(
    lambda: R.fully_convolutional(classifier(), torch.zeros(1, 3, 6, 6)),
    images(2, 3, 9, 8),
    bad=((lambda: R.fully_convolutional(net(), torch.zeros(1, 3, 8, 8)), "model must be a sequence with one Flatten"),),
)
