"""Distortions drawn anew for each image of a batch (N, C, H, W) of floats: rotation, scaling, shear, shift, noise.

A geometric distortion is a 2x2 matrix and a shift about the center of the image. Combinations are matrix products, so the
pixels are interpolated once. Draws are made on the CPU and moved, so every device gets the same ones.
"""

from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, pad

from cnnlab.choices import choose, demand
from cnnlab.techniques.color import demand_floats
from cnnlab.techniques.color_jitter import jitter_hsv


def rotation(degrees: Tensor) -> Tensor:
    r"""Matrices (N, 2, 2) that turn by `degrees` (N,), clockwise on the screen, where $y$ points down (row D05).

    The sign is that of torchvision's `affine`; its `rotate` and `torch.rot90` turn the other way.
    """
    cos, sin = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    return torch.stack([cos, -sin, sin, cos], -1).unflatten(-1, (2, 2))


def scaling(factors: Tensor) -> Tensor:
    """Matrices (N, 2, 2) that enlarge by `factors` (N,) (row D05)."""
    return torch.diag_embed(torch.stack([factors, factors], -1))


def shearing(degrees: Tensor) -> Tensor:
    r"""Matrices (N, 2, 2) with $x \leftarrow x - y \tan a$: upright lines lean by `degrees` (N,) (row D05)."""
    one, lean = torch.ones_like(degrees), -torch.deg2rad(degrees).tan()
    return torch.stack([one, lean, 0 * one, one], -1).unflatten(-1, (2, 2))


def warp(images: Tensor, matrices: Tensor, shifts: Tensor) -> Tensor:
    r"""Each image under $p \mapsto A p + t$, $p = (x, y)$ in pixels from its center, y down; black comes in (row D05).

    `matrices` (N, 2, 2) and `shifts` (N, 2) are float32 or float64. Each new pixel is looked up at $A^{-1}(p - t)$, bilinear.
    Agrees with torchvision's `affine`, image by image. Source: {cite:t}`simard2003best`.
    """
    demand_floats(images)
    width, height = images.shape[-1], images.shape[-2]
    right, down = (torch.arange(side).to(matrices) - (side - 1) / 2 for side in (width, height))
    points = torch.stack(torch.meshgrid(right, down, indexing="xy"), -1)
    sources = (points - shifts[:, None, None]) @ torch.linalg.inv(matrices).mT[:, None]
    grid = sources / matrices.new_tensor([width / 2, height / 2])
    return grid_sample(images, grid.to(images.dtype), align_corners=False)


def random_affine(
    images: Tensor,
    *,
    degrees: float = 0.0,
    scale: float = 1.0,
    shear: float = 0.0,
    shift: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """Each image turned, scaled, sheared and shifted by draws of its own (row D05).

    Uniform in ±`degrees`, ±`shear` (degrees) and ±`shift` (a part of each side); the factor is log-uniform between
    1/`scale` and `scale`.
    """
    demand(scale >= 1, "scale", scale, "at least 1: the factor lies between 1/scale and scale")
    turn, zoom, lean, right, down = (2 * torch.rand(5, len(images), generator=generator) - 1).to(images.device)
    matrices = rotation(degrees * turn) @ scaling(scale**zoom) @ shearing(shear * lean)
    shifts = torch.stack([right * images.shape[-1], down * images.shape[-2]], -1)
    return warp(images, matrices, shift * shifts)


def random_crop(images: Tensor, size: int, *, padding: int = 0, generator: Generator | None = None) -> Tensor:
    """A square of `size` pixels a side out of each image, where it lies drawn uniformly (row D02).

    32 with `padding` 4 (black) on CIFAR; 128 of 144 or 224 of 256, unpadded, on ImageNet. `augmentation.augment` is the
    faster way to the first. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    images = pad(images, (padding,) * 4)
    n, channels, height, width = images.shape
    room = min(height, width)
    demand(0 < size <= room, "size", size, f"1 to {room}, the shorter side with its padding")
    top, left = (torch.randint(side - size + 1, (n, 1), generator=generator) for side in (height, width))
    y, x = ((start + torch.arange(size)).to(images.device) for start in (top, left))
    image, channel = (torch.arange(count, device=images.device) for count in (n, channels))
    return images[image[:, None, None, None], channel[:, None, None], y[:, None, :, None], x[:, None, None, :]]


def add_noise(images: Tensor, *, std: float = 0.1, generator: Generator | None = None) -> Tensor:
    r"""$x + \sigma \epsilon$, $\epsilon \sim N(0, 1)$ (row D06).

    For a linear model many noisy copies of n examples are ridge regression with $\lambda = \sigma^2 n$; for others it
    penalizes the slope, to first order. Source: {cite:t}`bishop1995training`.
    """
    demand_floats(images)
    return images + std * torch.randn(images.shape, generator=generator).to(images)


def flip_with(images: Tensor, masks: Tensor, *, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """Each image mirrored half of the time, and its mask (N, H, W) or (N, C, H, W) with it (row D01).

    For labels that lie in the picture: segmentation. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    mirrored = torch.randint(2, (len(images),), generator=generator).bool().to(images.device)
    return _mirror(images, mirrored), _mirror(masks, mirrored)


def _mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    return torch.where(mirrored.view(-1, *[1] * (images.ndim - 1)), images.flip(-1), images)


def distort(images: Tensor, *names: str, generator: Generator | None = None) -> Tensor:
    """The named distortions one after the other, each with draws of its own; an unknown name lists the choices (row D05)."""
    for name in names:
        images = choose(DISTORTIONS, name, "distortion")(images, generator=generator)
    return images


DISTORTIONS = {
    "rotate": partial(random_affine, degrees=5.0),
    "scale": partial(random_affine, scale=1.25),
    "affine": partial(random_affine, degrees=5.0, scale=1.25, shear=5.0, shift=1 / 8),
    "noise": add_noise,
    "hsv": jitter_hsv,
}
