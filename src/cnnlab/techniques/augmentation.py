"""Crop, flip, rotation and scaling of a whole batch, drawn anew for each image.

The images are laid out once as a table of pixels. A shifted, mirrored image is then nothing but a list of rows of that
table, so a batch costs one `index_select`, whatever was drawn. The result is channels_last without a copy. Images that
are turned or scaled are interpolated once more, after the gather.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from cnnlab.choices import choose
from cnnlab.techniques.distortions import rotation, scaling, warp

TURN = 15.0  # degrees: 5, as published for 128 pixels, would not move a corner of a 16x16 image by one pixel
ZOOM = 1.25
SHIFT = 8  # a crop moves an image by up to 1/8 of its shorter side: 4 pixels of 32, 1 of 8


class Augmentation(NamedTuple):
    """Whether an image is shifted (padded with black, then cropped), and whether it is mirrored, half of the time.

    Then it is turned by up to ±`degrees` and made larger or smaller by up to the factor `scale`.
    """

    crop: bool = False
    flip: bool = False
    degrees: float = 0.0
    scale: float = 1.0

    @property
    def gathers(self) -> bool:
        return self.crop or self.flip

    @property
    def warps(self) -> bool:
        return self.degrees > 0 or self.scale > 1


class Pixels(NamedTuple):
    """Images (N, C, H, W) as rows to gather: row `starts + offsets` of `table`, for each pixel of an image in turn.

    `table` holds a pixel a row, shape (N·(H+2p)·(W+2p), C), or an image a row, (N, H·W·C), where none is shifted or mirrored.
    `offsets`, (2, H·W) or (1, 1), says how far an image's pixels lie from its first one: as it is, and mirrored.
    """

    table: Tensor
    offsets: Tensor
    shape: tuple[int, int, int, int]
    shift: int
    kind: Augmentation


def lay_out(images: Tensor, name: str = "none") -> Pixels:
    """The table that `draw` and `take` read, on the device of `images` (N, C, H, W), in their dtype.

    Raises a `ValueError` for an unknown `name`, and for a crop of images under 8 pixels a side.
    """
    kind = augmentation(name)
    _, channels, height, width = images.shape
    shift = min(height, width) // SHIFT if kind.crop else 0
    if kind.crop and not shift:
        raise ValueError(
            f'augmentation "{name}" shifts by 1/{SHIFT} of the shorter side, so it needs images of {SHIFT} pixels '
            f'a side or more; got {height}x{width}. Choose "flip" or "none".'
        )
    table = pad(images, (shift,) * 4).permute(0, 2, 3, 1).contiguous()
    if not kind.gathers:
        table, offsets = table.flatten(1), torch.zeros(1, 1, dtype=torch.long)
    else:
        table, offsets = table.view(-1, channels), _offsets(height, width, width + 2 * shift)
    return Pixels(table, offsets.to(images.device), tuple(images.shape), shift, kind)


def _offsets(height: int, width: int, row: int) -> Tensor:
    """How far pixel (y, x) lies from pixel (0, 0) in a table whose image rows are `row` long; then (y, W - 1 - x)."""
    y, x = torch.arange(height)[:, None], torch.arange(width)
    return torch.stack([(y * row + x).flatten(), (y * row + x.flip(0)).flatten()])


def draw(pixels: Pixels, order: Tensor, generator: Generator | None = None) -> tuple[Tensor, ...]:
    """Draw for each image of `order` (n,), on the CPU, what `take` needs: (starts, mirrored), both (n,).

    Shifts are uniform over the (2p + 1)² crops, sides over the two; what the augmentation lacks is not drawn. Where
    images are turned or scaled, a third tensor has their matrices (n, 2, 2): angles uniform, factors log-uniform.
    """
    starts, mirrored = _places(pixels, order, generator)
    if not pixels.kind.warps:
        return starts, mirrored
    turn, zoom = 2 * torch.rand(2, len(order), generator=generator) - 1
    return starts, mirrored, rotation(pixels.kind.degrees * turn) @ scaling(pixels.kind.scale**zoom)


def _places(pixels: Pixels, order: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Where each image begins in the table, and its side."""
    if not pixels.kind.gathers:
        return order, torch.zeros_like(order)
    n, p = len(order), pixels.shift
    _, _, height, width = pixels.shape
    top, left = torch.randint(2 * p + 1, (2, n), generator=generator) if p else torch.zeros(2, n, dtype=torch.long)
    mirrored = torch.randint(2, (n,), generator=generator) if pixels.kind.flip else torch.zeros_like(order)
    return (order * (height + 2 * p) + top) * (width + 2 * p) + left, mirrored


def take(pixels: Pixels, starts: Tensor, mirrored: Tensor, matrices: Tensor | None = None) -> Tensor:
    """The images that were drawn, (n, C, H, W) in channels_last, by one gather. All tensors on one device.

    With `matrices` they are then warped about their centers, bilinear, and black comes in; bytes are rounded.
    """
    _, channels, height, width = pixels.shape
    rows = starts[:, None] + pixels.offsets[mirrored]
    images = pixels.table.index_select(0, rows.flatten())
    images = images.view(-1, height, width, channels).permute(0, 3, 1, 2)
    return images if matrices is None else _warped(images, matrices)


def _warped(images: Tensor, matrices: Tensor) -> Tensor:
    floats = images.to(torch.promote_types(images.dtype, torch.float32))
    moved = warp(floats, matrices, matrices.new_zeros(len(images), 2))
    moved = moved if images.is_floating_point() else moved.round()
    return moved.to(images.dtype, memory_format=torch.channels_last)


def augment(images: Tensor, name: str, generator: Generator | None = None) -> Tensor:
    """A batch (N, C, H, W), each image changed as the named augmentation draws for it (rows D01, D02, D05).

    Where it flips, half of the images are mirrored, which text and digits do not bear.
    Source: {cite:t}`krizhevsky2012imagenet`.
    """
    pixels = lay_out(images, name)
    drawn = draw(pixels, torch.arange(len(images)), generator)
    return take(pixels, *(each.to(images.device) for each in drawn))


def augmentation(name: str) -> Augmentation:
    """What the named augmentation does; an unknown name lists the choices."""
    return choose(AUGMENTATIONS, name, "augmentation")


AUGMENTATIONS = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "crop+flip": Augmentation(crop=True, flip=True),
    "rotate": Augmentation(degrees=TURN),
    "scale": Augmentation(scale=ZOOM),
    "crop+flip+rotate": Augmentation(crop=True, flip=True, degrees=TURN),
}
