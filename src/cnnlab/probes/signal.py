"""How strong the signal is at each layer: hooks that come off again."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.techniques.initialization import layers


@contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """After the block, every buffer of `model` (a normalization's running averages) holds what it held before (row G04)."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.data.copy_(value)  # past autograd, so that a backward pass may still follow


@contextmanager
def outputs(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Inside the block, every forward pass leaves what each linear and convolutional layer gave out, by name.

    After it the model's buffers and the global random numbers are as they were.
    """
    caught: dict[str, Tensor] = {}

    def catch(name: str):
        def hook(_module, _inputs, output: Tensor) -> Tensor:
            caught[name] = output
            return output.clone()  # so that an in-place activation changes the clone

        return hook

    hooks = [layer.register_forward_hook(catch(name)) for name, layer in layers(model)]
    try:
        with buffers_kept(model), torch.random.fork_rng():
            yield caught
    finally:
        for hook in hooks:
            hook.remove()


def signal(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, list]:
    r"""How strong the signal is at each layer, forward and backward, on one batch; the model keeps its gradients.

    Columns, a value a layer in order of use: `layer` (name), `variance` $\mathrm{Var}(z)$ of what the layer gives out
    before its activation, `gradient` $E[(\partial L / \partial z)^2]$ of the cross-entropy there, `weight_gradient`
    $E[(\partial L / \partial W)^2]$, nan where the weights are frozen. Images (N, C, H, W),
    standardized; labels (N,) (row I08).
    """
    with outputs(model) as caught, torch.enable_grad():
        x = images.detach().requires_grad_().clone()  # below frozen layers, too, a gradient arrives
        loss = F.cross_entropy(model(x), labels)
    tensors = [*caught.values(), *(dict(layers(model))[name].weight for name in caught)]
    wanted = [t for t in tensors if t.requires_grad]
    found = iter(torch.autograd.grad(loss, wanted, materialize_grads=True))
    mean_squares = [next(found).square().mean().item() if t.requires_grad else math.nan for t in tensors]
    return {
        "layer": list(caught),
        "variance": [z.var(correction=0).item() for z in caught.values()],
        "gradient": mean_squares[: len(caught)],
        "weight_gradient": mean_squares[len(caught) :],
    }


def growth_per_layer(values: list[float]) -> float:
    """The factor by which `values` grow from one layer to the next, from a line through their logarithms (row I08).

    Zero and non-finite values are left out; fewer than two that remain raise a `ValueError`.
    """
    logs = torch.tensor(values, dtype=torch.float64).log()
    keep = logs.isfinite().nonzero().squeeze(1).double()
    if len(keep) < 2:
        raise ValueError(f"a growth needs at least two layers with a positive finite value; got {values}")
    logs = logs[logs.isfinite()] - logs[logs.isfinite()].mean()
    depth = keep - keep.mean()
    return ((depth @ logs) / (depth @ depth)).exp().item()
