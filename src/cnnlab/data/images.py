"""One image file, from bytes to uint8 (C, H, W)."""

import io
from pathlib import Path

import numpy as np
import torch

from cnnlab.data.resize import resize

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # by content: an .eps named .jpg would start a program
MAX_PIXELS = 2**26
ORIENTATION = 0x0112  # its EXIF tag
GRAY = ("1", "L", "LA", "La")
DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def decode(path: Path, member: tuple[tuple[str, ...], bytes | None], size: tuple[int, int] | None) -> np.ndarray | None:
    """The decoded member, resized if asked; None for what is no image. Raises `ValueError` with its path."""
    parts, data = member
    if data is None:
        return None
    try:
        image = np.ascontiguousarray(np.atleast_3d(_pixels(data)).transpose(2, 0, 1))
    except Exception as error:  # a broken file makes PIL raise nearly anything
        raise ValueError(f'image "{"/".join(parts)}" of {path} cannot be read: {error}; remove it') from error
    return image if size is None else resize(torch.from_numpy(image)[None], size)[0].numpy()


def _pixels(data: bytes) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are allowed")
        upright = _turned(image)
        if upright.mode in DEEP:
            return (np.asarray(upright) >> 8).astype(np.uint8)
        if upright.mode == "F":
            raise ValueError("its pixels are floats, whose range is unknown")
        return np.array(upright.convert("L" if upright.mode in GRAY else "RGB"))


def _turned(image):
    """The image upright, where a camera noted how it was held."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image
    except Exception:  # a damaged note does not make the pixels unreadable
        return image
