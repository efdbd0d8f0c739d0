import torch
from contract import Case

from cnnlab.techniques import representations as R


def two(generator):
    return torch.randn(7, 4, generator=generator), torch.randn(7, 3, generator=generator)


def labeled(generator):
    return torch.randn(9, 3, generator=generator), torch.randn(9, 2, generator=generator)


CASES = {
    "linear_cka": Case(
        lambda: R.linear_cka,
        two,
        bad=((lambda: R.linear_cka(torch.zeros(2, 1), torch.zeros(3, 1)), r"rows must be as many in both.*\(2, 3\)"),),
    ),
    "linear_probe": Case(
        lambda: R.linear_probe,
        labeled,
        why_not={
            "half": "torch solves no equations in half precision",
        },
        bad=(
            (
                lambda: R.probe_layers({"a": torch.zeros(2, 1)}, torch.zeros(2), valid={}, valid_labels=torch.zeros(2)),
                r"layers of valid must be those of train: \['a'\]; got \[\]",
            ),
        ),
    ),
}
