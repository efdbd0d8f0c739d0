"""Colors changed at random, one draw for each image: all pixels of an image change alike."""

import torch
from torch import Generator, Tensor

from cnnlab.techniques.color import demand_floats, hsv_to_rgb, rgb_to_hsv
from cnnlab.techniques.preprocessing import Axes, principal_axes

POWER, FACTOR, SHIFT, TURN = (0.25, 4.0), (0.7, 1.4), (-0.1, 0.1), (-0.1, 0.1)


def change_hsv(images: Tensor, powers: Tensor, *, factors: Tensor, shifts: Tensor, turns: Tensor) -> Tensor:
    r"""$S, V \leftarrow \mathrm{clip}(m x^p + b)$ to 0..1 and $H \leftarrow (H + h) \bmod 1$ (row D03).

    For RGB images (N, 3, H, W) in 0..1. `powers`, `factors` and `shifts` have shape (N, 2), for S and V; `turns` (N,).
    A gray pixel has hue 0, so a positive shift of S tints it red.
    """
    hue, others = rgb_to_hsv(images).split((1, 2), dim=-3)
    power, factor, shift = (each.to(images)[..., None, None] for each in (powers, factors, shifts))
    seen = others > 0  # the power's slope at zero is infinite
    others = factor * torch.where(seen, torch.where(seen, others, 1) ** power, 0) + shift
    return hsv_to_rgb(torch.cat([(hue + turns.to(images)[:, None, None, None]) % 1, others.clamp(0, 1)], -3))


def jitter_hsv(images: Tensor, *, generator: Generator | None = None) -> Tensor:
    r"""`change_hsv` with $p \in [1/4, 4]$, $m \in [0.7, 1.4]$, $b, h \in [-0.1, 0.1]$, uniform, for each image (row D03).

    S and V have draws of their own. Source: {cite:t}`dosovitskiy2014discriminative`.
    """
    low, high = torch.tensor([POWER, POWER, FACTOR, FACTOR, SHIFT, SHIFT, TURN]).T
    draws = low + (high - low) * torch.rand(len(images), 7, generator=generator)
    powers, factors, shifts, turns = draws.split((2, 2, 2, 1), dim=1)
    return change_hsv(images, powers, factors=factors, shifts=shifts, turns=turns[:, 0])


def color_axes(images: Tensor) -> Axes:
    """The principal axes of all pixels of the training images (N, 3, H, W), for `fancy_pca` (row D04)."""
    return principal_axes(images.movedim(1, -1).flatten(0, -2))


def fancy_pca(images: Tensor, axes: Axes, *, std: float = 0.1, generator: Generator | None = None) -> Tensor:
    r"""Add $P\,(\alpha_1 \lambda_1, \alpha_2 \lambda_2, \alpha_3 \lambda_3)^\top$ to every pixel of an image (row D04).

    $P$ and $\lambda$ are eigenvectors and eigenvalues of the covariance of the training pixels, $\alpha \sim N(0,
    \mathrm{std}^2)$, drawn once an image and use. The paper scales with $\lambda$, not with its root, so the strength
    depends on the unit of the pixels. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    demand_floats(images)
    strengths = std * torch.randn(len(images), 3, generator=generator).to(images)
    shift = (strengths * axes.values.to(images)) @ axes.vectors.to(images).mT
    return images + shift[..., None, None]
