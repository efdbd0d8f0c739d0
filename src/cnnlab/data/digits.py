"""`digits`: 1,797 real handwritten digits, 8x8, shipped in the package; a few lines of JavaScript read the file too.

`digits.bin` is one zlib stream (RFC 1950) of 1,797 labels, a byte each, then 1,797 x 64 pixels, a byte each, row by
row, 0 (paper) to 16 (ink). The order is scikit-learn's. In a browser, for `file` a Blob or a Response's `blob()`:

    const stream = file.stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const labels = bytes.subarray(0, 1797), pixels = bytes.subarray(1797);

Source: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998),
doi 10.24432/C50P49, license CC BY 4.0; the test part of it, as in `sklearn.datasets.load_digits`.
"""

import zlib
from importlib.resources import files

import torch
from torch import Tensor

from cnnlab.data.dataset import Raw, Request, Split

COUNT = 1797
ORIGIN = "Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, UCI, 1998), shipped; license CC BY 4.0"


def ink() -> tuple[Tensor, Tensor]:
    """The file as it is: uint8 pixels (1797, 8, 8) in 0..16 and int64 labels (1797,)."""
    packed = (files("cnnlab.data") / "digits.bin").read_bytes()
    values = torch.frombuffer(bytearray(zlib.decompress(packed)), dtype=torch.uint8)
    return values[COUNT:].view(COUNT, 8, 8), values[:COUNT].long()


def load(request: Request) -> Raw:
    """All digits, 0..16 stretched to 0..255 as round(255 v / 16); round(16 p / 255) gives v back."""
    pixels, labels = ink()
    images = ((pixels.int() * 255 + 8) // 16).to(torch.uint8)[:, None]
    return Raw("digits", tuple("0123456789"), ORIGIN, Split(images, labels), None)
