r"""Which of a network's paths are open during a step of training: drop-path and stochastic depth.

Drop-path is of joins, whose branches are alike: those that live are averaged. Stochastic depth is of residual blocks,
whose shortcut always lives: the branch is skipped.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import demand
from cnnlab.techniques.joins import masked_mean, mean, resurrect


def drop_path_mask(
    branches: int,
    p: float,
    *,
    samples: int | None = None,
    generator: Generator | None = None,
    device: torch.device | None = None,
) -> Tensor:
    r"""Local drop-path: each branch of a join dies with probability `p`, but one always survives (row R08).

    True where a branch lives; shape (branches,), or (branches, samples). Where all died, one drawn evenly comes back:
    with two branches and p = 0.15 that is a share 0.0225 of the draws, and 1.7225 branches live on average. Source:
    {cite:t}`larsson2016fractalnet`.
    """
    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    shape = (branches,) if samples is None else (branches, samples)
    live = torch.rand(shape, generator=generator, device=device) >= p
    return resurrect(live, generator=generator)


def draw_column(columns: int, *, global_share: float = 0.5, generator: Generator | None = None) -> int | None:
    """Global drop-path: with probability `global_share` one column for the whole network, else None: local (row R08).

    Drawn once per mini-batch; half and half in the paper. Source: {cite:t}`larsson2016fractalnet`.
    """
    if torch.rand((), generator=generator) >= global_share:
        return None
    return int(torch.randint(columns, (), generator=generator))


class DropPathMean(nn.Module):
    r"""The join of FractalNet: the mean of the branches that local drop-path leaves, in evaluation of all (row R08).

    One mask for the mini-batch, as in the paper. timm's `DropPath` is stochastic depth, not this. Source:
    {cite:t}`larsson2016fractalnet`.
    """

    def __init__(self, p: float = 0.15):
        demand(0 <= p < 1, "p", p, "at least 0 and below 1")
        super().__init__()
        self.p = p

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        if not self.training:
            return mean(branches)
        return masked_mean(branches, drop_path_mask(len(branches), self.p, device=branches[0].device))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def drop_rates(blocks: int, *, last: float = 0.5) -> list[float]:
    r"""How probably each residual block is skipped: $p_l = \frac{l}{L} p_L$ for $l = 1 \ldots L$ (row R09).

    The first blocks, on which all others build, hardly ever; `last` is $p_L$. With 1/2, $(3L - 1) / 4$ of L blocks are
    kept on average. The paper's $p_l$ is the share that survives, $1 - p_l$ here. Source: {cite:t}`huang2016deep`.
    """
    demand(0 <= last < 1, "last", last, "at least 0 and below 1")
    return [block / blocks * last for block in range(1, blocks + 1)]


def stochastic_depth(branch: Tensor, p: float, live: Tensor) -> Tensor:
    r"""$m F / (1 - p)$: the branch's output, kept where `live` (N,), made up for the share `p` that is not (row R09).

    The rescaled form of torchvision, which needs nothing at test time; `StochasticDepth` is the paper's. Source:
    {cite:t}`huang2016deep`.
    """
    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    return branch.where(live.view(-1, *[1] * (branch.ndim - 1)), 0) / (1 - p)


def drop_samples(p: float) -> nn.Module:
    """torchvision's `StochasticDepth` by rows: each sample drops its branch by itself, with probability `p` (row R09).

    Source: {cite:t}`huang2016deep`.
    """
    from torchvision.ops import StochasticDepth as PerSample

    demand(0 <= p < 1, "p", p, "at least 0 and below 1")
    return PerSample(p, mode="row")


class StochasticDepth(nn.Module):
    r"""A residual block that is skipped in a share of the mini-batches, $y = s(x) + m F(x)$ (rows R09, H17).

    $m \sim \text{Bernoulli}(1 - p)$ is drawn once per mini-batch, and where it is 0 `branch` F is not even computed: a
    quarter of the time is saved. In evaluation $m = 1 - p$. A ReLU after the sum is the caller's. Source:
    {cite:t}`huang2016deep`.
    """

    def __init__(self, branch: nn.Module, p: float, *, shortcut: nn.Module | None = None):
        demand(0 <= p < 1, "p", p, "at least 0 and below 1")
        super().__init__()
        self.branch, self.p, self.shortcut = branch, p, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.shortcut(x) + (1 - self.p) * self.branch(x)
        draw = torch.rand(())  # on the CPU, so that a GPU need not be asked
        skipped = not draw.is_meta and draw < self.p  # without numbers the branch runs: an upper bound of what it costs
        return self.shortcut(x) if skipped else self.shortcut(x) + self.branch(x)

    def extra_repr(self) -> str:
        return f"p={self.p}"
