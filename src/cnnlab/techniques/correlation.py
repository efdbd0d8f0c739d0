r"""The operation of a convolutional layer, computed by hand in several ways; all agree with `F.conv2d`.

It is a cross-correlation: the kernel slides over the image as it stands, it is not flipped. Groups are never given: a
weight (out, in / groups, kh, kw) says how many there are.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnlab.choices import choose, demand

Size = int | tuple[int, int]


def pair(size: Size) -> tuple[int, int]:
    """(rows, columns) from a pair or from one number for both."""
    return (size, size) if isinstance(size, int) else size


def groups_of(x: Tensor, weight: Tensor) -> int:
    """How many groups a weight (out, in / groups, kh, kw) makes of the channels of `x` (N, in, H, W) (row K08).

    Channels that do not divide raise a `ValueError`.
    """
    groups, rest = divmod(x.shape[1], weight.shape[1])
    fits = groups > 0 and rest == 0 and weight.shape[0] % groups == 0
    demand(fits, "weight", tuple(weight.shape), f"(g·m, {x.shape[1]} / g, kh, kw) for a number g of groups")
    return groups


def padded(x: Tensor, kernel_size: Size, padding: Size, dilation: Size) -> Tensor:
    """`x` (N, C, H, W) within zeros; a kernel that is larger all the same raises a `ValueError`."""
    (ph, pw), spans = pair(padding), spread(kernel_size, dilation)
    x = F.pad(x, (pw, pw, ph, ph))
    fits = spans[0] <= x.shape[2] and spans[1] <= x.shape[3]
    demand(fits, "kernel", spans, f"at most the padded input, {tuple(x.shape[2:])}")
    return x


def spread(kernel_size: Size, dilation: Size) -> tuple[int, int]:
    """Rows and columns that a dilated kernel spans, $d(k - 1) + 1$."""
    rows, columns = (d * (k - 1) + 1 for d, k in zip(pair(dilation), pair(kernel_size), strict=True))
    return rows, columns


def windows(x: Tensor, kernel_size: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """Every window that a kernel sees: (N, C, H', W', kh, kw), a view of the zero-padded `x` (N, C, H, W) (row C01)."""
    (sh, sw), (dh, dw), (height, width) = pair(stride), pair(dilation), spread(kernel_size, dilation)
    return padded(x, kernel_size, padding, dilation).unfold(2, height, sh).unfold(3, width, sw)[..., ::dh, ::dw]


def conv2d_by_loops(
    x: Tensor, weight: Tensor, *, bias: Tensor | None = None, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    r"""$y_o(p) = b_o + \sum_{c,i,j} w_o(c, i, j)\, x_c(s p + d\,(i, j))$, one tap of the kernel after the other (row C01).

    `x` (N, in, H, W), `weight` (out, in / groups, kh, kw), result (N, out, H', W'). A kernel larger than the padded
    input raises a `ValueError`. Source: {cite:t}`dumoulin2016guide`.
    """
    groups, seen = groups_of(x, weight), windows(x, weight.shape[2:], stride=stride, padding=padding, dilation=dilation)
    kernel, seen, total = weight.unflatten(0, (groups, -1)), seen.unflatten(1, (groups, -1)), 0
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            total = total + torch.einsum("goi,ngihw->ngohw", kernel[..., i, j], seen[..., i, j])
    return _plus(total.flatten(1, 2), bias)


def conv2d_by_im2col(
    x: Tensor, weight: Tensor, *, bias: Tensor | None = None, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    """`conv2d_by_loops` as one product of matrices (row C01): each window is copied into a column.

    The copy takes kh·kw times the memory of the input and buys the speed of a matrix product.
    """
    groups, seen = groups_of(x, weight), windows(x, weight.shape[2:], stride=stride, padding=padding, dilation=dilation)
    columns = seen.permute(0, 1, 4, 5, 2, 3).unflatten(1, (groups, -1)).flatten(2, 4).flatten(3)
    rows = weight.unflatten(0, (groups, -1)).flatten(2)
    return _plus((rows @ columns).flatten(1, 2).unflatten(2, seen.shape[2:4]), bias)


def conv2d_by_fft(
    x: Tensor, weight: Tensor, *, bias: Tensor | None = None, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    r"""`conv2d_by_loops` as a product of spectra, $\hat y = \hat x\, \overline{\hat w}$ (row C01).

    The cost does not depend on the kernel's size, so it pays for large kernels only. The product is circular: outputs
    whose window would wrap around are cut off.
    """
    (sh, sw), (dh, dw), groups = pair(stride), pair(dilation), groups_of(x, weight)
    x = padded(x, weight.shape[2:], padding, dilation)
    kernel = weight.new_zeros(*weight.shape[:2], *spread(weight.shape[2:], dilation))
    kernel[..., ::dh, ::dw] = weight
    rows, columns = (n - k + 1 for n, k in zip(x.shape[2:], kernel.shape[2:], strict=True))
    signal = torch.fft.rfft2(x).unflatten(1, (groups, -1))
    kernel = torch.fft.rfft2(kernel, s=x.shape[2:]).unflatten(0, (groups, -1)).conj()
    y = torch.fft.irfft2(torch.einsum("ngihw,goihw->ngohw", signal, kernel), s=x.shape[2:])
    return _plus(y.flatten(1, 2)[..., :rows:sh, :columns:sw], bias)


def _plus(y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else y + bias[:, None, None]


def grouped_conv2d(x: Tensor, weight: Tensor, *, stride: Size = 1, padding: Size = 0) -> Tensor:
    """A grouped convolution as what it is: split the channels, convolve each part, concatenate (row K08).

    Weights and multiply-adds are divided by the number of groups; no part sees another, so a channel shuffle follows.
    Two groups put AlexNet on two GPUs. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    groups = groups_of(x, weight)
    parts = zip(x.chunk(groups, dim=1), weight.chunk(groups, dim=0), strict=True)
    return torch.cat([F.conv2d(part, kernel, stride=stride, padding=padding) for part, kernel in parts], dim=1)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Deal the channels of each group out to all groups, as `torch.nn.ChannelShuffle` does (row K08)."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def true_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """The convolution of mathematics: the kernel is flipped, then slid over `x`, windows inside only (row C01)."""
    return F.conv2d(x, weight.flip(-2, -1), groups=groups_of(x, weight))


def correlation(name: str) -> Callable[..., Tensor]:
    """The named way to compute it; an unknown name lists the choices."""
    return choose(CORRELATIONS, name, "correlation")


CORRELATIONS = {"loops": conv2d_by_loops, "im2col": conv2d_by_im2col, "fft": conv2d_by_fft}
