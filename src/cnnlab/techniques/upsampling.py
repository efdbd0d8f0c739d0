r"""Larger maps: the transpose of a convolution, the kernel that makes it bilinear, pixels made of channels.

Going up is the transpose of going down: the same matrix of taps, read the other way.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand


def conv_matrix(weight: Tensor, size: int, *, stride: int = 1, padding: int = 0) -> Tensor:
    r"""The matrix $A$ of a convolution: $A\,\mathrm{vec}(x) = \mathrm{vec}(w \star x)$ for `size` x `size` inputs (row S11).

    Shape (out · H'², in · size²): column by column, what the layer makes of one lit pixel.
    """
    pixels = weight.shape[1] * size**2
    lit = torch.eye(pixels, dtype=weight.dtype, device=weight.device).view(pixels, -1, size, size)
    return F.conv2d(lit, weight, stride=stride, padding=padding).flatten(1).T


def conv_transpose2d(
    x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0, output_padding: int = 0
) -> Tensor:
    r"""The transpose of a convolution, $A^\top x$, as a convolution with stride 1/`stride` (row S11).

    Put `stride` - 1 zeros between the pixels, pad by $k - 1 - P$, convolve with the flipped kernel. It gives back the
    size, not the values: it is no deconvolution. `x` (N, in, H, W), `weight` (in, out, k, k) as in
    `nn.ConvTranspose2d`, result $(H-1)S - 2P + k + \text{output padding}$. Source: {cite:t}`dumoulin2016guide`.
    """
    height, width = ((n - 1) * stride + 1 for n in x.shape[2:])
    spaced = x.new_zeros(*x.shape[:2], height, width)
    spaced[..., ::stride, ::stride] = x
    top, left = (k - 1 - padding for k in weight.shape[2:])
    spaced = F.pad(spaced, (left, left + output_padding, top, top + output_padding))
    return F.conv2d(spaced, weight.transpose(0, 1).flip(-2, -1))


def overlap(windows: int, kernel_size: int, *, stride: int = 1, padding: int = 0) -> Tensor:
    """How many of `windows` windows cover each pixel of a line (rows S11, C03).

    Of a transposed convolution: how many inputs each output sums; kernel 3 and stride 2 give 1 1 2 1 2 ... 1 1, the
    checkerboard of {cite:t}`odena2016deconvolution`. Of a convolution: how often each input is used.
    """
    ones = torch.ones(1, 1, windows), torch.ones(1, 1, kernel_size)
    return F.conv_transpose1d(*ones, stride=stride, padding=padding).flatten().long()


def bilinear_kernel(factor: int) -> Tensor:
    r"""The taps that enlarge a line by `factor`: $1 - |i - c| / f$, of length $2f - f \bmod 2$ (row S11).

    Twice: 1/4, 3/4, 3/4, 1/4. The outer product with itself is the kernel for images. Source: {cite:t}`long2015fully`.
    """
    demand(factor >= 1, "factor", factor, "a whole number, at least 1")
    length = 2 * factor - factor % 2
    return 1 - (torch.arange(length) - (length - 1) / 2).abs() / factor


def bilinear_upsampling(channels: int, factor: int = 2) -> nn.ConvTranspose2d:
    """A transposed convolution that starts as bilinear interpolation, and may learn something better (row S11).

    It agrees with `F.interpolate` but within a kernel of the border, where zeros leak in. Source: {cite:t}`long2015fully`.
    """
    taps = bilinear_kernel(factor)
    layer = nn.ConvTranspose2d(
        channels, channels, len(taps), stride=factor, padding=factor // 2, groups=channels, bias=False
    )
    layer.weight.data.copy_(torch.outer(taps, taps))
    return layer


def pixel_shuffle(x: Tensor, factor: int = 2) -> Tensor:
    """Channels (N, C·f², H, W) laid out as pixels (N, C, H·f, W·f), as `nn.PixelShuffle` does (row S11).

    A convolution before it learns each of the f² pixels apart, so nothing overlaps.
    """
    n, channels, height, width = x.shape
    channels //= factor**2
    x = x.view(n, channels, factor, factor, height, width).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(n, channels, height * factor, width * factor)


def upsampling(name: str) -> Callable[[], nn.Module]:
    """The factory of the named way to double a map; an unknown name lists the choices."""
    return choose(UPSAMPLINGS, name, "upsampling")


UPSAMPLINGS = {
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "pixel_shuffle": lambda: nn.PixelShuffle(2),  # a quarter of the channels
}
