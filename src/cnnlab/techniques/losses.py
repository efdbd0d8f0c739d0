r"""Losses of a classifier from its logits $z$ (N, C) and labels (N,): the mean over the batch.

$q = \operatorname{softmax}(z)$ are the predictions, $t$ the one-hot targets. Logarithms are taken of the softmax as a
whole, so that nothing overflows.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnlab.choices import choose, demand

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    r"""$-\log q_y = \log \sum_k e^{z_k} - z_y$, as `torch.nn.functional.cross_entropy` has it (rows T04, A12)."""
    return -_log_softmax(logits, labels).gather(1, labels[:, None]).mean()


def label_smoothing(logits: Tensor, labels: Tensor, *, smoothing: float = 0.1) -> Tensor:
    r"""Cross-entropy with targets $(1 - \epsilon) t + \epsilon / C$; torch's `label_smoothing` (row T04).

    The practice of today where the sources bootstrap. Source: {cite:t}`szegedy2016rethinking`.
    """
    demand(0 <= smoothing <= 1, "smoothing", smoothing, "from 0 to 1")
    log_q = _log_softmax(logits, labels)
    return (1 - smoothing) * cross_entropy(logits, labels) - smoothing * log_q.mean(dim=1).mean()


def soft_bootstrapping(logits: Tensor, labels: Tensor, *, beta: float = 0.95) -> Tensor:
    r"""$-\sum_k [\beta t_k + (1 - \beta) q_k] \log q_k$: cross-entropy with labels half believed (row T04).

    It is $\beta$ times the cross-entropy plus $1 - \beta$ times the entropy of q. The gradient goes through q in the
    target too, as in the paper. Source: {cite:t}`reed2015training`.
    """
    demand(0 <= beta <= 1, "beta", beta, "from 0 to 1")
    log_q = _log_softmax(logits, labels)
    entropy = -(log_q.exp() * log_q).sum(dim=1).mean()
    return beta * cross_entropy(logits, labels) + (1 - beta) * entropy


def hard_bootstrapping(logits: Tensor, labels: Tensor, *, beta: float = 0.8) -> Tensor:
    r"""$-\sum_k [\beta t_k + (1 - \beta) \mathbb{1}[k = \arg\max q]] \log q_k$ (row T04).

    The network's own first choice stands in for the share of the label that is not believed.
    Source: {cite:t}`reed2015training`.
    """
    demand(0 <= beta <= 1, "beta", beta, "from 0 to 1")
    return beta * cross_entropy(logits, labels) + (1 - beta) * cross_entropy(logits, logits.argmax(dim=1))


def multiclass_hinge(logits: Tensor, labels: Tensor, *, margin: float = 1.0) -> Tensor:
    r"""$\sum_{j \ne y} \max(0, z_j - z_y + \Delta)$, the loss of a support vector machine on features (row F04).

    C times `torch.nn.MultiMarginLoss`, which divides by the classes. Source: {cite:t}`tang2013deep`.
    """
    demand(margin >= 0, "margin", margin, "0 or more")
    _check(logits, labels)
    over = (logits - logits.gather(1, labels[:, None]) + margin).clamp(min=0)
    return over.sum(dim=1).mean() - margin  # the label's own term is the margin


def _log_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    _check(logits, labels)
    return F.log_softmax(logits, dim=1)


def _check(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or labels.dtype != torch.long:
        raise ValueError(
            "a loss takes logits (N, C) and a whole number (int64) for each as label, (N,); "
            f"got {tuple(logits.shape)} and {labels.dtype} labels of shape {tuple(labels.shape)}"
        )


def loss(name: str) -> Loss:
    """The named loss; an unknown name lists the choices."""
    return choose(LOSSES, name, "loss")


LOSSES = {
    "cross_entropy": cross_entropy,
    "label_smoothing": label_smoothing,
    "soft_bootstrapping": soft_bootstrapping,
    "hard_bootstrapping": hard_bootstrapping,
    "multiclass_hinge": multiclass_hinge,
}
