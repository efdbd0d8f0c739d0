r"""The ten networks A to J of a study that trades depth, width and kernel size at the same cost.

A stage is written as in the study's table: (kernel size, channels, how many). Source: {cite:t}`he2014constrained`.
"""

from cnnlab.arithmetic.budgets import total
from cnnlab.arithmetic.sizes import Layer
from cnnlab.choices import choose

IMAGE = 224
STEM = Layer(64, 7, 2)
POOLS = Layer(None, 3, 3), Layer(None, 2, 2), Layer(None, 3, 3)  # one before each stage


def constrained_time(name: str) -> list[Layer]:
    """The convolutions and pools of the named model, from A to J, in order (row K02).

    A 2x2 kernel cannot be padded evenly, so such layers alternate: without padding 36 pixels become 35, with one on each
    side 36 again. Had every map kept its size, E would cost 1.025 times what A does instead of .990. An unknown name
    lists the choices.
    """
    layers = [STEM]
    for pool, stage in zip(POOLS, choose(STAGES, name, "model"), strict=False):
        sizes = [(kernel, channels) for kernel, channels, times in stage for _ in range(times)]
        layers.append(pool)
        layers += [
            Layer(channels, kernel, padding=kernel // 2 if kernel % 2 else i % 2)
            for i, (kernel, channels) in enumerate(sizes)
        ]
    return layers


def relative_cost(name: str, *, size: int = IMAGE) -> float:
    """Multiply-adds of the model's convolutions, over those of model A (row K02). J, the best one, takes .970."""
    return total(constrained_time(name), size).macs / total(constrained_time("A"), size).macs


STAGES = {
    "A": ([(5, 128, 1)], [(3, 256, 3)]),
    "B": ([(5, 128, 1)], [(2, 256, 6)]),
    "C": ([(3, 128, 2)], [(3, 256, 3)]),
    "D": ([(3, 128, 2)], [(2, 256, 6)]),
    "E": ([(2, 128, 4)], [(2, 256, 6)]),
    "F": ([(5, 128, 1)], [(3, 160, 5), (3, 256, 1)]),
    "G": ([(5, 128, 1)], [(3, 128, 8), (3, 256, 1)]),
    "H": ([(3, 64, 3), (3, 128, 1)], [(3, 256, 3)]),
    "I": ([(3, 64, 3), (3, 128, 1)], [(2, 256, 6)]),
    "J": ([(2, 128, 4)], [(2, 256, 4)], [(2, 2304, 1), (2, 256, 1)]),
}
