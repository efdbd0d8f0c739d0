"""Contrast and light made even: over the whole image, tile by tile, or against the surroundings of each pixel."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from cnnlab.choices import choose, demand
from cnnlab.techniques.color import lab_to_rgb, rgb_to_lab

LEVELS = 256
GAIN, GRAY, BLURS, REACH = 4, 128, 30, 0.9  # of Graham's report, see subtract_local_mean


def _demand_bytes(images: Tensor) -> None:
    demand(images.dtype == torch.uint8, "the dtype of images", images.dtype, "torch.uint8, levels 0 to 255")


def histogram(images: Tensor) -> Tensor:
    """How often each of the 256 levels occurs in each channel of bytes (..., H, W); whole numbers (..., 256) (row Q07)."""
    _demand_bytes(images)
    levels = images.flatten(-2).long()
    return levels.new_zeros(*levels.shape[:-1], LEVELS).scatter_add(-1, levels, torch.ones_like(levels))


def equalize(images: Tensor) -> Tensor:
    r"""Histogram equalization: level $v$ becomes $255\,F(v)$, rounded, $F$ the share of pixels up to $v$ (row Q07).

    For bytes (..., H, W), each channel by itself; give it lightness, not RGB, or the colors shift (`on_lightness`).
    OpenCV takes the share of the darkest level out before it scales. torchvision's `equalize` divides whole numbers, so
    it is coarse on small images (an 8x8 one it leaves as it is); this one is ours for that reason. An image of a single
    level, black too, becomes white; torchvision leaves it.
    """
    shares = histogram(images).cumsum(-1) / (images.shape[-2] * images.shape[-1])
    table = ((LEVELS - 1) * shares).round().to(images.dtype)
    return table.gather(-1, images.flatten(-2).long()).view(images.shape)


def clahe(images: Tensor, *, tiles: int = 8, limit: float = 2.0) -> Tensor:
    r"""Contrast-limited adaptive equalization: a table for each of `tiles` x `tiles` tiles, blended between them (row Q07).

    A tile's histogram is cut at `limit` times its mean, but not below one pixel, and the cut pixels are spread over all
    levels. That bounds the slope of the table, hence the noise, by max(`limit`, 256 / pixels of a tile) + 1: a tile
    of fewer than 256 / `limit` pixels cannot be held to `limit`. Bytes (N, C, H, W), sides that `tiles` divides. Source:
    {cite:t}`zuiderveld1994contrast`.
    """
    demand(tiles >= 1, "tiles", tiles, "at least 1")
    n, channels, height, width = images.shape
    demand(height % tiles == width % tiles == 0, "the sides of images", (height, width), f"multiples of tiles={tiles}")
    patches = images.reshape(n * channels, tiles, height // tiles, tiles, width // tiles).transpose(2, 3)
    area = patches[0, 0, 0].numel()
    counts = histogram(patches).float()
    kept = counts.clamp(max=max(limit * area / LEVELS, 1))
    tables = (kept + (counts - kept).mean(-1, keepdim=True)).cumsum(-1) * ((LEVELS - 1) / area)
    return _blend(tables, images.reshape(n * channels, height, width)).view(images.shape)


def _blend(tables: Tensor, images: Tensor) -> Tensor:
    """Look up bytes (M, H, W) in tables (M, tiles, tiles, 256), linear between the centers of the four tiles around."""
    down, right = ((2 * torch.arange(side, device=images.device) + 1) / side - 1 for side in images.shape[1:])
    level = (2 * images.float() + 1) / LEVELS - 1
    where = torch.stack([level, right.expand_as(level), down[:, None].expand_as(level)], -1)
    blended = grid_sample(tables[:, None], where[:, None], padding_mode="border", align_corners=False)
    return blended.round().clamp(0, LEVELS - 1).to(images.dtype)


def on_lightness(images: Tensor, change: Callable[[Tensor], Tensor] = equalize) -> Tensor:
    """RGB bytes (N, 3, H, W) with only the L of Lab changed, so that hues stay; `change` maps bytes to bytes (row Q07).

    With `equalize` an image of a single lightness, black too, comes out at the greatest lightness: a gray one white.
    """
    _demand_bytes(images)
    light, colors = rgb_to_lab(images / (LEVELS - 1)).split((1, 2), dim=-3)
    changed = change((light * 2.55).round().clamp(0, LEVELS - 1).to(torch.uint8)) / 2.55
    rgb = lab_to_rgb(torch.cat([changed, colors], -3))
    return (rgb.clamp(0, 1) * (LEVELS - 1)).round().to(images.dtype)


def subtract_local_mean(images: Tensor, *, radius: float | None = None) -> Tensor:
    r"""$\mathrm{clip}(4 I - 4\,G_\sigma * I + 128)$ to 0..255: what is left is contrast against the surroundings (row Q08).

    Bytes or floats of 0..255 (N, C, H, W) to floats. $\sigma$ is `radius` / 30, `radius` in pixels that of the eye in
    the picture, by default half the shorter side; beyond 90 % of it all is 128. The constants are from memory of the
    report of {cite:t}`graham2015kaggle`, not checked against it.
    """
    from torchvision.transforms.v2.functional import gaussian_blur

    images = images if images.is_floating_point() else images.float()
    height, width = images.shape[-2:]
    radius = min(height, width) / 2 if radius is None else radius
    demand(radius > 0, "radius", radius, "above 0")
    sigma = radius / BLURS
    blurred = gaussian_blur(images, 2 * max(round(4 * sigma), 1) + 1, sigma)
    sharp = (GAIN * (images - blurred) + GRAY).clamp(0, LEVELS - 1)
    down, right = (torch.arange(side, device=images.device) - (side - 1) / 2 for side in (height, width))
    return torch.where(down[:, None] ** 2 + right**2 <= (REACH * radius) ** 2, sharp, GRAY)


def equalization(name: str) -> Callable[[Tensor], Tensor]:
    """The named function of images; an unknown name lists the choices."""
    return choose(EQUALIZATIONS, name, "equalization")


EQUALIZATIONS = {"histogram": equalize, "clahe": clahe, "local_mean": subtract_local_mean}
