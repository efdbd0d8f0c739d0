"""Checkpoints of one run as an ensemble: snapshots of a cyclical schedule, and averages of weights (SWA, EMA)."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from cnnlab.choices import demand
from cnnlab.techniques.schedules import cosine


def snapshot_cosine(t: float, *, cycles: int = 5) -> float:
    r"""$s(t) = (1 + \cos(\pi\,(n t \bmod 1))) / 2$: n times from the highest rate down to almost zero (row E03).

    At the end of each cycle a network is kept. The cycles are equal parts of the run; in the paper each has
    ⌈steps / cycles⌉ steps, so its last one is cut short where they do not divide. Source: {cite:t}`huang2017snapshot`.
    """
    demand(cycles >= 1, "cycles", cycles, "1 or more")
    return cosine(cycles * t % 1)


def snapshot_steps(steps: int, *, cycles: int = 5) -> list[int]:
    """After how many of `steps` steps a snapshot is taken: at the end of each of the equal cycles (row E03).

    Source: {cite:t}`huang2017snapshot`.
    """
    demand(1 <= cycles <= steps, "cycles", cycles, f"from 1 to the {steps} steps")
    return [-(-steps * cycle // cycles) for cycle in range(1, cycles + 1)]


def running_mean(average: Tensor, value: Tensor, count: int) -> Tensor:
    r"""$a + (x - a) / (n + 1)$: the mean of n + 1 values from that of n (row E03)."""
    return average + (value - average) / (count + 1)


def moving_average(average: Tensor, value: Tensor, *, decay: float = 0.999) -> Tensor:
    r"""$d a + (1 - d) x$: after n steps $d^n a_0 + (1 - d) \sum_k d^{n - k} x_k$ (row E03)."""
    demand(0 <= decay <= 1, "decay", decay, "from 0 to 1")
    return decay * average + (1 - decay) * value


def mean_weights(checkpoints: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several `state_dict`s: of weights and running statistics; counters are the last's (row E03).

    The mean of running statistics is not that of the mean network: see `load_average`. Checkpoints of different
    networks raise a `ValueError`. Source: {cite:t}`izmailov2018averaging`.
    """
    mean: dict[str, Tensor] = {}
    for count, weights in enumerate(checkpoints):
        shapes = {name: value.shape for name, value in weights.items()}
        alike = not count or shapes == {name: value.shape for name, value in mean.items()}
        demand(alike, f"checkpoint {count}", [*shapes][:3], "of the names and shapes of the first")
        for name, value in weights.items():
            floating = count and value.is_floating_point()
            mean[name] = running_mean(mean[name], value, count) if floating else value.clone()
    demand(len(mean) > 0, "checkpoints", [], "one or more")
    return mean


def load_average(model: nn.Module, checkpoints: Iterable[Mapping[str, Tensor]], batches: Iterable[Tensor]) -> nn.Module:
    """`model` with the mean of the checkpoints' weights, its batch normalizations measured anew (row E03).

    `batches` of training images on the model's device; the statistics are the means over them.
    Source: {cite:t}`izmailov2018averaging`.
    """
    model.load_state_dict(mean_weights(checkpoints))
    with torch.no_grad():
        update_bn(batches, model)
    return model


def swa(model: nn.Module) -> AveragedModel:
    """A copy of `model` that becomes the mean of all it is shown by `update_parameters(model)` (row E03).

    Then `torch.optim.swa_utils.update_bn(batches, it)`. Source: {cite:t}`izmailov2018averaging`.
    """
    return AveragedModel(model)


def ema(model: nn.Module, *, decay: float = 0.999) -> AveragedModel:
    """A copy of `model` that follows it as a moving average, running statistics too (row E03).

    The first `update_parameters(model)` copies it, every later one moves the average.
    """
    demand(0 <= decay <= 1, "decay", decay, "from 0 to 1")
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


AVERAGES = {"swa": swa, "ema": ema}
