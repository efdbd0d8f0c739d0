r"""Several networks as one: how to combine what they say, what is gained by it, and which of them to take.

Members stand in dimension 0: logits or probabilities (M, N, C) of M members for N images and C classes.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from cnnlab.choices import choose, demand


def member_logits(models: Sequence[nn.Module], x: Tensor) -> Tensor:
    """What each of `models`, of one architecture and in one mode, gives for `x`, in one call: (M, N, C) (row E01).

    Their weights are stacked and the architecture is run once over the stack. Source:
    {cite:t}`lakshminarayanan2017simple`.
    """
    demand(len(models) > 0, "models", models, "one or more")
    weights, buffers = stack_module_state([*models])
    return vmap(lambda w, b: functional_call(models[0], (w, b), (x,)), randomness="different")(weights, buffers)


def mean_probabilities(logits: Tensor) -> Tensor:
    r"""$\frac{1}{M} \sum_m \mathrm{softmax}(z_m)$: (M, N, C) to (N, C) (row E01).

    Source: {cite:t}`lakshminarayanan2017simple`.
    """
    return logits.softmax(dim=-1).mean(dim=0)


def mean_logits(logits: Tensor) -> Tensor:
    r"""$\mathrm{softmax}(\frac{1}{M} \sum_m z_m)$, the normalized geometric mean of the probabilities (row E01)."""
    return logits.mean(dim=0).softmax(dim=-1)


def votes(logits: Tensor) -> Tensor:
    """The share of the members whose first choice is each class: (M, N, C) to (N, C) (row E01)."""
    classes = torch.arange(logits.shape[-1], device=logits.device)
    return (logits.argmax(dim=-1, keepdim=True) == classes).to(logits.dtype).mean(dim=0)


def majority_accuracy(accuracy: float, voters: int) -> float:
    r"""How often most of `voters` independent voters are right: $\sum_{k > n/2} \binom{n}{k} p^k (1 - p)^{n - k}$ (row E01).

    A tie counts as half. Three voters of 80 % give 89.6 %; members of an ensemble are not independent and give less.
    """
    demand(0 <= accuracy <= 1, "accuracy", accuracy, "a share from 0 to 1")
    demand(voters >= 1, "voters", voters, "1 or more")
    right = torch.arange(voters + 1, dtype=torch.float64)
    p = torch.tensor(accuracy, dtype=torch.float64)
    ways = torch.lgamma(right[-1] + 1) - torch.lgamma(right + 1) - torch.lgamma(voters - right + 1)  # as logarithms
    shares = (ways + torch.xlogy(right, p) + torch.xlogy(voters - right, 1 - p)).exp()
    return (shares * (1 + (2 * right - voters).sign()) / 2).sum().item()


class Decomposition(NamedTuple):
    """Mean squared errors: of the mean prediction, of the members on average, and the members' spread around it."""

    ensemble: Tensor
    members: Tensor
    ambiguity: Tensor


def ambiguity(predictions: Tensor, target: Tensor) -> Decomposition:
    r"""$(\bar y - t)^2 = \overline{(y_m - t)^2} - \overline{(y_m - \bar y)^2}$, means over all else (row E01).

    Predictions (M, ...), target (...): the ensemble is better than its members by exactly their spread.
    Source: {cite:t}`krogh1995ensembles`.
    """
    mean = predictions.mean(dim=0)
    errors = (mean - target, predictions - target, predictions - mean)
    return Decomposition(*(error.square().mean() for error in errors))


def top_models(scores: Tensor, k: int = 10) -> list[int]:
    """The k models with the best validation scores (M,), best first; all of them where there are fewer (row E02)."""
    return scores.argsort(descending=True, stable=True)[:k].tolist()


def accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """The share of images whose most probable class is their label (row E02)."""
    return (probabilities.argmax(dim=-1) == labels).double().mean().item()


def greedy_selection(
    probabilities: Tensor,
    labels: Tensor,
    *,
    picks: int = 10,
    score: Callable[[Tensor, Tensor], float] = accuracy,
) -> list[int]:
    """Members, some more than once, for the best mean on validation images: one pick at a time (row E02).

    `probabilities` (M, N, C). Each pick is the member, the first of equals, whose addition scores highest; a pick that
    would lower the score is not made, so the list ends there or after `picks`, and the score is never below that of
    the best member. A member's weight is how often it is picked. Source: {cite:t}`caruana2004ensemble`.
    """
    demand(picks >= 1, "picks", picks, "1 or more")
    chosen, best, total = [], float("-inf"), torch.zeros_like(probabilities[0])
    for count in range(1, picks + 1):
        scores = [score((total + member) / count, labels) for member in probabilities]
        if max(scores) < best:
            break
        best = max(scores)
        chosen.append(scores.index(best))
        total = total + probabilities[chosen[-1]]
    return chosen


def combination(name: str) -> Callable[[Tensor], Tensor]:
    """The named way to combine logits; an unknown name lists the choices."""
    return choose(COMBINATIONS, name, "combination")


COMBINATIONS = {"mean_probabilities": mean_probabilities, "mean_logits": mean_logits, "votes": votes}
