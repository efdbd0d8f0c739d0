import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import fusion


def features(generator):
    return torch.randn(5, 4, generator=generator), torch.randn(5, 3, generator=generator)


def weighted(generator):
    return torch.rand(3, 5, 4, generator=generator), torch.rand(3, generator=generator)


def labeled(generator):
    logits = torch.randn(3, 5, 4, generator=generator)
    return logits.softmax(-1), torch.randint(4, (5,), generator=generator)


IMPOSSIBLE = (torch.zeros(2, 1, 3), torch.zeros(1, dtype=torch.long))
CASES = {
    "early_fusion": Case(lambda: lambda *xs: fusion.early_fusion(xs), features),
    "late_fusion": Case(lambda: fusion.late_fusion, weighted),
    "late_weights": Case(
        lambda: lambda p, y: fusion.late_weights(p, y, steps=3),
        labeled,
        why_not={
            "finite": "impossible labels are refused",
            "device": "they are refused by looking at them",
            "vmap": "they are refused by looking at them",
        },
        bad=((lambda: fusion.late_weights(*IMPOSSIBLE), "right class must be possible for one member or more"),),
    ),
    "Stacked": Case(
        lambda: fusion.Stacked([nn.Linear(4, 3), nn.Linear(4, 2)], nn.Linear(5, 3)),
        images(6, 4),
        bad=(
            (
                lambda: fusion.out_of_fold(lambda x, y: None, torch.zeros(3, 1), torch.zeros(3), folds=4),
                "folds must be from 2 to the 3 examples; got 4",
            ),
        ),
    ),
}
