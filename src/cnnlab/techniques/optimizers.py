"""Optimizers by name: torch's where it has them, and those that `update_rules` gives."""

from collections.abc import Callable, Iterable
from functools import partial
from math import e
from typing import Any

import torch
from torch import Tensor, optim

from cnnlab.choices import choose, demand
from cnnlab.techniques.update_rules import Stepped, add_sign, caffe_momentum, caffe_nesterov, power_sign


class ByHand(optim.Optimizer):
    """An update rule of `update_rules` as an optimizer of torch: groups, schedulers and checkpoints work (row L07).

    `settings` are the others of the rule; a group may have its own. Parameters without a gradient stay.
    """

    def __init__(self, params: Iterable, rule: Callable[..., Stepped], *, lr: float, **settings: float):
        super().__init__(params, {"lr": lr, **settings})
        self.rule, self.names = rule, ("lr", *settings)  # torch adds defaults of its own

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "rule": self.rule, "names": self.names}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        lr = param_group.get("lr", self.defaults["lr"])
        demand(lr >= 0, "lr", lr, "0 or more")
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One step; `closure`, if given, computes the gradients again and gives the loss, which is returned."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            settings = {name: group[name] for name in self.names}
            for p in group["params"]:
                if p.grad is not None:
                    new, self.state[p] = self.rule(p, p.grad, state=self.state[p], **settings)
                    p.copy_(new)
        return loss


class PowerSign(ByHand):
    r"""$\theta \leftarrow \theta - \eta\, b^{\,\mathrm{sign}(g)\,\mathrm{sign}(m)}\, g$, as an optimizer (row L04).

    Source: {cite:t}`bello2017neural`.
    """

    def __init__(self, params: Iterable, lr: float = 0.1, *, beta: float = 0.9, base: float = e):
        super().__init__(params, power_sign, lr=lr, beta=beta, base=base)


class AddSign(ByHand):
    r"""$\theta \leftarrow \theta - \eta (1 + \mathrm{sign}(g)\,\mathrm{sign}(m))\, g$, as an optimizer (row L04).

    Source: {cite:t}`bello2017neural`.
    """

    def __init__(self, params: Iterable, lr: float = 0.1, *, beta: float = 0.9):
        super().__init__(params, add_sign, lr=lr, beta=beta)


def optimizer(name: str, params: Iterable, *, lr: float) -> optim.Optimizer:
    """The named optimizer on `params`, tensors or groups; an unknown name lists the choices (rows L04, L07, L08)."""
    return choose(OPTIMIZERS, name, "optimizer")(params, lr=lr)


OPTIMIZERS = {
    "sgd": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "nesterov": partial(optim.SGD, momentum=0.9, nesterov=True),
    "caffe_momentum": partial(ByHand, rule=caffe_momentum, momentum=0.9),
    "caffe_nesterov": partial(ByHand, rule=caffe_nesterov, momentum=0.9),
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "rmsprop": optim.RMSprop,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "power_sign": PowerSign,
    "add_sign": AddSign,
}
