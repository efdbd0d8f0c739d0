"""A label for every pixel, and how well two maps of labels agree."""

import torch
from torch import Tensor

from cnnlab.choices import demand
from cnnlab.data.shapes import DEFAULT_DIFFICULTY, SHAPES, generate

CLASSES = ("background", *SHAPES)
IGNORED = 255  # the label of Pascal VOC for "do not count": borders of objects


def confusion_matrix(predicted: Tensor, target: Tensor, *, classes: int) -> Tensor:
    """How many pixels of class i (row) were called j (column): int64 (classes, classes) (row U02).

    Two maps of labels of one shape. Pixels whose target is 255 do not count; any other label beyond the classes raises
    a `ValueError`. Matrices of several batches add up. Source: {cite:t}`long2015fully`.
    """
    demand(predicted.shape == target.shape, "predicted.shape", tuple(predicted.shape), f"{tuple(target.shape)}")
    counted = target != IGNORED
    pairs = torch.stack([target[counted], predicted[counted]]).long()
    inside = bool(((pairs >= 0) & (pairs < classes)).all())
    demand(inside, "labels", pairs.unique().tolist(), f"from 0 to {classes - 1}, or {IGNORED} in the target")
    return (pairs[0] * classes + pairs[1]).bincount(minlength=classes**2).view(classes, classes)


def intersection_over_union(confusion: Tensor) -> Tensor:
    r"""$n_{ii} / (\sum_j n_{ij} + \sum_j n_{ji} - n_{ii})$ of each class; NaN for one that neither map has (row U02).

    Source: {cite:t}`long2015fully`.
    """
    hits = confusion.diagonal().double()
    return hits / (confusion.sum(0) + confusion.sum(1) - hits)


def mean_iou(confusion: Tensor) -> float:
    """The mean of `intersection_over_union` over the classes that either map has (row U02).

    One class called everywhere: the share of its pixels over the number of classes. A matrix that counts no pixel
    raises a `ValueError`. Source: {cite:t}`long2015fully`.
    """
    demand(bool(confusion.sum() > 0), "confusion", "no pixel", "a matrix that counts at least one")
    return intersection_over_union(confusion).nanmean().item()


def labeled_shapes(n: int, *, seed: int = 0, difficulty: float = DEFAULT_DIFFICULTY) -> tuple[Tensor, Tensor]:
    """`n` pictures of `shapes` (N, 3, 32, 32) and a label for each pixel (N, 32, 32), 0 for background (row U02).

    Figure k of `SHAPES` has label k + 1; what hides it is background.
    """
    drawn = generate(n, seed=seed, difficulty=difficulty)
    return drawn.images, drawn.masks * (drawn.labels + 1)[:, None, None]
