r"""How large a map is after a layer, and which layer gives the map one wants.

All sizes are of one side; rows and columns go separately. Bad numbers raise a `ValueError`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from cnnlab.choices import choose, demand
from cnnlab.techniques.convolutions import same_padding


def out_size(
    size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    r"""The map after a convolution or a pool: $\lfloor (n + 2P - D(k - 1) - 1) / S \rfloor + 1$ (rows C02, C04).

    S1 asks for numbers that divide; libraries round down. Caffe's pools round up (`ceil_mode`), but leave a last window
    out that would start in the padding behind. Sources: {cite:t}`dumoulin2016guide`, {cite:t}`jia2014caffe`.
    """
    _layer(size, kernel_size, stride, dilation)
    free = size + 2 * padding - dilation * (kernel_size - 1) - 1
    demand(padding >= 0 and free >= 0, "kernel_size", kernel_size, f"within {size} pixels padded by {padding}")
    if not ceil_mode:
        return free // stride + 1
    windows = -(-free // stride) + 1
    return windows - ((windows - 1) * stride >= size + padding)


def _layer(size: int, kernel_size: int, stride: int, dilation: int) -> None:
    for name, value in (("size", size), ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
        demand(value >= 1, name, value, "at least 1")


def solve_padding(size: int, wanted: int, kernel_size: int, *, stride: int = 1, dilation: int = 1) -> int:
    """The least padding on both sides that makes a map of `wanted` (row C02): the inverse of `out_size`.

    Where none does a `ValueError` says so: an even kernel with stride 1 keeps no map, it needs SAME's uneven padding.
    """
    _layer(size, kernel_size, stride, dilation)
    demand(wanted >= 1, "wanted", wanted, "at least 1")
    missing = (wanted - 1) * stride + dilation * (kernel_size - 1) + 1 - size
    padding = max(-(-missing // 2), 0)
    made = out_size(size, kernel_size, stride=stride, padding=padding, dilation=dilation)
    demand(made == wanted, "wanted", wanted, f"a map that equal padding can make; {padding} on both sides makes {made}")
    return padding


class Padded(NamedTuple):
    """The size of a map, and the zeros before and after the input that make it."""

    size: int
    before: int
    after: int


def same(size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1) -> Padded:
    r"""TensorFlow's SAME: $\lceil n / S \rceil$ pixels, an odd zero goes after (row C03)."""
    _layer(size, kernel_size, stride, dilation)
    return Padded(-(-size // stride), *same_padding(size, kernel_size, stride=stride, dilation=dilation))


def valid(size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1) -> Padded:
    r"""TensorFlow's VALID: windows inside only, $\lceil (n - D(k - 1)) / S \rceil$ pixels (row C03)."""
    return Padded(out_size(size, kernel_size, stride=stride, dilation=dilation), 0, 0)


def padded(name: str, size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1) -> Padded:
    """The map and the zeros of the named rule, `same` or `valid`; an unknown name lists the choices (row C03)."""
    return choose(PADDINGS, name, "padding")(size, kernel_size, stride=stride, dilation=dilation)


def transposed_size(
    size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    r"""The map after a transposed convolution: $(n - 1)S - 2P + D(k - 1) + \text{output padding} + 1$ (row S11).

    `out_size` sends as many as `stride` sizes to one; the output padding, below stride or dilation, says which of them
    comes back. Source: {cite:t}`dumoulin2016guide`.
    """
    _layer(size, kernel_size, stride, dilation)
    demand(padding >= 0, "padding", padding, "at least 0")
    most = max(stride, dilation) - 1
    demand(0 <= output_padding <= most, "output_padding", output_padding, f"from 0 to {most}, below stride or dilation")
    made = (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1
    demand(made >= 1, "padding", padding, f"less, so that a map is left (its side is {made})")
    return made


class Stem(NamedTuple):
    """The kernel and the stride of a first layer."""

    kernel_size: int
    stride: int


def stems(size: int, wanted: int, *, largest: int = 15, padding: int = 0) -> list[Stem]:
    """Every odd kernel up to `largest`, with its stride, that makes a map of `wanted` from `size` (rows K09, W05).

    All of them leave the cost of the layers after it as it is. So an image too small to enlarge keeps its maps by a
    smaller stride: (11, 4) on 128 pixels, (7, 3) on 96, (5, 2) on 64 and (3, 1) on 32 all give 30. Source:
    {cite:t}`mishkin2016`.
    """
    kernels = range(1, min(largest, size + 2 * padding) + 1, 2)
    tried = [Stem(kernel, stride) for kernel in kernels for stride in range(1, size + 1)]
    return [stem for stem in tried if out_size(size, stem.kernel_size, stride=stem.stride, padding=padding) == wanted]


class Layer(NamedTuple):
    """A convolution to `channels`, or a pool where `channels` is None."""

    channels: int | None
    kernel_size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1


def trace(layers: Iterable[Layer], size: int, *, ceil_mode: bool = False) -> list[int]:
    """The side of the map after each layer; `ceil_mode` rounds up in pools only, as Caffe does (rows C02, C04).

    CaffeNet on 128 pixels ends in 3x3 in Caffe and in 2x2 with torch's rounding.
    """
    sizes = []
    for layer in layers:
        up = ceil_mode and layer.channels is None
        size = out_size(size, layer.kernel_size, stride=layer.stride, padding=layer.padding, ceil_mode=up)
        sizes.append(size)
    return sizes


PADDINGS = {"same": same, "valid": valid}

# S3's slide gives conv2 stride 2 and padding 1; the prototxt, which ran, has 1 and 2.
CAFFENET = {
    "conv1": Layer(96, 11, 4),
    "pool1": Layer(None, 3, 2),
    "conv2": Layer(256, 5, padding=2, groups=2),
    "pool2": Layer(None, 3, 2),
    "conv3": Layer(384, 3, padding=1),
    "conv4": Layer(384, 3, padding=1, groups=2),
    "conv5": Layer(256, 3, padding=1, groups=2),
    "pool5": Layer(None, 3, 2),
}
