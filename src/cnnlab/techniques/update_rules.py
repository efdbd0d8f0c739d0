r"""One step of an optimizer as a pure function: weight, gradient and state in; weight and state out.

A rule gives $(\theta', s')$ for a weight $\theta$, its gradient $g$ and the state $s$ of the step before, of their shape,
which is empty at first; nothing is changed in place. `optimizers` makes optimizers of them.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor

from cnnlab.choices import choose

State = Mapping[str, Any]
Stepped = tuple[Tensor, dict[str, Any]]
FRESH: State = MappingProxyType({})


def sgd(weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01) -> Stepped:
    r"""$\theta' = \theta - \eta g$: steepest descent, without memory (row L07)."""
    return weight - lr * gradient, {}


def momentum(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, momentum: float = 0.9
) -> Stepped:
    r"""$v' = \mu v + g$, $\theta' = \theta - \eta v'$, as torch has it (row L07).

    Under a constant gradient the speed tends to $\eta g / (1 - \mu)$, ten times the plain step at 0.9. Source:
    {cite:t}`sutskever2013importance`.
    """
    velocity = momentum * state.get("velocity", 0) + gradient
    return weight - lr * velocity, {"velocity": velocity}


def nesterov(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, momentum: float = 0.9
) -> Stepped:
    r"""$v' = \mu v + g$, $\theta' = \theta - \eta (g + \mu v')$: one step ahead of `momentum`, torch's form (row L07).

    CaffeNet has .473 with it and .471 with `momentum`. Source: {cite:t}`sutskever2013importance`.
    """
    velocity = momentum * state.get("velocity", 0) + gradient
    return weight - lr * (gradient + momentum * velocity), {"velocity": velocity}


def caffe_momentum(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, momentum: float = 0.9
) -> Stepped:
    r"""$v' = \mu v + \eta g$, $\theta' = \theta - v'$: the rate inside the velocity, as Caffe has it (row L07).

    The same as `momentum` while the rate stays; after a drop of the rate it coasts on at the old speed. Source:
    {cite:t}`jia2014caffe`.
    """
    velocity = momentum * state.get("velocity", 0) + lr * gradient
    return weight - velocity, {"velocity": velocity}


def caffe_nesterov(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, momentum: float = 0.9
) -> Stepped:
    r"""$v' = \mu v + \eta g$, $\theta' = \theta - ((1 + \mu) v' - \mu v)$, as Caffe has it (row L07).

    The same as `nesterov` while the rate stays. Source: {cite:t}`jia2014caffe`.
    """
    before = state.get("velocity", 0)
    velocity = momentum * before + lr * gradient
    return weight - ((1 + momentum) * velocity - momentum * before), {"velocity": velocity}


def adagrad(weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, eps: float = 1e-10) -> Stepped:
    r"""$s' = s + g^2$, $\theta' = \theta - \eta g / (\sqrt{s'} + \epsilon)$: rates that only fall (row L08).

    Source: {cite:t}`duchi2011adaptive`.
    """
    squares = state.get("squares", 0) + gradient**2
    return weight - lr * gradient / (squares.sqrt() + eps), {"squares": squares}


def adadelta(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6
) -> Stepped:
    r"""$\Delta = g \sqrt{d + \epsilon} / \sqrt{s' + \epsilon}$, $\theta' = \theta - \eta \Delta$ (row L08).

    $s' = \rho s + (1 - \rho) g^2$ and $d' = \rho d + (1 - \rho) \Delta^2$: a step has the unit of the weight. Source:
    {cite:t}`zeiler2012adadelta`.
    """
    moved = state.get("moved", 0 * gradient)
    squares = rho * state.get("squares", 0) + (1 - rho) * gradient**2
    change = gradient * (moved + eps).sqrt() / (squares + eps).sqrt()
    return weight - lr * change, {"squares": squares, "moved": rho * moved + (1 - rho) * change**2}


def rmsprop(
    weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8
) -> Stepped:
    r"""$s' = \alpha s + (1 - \alpha) g^2$, $\theta' = \theta - \eta g / (\sqrt{s'} + \epsilon)$ (row L08).

    S3's .327 of it on CaffeNet became .472 and .486 with other rates. Source: {cite:t}`tieleman2012rmsprop`.
    """
    squares = alpha * state.get("squares", 0) + (1 - alpha) * gradient**2
    return weight - lr * gradient / (squares.sqrt() + eps), {"squares": squares}


def adam(
    weight: Tensor,
    gradient: Tensor,
    *,
    state: State = FRESH,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Stepped:
    r"""$\theta' = \theta - \eta \hat m / (\sqrt{\hat v} + \epsilon)$ with $\hat m = m' / (1 - \beta_1^t)$ (row L08).

    $m' = \beta_1 m + (1 - \beta_1) g$, $v' = \beta_2 v + (1 - \beta_2) g^2$ and $\hat v$ as $\hat m$: the first step is
    $\eta\,\mathrm{sign}(g)$. S0 calls it expensive; it costs two more copies of the weights. Source:
    {cite:t}`kingma2015adam,wilson2017marginal`.
    """
    t = state.get("t", 0) + 1
    mean = betas[0] * state.get("mean", 0) + (1 - betas[0]) * gradient
    squares = betas[1] * state.get("squares", 0) + (1 - betas[1]) * gradient**2
    scale = (squares / (1 - betas[1] ** t)).sqrt() + eps
    return weight - lr / (1 - betas[0] ** t) * mean / scale, {"t": t, "mean": mean, "squares": squares}


def power_sign(
    weight: Tensor,
    gradient: Tensor,
    *,
    state: State = FRESH,
    lr: float = 0.1,
    beta: float = 0.9,
    base: float = math.e,
) -> Stepped:
    r"""$\theta' = \theta - \eta\, b^{\,\mathrm{sign}(g)\,\mathrm{sign}(m')}\, g$, found by a search (row L04).

    $m' = \beta m + (1 - \beta) g$. Where gradient and mean agree the step is b times as long, elsewhere it is divided by
    b. Source: {cite:t}`bello2017neural`.
    """
    mean = beta * state.get("mean", 0) + (1 - beta) * gradient
    return weight - lr * base ** (gradient.sign() * mean.sign()) * gradient, {"mean": mean}


def add_sign(weight: Tensor, gradient: Tensor, *, state: State = FRESH, lr: float = 0.1, beta: float = 0.9) -> Stepped:
    r"""$\theta' = \theta - \eta (1 + \mathrm{sign}(g)\,\mathrm{sign}(m'))\, g$: twice the step, or none (row L04).

    $m' = \beta m + (1 - \beta) g$. Source: {cite:t}`bello2017neural`.
    """
    mean = beta * state.get("mean", 0) + (1 - beta) * gradient
    return weight - lr * (1 + gradient.sign() * mean.sign()) * gradient, {"mean": mean}


def update_rule(name: str) -> Callable[..., Stepped]:
    """The named rule; an unknown name lists the choices."""
    return choose(UPDATE_RULES, name, "update rule")


UPDATE_RULES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "caffe_momentum": caffe_momentum,
    "caffe_nesterov": caffe_nesterov,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
    "power_sign": power_sign,
    "add_sign": add_sign,
}
