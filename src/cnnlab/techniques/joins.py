r"""How branches meet: joins, the residual block, and the transition to half the size and twice the channels.

A join takes a list of branches, tensors of one shape (N, C, ...), and gives one tensor.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand
from cnnlab.techniques.normalization import BatchNorm

Join = Callable[[Sequence[Tensor]], Tensor]
SCALED = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, BatchNorm)  # normalizations with a scale


def summed(branches: Sequence[Tensor]) -> Tensor:
    r"""$y = \sum_i x_i$: each branch learns a correction to the others, as in ResNet (row P12).

    k independent branches of variance $\sigma^2$ give $k \sigma^2$. Source: {cite:t}`smith2016design`.
    """
    return torch.stack(tuple(branches)).sum(0)


def mean(branches: Sequence[Tensor]) -> Tensor:
    r"""$y = \frac{1}{k} \sum_i x_i$, of variance $\sigma^2 / k$; the scale stays where branches can drop (row P12).

    Source: {cite:t}`larsson2016fractalnet`.
    """
    return torch.stack(tuple(branches)).mean(0)


def concatenated(branches: Sequence[Tensor]) -> Tensor:
    """The branches side by side, their channels in a row: nothing is mixed, the next layer is wider (row P12).

    Their channels may differ. Source: {cite:t}`szegedy2016rethinking`.
    """
    return torch.cat(tuple(branches), dim=1)


def largest(branches: Sequence[Tensor]) -> Tensor:
    r"""Maxout over branches, $y = \max_i x_i$: the strongest branch is heard at each element (row P12).

    Source: {cite:t}`goodfellow2013maxout`.
    """
    return torch.stack(tuple(branches)).amax(0)


def masked_mean(branches: Sequence[Tensor], live: Tensor) -> Tensor:
    r"""The mean of the branches that live: $y = \sum_i m_i x_i / \sum_i m_i$ (row P12).

    `live` is a boolean mask of shape (k,), one for the batch, or (k, N), one for each sample. A dropped branch counts
    for nothing even where it is infinite. A sample without a live branch gives NaN: `resurrect` the mask first.
    Source: {cite:t}`larsson2016fractalnet`.
    """
    k = len(branches)
    demand(live.dtype == torch.bool, "the dtype of live", live.dtype, "torch.bool")
    demand(live.shape[:1] == (k,), "the shape of live", tuple(live.shape), f"({k},) or ({k}, N), a row for each branch")
    stacked = torch.stack(tuple(branches))
    live = live.view(*live.shape, *[1] * (stacked.ndim - live.ndim)).to(stacked.device)
    return stacked.where(live, 0).sum(0) / live.sum(0)


def resurrect(live: Tensor, *, generator: Generator | None = None) -> Tensor:
    """`live` (k, ...) with one branch, drawn evenly, brought back wherever all k were dropped (row P12).

    Source: {cite:t}`larsson2016fractalnet`.
    """
    device = generator.device if generator else live.device
    lots = torch.rand(live.shape, generator=generator, device=device).to(live.device)
    lucky = torch.zeros_like(live).scatter(0, lots.argmax(0, keepdim=True), True)
    return live | (lucky & ~live.any(0))


class Parallel(nn.Module):
    """The same input through each of several `branches`, then a `join`, a function or a module (row P12).

    Source: {cite:t}`smith2016design`.
    """

    def __init__(self, branches: Sequence[nn.Module], join: Join = summed):
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), join

    def forward(self, x: Tensor) -> Tensor:
        return self.join([branch(x) for branch in self.branches])

    def extra_repr(self) -> str:
        return "" if isinstance(self.join, nn.Module) else f"join={getattr(self.join, '__name__', self.join)}"


class Residual(nn.Module):
    r"""$y = s(x) + F(x)$: `branch` F learns what to add to `shortcut` s, by default the identity (row P08).

    What comes after the sum, ReLU or nothing, is the caller's. Source: {cite:t}`he2016`.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.branch(x)


@torch.no_grad()
def zero_gamma_(model: nn.Module) -> nn.Module:
    r"""Set the scale $\gamma$ of the last normalization of each residual branch to 0; return the model (row P08).

    Where that is the branch's last layer and its shift is still 0, $F(x) = 0$ and the block starts as its shortcut. A
    branch without a normalization, or a model without a `Residual`, raises a `ValueError`. Source:
    {cite:t}`goyal2017accurate`.
    """
    blocks = {name: block for name, block in model.named_modules() if isinstance(block, Residual)}
    if not blocks:
        raise ValueError("zero_gamma_ needs blocks that are joins.Residual; the model has none")
    for name, block in blocks.items():
        scales = [m for m in block.branch.modules() if isinstance(m, SCALED) and m.weight is not None]
        if not scales:
            raise ValueError(f'zero_gamma_ needs a normalization with a weight in each branch; "{name}" has none')
        nn.init.zeros_(scales[-1].weight)
    return model


class PaddedShortcut(nn.Module):
    """Option A: every `stride`-th row and column, then zeros for the new channels; no parameters (row P13).

    (N, in, H, W) to (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉). Fewer channels than came in raise a `ValueError`.
    Source: {cite:t}`he2016`.
    """

    def __init__(self, out_channels: int, *, stride: int = 2):
        super().__init__()
        self.out_channels, self.stride = out_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        more = self.out_channels - x.shape[1]
        demand(more >= 0, "out_channels", self.out_channels, f"at least the {x.shape[1]} channels of the input")
        return F.pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, 0, more))

    def extra_repr(self) -> str:
        return f"out_channels={self.out_channels}, stride={self.stride}"


class PoolConcat(nn.Module):
    """Half the size, more channels: a 3x3 max pool beside a 3x3 convolution of stride 2, concatenated (row P13).

    The pool keeps the channels there are, the convolution adds the missing `out_channels - in_channels`. Sources:
    {cite:t}`szegedy2016rethinking`, {cite:t}`smith2016design`.
    """

    def __init__(self, in_channels: int, out_channels: int):
        demand(out_channels > in_channels, "out_channels", out_channels, f"above in_channels, {in_channels}")
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv = nn.Conv2d(in_channels, out_channels - in_channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return concatenated([self.pool(x), self.conv(x)])

    def extra_repr(self) -> str:
        return f"in_channels={self.in_channels}, out_channels={self.out_channels}"


def padded(in_channels: int, out_channels: int) -> PaddedShortcut:
    """Option A of ResNet's shortcuts at a halving (row P13). Source: {cite:t}`he2016`."""
    return PaddedShortcut(out_channels)


def projected(in_channels: int, out_channels: int) -> nn.Sequential:
    """Option B: a 1x1 convolution of stride 2 and a batch normalization (row P13). Source: {cite:t}`he2016`."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False), nn.BatchNorm2d(out_channels))


def strided(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution of stride 2, which halves the size and sets the channels at once (row P13).

    Source: {cite:t}`smith2016design`.
    """
    return nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)


def join(name: str) -> Join:
    """The named join; an unknown name lists the choices."""
    return choose(JOINS, name, "join")


def transition(name: str, in_channels: int, out_channels: int) -> nn.Module:
    """The named way from (N, in_channels, H, W) to (N, out_channels, H / 2, W / 2); an unknown name lists the choices."""
    return choose(TRANSITIONS, name, "transition")(in_channels, out_channels)


JOINS = {"sum": summed, "mean": mean, "concatenate": concatenated, "maxout": largest}
TRANSITIONS = {"padded": padded, "projected": projected, "pool_concat": PoolConcat, "strided": strided}
