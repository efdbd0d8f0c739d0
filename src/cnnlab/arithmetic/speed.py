"""Time a step fairly, and see how many images a second a larger batch buys."""

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import nn

from cnnlab.choices import demand
from cnnlab.lending import mode


def fair_time(
    step: Callable[[], object],
    synchronize: Callable[[], object] = lambda: None,
    *,
    warmup: int = 3,
    repeats: int = 10,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The median of `repeats` times of `step` in seconds, after `warmup` calls that are not timed (row M03).

    A GPU is handed its work and computes while Python goes on, so `synchronize` (`torch.cuda.synchronize`) waits before
    each look at the clock. The first calls choose algorithms and fill caches; the median forgives a hiccup.
    """
    demand(repeats >= 1, "repeats", repeats, "at least 1")
    for _ in range(warmup):
        step()
    seconds = []
    for _ in range(repeats):
        synchronize()
        start = clock()
        step()
        synchronize()
        seconds.append(clock() - start)
    return statistics.median(seconds)


def images_per_second(
    module: nn.Module, shape: tuple[int, ...], batches: Iterable[int], *, warmup: int = 3, repeats: int = 10
) -> dict[int, float]:
    """Images a second of a forward pass without gradients, for each size of the batch (row M03).

    `shape` is that of one image. The speed grows with the batch until the device is busy, then stays: batch for speed.
    Random images on the device and in the dtype of the module's first parameter, on the CPU where it has none;
    evaluation mode. Source: {cite:t}`mishkin2016`.
    """
    like = next(module.parameters(), torch.empty(0))
    synchronize = torch.cuda.synchronize if like.is_cuda else lambda: None
    speeds = {}
    with mode(module, training=False), torch.inference_mode():
        for n in batches:
            forward = partial(module, torch.rand((n, *shape), device=like.device, dtype=like.dtype))
            speeds[n] = n / fair_time(forward, synchronize, warmup=warmup, repeats=repeats)
    return speeds
