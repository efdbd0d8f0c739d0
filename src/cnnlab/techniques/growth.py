"""Start small and grow while it pays; make a trained network wider without changing what it computes."""

import copy
import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import demand

Size = TypeVar("Size")


def grow(score: Callable[[Size], float], sizes: Iterable[Size], *, min_gain: float = 0.0) -> list[tuple[Size, float]]:
    """Train at one size after the other until the validation score stops growing; all that was tried (row W03).

    `score(size)` trains and gives the validation score. The first size is the simplest that can be right, a linear
    model: softmax regression for classes (S2 says linear regression). Stops after the first size that gains no more
    than `min_gain` over the best so far, or whose score is not a number; the best is the size before it.
    """
    tried: list[tuple[Size, float]] = []
    for size in sizes:
        best = max((found for _, found in tried), default=-math.inf)
        tried.append((size, score(size)))
        if not tried[-1][1] > best + min_gain:
            break
    return tried


def widen(
    layer: nn.Module, norm: nn.Module | None, following: nn.Module, *, width: int, generator: Generator | None = None
) -> tuple[nn.Module, nn.Module | None, nn.Module]:
    r"""Copies of layer, normalization and next layer with `width` units between, computing the same (row W03).

    Each new unit is a copy of an old one, drawn at random; of a unit that now stands there $r$ times, every outgoing
    weight is divided by $r$. The two layers are both convolutions or both linear, ungrouped, with an element-wise
    activation between; the normalization is a batch norm in evaluation mode, or None. Raises a `ValueError` for a
    width below the present one, for groups and for layers that do not fit. Source: {cite:t}`chen2016net2net`.
    """
    _check_fit(layer, norm, following)
    old = layer.weight.shape[0]
    demand(width >= old, "width", width, f"at least the present {old}")
    extra = torch.randint(old, (width - old,), generator=generator)
    chosen = torch.cat([torch.arange(old), extra]).to(layer.weight.device)
    copies = chosen.bincount(minlength=old)[chosen].to(layer.weight.dtype)
    layer, norm, following = (copy.deepcopy(each) for each in (layer, norm, following))
    _keep(layer, chosen)
    if norm is not None:
        _keep(norm, chosen)
    shape = (1, -1, *[1] * (following.weight.ndim - 2))
    incoming = following.weight.detach()[:, chosen] / copies.view(shape)
    following.weight = nn.Parameter(incoming, following.weight.requires_grad)
    _rename(following, "in", width)
    return layer, norm, following


def _check_fit(layer: nn.Module, norm: nn.Module | None, following: nn.Module) -> None:
    kinds = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
    demand(isinstance(layer, kinds), "layer", layer, "a linear or a convolutional layer")
    old, fits = (
        layer.weight.shape[0],
        isinstance(following, kinds) and following.weight.shape[1] == layer.weight.shape[0],
    )
    demand(fits, "following", following, f"a linear or a convolutional layer of {old} inputs")
    ungrouped = all(getattr(each, "groups", 1) == 1 for each in (layer, following))
    demand(ungrouped, "groups", (layer, following), "1 in both layers")
    norms = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
    suits = norm is None or isinstance(norm, norms) and norm.num_features == old
    demand(suits, "norm", norm, f"None or a batch norm of {old} channels")


def _keep(module: nn.Module, chosen: Tensor) -> None:
    """Only the chosen units of a layer or a batch norm, in that order."""
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.ndim:  # all but batch norm's count of its batches
            kept = value.detach()[chosen]
            setattr(module, name, nn.Parameter(kept, value.requires_grad) if isinstance(value, nn.Parameter) else kept)
    _rename(module, "out", len(chosen))


def _rename(module: nn.Module, side: str, width: int) -> None:
    """The width that the module shows, under the name that it has for it."""
    for name in (f"{side}_channels", f"{side}_features", *(["num_features"] if side == "out" else [])):
        if hasattr(module, name):
            setattr(module, name, width)
