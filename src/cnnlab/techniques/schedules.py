r"""Learning-rate schedules: pure functions of the progress $t \in [0, 1)$ that return a factor of the learning rate.

Step $k$ of $T$ (from 0) is made with $\eta_k = \eta\, s(k / T)$. So a schedule knows no step count, no optimizer and no
epoch, and one figure shows them all on one axis.
"""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from cnnlab.choices import choose, demand
from cnnlab.techniques.cycles import exp_range, rising, triangular, triangular2

STEPS = (1 / 2, 3 / 4)  # where `step` divides by ten
WARM_UP, START, END = 0.3, 1 / 25, 1 / 250_000  # one_cycle, as torch.optim.lr_scheduler.OneCycleLR has them


def constant(t: float) -> float:
    """$s(t) = 1$."""
    return 1.0


def linear(t: float) -> float:
    """$s(t) = 1 - t$, down to zero (row L02). Source: {cite:t}`mishkin2016`."""
    return 1 - t


def square(t: float) -> float:
    """$s(t) = (1 - t)^2$: most of the run at a low rate (row L02)."""
    return (1 - t) ** 2


def sqrt(t: float) -> float:
    r"""$s(t) = \sqrt{1 - t}$: most of the run at a high rate (row L02)."""
    return math.sqrt(1 - t)


def cosine(t: float) -> float:
    r"""$s(t) = (1 + \cos \pi t) / 2$. Source: {cite:t}`loshchilov2017`."""
    return (1 + math.cos(math.pi * t)) / 2


def linear_cosine(t: float, *, periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001) -> float:
    r"""$s(t) = (\alpha + 1 - t) \frac{1 + \cos 2 \pi n t}{2} + \beta$, with n `periods` (row L03).

    At its start the factor is $1 + \alpha + \beta$, a little above one, as in TensorFlow's form of it. The rule was found
    by a search over optimizers. Source: {cite:t}`bello2017neural`.
    """
    return (alpha + 1 - t) * (1 + math.cos(2 * math.pi * periods * t)) / 2 + beta


def step(t: float) -> float:
    """A tenth after half of the run, a hundredth after three quarters: $s(t) = 10^{-n}$, n the number of drops so far.

    The two drops of {cite:t}`he2016` on CIFAR-10, there after 32k and 48k of 64k steps.
    """
    return 0.1 ** sum(t >= drop for drop in STEPS)


def step_every(t: float, *, size: float = 100 / 320, gamma: float = 0.1) -> float:
    r"""$s(t) = \gamma^{\lfloor t / \text{size} \rfloor}$: times `gamma` after each further share `size` of the run (row L02).

    CaffeNet's policy: a tenth after each 100,000 of its 320,000 steps. Source: {cite:t}`mishkin2016`.
    """
    demand(size > 0, "size", size, "above 0")
    return gamma ** math.floor(t / size)


def one_cycle(t: float) -> float:
    """From 1/25 up to 1 in the first 0.3 of the run, then down to 1/250000, each half a cosine.

    The limit of torch's `OneCycleLR` for many steps; the momentum stays as it is (row T03). Source: {cite:t}`smith2018`.
    """
    if t < WARM_UP:
        return 1 + (START - 1) * cosine(t / WARM_UP)
    return END + (1 - END) * cosine((t - WARM_UP) / (1 - WARM_UP))


def scheduler(optimizer: Optimizer, name: str, steps: int) -> LambdaLR:
    """The named schedule over `steps` steps as a scheduler of torch, for a loop of your own (row L02).

    Call its `step()` after each of the optimizer's; the rates it was made with are the full ones.
    """
    demand(steps >= 1, "steps", steps, "1 or more")
    rate = schedule(name)
    return LambdaLR(optimizer, lambda done: rate(min(done, steps) / steps))


def schedule(name: str) -> Callable[[float], float]:
    """The named schedule; an unknown name lists the choices."""
    return choose(SCHEDULES, name, "schedule")


SCHEDULES = {
    "constant": constant,
    "linear": linear,
    "square": square,
    "sqrt": sqrt,
    "cosine": cosine,
    "linear_cosine": linear_cosine,
    "step": step,
    "step_every": step_every,
    "one_cycle": one_cycle,
    "triangular": triangular,
    "triangular2": triangular2,
    "exp_range": exp_range,
    "rising": rising,
}
