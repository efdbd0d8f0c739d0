import torch
from contract import Case, images

from cnnlab.techniques import pooling
from cnnlab.techniques.pooling import POOLINGS, SpatialPyramidPool2d, StochasticPool2d

MAPS = images(2, 3, 6, 6)
CASES = {name: Case(lambda make=make: make(3, 2), MAPS) for name, make in POOLINGS.items()}
CASES |= {
    "windows": Case(
        lambda: lambda x: pooling.windows(x, 3, 2),
        MAPS,
        bad=(
            (
                lambda: pooling.windows(torch.zeros(1, 1, 2, 4), 3),
                "kernel_size must be at most the map's side 2; got 3",
            ),
            (
                lambda: StochasticPool2d((2, 2))(torch.zeros(1, 1, 4, 4)),
                r"kernel_size must be a whole number from 1, the side of a square; got \(2, 2\)",
            ),
            (lambda: pooling.average_pool(torch.zeros(1, 1, 4, 4), (2, 2)), r"a whole number from 1.*; got \(2, 2\)"),
            (lambda: pooling.windows(torch.zeros(1, 1, 4, 4), 0), "a whole number from 1, the side of a square; got 0"),
        ),
    ),
    "stochastic_training": Case(
        lambda: StochasticPool2d(3, 2),
        MAPS,
        training=True,
        why_not={"vmap": "it draws", "gpu": "it draws on the device"},
    ),
    "max_pool_backward": Case(
        lambda: lambda grad, x: pooling.max_pool_backward(grad, x, kernel_size=3, stride=2),
        lambda g: (torch.randn(2, 3, 2, 2, generator=g), torch.randn(2, 3, 6, 6, generator=g)),
    ),
    "average_pool": Case(lambda: lambda x: pooling.average_pool(x, 3, stride=2), MAPS),
    "global_average_pool": Case(lambda: pooling.global_average_pool, MAPS),
    "class_activation_map": Case(
        lambda: pooling.class_activation_map,
        lambda g: (torch.randn(2, 3, 4, 4, generator=g), torch.randn(5, 3, generator=g)),
        bad=(
            (
                lambda: pooling.class_activation_map(torch.zeros(1, 3, 2, 2), torch.zeros(5, 4)),
                r"weight.shape\[1\] must be 3, the channels; got 4",
            ),
        ),
    ),
    "spatial_pyramid": Case(SpatialPyramidPool2d, MAPS),
}
