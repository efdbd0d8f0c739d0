import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import ensembles as E


class Members(nn.Module):
    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList(nn.Linear(4, 3) for _ in range(2)).requires_grad_(False)

    def forward(self, x):
        return E.member_logits(self.models, x)


def predictions(generator):
    return torch.randn(4, 6, generator=generator), torch.randn(6, generator=generator)


CASES = {name: Case(lambda function=function: function, images(3, 5, 4)) for name, function in E.COMBINATIONS.items()}
CASES["votes"] = Case(
    lambda: E.votes,
    images(3, 5, 4),
    bad=(
        (lambda: E.combination("median"), 'combination "median" is unknown; choose one of: mean_logits, mean_prob'),
        (lambda: E.majority_accuracy(1.2, 3), "accuracy must be a share from 0 to 1; got 1.2"),
        (lambda: E.majority_accuracy(0.5, 0), "voters must be 1 or more; got 0"),
        (lambda: E.greedy_selection(torch.zeros(1, 1, 1), torch.zeros(1), picks=0), "picks must be 1 or more; got 0"),
        (lambda: E.member_logits([], torch.zeros(1)), r"models must be one or more; got \[\]"),
    ),
)
CASES["member_logits"] = Case(Members, images(5, 4))
CASES["ambiguity"] = Case(lambda: lambda y, t: tuple(E.ambiguity(y, t)), predictions)
