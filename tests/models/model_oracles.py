"""Counts of a network that is never built in full: it stands on the meta device, which has shapes and no numbers."""

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def hollow(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return build().eval()


def parameters(build: Callable[[], nn.Module]) -> int:
    return sum(weight.numel() for weight in hollow(build).parameters())


def multiply_adds(build: Callable[[], nn.Module], *shape: int) -> int:
    """Half of what torch's own counter says, which counts a multiplication and an addition."""
    model = hollow(build)
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


def maps(model: nn.Module, shape: tuple[int, ...], kinds: tuple[type, ...]) -> list[tuple[int, ...]]:
    """(channels, height, width) of what each module of these kinds gives out, in order of use."""
    seen = []
    for module in model.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[1:])))
    model(torch.empty(1, *shape, device="meta"))
    return seen


def field(*layers: tuple[int, int]) -> tuple[int, int]:
    """Receptive field and jump of (kernel, stride) layers in a row: r += (k - 1) j, then j *= s."""
    size, jump = 1, 1
    for kernel, stride in layers:
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size, jump
