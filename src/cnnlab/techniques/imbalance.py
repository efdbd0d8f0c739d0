"""Classes of unequal size: weights for the loss, samplers that even them out, training in two phases, extra crops.

`labels` has shape (N,). A result by class has shape (C,), C being the largest label plus one.
"""

import torch
from torch import Generator, Tensor

from cnnlab.choices import choose, demand


def counts(labels: Tensor) -> Tensor:
    """How many images each class has; a class between without any raises a `ValueError` (row Z03)."""
    found = labels.bincount()
    demand(bool((found > 0).all()), "every class", found.tolist(), "there at least once")
    return found


def inverse_frequency(labels: Tensor) -> Tensor:
    r"""Weights $N / (C n_c)$ for a loss: every class weighs the same, the mean over images is 1 (row Z03)."""
    found = counts(labels)
    return len(labels) / (len(found) * found.float())


def class_balanced(labels: Tensor, *, beta: float = 0.999) -> Tensor:
    r"""Weights by the effective number of images, $(1 - \beta) / (1 - \beta^{n_c})$ (row Z03).

    All 1 for $\beta = 0$, in proportion to $1 / n_c$ as $\beta \to 1$. Source: {cite:t}`cui2019class`.
    """
    demand(0 <= beta < 1, "beta", beta, "at least 0 and below 1")
    return ((1 - beta) / (1 - beta ** counts(labels).double())).float()


def oversample(labels: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Rows of an epoch in which every class is as large as the largest, in random order (row Z03).

    Each image stands there as often as any other of its class, to within one. `torch.utils.data.WeightedRandomSampler`
    with `inverse_frequency` of each label evens out the classes only on average. Source: {cite:t}`buda2018systematic`.
    """
    return _evened(labels, int(counts(labels).max()), generator)


def undersample(labels: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Rows of an epoch in which every class is as small as the smallest, in random order (row Z03)."""
    return _evened(labels, int(counts(labels).min()), generator)


def _evened(labels: Tensor, size: int, generator: Generator | None) -> Tensor:
    rows = []
    for label in range(len(counts(labels))):
        own = (labels == label).nonzero()[:, 0]
        passes = [torch.randperm(len(own), generator=generator) for _ in range(-(-size // len(own)))]
        rows.append(own[torch.cat(passes)[:size].to(own.device)])
    rows = torch.cat(rows)
    return rows[torch.randperm(len(rows), generator=generator).to(rows.device)]


def two_phases(labels: Tensor, *, common: float = 0.5) -> tuple[Tensor, Tensor]:
    """Rows for two phases of training: the classes with many images first, then those with few (row Z04).

    Common classes have at least `common` times the images of the largest one. S4's text is garbled here; this is how it is
    meant. The other two-phase recipe trains on all images evened out and then fits the last layer again on the images
    as they are: `oversample`, then `freeze` all but the head. Source: {cite:t}`havaei2017brain,kang2020decoupling`.
    """
    demand(0 < common <= 1, "common", common, "above 0 and at most 1")
    found = counts(labels)
    many = (found >= common * found.max())[labels]
    return many.nonzero()[:, 0], (~many).nonzero()[:, 0]


def crops_per_class(labels: Tensor) -> Tensor:
    r"""How many crops of each image even the classes out: $\lceil n_{\max} / n_c \rceil$ (row Z05).

    The classes then differ by less than one crop of each of their images. Source: {cite:t}`wei2015pyramid`.
    """
    found = counts(labels)
    return -(-found.max() // found)


def balanced_accuracy(predicted: Tensor, labels: Tensor) -> float:
    """The mean over classes of the share of each that was found, its recall (row Z03)."""
    demand(predicted.shape == labels.shape, "predicted", tuple(predicted.shape), f"of shape {tuple(labels.shape)}")
    right = torch.zeros(len(counts(labels)), dtype=torch.float64, device=labels.device)
    right.index_add_(0, labels, (predicted == labels).double())
    return (right / counts(labels)).mean().item()


def class_weights(name: str, labels: Tensor) -> Tensor:
    """The named weights of the classes; an unknown name lists the choices."""
    return choose(WEIGHTS, name, "class weights")(labels)


WEIGHTS = {"inverse_frequency": inverse_frequency, "class_balanced": class_balanced}
