r"""Weights to start from.

A layer sums $n$ products, so the mean square of what leaves it is $n\,\mathrm{Var}(w)$ times the mean square of what
enters. Every rule here is a choice of that factor; LSUV measures it instead of deriving it. Functions that end in an
underscore change their argument in place and return it, as in `torch.nn.init`.
"""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose
from cnnlab.lending import mode

LAYERS = (nn.Linear, nn.modules.conv._ConvNd)


def fans(weight: Tensor) -> tuple[int, int]:
    r"""How many products one output sums (fan-in), and in how many outputs one input appears (fan-out).

    For a weight of shape (out, in, *kernel): fan_in = in · |kernel|, fan_out = out · |kernel|. With groups, `in` is
    already the channels of one group, so fan-in is right as it stands; fan-out counts all groups, as in torch.
    """
    if weight.ndim < 2:
        raise ValueError(
            f"fan-in and fan-out need a weight of shape (out, in, *kernel); got shape {tuple(weight.shape)}. "
            "A bias or a normalization scale has none: leave it out."
        )
    kernel = math.prod(weight.shape[2:])
    return weight.shape[1] * kernel, weight.shape[0] * kernel


def room(weight: Tensor, generator: Generator | None) -> Tensor:
    """An empty tensor like `weight` where the generator is: drawn there, a GPU gets the numbers of the CPU."""
    return torch.empty_like(weight, device=weight.device if generator is None else generator.device)


@torch.no_grad()
def zeros_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """All zeros: every unit of a layer gets the same gradient, so they stay the same unit (rows T06, I01)."""
    return weight.zero_()


@torch.no_grad()
def normal_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None, std: float = 0.01) -> Tensor:
    r"""Small random numbers, $w \sim N(0, \mathrm{std}^2)$, the same for every layer; AlexNet took std 0.01 (row I02).

    Source: {cite:t}`krizhevsky2012imagenet`.
    """
    draw = room(weight, generator).normal_(0, gain * std, generator=generator)
    return weight.copy_(draw)


@torch.no_grad()
def xavier_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""$\mathrm{Var}(w) = 2 / (\text{fan_in} + \text{fan_out})$: a compromise between signal and gradient (row I03).

    Keeps the variance through linear layers; under ReLU half of it is lost in each. Source:
    {cite:t}`glorot2010understanding`.
    """
    return normal_(weight, gain=gain, generator=generator, std=math.sqrt(2 / sum(fans(weight))))


@torch.no_grad()
def he_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None, slope: float = 0.0) -> Tensor:
    r"""$\mathrm{Var}(w) = 2 / ((1 + a^2)\,\text{fan_in})$: makes up for the half that ReLU drops (row I04).

    $a$ is the negative `slope` of a leaky ReLU. Source: {cite:t}`he2015delving`.
    """
    return normal_(weight, gain=gain, generator=generator, std=math.sqrt(2 / ((1 + slope**2) * fans(weight)[0])))


@torch.no_grad()
def orthogonal_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""$W W^\top = \text{gain}^2 I$ for the weight flattened to (out, in · |kernel|), or $W^\top W$ where it is taller.

    QR of a Gaussian matrix; the signs of R's diagonal are moved into Q, which makes the draw uniform (row I05).
    Source: {cite:t}`saxe2013exact`.
    """
    flat = room(weight.new_empty(weight.shape[0], fans(weight)[0]), generator).normal_(generator=generator)
    wide = flat.shape[0] < flat.shape[1]
    q, r = torch.linalg.qr(flat.T if wide else flat)
    q = q * r.diagonal().sign()
    return weight.copy_(gain * (q.T if wide else q).reshape(weight.shape))


def layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Name and module of every linear and convolutional layer of `model`, in the order they were registered."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, LAYERS))


@torch.no_grad()
def lsuv_(model: nn.Module, images: Tensor, *, tolerance: float = 0.02, tries: int = 20) -> nn.Module:
    r"""Layer-sequential unit variance: layer by layer, divide the weights by the deviation of what the layer gives out.

    $W \leftarrow W / \sqrt{\mathrm{Var}(Wx)}$ until $|\mathrm{Var} - 1| < \text{tolerance}$, over all outputs of the
    layer (images, channels, places), before its activation. With zero biases one division does it, because the output
    is linear in $W$; layers are visited in the order in which `images` reach them. A layer whose output does not vary
    raises a `ValueError` (row I06). Source: {cite:t}`mishkin2015all`.
    """
    with mode(model, training=False):
        for name, layer in _in_order_of_use(model, images):
            for attempt in range(tries + 1):
                variance = _output(model, layer, images).var(correction=0).item()
                if not 0 < variance < math.inf:
                    raise ValueError(
                        f'LSUV divides by the deviation of a layer\'s output, and that of layer "{name}" is {variance}. '
                        "Start from random weights (orthogonal_), and from images that differ."
                    )
                if abs(variance - 1) < tolerance:
                    break
                if attempt == tries:
                    raise ValueError(
                        f'LSUV could not bring layer "{name}" to variance 1 in {tries} tries; it is {variance:.3g}. '
                        "Its bias varies more than that: set it to zero first."
                    )
                layer.weight /= math.sqrt(variance)
    return model


class _Reached(Exception):
    """Stops a forward pass at the layer whose output was wanted."""


def _output(model: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    caught = []

    def stop(_module, _inputs, output):
        caught.append(output)
        raise _Reached

    hook = layer.register_forward_hook(stop)
    try:
        model(images)
    except _Reached:
        pass
    finally:
        hook.remove()
    return caught[0]


def _in_order_of_use(model: nn.Module, images: Tensor) -> list[tuple[str, nn.Module]]:
    names = {layer: name for name, layer in layers(model)}
    seen = []
    hooks = [layer.register_forward_pre_hook(lambda module, _inputs: seen.append(module)) for layer in names]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [(names[layer], layer) for layer in dict.fromkeys(seen)]


def initialize(
    model: nn.Module, name: str, images: Tensor | None = None, *, gain: float = 1.0, generator: Generator | None = None
) -> nn.Module:
    """Set every linear and convolutional layer of `model` by the named rule, biases to zero; return the model.

    `gain` multiplies the weights; LSUV divides it out again. LSUV needs `images`, a standardized batch.
    """
    rule = choose(INITIALIZATIONS, name, "initialization")
    for _, layer in layers(model):
        rule(layer.weight, gain=gain, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    if name != "lsuv":
        return model
    if images is None:
        raise ValueError('initialization "lsuv" measures a batch: give it images=, a standardized batch (N, C, H, W)')
    return lsuv_(model, images)


def normal_grid(points: int, reach: float) -> tuple[Tensor, Tensor]:
    r"""`points` numbers z over ±`reach` and their density in $N(0, 1)$: `trapezoid(f(z) * density, z)` is $E[f(z)]$."""
    z = torch.linspace(-reach, reach, points, dtype=torch.float64)
    return z, torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def gain_of(function: Callable[[Tensor], Tensor], *, points: int = 100_001, reach: float = 10.0) -> float:
    r"""The gain that keeps the mean square through `function`: $1/\sqrt{E[f(z)^2]}$ for $z \sim N(0, 1)$ (row I04).

    √2 for ReLU, by a sum over a grid of `points` in ±`reach` standard deviations; no random numbers. A module is taken
    in double precision and in evaluation mode, and stays as it is.
    """
    if isinstance(function, nn.Module):
        function = deepcopy(function).double().eval()
    z, density = normal_grid(points, reach)
    return 1 / math.sqrt(torch.trapezoid(function(z).square() * density, z).item())


@torch.no_grad()
def prior_bias_(bias: Tensor, counts: Tensor) -> Tensor:
    r"""The last bias at the log of the class frequencies, $b_c = \log(n_c / n)$ (row I09).

    With zero weights the first loss is the entropy of the labels. An empty class raises. Other biases start at zero:
    S1's 32 ones for 16 filters are a slip. Source: {cite:t}`lin2017focal`.
    """
    if bias.shape != counts.shape or (counts <= 0).any():
        raise ValueError(
            f"prior_bias_ needs one positive count for each of the {bias.numel()} outputs; got {counts.tolist()}"
        )
    return bias.copy_((counts / counts.sum()).log())


@torch.no_grad()
def check_initial_loss(
    model: nn.Module, images: Tensor, labels: Tensor, *, expected: float | None = None, tolerance: float = 0.05
) -> float:
    r"""The cross-entropy before any training, which must be `expected`: $\ln C$ unless another is given (row I09).

    A network that knows nothing gives C classes one probability, or, with `prior_bias_`, the entropy of the labels. A
    loss further off than `tolerance` raises a `ValueError`.
    """
    with mode(model, training=False):
        logits = model(images)
    expected = math.log(logits.shape[1]) if expected is None else expected
    loss = F.cross_entropy(logits, labels).item()
    if not abs(loss - expected) <= tolerance:
        raise ValueError(
            f"the first loss should be {expected:.4f} within {tolerance}; it is {loss:.4f}. The network is sure of "
            "something before it has learned: make the last layer's weights smaller, or zero."
        )
    return loss


INITIALIZATIONS = {
    "zeros": zeros_,
    "normal": normal_,
    "xavier": xavier_,
    "he": he_,
    "orthogonal": orthogonal_,
    "lsuv": orthogonal_,  # then `initialize` divides, layer by layer
}
