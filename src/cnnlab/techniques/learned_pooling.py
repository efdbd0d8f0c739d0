r"""Pooling that learns what to keep: mixed, gated and tree pooling.

Each is a function of a window's $k^2$ elements, the same at every place and for every channel. Source:
{cite:t}`lee2016generalizing`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand
from cnnlab.techniques.pooling import area, windows


class MixedPool2d(nn.Module):
    r"""$y = a \max_i x_i + (1 - a) \frac{1}{k^2} \sum_i x_i$ with one learned $a$ for the layer (row S07).

    What is trained is the `logit` of $a = \sigma(\text{logit})$, so $a$ stays between 0 and 1; it starts at 1/2. Source:
    {cite:t}`lee2016generalizing`.
    """

    def __init__(self, kernel_size: int, stride: int | None = None):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.logit = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        maximum, average = (pool(x, self.kernel_size, self.stride) for pool in (F.max_pool2d, F.avg_pool2d))
        return torch.lerp(average, maximum, self.logit.sigmoid())

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


class GatedPool2d(nn.Module):
    r"""As `MixedPool2d`, but each window decides for itself: $a = \sigma(w^\top x)$ (row S07).

    `gates` is 1 for one $w$ of $k^2$ weights shared by all channels, or the number of channels for one each. It starts
    at $w = 0$, where $y = (\max + \text{mean}) / 2$. Source: {cite:t}`lee2016generalizing`.
    """

    def __init__(self, kernel_size: int, stride: int | None = None, *, gates: int = 1):
        super().__init__()
        self.kernel_size, self.stride, self.gates = kernel_size, stride, gates
        self.weight = nn.Parameter(torch.zeros(gates, area(kernel_size)))

    def forward(self, x: Tensor) -> Tensor:
        demand(self.gates in {1, x.shape[1]}, "gates", self.gates, f"1 or the number of channels, {x.shape[1]}")
        w = windows(x, self.kernel_size, self.stride)
        gate = (w * self.weight[:, None, None]).sum(-1).sigmoid()
        return torch.lerp(w.mean(-1), w.amax(-1), gate)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, gates={self.gates}"


class TreePool2d(nn.Module):
    r"""A binary tree whose leaves are learned filters of the window and whose inner nodes mix their children (row S07).

    A leaf gives $f_m(x) = v_m^\top x$, an inner node $f_m(x) = g f_{2m}(x) + (1 - g) f_{2m + 1}(x)$ with the gate
    $g = \sigma(w_m^\top x)$; the root, node 1, is the output. `levels` = 2 is one gate over two leaves. Leaves start
    near the average, gates at 0. Source: {cite:t}`lee2016generalizing`.
    """

    def __init__(self, kernel_size: int, stride: int | None = None, *, levels: int = 2):
        demand(levels >= 1, "levels", levels, "at least 1, a tree that is one leaf")
        super().__init__()
        self.kernel_size, self.stride, self.levels = kernel_size, stride, levels
        size, leaves = area(kernel_size), 2 ** (levels - 1)
        self.leaves = nn.Parameter(torch.normal(1 / size, 0.1 / size, (leaves, size)))
        self.gates = nn.Parameter(torch.zeros(leaves - 1, size))  # node m is row m - 1: breadth first

    def forward(self, x: Tensor) -> Tensor:
        w = windows(x, self.kernel_size, self.stride)
        nodes = F.linear(w, self.leaves)
        gates = F.linear(w, self.gates).sigmoid()
        while (pairs := nodes.shape[-1] // 2) > 0:
            gate = gates[..., pairs - 1 : 2 * pairs - 1]
            nodes = torch.lerp(nodes[..., 1::2], nodes[..., 0::2], gate)
        return nodes.squeeze(-1)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, levels={self.levels}"


def learned_pooling(name: str) -> Callable[..., nn.Module]:
    """The named pooling, called with (kernel_size, stride); an unknown name lists the choices."""
    return choose(LEARNED_POOLINGS, name, "learned pooling")


LEARNED_POOLINGS = {
    "mixed": MixedPool2d,
    "gated": GatedPool2d,
    "tree": TreePool2d,
}
