"""Resizing by area: every new pixel is the mean of what it covers, so thin lines fade and nothing flickers."""

from functools import lru_cache

import torch
from torch import Tensor

MAX_SIDE = 1024


def check_size(size) -> tuple[int, int] | None:
    """`size` as (height, width); None stays None. One number means a square. Raises `ValueError` on anything else."""
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    whole = all(isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= MAX_SIDE for side in pair)
    if size is None or (whole and len(pair) == 2):
        return None if size is None else pair
    raise ValueError(f"size={size!r} is no image size; give pixels a side, 1 to {MAX_SIDE}, or (height, width)")


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 images (N, C, H, W) to (N, C, *size): A · image · Bᵀ, rows of A and B being `shares`.

    Shrinking is antialiased; by a whole factor it is average pooling. Enlarging by a whole factor repeats pixels.
    The aspect ratio is not kept.
    """
    if tuple(images.shape[2:]) == tuple(size):
        return images
    rows, columns = (shares(old, new) for old, new in zip(images.shape[2:], size, strict=True))
    parts = [(rows @ part.float() @ columns.T + 0.5).floor().to(torch.uint8) for part in images.split(512)]
    return torch.cat(parts) if parts else images.new_empty(*images.shape[:2], *size)


@lru_cache(maxsize=64)
def shares(old: int, new: int) -> Tensor:
    """(new, old) matrix: the share of old pixel j in new pixel i, their overlap over the new pixel's width."""
    width = old / new
    start = torch.arange(new, dtype=torch.float64)[:, None] * width
    pixel = torch.arange(old, dtype=torch.float64)
    overlap = torch.minimum(start + width, pixel + 1) - torch.maximum(start, pixel)
    return (overlap.clamp(min=0) / width).float()
