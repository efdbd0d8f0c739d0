import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import paths
from cnnlab.techniques.paths import DropPathMean, StochasticDepth

MAPS = images(2, 3, 4, 4)
DRAWS = {"vmap": "it draws", "gpu": "it draws on the device"}


def branches(g):
    return tuple(torch.randn(2, 3, 4, 4, generator=g) for _ in range(3))


CASES = {
    "drop_path_mean": Case(
        lambda: lambda *xs: DropPathMean().eval()(xs),
        branches,
        bad=(
            (lambda: DropPathMean(1.0), "p must be at least 0 and below 1; got 1.0"),
            (lambda: paths.drop_path_mask(2, -0.1), "p must be at least 0 and below 1; got -0.1"),
        ),
    ),
    "drop_path_mean_training": Case(lambda: lambda *xs: DropPathMean(0.5)(xs), branches, why_not=DRAWS),
    "stochastic_depth": Case(
        lambda: StochasticDepth(nn.Conv2d(3, 3, 1), 0.2),
        MAPS,
        bad=(
            (lambda: StochasticDepth(nn.ReLU(), 1.0), "p must be at least 0 and below 1; got 1.0"),
            (lambda: paths.drop_rates(3, last=2), "last must be at least 0 and below 1; got 2"),
        ),
    ),
    "stochastic_depth_training": Case(
        lambda: StochasticDepth(nn.Conv2d(3, 3, 1), 0.5),
        MAPS,
        training=True,
        why_not=DRAWS | {"device": "Python decides whether the branch is computed, so the coin must be real"},
    ),
    "stochastic_depth_function": Case(
        lambda: lambda x, live: paths.stochastic_depth(x, 0.2, live),
        lambda g: (*MAPS(g), torch.tensor([True, False])),
        bad=(
            (
                lambda: paths.stochastic_depth(torch.ones(1), 1.0, torch.tensor([True])),
                "p must be at least 0 and below 1; got 1.0",
            ),
        ),
    ),
    "drop_samples": Case(
        lambda: paths.drop_samples(0.5),
        MAPS,
        training=True,
        why_not=DRAWS,
        bad=((lambda: paths.drop_samples(1.5), "p must be at least 0 and below 1; got 1.5"),),
    ),
}
