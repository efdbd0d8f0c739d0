import torch
from contract import Case

from cnnlab.techniques.tuned_nets import modification_effect, rank_changes


def scores(generator):
    return torch.randn(6, generator=generator), torch.randn(6, generator=generator)


CASES = {
    "rank_changes": Case(
        lambda: rank_changes,
        scores,
        bad=(
            (lambda: rank_changes(torch.zeros(2), torch.zeros(3)), r"scores must be as many in both.*got \(2, 3\)"),
            (lambda: modification_effect(0.0, 1.0, images=5), r"must be not both 0 or 1.*got \(0.0, 1.0\)"),
        ),
    ),
}
