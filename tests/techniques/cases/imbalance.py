import torch
from contract import Case, Inputs
from torch import Generator

from cnnlab.techniques.imbalance import WEIGHTS, crops_per_class


def labels(generator: Generator) -> Inputs:
    return (torch.cat([torch.arange(5), torch.randint(5, (60,), generator=generator)]),)


EXCUSES = {
    "device": "how many classes there are is known only from the labels",
    "gradient": "labels have no gradient",
    "vmap": "how many classes there are is known only from the labels",
}
CASES = {
    name: Case(lambda weigh=weigh: weigh, labels, why_not=EXCUSES)
    for name, weigh in {**WEIGHTS, "crops_per_class": crops_per_class}.items()
}
