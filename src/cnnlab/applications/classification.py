"""Which class an image shows, with a list of the likeliest instead of one answer."""

from typing import NamedTuple

import torch
from torch import Tensor

from cnnlab.choices import demand


class Likeliest(NamedTuple):
    """Probabilities (N, k), falling along each row, and the classes they belong to (N, k)."""

    probabilities: Tensor
    classes: Tensor


def likeliest(logits: Tensor, k: int = 5) -> Likeliest:
    r"""The `k` classes of largest probability $p_c = e^{z_c} / \sum_j e^{z_j}$ for logits (N, C) (row U01).

    Where logits are equal the lower class comes first, as in `argmax`; `torch.topk` leaves their order open. A `k`
    beyond C raises a `ValueError`. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    demand(1 <= k <= logits.shape[1], "k", k, f"from 1 to {logits.shape[1]}, the classes")
    classes = logits.sort(dim=1, descending=True, stable=True).indices[:, :k]
    return Likeliest(logits.softmax(dim=1).gather(1, classes), classes)


def top_k_accuracy(logits: Tensor, labels: Tensor, *, k: int = 5) -> float:
    """The share of rows whose label is among the `k` likeliest classes: logits (N, C), labels (N,) (row U01).

    It grows with k, is the accuracy at k = 1 and 1 at k = C; a larger k raises a `ValueError`. ImageNet counts k = 5.
    Source: {cite:t}`krizhevsky2012imagenet`.
    """
    demand(labels.shape == logits.shape[:1], "labels.shape", tuple(labels.shape), f"({len(logits)},), one a row")
    found = likeliest(logits, k).classes == labels[:, None]
    return found.any(dim=1).to(torch.float64).mean().item()
