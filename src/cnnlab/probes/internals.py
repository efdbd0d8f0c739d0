"""What happens inside a model: how far a step moves its weights, what its branches add, which units are at an end."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.lending import mode
from cnnlab.probes.signal import signal
from cnnlab.techniques.initialization import layers
from cnnlab.techniques.joins import Residual


@contextmanager
def updates(model: nn.Module) -> Iterator[dict[str, float]]:
    r"""At the end of the block, $\lVert \Delta W \rVert / \lVert W \rVert$ of each layer, by name (row G04).

    Around one step of any optimizer; about $10^{-3}$ is usual, with plain SGD it is
    $\eta \lVert \nabla W \rVert / \lVert W \rVert$. A layer of zeros gives inf, or nan where it stays at zero.
    Source: {cite:t}`karpathy2016cs231n`.
    """
    before = {name: layer.weight.detach().clone() for name, layer in layers(model)}
    ratios: dict[str, float] = {}
    yield ratios
    for name, layer in layers(model):
        ratios[name] = ((layer.weight.detach() - before[name]).norm() / before[name].norm()).item()


@contextmanager
def dead_units(model: nn.Module) -> Iterator[dict[str, float]]:
    """In the block, for each layer with an `nn.ReLU` before the next layer, the share that gives only zeros (row A03)."""
    shares: dict[str, float] = {}
    last = ""

    def follow(name: str):
        def hook(_module, _inputs, _output) -> None:
            nonlocal last
            last = name
            shares.pop(name, None)

        return hook

    def count(_module, _inputs, y: Tensor) -> None:
        shares.setdefault(last, (y.detach().transpose(0, 1).flatten(1) <= 0).all(1).double().mean().item())

    hooks = [layer.register_forward_hook(follow(name)) for name, layer in layers(model)]
    hooks += [module.register_forward_hook(count) for module in model.modules() if isinstance(module, nn.ReLU)]
    try:
        yield shares
    finally:
        for hook in hooks:
            hook.remove()


def monitor(model: nn.Module, images: Tensor, labels: Tensor, *, lr: float) -> dict[str, list]:
    r"""One look inside, a value a layer in order of use: the columns of `signal`, and two more (rows G04, A03).

    `dead` is the share of units (channels at all places) for which the `nn.ReLU` after the layer gives zero on every
    image of the batch, nan where none follows; `update_ratio` is that of a step of plain SGD,
    $\eta \lVert \partial L / \partial W \rVert / \lVert W \rVert$, nan where the weights are frozen. One pass, in the mode
    the model is in; running averages and random numbers stay as they were. Source: {cite:t}`karpathy2016cs231n`.
    """
    demand(lr > 0, "lr", lr, "above 0")
    with dead_units(model) as dead:
        columns = signal(model, images, labels)
    weights = [dict(layers(model))[name].weight.detach().double() for name in columns["layer"]]
    squares = [g * w.numel() for g, w in zip(columns["weight_gradient"], weights, strict=True)]
    columns["dead"] = [dead.get(name, math.nan) for name in columns["layer"]]
    columns["update_ratio"] = [
        (lr * w.new_tensor(s).sqrt() / w.norm()).item() for s, w in zip(squares, weights, strict=True)
    ]
    return columns


def saturation(model: nn.Module, images: Tensor, *, within: float = 0.05) -> dict[str, float]:
    """For each tanh and sigmoid, by name, the share of its values closer than `within` of its range to an end (row G04).

    There its gradient is next to nothing. The model is in evaluation mode meanwhile. Source:
    {cite:t}`glorot2010understanding`.
    """
    demand(0 < within < 0.5, "within", within, "above 0 and below 0.5")
    ends = {nn.Tanh: (-1, 1), nn.Sigmoid: (0, 1)}
    shares: dict[str, float] = {}

    def watch(name: str, low: float, high: float):
        def hook(_module, _inputs, y: Tensor) -> None:
            margin = within * (high - low)
            shares[name] = ((y < low + margin) | (y > high - margin)).double().mean().item()

        return hook

    found = [(name, module) for name, module in model.named_modules() if type(module) in ends]
    hooks = [module.register_forward_hook(watch(name, *ends[type(module)])) for name, module in found]
    _look(model, images, hooks)
    return shares


def branch_ratios(model: nn.Module, images: Tensor) -> dict[str, float]:
    r"""For each `Residual`, by name, $\lVert F(x) \rVert / \lVert x \rVert$ over the batch: how long its step is (row P08).

    Small where blocks refine what they are given; 0 where the branch ends in a scale of zero. The model is in
    evaluation mode meanwhile. Source: {cite:t}`greff2017highway`.
    """
    ratios: dict[str, float] = {}

    def watch(name: str):
        def hook(_module, inputs: tuple[Tensor], output: Tensor) -> None:
            ratios[name] = (output.norm() / inputs[0].norm()).item()

        return hook

    found = [(name, module) for name, module in model.named_modules() if isinstance(module, Residual)]
    _look(model, images, [block.branch.register_forward_hook(watch(name)) for name, block in found])
    return ratios


def _look(model: nn.Module, images: Tensor, hooks: list) -> None:
    """One forward pass under `hooks`, which come off."""
    try:
        with mode(model, training=False), torch.no_grad():
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
