"""The fused forms of layers: torch's own, wider or in groups, and what torch has none for.

A form is made from the layer of one member and the number of members; `fusion` fills in their weights.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cnnlab.models.layers import Flat


class Linears(nn.Module):
    """A linear layer for each of `members`: (N, members·in) to (N, members·out), by one batched product."""

    def __init__(self, in_features: int, out_features: int, members: int, *, bias: bool = True):
        super().__init__()
        self.in_features, self.members = in_features, members
        self.weight = nn.Parameter(torch.empty(members * out_features, in_features))
        self.register_parameter("bias", nn.Parameter(torch.empty(members * out_features)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (self.members, self.in_features)).transpose(0, 1)
        weight = self.weight.unflatten(0, (self.members, -1)).transpose(1, 2)
        if self.bias is None:
            y = torch.bmm(x, weight)
        else:
            y = torch.baddbmm(self.bias.unflatten(0, (self.members, 1, -1)), x, weight)
        return y.transpose(0, 1).flatten(1)


class Apart(nn.Module):
    """Each of `parts` on its own channels, `widths` of them, one after the other; on all of x if None."""

    def __init__(self, parts: Sequence[nn.Module], widths: list[int] | None):
        super().__init__()
        self.parts, self.widths = nn.ModuleList(parts), widths
        for layer in self.parts.modules():
            if hasattr(layer, "inplace"):
                layer.inplace = False  # what one part overwrites, autograd takes for all of x

    def forward(self, x: Tensor) -> Tensor:
        own = [x] * len(self.parts) if self.widths is None else x.split(self.widths, dim=1)
        return torch.cat([part(each) for part, each in zip(self.parts, own, strict=True)], dim=1)


class Concatenate(nn.Module):
    """Branches that hold all members each, to each member's branches side by side; `widths` by branch and member."""

    def __init__(self, widths: list[list[int]]):
        super().__init__()
        self.widths = widths

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        parts = [branch.split(widths, dim=1) for branch, widths in zip(branches, self.widths, strict=True)]
        return torch.cat([part for member in zip(*parts, strict=True) for part in member], dim=1)


def conv(layer: nn.Conv2d, members: int, groups: int | None = None) -> nn.Conv2d:
    """A convolution in a group for each member; in one group, all members' filters on the same images."""
    groups = groups or members
    return nn.Conv2d(
        layer.in_channels * groups,
        layer.out_channels * members,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups * groups,
        layer.bias is not None,
        layer.padding_mode,
    )


def norm(layer: nn.BatchNorm2d, members: int) -> nn.Module:
    """Batch or instance normalization over the channels of all members."""
    settings = layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    return type(layer)(layer.num_features * members, *settings)


def group_norm(layer: nn.GroupNorm, members: int) -> nn.GroupNorm:
    """Each member's groups of channels."""
    return nn.GroupNorm(layer.num_groups * members, layer.num_channels * members, layer.eps, layer.affine)


def linear(layer: nn.Linear, members: int) -> Linears:
    """A batched product."""
    return Linears(layer.in_features, layer.out_features, members, bias=layer.bias is not None)


def flat(layer: Flat, members: int) -> nn.Flatten:
    """A flattening without the check, whose features are those of one member."""
    return nn.Flatten()


def alike(layer: nn.Module, members: int) -> nn.Module:
    """A layer without weights that works value by value or map by map: it does not see how many members there are."""
    return copy.deepcopy(layer)


def alone(layer: nn.Module, members: int) -> nn.Module:
    """A layer that each member keeps for itself: not made for several."""
    raise NotImplementedError(type(layer).__name__)
