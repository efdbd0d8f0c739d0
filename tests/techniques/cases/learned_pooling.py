import torch
from contract import Case, images

from cnnlab.techniques.learned_pooling import LEARNED_POOLINGS, GatedPool2d, TreePool2d

MAPS = images(2, 3, 6, 6)
CASES = {name: Case(lambda make=make: make(3, 2), MAPS) for name, make in LEARNED_POOLINGS.items()}
CASES["gated_each_channel"] = Case(
    lambda: GatedPool2d(3, 2, gates=3),
    MAPS,
    bad=(
        (
            lambda: GatedPool2d(2, gates=2)(torch.zeros(1, 3, 4, 4)),
            "gates must be 1 or the number of channels, 3; got 2",
        ),
        (lambda: GatedPool2d((2, 2)), r"kernel_size must be a whole number from 1.*; got \(2, 2\)"),
    ),
)
CASES["tree_of_four_leaves"] = Case(
    lambda: TreePool2d(3, 2, levels=3),
    MAPS,
    bad=(
        (lambda: TreePool2d(2, levels=0), "levels must be at least 1, a tree that is one leaf; got 0"),
        (lambda: TreePool2d((2, 2)), r"kernel_size must be a whole number from 1.*; got \(2, 2\)"),
    ),
)
