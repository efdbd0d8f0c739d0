r"""Pooling with nothing to learn: what is kept of each window of a map.

Maps are (N, C, H, W). Windows are squares of side `kernel_size`, `stride` apart (next to each other where it is None),
without padding, as in torch. `learned_pooling` has the poolings with weights.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import choose, demand


def windows(x: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:
    """The elements of every window in a row: (N, C, H, W) to (N, C, H', W', kernel_size²).

    A window larger than the map raises a `ValueError`, as does a side that is no whole number.
    """
    area(kernel_size)
    demand(kernel_size <= min(x.shape[-2:]), "kernel_size", kernel_size, f"at most the map's side {min(x.shape[-2:])}")
    stride = stride or kernel_size
    return x.unfold(-2, kernel_size, stride).unfold(-2, kernel_size, stride).flatten(-2)


def area(kernel_size: int) -> int:
    """The elements of a window. A `kernel_size` that is not a whole number from 1 raises a `ValueError`."""
    kept = isinstance(kernel_size, int) and kernel_size >= 1
    demand(kept, "kernel_size", kernel_size, "a whole number from 1, the side of a square")
    return kernel_size**2


def max_pool_backward(grad: Tensor, x: Tensor, *, kernel_size: int, stride: int | None = None) -> Tensor:
    r"""The gradient by x of max pooling, by hand: each window sends its gradient to its largest element (row S03).

    $\partial L / \partial x_i = \sum_{w : i = \arg\max w} \partial L / \partial y_w$: windows that overlap add up, every
    other element gets zero, and of equal elements the first wins. `grad` has the shape of the pooled map. Source:
    {cite:t}`scherer2010evaluation`.
    """
    _, winners = F.max_pool2d(x, kernel_size, stride, return_indices=True)
    flat = torch.zeros_like(x).flatten(-2)
    return flat.scatter_add(-1, winners.flatten(-2), grad.flatten(-2)).view_as(x)


def average_pool(x: Tensor, kernel_size: int, *, stride: int | None = None) -> Tensor:
    """Average pooling as what it is: a depthwise convolution whose every weight is 1 / kernel_size² (row S04).

    Source: {cite:t}`lecun1998gradient`.
    """
    channels = x.shape[1]
    box = x.new_full((channels, 1, kernel_size, kernel_size), 1 / area(kernel_size))
    return F.conv2d(x, box, stride=stride or kernel_size, groups=channels)


class StochasticPool2d(nn.Module):
    r"""One element of each window, drawn with a probability in proportion to its size (row S05).

    With $a_i \ge 0$ and $p_i = a_i / \sum_j a_j$: in training $y = a_l$ with $l \sim p$; in evaluation
    $y = \sum_i p_i a_i$, which is neither the average nor the maximum. A window of zeros gives 0. The probabilities need
    $a_i \ge 0$, so negative inputs count as 0: put it after a ReLU. Source: {cite:t}`zeiler2013stochastic`.
    """

    def __init__(self, kernel_size: int, stride: int | None = None):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        a = windows(F.relu(x), self.kernel_size, self.stride)
        if not self.training:
            largest = a.detach().amax(-1, keepdim=True)  # divided by it, no sum overflows in float16
            shares = a / largest.where(largest > 0, 1)
            return (shares / shares.sum(-1, keepdim=True).clamp(min=1) * a).sum(-1)
        return a.gather(-1, _draw(a.detach())).squeeze(-1)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


def _draw(a: Tensor) -> Tensor:
    """An index of the last dimension, with probability in proportion to `a`: where the running sum reaches u·total."""
    running = a.to(torch.promote_types(a.dtype, torch.float32)).cumsum(-1)
    total = running[..., -1:]
    u = 1 - torch.rand_like(total, dtype=torch.float32)  # never 0, so that no leading zero is drawn
    return (running < u * total).sum(-1, keepdim=True)


class MaxAveragePool2d(nn.Module):
    r"""The sum of the two poolings, $y = \max_i x_i + \frac{1}{k^2} \sum_i x_i$, element by element (row S06).

    A constant map c gives 2c. It is a sum, not a concatenation, and not the half sum that timm calls `avgmax`. Sources:
    {cite:t}`mishkin2016`, {cite:t}`lee2016generalizing`.
    """

    def __init__(self, kernel_size: int, stride: int | None = None):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, self.kernel_size, self.stride) + F.avg_pool2d(x, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


def dense_parameters(features: int, width: int, *, classes: int) -> int:
    """Weights and biases of the head features → width → width → classes: two hidden layers as in AlexNet (row S08)."""
    return (features + 1) * width + (width + 1) * width + (width + 1) * classes


def matched_width(features: int, budget: int, *, classes: int) -> int:
    r"""The hidden width $w$ at which the head of `dense_parameters` costs closest to `budget` parameters (row S08).

    The control for window and padding: a gentler pooling leaves a larger last map, so the first dense layer grows, and a
    better accuracy may be its doing. $w$ is the positive root of $w^2 + (f + c + 2) w + c = \text{budget}$, rounded to
    the nearer cost. A budget below that of width 1 raises a `ValueError`. Source: {cite:t}`mishkin2016`.
    """
    least = dense_parameters(features, 1, classes=classes)
    demand(budget >= least, "budget", budget, f"at least {least}, the parameters of a head of width 1")
    half = features + classes + 2
    below = (math.isqrt(half**2 + 4 * (budget - classes)) - half) // 2
    return min(
        max(below, 1), below + 1, key=lambda width: abs(dense_parameters(features, width, classes=classes) - budget)
    )


def global_average_pool(x: Tensor) -> Tensor:
    """The mean over height and width: (N, C, H, W) to (N, C), whatever H and W (row S09).

    It commutes with a linear layer, which is why `class_activation_map` exists. torch: `nn.AdaptiveAvgPool2d(1)`.
    Source: {cite:t}`lin2013network`.
    """
    return x.mean(dim=(-2, -1))


def class_activation_map(features: Tensor, weight: Tensor) -> Tensor:
    r"""Where the evidence for each class lies: $M_k(i, j) = \sum_c w_{kc} f_c(i, j)$ (row S09).

    For features (N, C, H, W) before global average pooling and the `weight` (classes, C) of the linear layer after it;
    (N, classes, H, W). The mean of $M_k$ plus the bias is the logit. Source: {cite:t}`zhou2016learning`.
    """
    demand(
        weight.shape[1] == features.shape[1], "weight.shape[1]", weight.shape[1], f"{features.shape[1]}, the channels"
    )
    return torch.einsum("kc,nchw->nkhw", weight, features)


class SpatialPyramidPool2d(nn.Module):
    r"""The largest value in each cell of several grids, in one vector: (N, C, H, W) to $(N, C \sum_b b^2)$ (row S10).

    `bins` are the sides of the grids; (1, 2, 3) gives 14·C numbers for any H and W, ordered by grid, then channel, then
    cell. Source: {cite:t}`he2014spatial`.
    """

    def __init__(self, bins: Sequence[int] = (1, 2, 3)):
        super().__init__()
        self.bins = tuple(bins)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([F.adaptive_max_pool2d(x, side).flatten(1) for side in self.bins], dim=1)

    def extra_repr(self) -> str:
        return f"bins={self.bins}"


def pooling(name: str) -> Callable[..., nn.Module]:
    """The named pooling, called with (kernel_size, stride); an unknown name lists the choices."""
    return choose(POOLINGS, name, "pooling")


POOLINGS = {
    "max": nn.MaxPool2d,
    "average": nn.AvgPool2d,
    "stochastic": StochasticPool2d,
    "max_average": MaxAveragePool2d,
}
