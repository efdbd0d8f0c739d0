r"""Penalties and constraints on weights: L2, L1, elastic net, max-norm.

A penalty is added to the loss. Where its gradient jumps at zero, as that of $|w|$, plain gradient steps leave no weight
exactly zero; the *proximal* step, made after the gradient step, does.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.techniques.initialization import layers


def l2_penalty(weights: Iterable[Tensor], strength: float) -> Tensor:
    r"""$\frac{\lambda}{2} \sum w^2$, whose gradient is $\lambda w$: torch's `weight_decay` under plain SGD (row R01).

    S1 writes $\lambda \sum w^2$, gradient $2 \lambda w$; S4 the half. Under Adam the penalty and the decay of the
    weights differ, which is why AdamW exists. Source: {cite:t}`krogh1992simple,loshchilov2019decoupled`.
    """
    return strength / 2 * sum(w.square().sum() for w in weights)


def l1_penalty(weights: Iterable[Tensor], strength: float) -> Tensor:
    r"""$\lambda \sum |w|$ (row R02). Source: {cite:t}`tibshirani1996regression`."""
    return strength * sum(w.abs().sum() for w in weights)


def elastic_net_penalty(weights: Iterable[Tensor], l1: float, l2: float) -> Tensor:
    r"""$\lambda_1 \sum |w| + \lambda_2 \sum w^2$ (row R03). Source: {cite:t}`zou2005regularization`."""
    weights = list(weights)
    return l1_penalty(weights, l1) + l2_penalty(weights, 2 * l2)


def soft_threshold(w: Tensor, threshold: float) -> Tensor:
    r"""$S(w, t) = \operatorname{sign}(w) \max(|w| - t, 0)$: the proximal step of L1 with $t = \eta \lambda$ (row R02).

    Weights within `threshold` of zero become exactly zero. `torch.nn.functional.softshrink` computes the same.
    """
    demand(threshold >= 0, "threshold", threshold, "0 or more")
    return w.sign() * (w.abs() - threshold).clamp(min=0)


def elastic_net_step(w: Tensor, lr: float, *, l1: float, l2: float) -> Tensor:
    r"""$S(w, \eta \lambda_1) / (1 + 2 \eta \lambda_2)$: the proximal step of the elastic net (row R03)."""
    demand(l2 >= 0, "l2", l2, "0 or more")
    return soft_threshold(w, lr * l1) / (1 + 2 * lr * l2)


@torch.no_grad()
def max_norm_(module: nn.Module, c: float = 3.0) -> nn.Module:
    r"""Pull each unit's incoming weights back into a ball: $w \leftarrow w \min(1, c / \|w\|_2)$ (row R04).

    To be called after the optimizer's step, on all linear and convolutional layers of `module`, in place. A unit is a
    row of a linear weight or a filter of a convolution; one inside the ball keeps its bits. c is 3 to 4 in practice.
    S1 bounds the largest single weight, and its code clips gradients; both are other things.
    Source: {cite:t}`srebro2005rank,srivastava2014dropout`.
    """
    demand(c > 0, "c", c, "above 0")
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            norms = layer.weight.flatten(1).norm(dim=1)
            scale = torch.where(norms > c, c / norms, torch.ones_like(norms))
            layer.weight.mul_(scale.view(-1, *[1] * (layer.weight.ndim - 1)))
    return module


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Parameter groups for an optimizer: the weights of linear and convolutional layers decay (rows R01, A06).

    Biases, the scales of a normalization, and the slopes and hinges of an activation have `weight_decay` 0. Frozen
    parameters are left out. He's slopes do not decay: at 0 they are ReLU again. Source: {cite:t}`he2015delving`.
    """
    demand(weight_decay >= 0, "weight_decay", weight_decay, "0 or more")
    weights = {layer.weight for _, layer in layers(model)}
    parameters = [p for p in model.parameters() if p.requires_grad]
    decayed, free = ([p for p in parameters if (p in weights) == inside] for inside in (True, False))
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


PENALTIES = {"l1": l1_penalty, "l2": l2_penalty, "elastic_net": elastic_net_penalty}
