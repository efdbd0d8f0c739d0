r"""Layers in the place of one full $k \times k$ convolution, and padding that keeps the map.

Every row of the table is called as `layer(in_channels, out_channels, kernel_size=5, stride=2)` with an odd $k$, sees the
same $k \times k$ window, and gives a map of the size that the full convolution gives. Kernels have no biases: a
normalization follows, or should. What the layers cost is in `cnnlab.arithmetic.budgets`.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand
from cnnlab.techniques.correlation import Size, pair


def same_padding(size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    r"""TensorFlow's SAME: (before, after) so that $n$ pixels become $\lceil n / s \rceil$ (row C03).

    The total is $\max((\lceil n/s \rceil - 1)s + d(k-1) + 1 - n, 0)$; an odd one has its extra pixel after, that is
    below and on the right. torch's `padding="same"` knows stride 1 only.
    """
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel_size - 1) + 1 - size, 0)
    return total // 2, total - total // 2


class SamePad2d(nn.Module):
    """Zeros around (N, C, H, W) so that a VALID layer after it gives SAME, at any stride (row C03).

    It takes the window of the layer that follows. How much is padded depends on the input's size: 6 pixels, kernel 3
    and stride 2 get none before and one after.
    """

    def __init__(self, kernel_size: Size, *, stride: Size = 1, dilation: Size = 1):
        super().__init__()
        self.kernel_size, self.stride, self.dilation = pair(kernel_size), pair(stride), pair(dilation)

    def forward(self, x: Tensor) -> Tensor:
        layer = zip(x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True)
        rows, columns = (same_padding(n, k, stride=s, dilation=d) for n, k, s, d in layer)
        return F.pad(x, (*columns, *rows))

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, dilation={self.dilation}"


def full(in_channels: int, out_channels: int, *, kernel_size: Size = 3, stride: Size = 1, groups: int = 1) -> nn.Conv2d:
    r"""The convolution itself, padded by $\lfloor k/2 \rfloor$, without a bias; kernel and stride may be (rows, columns)."""
    padding = tuple(k // 2 for k in pair(kernel_size))
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False)


def stack_of_3x3(in_channels: int, out_channels: int, *, kernel_size: int = 5, stride: int = 1) -> nn.Sequential:
    r"""$(k - 1) / 2$ convolutions 3x3 with a ReLU between any two; the stride is in the last (row K01).

    $9 (k - 1) / 2$ weights a channel pair instead of $k^2$: 28 % fewer for 5, 45 % for 7, and more ReLUs. Source:
    {cite:t}`simonyan2014very`.
    """
    widths = _widths(in_channels, out_channels, odd(kernel_size) // 2)
    strides = [1] * (len(widths) - 1) + [stride]
    return _with_relus(full(before, after, stride=s) for (before, after), s in zip(widths, strides, strict=True))


def stack_of_2x2(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """k - 1 convolutions 2x2 with a ReLU between any two; the stride is in the last (row K02).

    A 2x2 kernel has no middle. Unpadded it takes one pixel from the map, padded it adds one, so the two alternate;
    a `SamePad2d(2)` before each would keep every map, and cost more. Source: {cite:t}`he2014constrained`.
    """
    widths = _widths(in_channels, out_channels, odd(kernel_size) - 1)
    return _with_relus(
        nn.Conv2d(before, after, 2, stride if i == len(widths) - 1 else 1, padding=i % 2, bias=False)
        for i, (before, after) in enumerate(widths)
    )


def _widths(in_channels: int, out_channels: int, depth: int) -> list[tuple[int, int]]:
    return [(in_channels if i == 0 else out_channels, out_channels) for i in range(depth)]


def _with_relus(layers) -> nn.Sequential:
    """The layers in turn, with a ReLU between any two."""
    first, *others = layers
    return nn.Sequential(first, *(each for layer in others for each in (nn.ReLU(), layer)))


def row_column(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """k x 1, then 1 x k: 2k weights a channel pair instead of k² (row K03).

    Only a kernel of rank 1 is such a pair, so it is not the layer it replaces. S2 says that it does not pay, S3
    that it is better than 3 x 3; measured, it has .560 where two 2 x 2 have .561. Source: {cite:t}`szegedy2016rethinking`.
    """
    k = odd(kernel_size)
    return nn.Sequential(
        full(in_channels, out_channels, kernel_size=(k, 1), stride=(stride, 1)),
        full(out_channels, out_channels, kernel_size=(1, k), stride=(1, stride)),
    )


def mlpconv(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """A k x k convolution, then two 1x1 with a ReLU before each: a small dense net at every pixel (row K04).

    1x1 changes the channels, not the window. Source: {cite:t}`lin2013network`.
    """
    first = full(in_channels, out_channels, kernel_size=odd(kernel_size), stride=stride)
    return _with_relus([first] + [full(out_channels, out_channels, kernel_size=1) for _ in range(2)])


def bottleneck(
    in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1, squeeze: int | None = None
) -> nn.Sequential:
    """1x1 down to `squeeze` channels (a quarter of the input's), ReLU, then k x k (row K05).

    Source: {cite:t}`szegedy2015going`.
    """
    squeeze = max(in_channels // 4, 1) if squeeze is None else squeeze
    demand(squeeze >= 1, "squeeze", squeeze, "1 channel or more")
    spatial = full(squeeze, out_channels, kernel_size=odd(kernel_size), stride=stride)
    return _with_relus([full(in_channels, squeeze, kernel_size=1), spatial])


def depthwise(channels: int, *, kernel_size: Size = 3, stride: Size = 1) -> nn.Conv2d:
    """One k x k kernel a channel: as many groups as channels (row K06)."""
    return full(channels, channels, kernel_size=kernel_size, stride=stride, groups=channels)


def depthwise_separable(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    r"""Depthwise k x k, then 1x1, nothing between: $1/C' + 1/k^2$ of the full cost (row K06). Source: {cite:t}`sifre2014`."""
    space = depthwise(in_channels, kernel_size=odd(kernel_size), stride=stride)
    return nn.Sequential(space, full(in_channels, out_channels, kernel_size=1))


def pointwise_first(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """1x1, then depthwise k x k, nothing between: an "extreme" Inception module (row K06).

    Source: {cite:t}`chollet2017xception`.
    """
    space = depthwise(out_channels, kernel_size=odd(kernel_size), stride=stride)
    return nn.Sequential(full(in_channels, out_channels, kernel_size=1), space)


def mobilenet(in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """Depthwise separable, with batch normalization and ReLU after both halves (row K06).

    Source: {cite:t}`howard2017mobilenets`.
    """
    space, mix = depthwise_separable(in_channels, out_channels, kernel_size=kernel_size, stride=stride)
    norms = (nn.BatchNorm2d(in_channels), nn.BatchNorm2d(out_channels))
    return nn.Sequential(space, norms[0], nn.ReLU(), mix, norms[1], nn.ReLU())


def row_column_depthwise(
    in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1
) -> nn.Sequential:
    """Depthwise 1 x k, depthwise k x 1, then 1x1: both separations at once (row K07).

    Beside `depthwise_separable` it saves 2.2 % of the weights at 256 to 128 channels.
    """
    k = odd(kernel_size)
    return nn.Sequential(
        depthwise(in_channels, kernel_size=(1, k), stride=(1, stride)),
        depthwise(in_channels, kernel_size=(k, 1), stride=(stride, 1)),
        full(in_channels, out_channels, kernel_size=1),
    )


def grouped(
    in_channels: int, out_channels: int, *, kernel_size: int = 3, stride: int = 1, groups: int = 2
) -> nn.Sequential:
    """A k x k convolution in groups, then a channel shuffle, so that the next one mixes them (row K08).

    Weights and multiply-adds are divided by `groups`. Source: {cite:t}`xie2017aggregated`.
    """
    layer = full(in_channels, out_channels, kernel_size=odd(kernel_size), stride=stride, groups=groups)
    return nn.Sequential(layer, nn.ChannelShuffle(groups))


def odd(kernel_size: int) -> int:
    """The kernel size, if it has a middle; else a `ValueError`."""
    demand(kernel_size % 2 == 1 and kernel_size > 1, "kernel_size", kernel_size, "odd and at least 3")
    return kernel_size


def convolution(name: str) -> Callable[..., nn.Module]:
    """The named layer's factory; an unknown name lists the choices."""
    return choose(CONVOLUTIONS, name, "convolution")


CONVOLUTIONS = {
    "full": full,
    "stack_of_3x3": stack_of_3x3,
    "stack_of_2x2": stack_of_2x2,
    "row_column": row_column,
    "mlpconv": mlpconv,
    "bottleneck": bottleneck,
    "depthwise_separable": depthwise_separable,
    "pointwise_first": pointwise_first,
    "mobilenet": mobilenet,
    "row_column_depthwise": row_column_depthwise,
    "grouped": grouped,
}
