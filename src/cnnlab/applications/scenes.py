"""What things are to each other: triplets (subject, predicate, object) over the things of an image, its scene graph."""

from typing import NamedTuple

import torch
from torch import Tensor

from cnnlab.choices import demand

PREDICATES = ("left of", "right of", "above", "below", "inside", "around")


class Triplets(NamedTuple):
    """Rows (subject, predicate, object) (T, 3) of indices, and their scores (T,), the largest first."""

    triplets: Tensor
    scores: Tensor


def relations(boxes: Tensor) -> Tensor:
    """Every relation between two of the boxes (N, 4): int64 triplets (T, 3), in order (row U05).

    Predicates index `PREDICATES`. "inside" means that no edge of the subject is outside of the object, "left of" that its
    right edge is not beyond the object's left edge, and so on. A pair can stand in no relation or in two. Source:
    {cite:t}`xu2017scene`.
    """
    a, b = boxes[:, None], boxes[None]
    left, above = a[..., 2] <= b[..., 0], a[..., 3] <= b[..., 1]
    inside = ((a[..., :2] >= b[..., :2]) & (a[..., 2:] <= b[..., 2:])).all(dim=-1)
    held = torch.stack([left, left.T, above, above.T, inside, inside.T], dim=1)
    different = ~torch.eye(len(boxes), dtype=torch.bool, device=boxes.device)
    return (held & different[:, None]).nonzero()


def rank_triplets(predicates: Tensor, things: Tensor | None = None) -> Triplets:
    r"""All triplets of different things from the most to the least probable, $p_s \, p_{sro} \, p_o$ (row U05).

    `predicates` (N, R, N) holds the probability of each relation r of subject s to object o, `things` (N,) how probable
    the label of each is, by default certain. Ties by index. Source: {cite:t}`xu2017scene`.
    """
    if things is not None:
        predicates = things[:, None, None] * predicates * things
    n, kinds, _ = predicates.shape
    every = torch.cartesian_prod(torch.arange(n), torch.arange(kinds), torch.arange(n)).to(predicates.device)
    different = every[:, 0] != every[:, 2]
    scores, order = predicates.flatten()[different].sort(descending=True, stable=True)
    return Triplets(every[different][order], scores)


def triplet_recall(ranked: Tensor, truth: Tensor, *, k: int) -> float:
    """Recall@K: the share of the triplets of `truth` (M, 3) among the first `k` of `ranked` (T, 3) (row U05).

    The average over images is that of their recalls. Precision would punish a right triplet that nobody wrote down. A
    graph without triplets has no recall, and a `k` below 1 no meaning: both raise a `ValueError`. Source:
    {cite:t}`xu2017scene`.
    """
    demand(k >= 1, "k", k, "at least 1")
    demand(len(truth) > 0, "truth", tuple(truth.shape), "at least one triplet (M, 3)")
    found = (truth[:, None] == ranked[None, :k]).all(dim=-1).any(dim=1)
    return found.double().mean().item()
