"""Where things are: overlap of boxes, one box a thing, and a classifier slid over an image.

A box is (x1, y1, x2, y2) in pixels with x1 < x2 and y1 < y2; the far edges are outside, so its area is a product of
differences.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from cnnlab.choices import demand


class Detections(NamedTuple):
    """Boxes (K, 4), their classes (K,) and probabilities (K,), the most probable first."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor


def area(boxes: Tensor) -> Tensor:
    """Width times height of boxes (..., 4)."""
    return (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    r"""$|A \cap B| / |A \cup B|$ of any two boxes: (M, 4) and (N, 4) to (M, N) (row U03).

    torchvision: `torchvision.ops.box_iou`. Source: {cite:t}`everingham2010pascal`.
    """
    low = torch.maximum(a[:, None, :2], b[:, :2])
    high = torch.minimum(a[:, None, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    return shared / (area(a)[:, None] + area(b) - shared)


def nms(boxes: Tensor, scores: Tensor, *, iou_threshold: float = 0.5) -> Tensor:
    """Greedy non-maximum suppression: the indices of the boxes that stay, from the highest score (row U03).

    The best box stays, those that overlap it by more than the threshold go, and so on with the rest; of equal scores
    the first comes first. torchvision: `torchvision.ops.nms`. Source: {cite:t}`felzenszwalb2010object`.
    """
    order = scores.argsort(descending=True, stable=True)
    overlap = box_iou(boxes[order], boxes[order]) > iou_threshold
    kept = torch.ones_like(order, dtype=torch.bool)
    for i in range(len(order)):
        kept[i + 1 :] &= ~(overlap[i, i + 1 :] & kept[i])
    return order[kept]


def windows(height: int, width: int, *, size: int, stride: int = 1) -> Tensor:
    """The box that each place of a (height, width) map of scores has seen, row by row: (height·width, 4) (row U03).

    For a classifier of `size` x `size` images whose steps are `stride` pixels and whose layers do not pad. Source:
    {cite:t}`sermanet2014overfeat`.
    """
    y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij")
    corner = torch.stack([x, y], dim=-1).view(-1, 2).float()
    return torch.cat([corner, corner + size], dim=1)


def window_labels(boxes: Tensor, truth: Tensor, *, labels: Tensor, nothing: int, low=0.5, high=0.7) -> Tensor:
    """What to teach a classifier about each window, (N,): a class, `nothing`, or -1 for neither (row U03).

    The class of the box in `truth` (M, 4) that it overlaps most, if by at least `high`; nothing if by less than `low`.
    Source: {cite:t}`girshick2014rich`.
    """
    overlap, which = box_iou(boxes, truth).max(dim=1)
    found = torch.where(overlap >= high, labels[which], -1)
    return torch.where(overlap < low, nothing, found)


def detect(logits: Tensor, *, size: int, stride: int = 1, threshold: float = 0.5, iou_threshold=0.3) -> Detections:
    """Boxes from the scores of a classifier slid over one image (row U03).

    `logits` (classes + 1, H', W') are those of `cnnlab.techniques.resampling.fully_convolutional`, the last class for
    "nothing here"; `size` and `stride` are as in `windows`. A place counts where a class has at least `threshold`, and
    `nms` keeps one of neighbors, whatever their classes. Source: {cite:t}`sermanet2014overfeat`.
    """
    demand(logits.ndim == 3, "logits", tuple(logits.shape), "(classes + 1, height, width) of one image")
    scores, labels = logits.softmax(dim=0)[:-1].flatten(1).max(dim=0)
    boxes = windows(*logits.shape[1:], size=size, stride=stride).to(logits)
    sure = scores >= threshold
    boxes, labels, scores = boxes[sure], labels[sure], scores[sure]
    kept = nms(boxes, scores, iou_threshold=iou_threshold)
    return Detections(boxes[kept], labels[kept], scores[kept])
