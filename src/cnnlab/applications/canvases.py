"""Larger images to find things in: digits, or whatever else, strewn over an empty canvas."""

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from cnnlab.choices import demand


class Canvas(NamedTuple):
    """An image (C, size, size), the boxes (K, 4) of what is on it, and their labels (K,)."""

    image: Tensor
    boxes: Tensor
    labels: Tensor


def strew(images: Tensor, labels: Tensor, *, size: int, generator: Generator | None = None) -> Canvas:
    """All `images` (K, C, h, h) at random places of one canvas, none touching another (row U03).

    The canvas is cut into cells half as large again as an image; each image lies somewhere in a cell of its own. More
    images than cells raise a `ValueError`.
    """
    side = images.shape[-1]
    cell = side + side // 2
    across = size // cell
    demand(len(images) <= across**2, "the number of images", len(images), f"at most {across**2} on {size} pixels")
    cells = torch.randperm(across**2, generator=generator)[: len(images)]
    shift = torch.randint(cell - side, (len(images), 2), generator=generator)
    corners = torch.stack([cells % across, cells // across], dim=1) * cell + shift
    canvas = images.new_zeros(images.shape[1], size, size)
    for image, (x, y) in zip(images, corners.tolist(), strict=True):
        canvas[:, y : y + side, x : x + side] = image
    boxes = torch.cat([corners, corners + side], dim=1).to(images.device, torch.float32)
    return Canvas(canvas, boxes, labels)
