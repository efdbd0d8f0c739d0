"""What is done to images before a network sees them; every statistic is the training set's, and is passed in."""

from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnlab.choices import choose


def standardize(images: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""Bytes (N, C, H, W) as $(x / 255 - \mu_c) / \sigma_c$, in channels_last (row Q01); `mean` and `std` have shape (C,).

    Source: {cite:t}`lecun1998efficient`.
    """
    mean, std = (each.to(images.device, dtype).view(-1, 1, 1) for each in (mean, std))
    return (images.contiguous(memory_format=torch.channels_last) * (1 / (255 * std))).sub_(mean / std)


class Moments(NamedTuple):
    """How many pixels were seen, and for each channel their mean and squared deviations, summed, both (C,) (row Q01)."""

    count: int
    mean: Tensor
    squares: Tensor

    @property
    def std(self) -> Tensor:
        return (self.squares / self.count).sqrt()


def moments(images: Tensor) -> Moments:
    """Count, mean and squared deviations of one batch (N, C, ...), channel by channel, bytes as float32 (row Q01)."""
    images = images if images.is_floating_point() else images.float()
    pixels = images.transpose(0, 1).flatten(1)
    variance, mean = torch.var_mean(pixels, dim=1, correction=0)
    return Moments(pixels.shape[1], mean, variance * pixels.shape[1])


def merge(one: Moments, other: Moments) -> Moments:
    r"""The moments of two sets together, from those of each; with one pixel in the second, Welford's update (row Q01).

    With $\delta = \mu_2 - \mu_1$: $\mu = \mu_1 + \delta n_2 / n$ and $M = M_1 + M_2 + \delta^2 n_1 n_2 / n$. No large
    sums are subtracted, so nothing cancels. Sources: {cite:t}`welford1962note`, {cite:t}`chan1983algorithms`.
    """
    count = one.count + other.count
    delta = other.mean - one.mean
    squares = one.squares + other.squares + delta.square() * (one.count * other.count / count)
    return Moments(count, one.mean + delta * (other.count / count), squares)


def channel_statistics(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over batches that never lie in memory together (row Q01).

    Both (C,), in the unit of the pixels: give images in 0..1 for `standardize`, and training images only. No batch at
    all raises a `ValueError`.
    """
    each = map(moments, batches)
    first = next(each, None)
    if first is None:
        raise ValueError("channel_statistics needs at least one batch of images; got none")
    total = reduce(merge, each, first)
    return total.mean, total.std


def min_max(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    r"""$2 (x - \min) / (\max - \min) - 1$, feature by feature (row Q02).

    `low` and `high` are the training set's, as `torch.aminmax(train, dim=0)` gives them: it fills [-1, 1] exactly, other
    data may leave it. A feature that was constant in training becomes 0.
    """
    varies = high > low
    return torch.where(varies, 2 * (x - low) / torch.where(varies, high - low, 1) - 1, 0)


class Axes(NamedTuple):
    """Mean (D,), principal axes in the columns of `vectors` (D, D), and the variance along each, `values` (D,) (row Q03)."""

    mean: Tensor
    vectors: Tensor
    values: Tensor


def principal_axes(x: Tensor) -> Axes:
    """Eigenvectors and eigenvalues of the covariance of training data (N, ...), the largest first (rows Q03, D04)."""
    rows = x.flatten(1)
    centered = rows - rows.mean(0)
    values, vectors = torch.linalg.eigh(centered.mT @ centered / len(rows))
    return Axes(rows.mean(0), vectors.flip(-1), values.flip(-1).clamp(min=0))


def pca(x: Tensor, axes: Axes) -> Tensor:
    r"""$(x - \mu)\,U$: coordinates (N, D) along the principal axes, uncorrelated (row Q03)."""
    return (x.flatten(1) - axes.mean) @ axes.vectors


def whiten(x: Tensor, axes: Axes, *, eps: float = 1e-5) -> Tensor:
    r"""$(x - \mu)\,U / \sqrt{S + \epsilon}$: uncorrelated and of variance 1 (row Q03).

    $S$ are the eigenvalues of the covariance; S4 calls them square roots of singular values, which they are not.
    """
    return pca(x, axes) * (axes.values + eps).rsqrt()


def zca(x: Tensor, axes: Axes, *, eps: float = 1e-5) -> Tensor:
    r"""$(x - \mu)\,U (S + \epsilon)^{-1/2}\,U^\top$: whitened, then turned back, so it still looks like $x$ (row Q03).

    Of all whitenings the one that changes the data least; shape of `x`. Sources: {cite:t}`bell1997independent`,
    {cite:t}`krizhevsky2009learning`.
    """
    return (whiten(x, axes, eps=eps) @ axes.vectors.mT).view(x.shape)


def whitening(name: str) -> Callable[..., Tensor]:
    """The named function of data and `Axes`; an unknown name lists the choices."""
    return choose(WHITENINGS, name, "whitening")


def resize(images: Tensor, size: int | tuple[int, int], *, interpolation: str = "bilinear") -> Tensor:
    """Float images (N, C, H, W) at another input size; twice the side costs a convolution four times (rows W04, Q07)."""
    return choose(INTERPOLATIONS, interpolation, "interpolation")(images, size)


WHITENINGS = {"pca": pca, "whiten": whiten, "zca": zca}
INTERPOLATIONS = {
    "nearest": partial(F.interpolate, mode="nearest"),
    "bilinear": partial(F.interpolate, mode="bilinear", antialias=True),
    "bicubic": partial(F.interpolate, mode="bicubic", antialias=True),
}
