r"""Freeze-path and freeze-drop-path: branches that learn one at a time.

A branch is live (gives and learns), frozen (gives, but does not learn) or dropped (gives nothing).
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn

from cnnlab.choices import choose, demand
from cnnlab.techniques.joins import summed


def freeze_drop_path(branches: Sequence[Tensor], active: int | Tensor) -> Tensor:
    r"""$y = \sum_{i \le k} b_i$, a sum and not a mean, where only $b_k$ learns, k = `active` (row T02).

    Branches before k are frozen, those after it dropped; both get a gradient of exactly 0. S0 merges two tips
    ("drop-path removes, freeze-path freezes"); this does both at once. As in the authors' Caffe code, momentum and weight
    decay still move them. Source: {cite:t}`smith2016design`.
    """
    stacked, index = _indexed(branches)
    frozen = stacked.where(index < active, 0).detach()
    return (frozen + stacked.where(index == active, 0)).sum(0)


def freeze_path(branches: Sequence[Tensor], active: int | Tensor) -> Tensor:
    r"""$y = \sum_i b_i$ where only $b_k$ learns, k = `active`: the others are frozen, none is dropped (row T02).

    Source: {cite:t}`smith2016design`.
    """
    stacked, index = _indexed(branches)
    return stacked.where(index == active, stacked.detach()).sum(0)


def _indexed(branches: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    stacked = torch.stack(tuple(branches))
    index = torch.arange(len(stacked), device=stacked.device)
    return stacked, index.view(-1, *[1] * (stacked.ndim - 1))


def time_shares(branches: int, interval: str = "increasing") -> list[Fraction]:
    r"""The share of the steps in which each branch is the active one (row T02).

    Branch i from 0: in proportion to $(i + 1)^2$ if "increasing" (the authors' interval_type 0), to 1 if "equal" (1), to
    $(n - i)^2$ if "decreasing" (2). Their code adds to an array `interval[]` that it never sets to zero, and its type 2
    does not accumulate, so its last threshold, by which it divides, is 0; these are the shares it means. Source:
    {cite:t}`smith2016design`.
    """
    squares = [(i + 1) ** 2 for i in range(branches)]
    weights = choose(
        {"increasing": squares, "equal": [1] * branches, "decreasing": squares[::-1]}, interval, "interval"
    )
    return [Fraction(weight, sum(weights)) for weight in weights]


def branch_at(step: int, shares: Sequence[Fraction], *, cycle: int) -> int:
    """The active branch of a step where branches take turns: the first `shares[0]` of each cycle is branch 0's (row T02).

    Source: {cite:t}`smith2016design`.
    """
    demand(cycle >= 1, "cycle", cycle, "at least 1, the steps of a round")
    return sum(step % cycle >= end * cycle for end in itertools.accumulate(shares))


class FreezeDropPath(nn.Module):
    r"""A join that trains one branch at a time, later ones on what earlier ones left over (row T02).

    In training `freeze_drop_path` with an active branch drawn by `time_shares` at each step, or, with `cycle` steps to
    a round, in turns; the count of steps is not in the `state_dict`. In evaluation the sum of all branches. Branches
    come shallowest first. Source: {cite:t}`smith2016design`.
    """

    def __init__(self, *, interval: str = "increasing", cycle: int = 0):
        time_shares(1, interval)  # an unknown name fails here, not at the first step
        demand(cycle >= 0, "cycle", cycle, "0 (a random branch each step) or the steps of a cycle")
        super().__init__()
        self.interval, self.cycle, self.step = interval, cycle, 0

    def forward(self, branches: Sequence[Tensor]) -> Tensor:
        return freeze_drop_path(branches, self._active(branches)) if self.training else summed(branches)

    def _active(self, branches: Sequence[Tensor]) -> int | Tensor:
        shares = time_shares(len(branches), self.interval)
        if not self.cycle:
            return torch.multinomial(branches[0].new_tensor([*map(float, shares)], dtype=torch.float32), 1)
        self.step += 1
        return branch_at(self.step - 1, shares, cycle=self.cycle)

    def extra_repr(self) -> str:
        return f"interval={self.interval!r}, cycle={self.cycle}"
