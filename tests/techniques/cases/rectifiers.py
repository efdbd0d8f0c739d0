import torch
from contract import Case, images, seeded
from torch import nn

from cnnlab.techniques.rectifiers import APL, RReLU, Shifted, prelu


def apl():
    unit = APL(3, channels=4)
    with torch.no_grad():
        unit.slopes.normal_(generator=seeded())
    return unit


CASES = {
    "RReLU": Case(RReLU, images(2, 4, 5, 5), bad=((lambda: RReLU(8, 3), r"0 < lower <= upper; got \(8, 3\)"),)),
    "RReLU_training": Case(
        RReLU,
        images(2, 4, 5, 5),
        training=True,
        half=0.2,
        why_not={
            "dtype": "each dtype has its own random numbers",
            "vmap": "vmap refuses random numbers without being told how they differ",
            "channels_last": "the draws follow the memory",
            "gpu": "the draws are those of the device",
        },
    ),
    "prelu": Case(lambda: prelu, lambda g: (torch.randn(2, 4, 5, 5, generator=g), torch.rand(4, generator=g))),
    "APL": Case(apl, images(2, 4, 5, 5), bad=((lambda: APL(0), "hinges must be at least 1; got 0"),)),
    "Shifted": Case(lambda: Shifted(nn.ReLU(), 4), images(2, 4, 5, 5)),
}
