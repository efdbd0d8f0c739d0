import torch
from contract import Case, Inputs, seeded
from torch import Generator

from cnnlab.techniques.labels import NOISES, corrupt


def labels(generator: Generator) -> Inputs:
    return (torch.randint(5, (60,), generator=generator),)


EXCUSES = {
    "device": "how many labels a class has is known only from the labels",
    "gradient": "labels have no gradient",
    "vmap": "how many labels a class has is known only from the labels",
}
CASES = {
    name: Case(
        lambda make=make: lambda y: corrupt(y, make(5, 0.3), generator=seeded()),
        labels,
        why_not=EXCUSES,
    )
    for name, make in NOISES.items()
}
