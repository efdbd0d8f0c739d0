r"""Normalization of a layer's inputs, $(x - \mu) / \sqrt{\sigma^2 + \varepsilon}$, over one or other set of dimensions.

Batch, layer, group and instance normalization differ only in what $\mu$ and $\sigma^2$ are taken over; the formulas
here leave out the learned scale and shift. Each name of the table stands for a factory of modules of torch over the
number of channels.
"""

import math
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand


def normalized(x: Tensor, dims: tuple[int, ...], *, eps: float = 1e-5) -> Tensor:
    r"""$(x - \mu) / \sqrt{\sigma^2 + \varepsilon}$ with mean and biased variance over `dims` (row P09).

    The mean is 0 and the variance $\sigma^2 / (\sigma^2 + \varepsilon)$ after it. Why it helps: its authors say
    covariate shift, and {cite:t}`santurkar2018how` measured that it is not; Smith, in S0, says that all inputs count
    the same, as after a conversion of units. An input without such dimensions raises. Source: {cite:t}`ioffe2015batch`.
    """
    demand(len(dims) > 0, "the shape of the input", tuple(x.shape), "one with dimensions to take the mean over")
    variance, mean = torch.var_mean(x, dim=dims, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def batch_norm(x: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Each channel over all images and places of the batch: dimensions 0, 2, 3, ... of (N, C, ...) (row N01).

    Source: {cite:t}`ioffe2015batch`.
    """
    return normalized(x, (0, *range(2, x.ndim)), eps=eps)


def layer_norm(x: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Each image over all its channels and places (row P09). Source: {cite:t}`ba2016layer`."""
    return normalized(x, tuple(range(1, x.ndim)), eps=eps)


def instance_norm(x: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Each channel of each image over its places (row P09). Source: {cite:t}`ulyanov2016instance`."""
    return normalized(x, tuple(range(2, x.ndim)), eps=eps)


def group_norm(x: Tensor, groups: int, *, eps: float = 1e-5) -> Tensor:
    """Each image over groups of neighboring channels and all places; `groups` must divide the channels (row P09).

    One group is layer normalization, a group a channel is instance normalization. Source: {cite:t}`wu2018group`.
    """
    demand(groups >= 1 and x.shape[1] % groups == 0, "groups", groups, f"a divisor of the {x.shape[1]} channels")
    return normalized(x.unflatten(1, (groups, -1)), tuple(range(2, x.ndim + 1)), eps=eps).flatten(1, 2)


class BatchNorm(nn.Module):
    r"""Batch normalization with its learned scale and shift and its running statistics, by hand (rows N01, P09).

    $y = \gamma_c \hat x + \beta_c$. Training takes $\mu, \sigma^2$ (biased) of the batch and moves the running ones by
    `momentum`, the variance unbiased: $\hat\sigma^2 \leftarrow (1 - m)\,\hat\sigma^2 + m\,\sigma^2 n / (n - 1)$;
    evaluation takes the running ones. torch's momentum 0.1 is Caffe's 0.9. Input (N, C, ...) with more than one value
    a channel in training. Source: {cite:t}`ioffe2015batch`.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.channels, self.eps, self.momentum = channels, eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        fits = x.ndim > 1 and x.shape[1] == self.channels
        demand(fits, "the shape of the input", tuple(x.shape), f"(N, {self.channels}, ...)")
        variance, mean = self._statistics(x) if self.training else (self.running_var, self.running_mean)
        scale = self.weight / torch.sqrt(variance + self.eps)
        shape = (-1, *[1] * (x.ndim - 2))
        return (x - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.numel() // self.channels
        demand(n > 1, "the values a channel has in the batch", n, "at least 2, to have a variance")
        variance, mean = torch.var_mean(x, dim=(0, *range(2, x.ndim)), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (n / (n - 1)), self.momentum)
        return variance, mean

    def extra_repr(self) -> str:
        return f"channels={self.channels}, eps={self.eps}, momentum={self.momentum}"


def local_response_norm(
    x: Tensor, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0, average: bool = False
) -> Tensor:
    r"""$b_c = a_c / (k + s \sum_{c' \text{ near } c} a_{c'}^2)^\beta$ over `size` neighboring channels (row N06).

    AlexNet has $s = \alpha$; with `average` $s = \alpha / n$, as torch and Caffe have it (Caffe with k = 1). Input
    (N, C, ...); `size` is at least 1, and an even one has one more neighbor before than after. The benchmark found no
    gain: .470 with it, .471 without. Source: {cite:t}`krizhevsky2012imagenet`.
    """
    demand(size >= 1, "size", size, "at least 1")
    squares = F.pad(x.square().movedim(1, -1), (size // 2, (size - 1) // 2))
    total = squares.unfold(-1, size, 1).sum(dim=-1).movedim(-1, 1)
    return x / (k + (alpha / size if average else alpha) * total) ** beta


def conv_block(
    in_channels: int,
    out_channels: int,
    *,
    normalization: str = "batch",
    activation: Callable[[], nn.Module] = nn.ReLU,
    placement: str = "before",
) -> nn.Sequential:
    """A 3x3 convolution, then the named normalization `before` or `after` the non-linearity (row N02).

    The parameters are the same. `activation` is a factory of modules that keep the channels. The authors of batch
    normalization put it before; on CaffeNet after was better, .499 to .478. Source: {cite:t}`mishkin2016`.
    """
    norm, nonlinearity = normalize(normalization, out_channels), activation()
    orders = {"before": (norm, nonlinearity), "after": (nonlinearity, norm)}
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    return nn.Sequential(conv, *choose(orders, placement, "placement"))


@torch.no_grad()
def variance_shift(model: nn.Module, x: Tensor) -> float:
    r"""The variance of what `model` gives out in training over that in evaluation (row N05).

    Dropout of zero-mean inputs, then a linear layer: $1 / (1 - p)$. Batch normalization after it learns the first and
    meets the second, so with it p should be small. A copy is measured; `model` stays as it is. Source:
    {cite:t}`li2019understanding`.
    """
    model = deepcopy(model)
    evaluation = model.eval()(x).var()  # first: training moves the running statistics
    return (model.train()(x).var() / evaluation).item()


def largest_stable_rate(x: Tensor) -> float:
    r"""The learning rate above which gradient descent on a linear regression from `x` (N, D) diverges (row P09).

    $2 / \lambda_{\max}$ of $X^\top X / N$: one input a thousand times larger lowers it a million times. Source:
    {cite:t}`lecun1998efficient`.
    """
    return 2 / torch.linalg.eigvalsh(x.T @ x / len(x))[-1].item()


def normalize(name: str, channels: int) -> nn.Module:
    """A new module of the named normalization of `channels`; an unknown name lists the choices."""
    return choose(NORMALIZATIONS, name, "normalization")(channels)


NORMALIZATIONS = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "group": lambda channels: nn.GroupNorm(math.gcd(32, channels), channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "local_response": lambda channels: nn.LocalResponseNorm(5, alpha=5e-4, k=2.0),  # torch divides alpha by 5
}
