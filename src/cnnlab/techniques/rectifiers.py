"""Rectified units whose slopes are drawn or learned, and what becomes of units that never fire.

A learned unit has one set of parameters for all channels, so that it fits behind any layer; `channels` gives each
channel its own, over dimension 1.
"""

from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import demand
from cnnlab.lending import mode


class RReLU(nn.Module):
    r"""Randomized leaky ReLU: negative inputs are divided by $a \sim U(l, u)$, drawn for each element (row A05).

    At test $a = (l + u) / 2$, a slope of 2/11. S4 calls $2/(l + u)$ the expectation; it is the slope at the mean
    divisor, and the mean slope is $\ln(u/l)/(u - l) = 0.196$. S3 prints slopes of .1 to .5; its benchmark ran with
    $l = 10, u = 30$. `nn.RReLU` draws the slope itself from U(1/8, 1/3) and tests at 11/48. The draws are torch's global
    random numbers on the input's device. `lower` must be positive and at most `upper`. Source:
    {cite:t}`xu2015empirical`.
    """

    def __init__(self, lower: float = 3.0, upper: float = 8.0):
        super().__init__()
        demand(0 < lower <= upper, "lower, upper", (lower, upper), "divisors with 0 < lower <= upper")
        self.lower, self.upper = lower, upper

    def forward(self, x: Tensor) -> Tensor:
        mean = (self.lower + self.upper) / 2
        divisor = torch.empty_like(x).uniform_(self.lower, self.upper) if self.training else mean
        return torch.where(x > 0, x, x / divisor)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


def prelu(z: Tensor, slope: Tensor) -> Tensor:
    r"""$z$ where positive, else $a_c z$ with a learned slope; $\partial y / \partial a = \min(0, z)$ (row A06).

    `slope` (1,) is shared, (C,) belongs to dimension 1 of `z`; the paper starts at 0.25 and does not decay it, since
    decay pulls it to 0, which is ReLU again: `regularization.decay_groups`. In S4's tables it has the lowest training
    error, not the lowest test error. `nn.PReLU` is the module. Source: {cite:t}`he2015delving`.
    """
    return torch.where(z > 0, z, _along_channels(slope, z) * z)


class APL(nn.Module):
    r"""Adaptive piecewise linear unit: $\max(0, z) + \sum_s a_s \max(0, b_s - z)$ (row A10).

    Slopes $a$ and hinges $b$ are learned, 2S numbers a unit: for all channels together, or for each of `channels`,
    shared by all places (the paper's code has them for each place). It starts as ReLU, $a = 0$, with hinges spread
    over (-1, 1), since equal ones would stay equal. $a = -\alpha, b = 0$ is the leaky ReLU of slope $\alpha$. Source:
    {cite:t}`agostinelli2015learning`.
    """

    def __init__(self, hinges: int = 2, channels: int = 1):
        super().__init__()
        demand(hinges >= 1, "hinges", hinges, "at least 1")
        self.slopes = nn.Parameter(torch.zeros(hinges, channels))
        self.places = nn.Parameter(torch.linspace(-1, 1, hinges + 2)[1:-1, None].repeat(1, channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(x)
        for slope, place in zip(self.slopes, self.places, strict=True):
            y = y + _along_channels(slope, x) * F.relu(_along_channels(place, x) - x)
        return y

    def extra_repr(self) -> str:
        return f"hinges={self.slopes.shape[0]}, channels={self.slopes.shape[1]}"


class Shifted(nn.Module):
    r"""$f(z) + b_c$ with a learned shift that starts at 0: FReLU where $f$ is ReLU, FELU where it is ELU (row A11).

    Source: {cite:t}`qiu2018frelu`.
    """

    def __init__(self, function: nn.Module, channels: int = 1):
        super().__init__()
        self.function, self.shift = function, nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x) + _along_channels(self.shift, x)

    def extra_repr(self) -> str:
        return f"channels={len(self.shift)}"


def _along_channels(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *[1] * (x.ndim - 2))


def dead_fraction(model: nn.Module, batches: Iterable[Tensor]) -> dict[str, float]:
    """For each use of an `nn.ReLU`, by name, the share of units that no image of `batches` makes fire (row A03).

    A unit is an entry of dimension 1: of a convolution, a channel at all places. A module that a pass uses again, as
    in torchvision's ResNets, is `relu`, then `relu#2`. The model is in evaluation mode meanwhile. If no batch reaches
    an `nn.ReLU`, a `ValueError` says so. S4 warns of up to 40 % dead units where the learning rate is too high.
    Source: {cite:t}`lu2019dying`.
    """
    fired: dict[str, Tensor] = {}
    uses: Counter[str] = Counter()

    def watch(name: str):
        def hook(_module, _inputs, output: Tensor) -> None:
            uses[name] += 1
            use = name if uses[name] == 1 else f"{name}#{uses[name]}"
            fired[use] = fired.get(use, False) | (output > 0).transpose(0, 1).flatten(1).any(dim=1)

        return hook

    hooks = [m.register_forward_hook(watch(name)) for name, m in model.named_modules() if isinstance(m, nn.ReLU)]
    try:
        with mode(model, training=False), torch.no_grad():
            for images in batches:
                uses.clear()
                model(images)
    finally:
        for hook in hooks:
            hook.remove()
    if not fired:
        raise ValueError(
            "dead_fraction saw no nn.ReLU at work: give at least one batch, and a model with nn.ReLU where it has F.relu, "
            "which leaves nothing to watch"
        )
    return {name: (~alive).double().mean().item() for name, alive in fired.items()}
