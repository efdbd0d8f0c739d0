"""Activation functions by name.

Each name stands for a factory of modules. Where torch has the module, the table names torch's, and the formula stands
here as a plain function of `z`, any shape. `maxout` halves the channels, so the layer before it needs twice as many:
`pieces(name)` says how many each needs. The units with slopes drawn or learned are in `rectifiers`.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.choices import choose, demand
from cnnlab.techniques.initialization import normal_grid
from cnnlab.techniques.maxout import Maxout
from cnnlab.techniques.rectifiers import APL, RReLU, Shifted


def sigmoid(z: Tensor) -> Tensor:
    r"""$\sigma(z) = 1 / (1 + e^{-z})$, as $e^{-\ln(1 + e^{-z})}$, whose gradient is no NaN at ±1000 (row A02).

    $\sigma' = \sigma (1 - \sigma) \le 1/4$, so ten layers pass on at most $4^{-10}$ of a gradient. Source:
    {cite:t}`lecun1998efficient`.
    """
    return torch.exp(-softplus(-z))


def scaled_tanh(z: Tensor) -> Tensor:
    r"""$1.7159 \tanh(2 z / 3)$: ±1 stays ±1, and the bend there is strongest (row A02).

    Source: {cite:t}`lecun1998efficient`.
    """
    return 1.7159 * torch.tanh(2 / 3 * z)


def relu(z: Tensor) -> Tensor:
    r"""$\max(0, z)$, with gradient 0 at 0; NaN stays NaN (row A03). Source: {cite:t}`nair2010rectified`."""
    return torch.where(z <= 0, 0, z)


def leaky(z: Tensor, *, slope: float = 0.01) -> Tensor:
    r"""$z$ where positive, else $a z$ (row A04).

    {cite:t}`maas2013rectifier` took $a = 0.01$, {cite:t}`graham2014spatially` $1/3$ (very leaky).
    {cite:t}`xu2015empirical` write $z / a$ with $a = 100$ or 5.5: their $a$ is one over our slope. S3's "VLeLU" with
    slopes of 0.1 to 0.5 is the very leaky one.
    """
    return torch.where(z > 0, z, slope * z)


def leaky_relu(slope: float) -> nn.LeakyReLU:
    r"""$\max(z, 0) + a\,\min(z, 0)$ with negative slope $a$, torch's module (row A04)."""
    return nn.LeakyReLU(slope)


class _ELU(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z, alpha):
        return torch.where(z > 0, z, alpha * torch.expm1(z))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)
        ctx.alpha = inputs[1]

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors  # y + alpha = alpha e^z where z is negative: no exponential again
        return torch.where(y > 0, gradient, gradient * (y + ctx.alpha)), None


def elu(z: Tensor, *, alpha: float = 1.0) -> Tensor:
    r"""$z$ where positive, else $\alpha (e^z - 1)$; forward and backward by hand (rows A07, T05).

    The gradient is 1, or $y + \alpha$. It has no jump at 0 only for $\alpha = 1$. `alpha` must be positive. The
    sources' advice is ELU where there is no batch normalization, and maxout after it in the dense layers. Source:
    {cite:t}`clevert2016fast`.
    """
    demand(alpha > 0, "alpha", alpha, "positive")
    return _ELU.apply(z, alpha)


def softplus(z: Tensor) -> Tensor:
    r"""$\ln(1 + e^z)$; its gradient is $\sigma(z)$. S3 dates it 2011; it is of 2001 (row A08).

    Source: {cite:t}`dugas2001incorporating`.
    """
    return torch.logaddexp(z, torch.zeros_like(z))


def centered_softplus(z: Tensor) -> Tensor:
    r"""$\ln(1 + e^z) - \ln 2$, which is 0 at 0 and reaches down to $-\ln 2$ (row A08).

    Source: {cite:t}`mishkin2016`.
    """
    return softplus(z) - math.log(2)


def elu_leaky(z: Tensor) -> Tensor:
    r"""$(\mathrm{ELU}(z) + \mathrm{LReLU}(z)) / 2$ with $\alpha = 1$ and slope 0.01, a combination (row A11).

    Source: {cite:t}`mishkin2016`.
    """
    return (elu(z) + leaky(z)) / 2


def selu_constants() -> tuple[float, float]:
    r"""$\lambda$ and $\alpha$ for which $\lambda\,\mathrm{ELU}_\alpha(z)$, $z \sim N(0, 1)$, has mean 0 and variance 1.

    With $m_k = E[e^{kz}; z < 0] = e^{k^2/2}\,\Phi(-k)$ the mean vanishes at $\alpha = (2\pi)^{-1/2} / (1/2 - m_1)$, and
    $\lambda^{-2} = 1/2 + \alpha^2 (m_2 - 2 m_1 + 1/2)$ (row A11). Source: {cite:t}`klambauer2017self`.
    """
    m1, m2 = (math.exp(k**2 / 2) * math.erfc(k / math.sqrt(2)) / 2 for k in (1, 2))
    alpha = 1 / math.sqrt(2 * math.pi) / (0.5 - m1)
    return 1 / math.sqrt(0.5 + alpha**2 * (m2 - 2 * m1 + 0.5)), alpha


def gelu(z: Tensor) -> Tensor:
    r"""$z\,\Phi(z)$, $\Phi$ the normal distribution: what transformers and ConvNeXt use now.

    Source: {cite:t}`hendrycks2016gaussian`.
    """
    return z * (1 + torch.erf(z / math.sqrt(2))) / 2


def silu(z: Tensor) -> Tensor:
    r"""$z\,\sigma(z)$: what EfficientNet uses. Source: {cite:t}`elfwing2018sigmoid`."""
    return z * sigmoid(z)


class Elementwise(nn.Module):
    """A function of one tensor, as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return f"function={getattr(self.function, '__name__', self.function)}"


def moments(function: Callable[[Tensor], Tensor], *, points: int = 100_001, reach: float = 10.0) -> tuple[float, float]:
    r"""Mean and variance of $f(z)$ for $z \sim N(0, 1)$, by a sum over `points` in ±`reach` (rows A03, A04, A11, T05).

    0.3989 and 0.3408 for ReLU, 0.160 and 0.619 for ELU: ELU pushes the mean towards zero.
    """
    z, density = normal_grid(points, reach)
    y = function(z)
    mean = torch.trapezoid(y * density, z)
    return mean.item(), torch.trapezoid((y - mean).square() * density, z).item()


def advised(*, normalized: bool | None = None, small_data: bool = False, last_dense: bool = False) -> str:
    """The name of the activation the sources would take (row A13).

    Maxout for the last dense layers; else a very leaky ReLU where images are few (about 50,000); else ReLU with batch
    normalization and ELU without; ReLU, S2's short answer, where nothing is known. Source: {cite:t}`mishkin2016`.
    """
    if last_dense:
        return "maxout"
    if small_data:
        return "very_leaky_relu"
    return "elu" if normalized is False else "relu"


def activation(name: str) -> nn.Module:
    """A new module of the named activation; an unknown name lists the choices."""
    return choose(ACTIVATIONS, name, "activation")()


def pieces(name: str) -> int:
    """How many channels the layer before must give for each channel after: 2 for maxout, else 1."""
    return getattr(activation(name), "pieces", 1)


ACTIVATIONS = {
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "scaled_tanh": partial(Elementwise, scaled_tanh),
    "arcsinh": partial(Elementwise, torch.asinh),
    "relu": nn.ReLU,
    "leaky_relu": lambda: leaky_relu(0.01),
    "very_leaky_relu": lambda: leaky_relu(1 / 3),
    "rrelu": RReLU,  # nn.RReLU draws the slope, not the divisor
    "prelu": nn.PReLU,  # one slope for all channels; nn.PReLU(channels) has one each
    "elu": nn.ELU,
    "selu": nn.SELU,
    "elu_leaky": partial(Elementwise, elu_leaky),
    "softplus": nn.Softplus,
    "centered_softplus": partial(Elementwise, centered_softplus),
    "frelu": lambda: Shifted(nn.ReLU()),
    "felu": lambda: Shifted(nn.ELU()),
    "maxout": Maxout,
    "apl": APL,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
