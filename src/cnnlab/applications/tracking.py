"""One thing followed through a clip: in each frame, the place most like what it was in the first."""

import torch
from torch import Tensor
from torch.nn import functional as F

FLAT = 1e-5  # of the energy: what is left of a variance below it is rounding


def cross_correlation(search: Tensor, template: Tensor) -> Tensor:
    r"""$s(i, j) = \sum_{c,u,v} t_c(u, v) \, x_c(i + u, j + v)$: one map for each search image (row U03).

    `search` (N, C, H, W), `template` (C, h, w), map (N, H - h + 1, W - w + 1). Both are features of one network where a
    tracker is learned. Source: {cite:t}`bertinetto2016fully`.
    """
    return F.conv2d(search, template[None])[:, 0]


def normalized_cross_correlation(search: Tensor, template: Tensor) -> Tensor:
    r"""The same between template and window with their means taken out, over the product of their norms (row U03).

    In -1..1, 1 where the window is the template up to brightness and contrast, so that a bright place does not win by
    being bright; 0 where the window or the template is flat. Source: {cite:t}`lewis1995fast`.
    """
    ones, centered = torch.ones_like(template), template - template.mean()
    energy = cross_correlation(search.square(), ones)
    spread = energy - cross_correlation(search, ones).square() / template.numel()
    contrast = centered.square().sum()
    flat = (spread <= FLAT * energy) | (contrast <= FLAT * template.square().sum())
    norm = (spread * contrast).masked_fill(flat, 1).sqrt()
    return (cross_correlation(search, centered) / norm).masked_fill(flat, 0)


def track(frames: Tensor, box: Tensor) -> Tensor:
    """The box (x1, y1, x2, y2) of the first of `frames` (T, C, H, W) in all of them: whole numbers (T, 4) (row U03).

    Each frame by itself: the window of largest `normalized_cross_correlation` with what the box holds in the first.
    Source: {cite:t}`bertinetto2016fully`.
    """
    x1, y1, x2, y2 = box.long().tolist()
    similarity = normalized_cross_correlation(frames, frames[0, :, y1:y2, x1:x2])
    best = similarity.flatten(1).argmax(dim=1)
    corner = torch.stack([best % similarity.shape[2], best // similarity.shape[2]], dim=1)
    return torch.cat([corner, corner + corner.new_tensor([x2 - x1, y2 - y1])], dim=1)
