import torch
from contract import Case, Inputs
from torch import Generator

from cnnlab.techniques import losses as L


def logits(generator: Generator) -> Inputs:
    return torch.randn(6, 5, generator=generator), torch.randint(5, (6,), generator=generator)


def unequal(loss):
    return lambda: loss(torch.zeros(3, 4), torch.zeros(2, dtype=torch.long))


CASES = {
    name: Case(
        lambda loss=loss: loss, logits, bad=((unequal(loss), r"logits \(N, C\) and a whole number \(int64\) for each"),)
    )
    for name, loss in L.LOSSES.items()
} | {
    "unbelieved": Case(
        lambda: lambda z, y: L.soft_bootstrapping(z, y, beta=0.0),
        logits,
        bad=(
            (lambda: L.soft_bootstrapping(*logits(None), beta=2), "beta must be from 0 to 1; got 2"),
            (lambda: L.hard_bootstrapping(*logits(None), beta=-1), "beta must be from 0 to 1; got -1"),
            (lambda: L.label_smoothing(*logits(None), smoothing=7), "smoothing must be from 0 to 1; got 7"),
            (lambda: L.multiclass_hinge(*logits(None), margin=-1), "margin must be 0 or more; got -1"),
            (lambda: L.loss("mse"), 'loss "mse" is unknown; choose one of: cross_entropy'),
        ),
    ),
}
