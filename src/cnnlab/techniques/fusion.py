"""Networks of different kinds together: features side by side, scores weighted, a network on top of networks."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.techniques.joins import concatenated

Predict = Callable[[Tensor], Tensor]


def early_fusion(features: Sequence[Tensor]) -> Tensor:
    r"""The features of several networks side by side, (N, D₁), (N, D₂), ... to (N, ΣD) (row E04).

    A linear model on them is the sum of one on each, $W [x_1; x_2] = W_1 x_1 + W_2 x_2$, trained together.
    Source: {cite:t}`wei2015pyramid`.
    """
    return concatenated(features)


def late_fusion(probabilities: Tensor, weights: Tensor) -> Tensor:
    r"""$\sum_m w_m p_m$: the weighted mean of what networks say, (M, N, C) and (M,) to (N, C) (row E04).

    Source: {cite:t}`wei2015pyramid`.
    """
    return torch.einsum("m,mnc->nc", weights, probabilities)


def late_weights(probabilities: Tensor, labels: Tensor, *, steps: int = 500) -> Tensor:
    r"""The weights, positive with sum 1, of the highest likelihood of validation labels: (M, N, C) to (M,) (row E04).

    $w_m \leftarrow \frac{1}{N} \sum_n w_m p_{mn} / \sum_k w_k p_{kn}$ with $p_{mn}$ the probability of the right class:
    expectation-maximization, which never lowers the likelihood; that is concave, so it finds the only maximum. A label
    that every member calls impossible raises. Source: {cite:t}`dempster1977maximum`.
    """
    right = probabilities[:, torch.arange(len(labels), device=labels.device), labels]
    demand(bool((right > 0).any(dim=0).all()), "the right class", 0.0, "possible for one member or more, at each image")
    weights = right.new_full((len(right),), 1 / len(right))
    for _ in range(steps):
        weights = weights * (right / (weights @ right)).mean(dim=1)
    return weights


def out_of_fold(fit: Callable[[Tensor, Tensor], Predict], x: Tensor, y: Tensor, *, folds: int = 5) -> Tensor:
    """What a model says of each example when trained on the other folds: what level two may learn from (row E04).

    `fit(x, y)` trains and gives a function of x. The folds are runs of examples of equal length, the first ones longer
    by one where needed. Source: {cite:t}`wolpert1992stacked`.
    """
    demand(2 <= folds <= len(x), "folds", folds, f"from 2 to the {len(x)} examples")
    parts = torch.arange(len(x), device=x.device).tensor_split(folds)
    others = [torch.cat([*parts[:k], *parts[k + 1 :]]) for k in range(folds)]
    return torch.cat([fit(x[rest], y[rest])(x[part]) for part, rest in zip(parts, others, strict=True)])


class Stacked(nn.Module):
    """Copies of trained networks, frozen, and a `combiner` that learns from all their outputs side by side (row E04).

    The members stay in evaluation mode. Source: {cite:t}`mohammadi2016stacked`.
    """

    def __init__(self, members: Sequence[nn.Module], combiner: nn.Module):
        super().__init__()
        self.members = nn.ModuleList(copy.deepcopy([*members])).requires_grad_(False)
        self.combiner = combiner
        self.train(self.training)

    def train(self, mode: bool = True) -> "Stacked":
        super().train(mode)
        self.members.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.combiner(early_fusion([member(x) for member in self.members]))
