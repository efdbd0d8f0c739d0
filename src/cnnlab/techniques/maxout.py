"""Maxout: units that compete, of one layer or of branches with different kernels; the largest passes alone."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.techniques.initialization import normal_grid


class Maxout(nn.Module):
    r"""The largest of `pieces` linear pieces: $h_c = \max_{j<k} z_{ck+j}$ (rows A09, T05).

    Input (N, C·k, ...), output (N, C, ...). Channels that `pieces` does not divide raise a `ValueError`.
    Source: {cite:t}`goodfellow2013maxout`.
    """

    def __init__(self, pieces: int = 2):
        super().__init__()
        demand(pieces >= 1, "pieces", pieces, "at least 1")
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] % self.pieces:
            raise ValueError(
                f"maxout takes the largest of {self.pieces} pieces, so dimension 1 must be a multiple of {self.pieces}; "
                f"got shape {tuple(x.shape)}. Give the layer before it {self.pieces} times the channels."
            )
        return x.unflatten(1, (-1, self.pieces)).amax(dim=2)

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}"


def dense_maxout(in_features: int, out_features: int, *, pieces: int = 2) -> nn.Sequential:
    r"""$\max_j (W_j x + b_j)$, a dense layer of `pieces` times the units and their maxout (row A09).

    Source: {cite:t}`goodfellow2013maxout`.
    """
    return nn.Sequential(nn.Linear(in_features, out_features * pieces), Maxout(pieces))


def conv_maxout(in_channels: int, out_channels: int, *, kernel_size: int = 3, pieces: int = 2) -> nn.Sequential:
    r"""The same with a convolution, which keeps height and width for odd kernels (row A09)."""
    conv = nn.Conv2d(in_channels, out_channels * pieces, kernel_size, padding=kernel_size // 2)
    return nn.Sequential(conv, Maxout(pieces))


def width_at_equal_cost(width: int, *, pieces: int = 2) -> int:
    r"""The width at which maxout layers have the weights of plain ones of `width`: $\text{width} / \sqrt{k}$ (row A09).

    A layer costs $k\,w^2$ weights, input and output being equally wide. Source: {cite:t}`mishkin2016`.
    """
    return round(width / math.sqrt(pieces))


def winner(branches: Tensor) -> tuple[Tensor, Tensor]:
    r"""$y = \max_j b_j$ over dimension 0, and the index $j$ of the branch that won (row P14).

    Only the winner gets a gradient, also where branches tie; `torch.amax` would share it out. For two branches of
    $N(0, 1)$ the mean is $1/\sqrt\pi$, the variance $1 - 1/\pi$. Source: {cite:t}`goodfellow2013maxout`.
    """
    values, index = branches.max(dim=0)
    return values, index


class BranchMaxout(nn.Module):
    r"""Convolutions with different kernels side by side; at each place and channel the strongest passes (row P14).

    Input (N, in_channels, H, W), output (N, out_channels, H, W). Kernel sizes are odd, so that all branches keep height
    and width; each branch sees another scale. `forward` gives $\max_j b_j(x)$, `compete` the winner's index too.
    Source: {cite:t}`liao2015competitive`.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel_sizes: Sequence[int] = (3, 5, 7)):
        super().__init__()
        odd = len(kernel_sizes) > 0 and all(size % 2 for size in kernel_sizes)
        demand(odd, "kernel_sizes", tuple(kernel_sizes), "odd numbers, at least one, so that maps keep their size")
        self.branches = nn.ModuleList(nn.Conv2d(in_channels, out_channels, k, padding=k // 2) for k in kernel_sizes)

    def compete(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The largest value and the index of its branch, both (N, out_channels, H, W)."""
        return winner(torch.stack([branch(x) for branch in self.branches]))

    def forward(self, x: Tensor) -> Tensor:
        return self.compete(x)[0]

    def extra_repr(self) -> str:
        first = self.branches[0]
        sizes = tuple(branch.kernel_size[0] for branch in self.branches)
        return f"in_channels={first.in_channels}, out_channels={first.out_channels}, kernel_sizes={sizes}"


def maxout_moments(pieces: int = 2, *, points: int = 100_001, reach: float = 10.0) -> tuple[float, float]:
    r"""Mean and variance of the largest of `pieces` independent $N(0, 1)$, density $k\,\varphi\,\Phi^{k-1}$ (row P14).

    0.5642 and 0.6817 for two, by a sum over `points` in ±`reach`.
    """
    z, density = normal_grid(points, reach)
    density = pieces * torch.special.ndtr(z) ** (pieces - 1) * density
    mean = torch.trapezoid(z * density, z)
    return mean.item(), torch.trapezoid((z - mean).square() * density, z).item()
