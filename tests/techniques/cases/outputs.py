import torch
from contract import Case, images

from cnnlab.techniques.outputs import OBJECTIVES, OUTPUTS, binary_cross_entropy


def classes(generator):
    return torch.randn(6, 4, generator=generator), torch.randint(4, (6,), generator=generator)


def labels(generator):
    return torch.randn(6, 4, generator=generator), torch.rand(6, 4, generator=generator)


CASES = {name: Case(make, images(6, 4)) for name, make in OUTPUTS.items()}
CASES |= {f"{name}_loss": Case(make, classes if name == "multiclass" else labels) for name, make in OBJECTIVES.items()}
CASES |= {
    "binary_cross_entropy": Case(
        lambda: binary_cross_entropy,
        labels,
        bad=((lambda: binary_cross_entropy(torch.zeros(4, 1), torch.zeros(4)), r"must be \(4, 1\).*; got \(4,\)"),),
    ),
}
