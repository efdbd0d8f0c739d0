r"""What is in a kernel: which kernels are products of smaller ones, which repeat others, which rank they have.

Weights are (out, in, kh, kw), as `nn.Conv2d` keeps them. These are questions about the numbers of a layer, before
or after it was trained.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import demand


def merge(first: Tensor, second: Tensor) -> Tensor:
    r"""The one kernel that two stacked linear convolutions are: $w = w_2 * w_1$, of side $k_1 + k_2 - 1$ (row K01).

    `first` (mid, in, h, w) runs before `second` (out, mid, h', w'), both with stride 1 and one group. With a ReLU
    between the two no such kernel exists. With zero padding the two disagree at the border, where the second layer
    sees zeros that the first never computed.
    """
    demand(first.shape[0] == second.shape[1], "second", tuple(second.shape), f"(out, {first.shape[0]}, h, w)")
    rows, columns = second.shape[2] - 1, second.shape[3] - 1
    return F.conv2d(first.transpose(0, 1), second.flip(-2, -1), padding=(rows, columns)).transpose(0, 1)


def separable_terms(kernel: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    r"""The best sum of `rank` columns times rows: $W \approx \sum_{i \le r} u_i v_i^\top$, from its SVD (row K03).

    `kernel` (..., kh, kw) gives columns (..., rank, kh) and rows (..., rank, kw), each with half of $\sigma_i$. The
    squared Frobenius error is $\sum_{i > r} \sigma_i^2$, the least that any such sum can have. A Gaussian and a Sobel
    kernel have rank 1. Source: {cite:t}`rigamonti2013separable`.
    """
    most = min(kernel.shape[-2:])
    demand(1 <= rank <= most, "rank", rank, f"from 1 to {most}, the shorter side of the kernel")
    u, sigma, v = torch.linalg.svd(kernel, full_matrices=False)
    root = sigma[..., :rank].sqrt()[..., None]
    return u.mT[..., :rank, :] * root, v[..., :rank, :] * root


def from_separable(columns: Tensor, rows: Tensor) -> Tensor:
    """The kernel (..., kh, kw) that columns (..., rank, kh) and rows (..., rank, kw) sum up to (row K03)."""
    return columns.mT @ rows


def separable_kernel(kernel: Tensor, rank: int) -> Tensor:
    """`kernel` (..., kh, kw) with all but its `rank` largest singular values dropped (row K03)."""
    return from_separable(*separable_terms(kernel, rank))


def product_kernel(depthwise: Tensor, pointwise: Tensor) -> Tensor:
    r"""The full kernel that a depthwise separable convolution is: $w_o(c, i, j) = p_o(c)\, d_c(i, j)$ (rows K06, K07).

    `depthwise` (in, 1, kh, kw) and `pointwise` (out, in, 1, 1) give (out, in, kh, kw): every output sees the same
    window shape of an input channel, scaled. For K07 the depthwise kernel is itself column times row.
    """
    demand(
        depthwise.shape[0] == pointwise.shape[1], "pointwise", tuple(pointwise.shape), f"(out, {len(depthwise)}, 1, 1)"
    )
    return pointwise * depthwise.transpose(0, 1)


def linear_to_1x1(linear: nn.Linear) -> nn.Conv2d:
    """The 1x1 convolution that applies `linear` to the channels of every pixel, with copies of its weights (row K04)."""
    return linear_to_conv(linear, (linear.in_features, 1, 1))


def linear_to_conv(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """The convolution that `linear` is on flattened maps of `shape` (C, h, w): its kernel is the whole map (row S12).

    On a map of that size it gives one pixel, on a larger one the answer at every place. Source: {cite:t}`long2015fully`.
    """
    channels, height, width = shape
    fits = channels * height * width == linear.in_features
    demand(fits, "shape", shape, f"a map (C, h, w) of the layer's {linear.in_features} inputs")
    bias, like = linear.bias is not None, {"device": linear.weight.device, "dtype": linear.weight.dtype}
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=bias, **like)
    conv.load_state_dict({k: v.reshape(-1, *shape) if k == "weight" else v for k, v in linear.state_dict().items()})
    return conv


def conv_to_linear(conv: nn.Conv2d) -> nn.Linear:
    """The dense layer over channels that a 1x1 convolution is, with copies of its weights (row K04).

    It takes channels last: `linear(x.movedim(1, -1)).movedim(-1, 1)` is `conv(x)`.
    """
    plain = conv.kernel_size == (1, 1) and conv.groups == 1 and conv.stride == (1, 1) and conv.padding == (0, 0)
    demand(plain, "conv", conv, "a 1x1 convolution of one group with stride 1 and no padding")
    like = {"device": conv.weight.device, "dtype": conv.weight.dtype}
    linear = nn.Linear(conv.in_channels, conv.out_channels, bias=conv.bias is not None, **like)
    linear.load_state_dict({k: v.flatten(1) if k == "weight" else v for k, v in conv.state_dict().items()})
    return linear


def similarity(weight: Tensor) -> Tensor:
    r"""Cosine of any two filters of a layer, $\cos(w_a, w_b)$, shape (out, out) (row K10). A zero filter is like none."""
    flat = F.normalize(weight.flatten(1), dim=1)
    return flat @ flat.mT


def duplicates(weight: Tensor, *, threshold: float = 0.9) -> Tensor:
    r"""Pairs $a < b$ of filters with $|\cos(w_a, w_b)|$ above the threshold, (pairs, 2); signs do not count (row K10)."""
    return (similarity(weight).abs() > threshold).triu(diagonal=1).nonzero()


def duplicate_fraction(weight: Tensor, *, threshold: float = 0.9) -> float:
    """The share of a layer's filters that have a twin among the others (row K10).

    Few edge detectors suffice in the first layer, so the share rises with its width. Source: {cite:t}`zeiler2014`.
    """
    return duplicates(weight, threshold=threshold).unique().numel() / len(weight)


def response_rank(weight: Tensor, images: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    r"""The rank of a layer's responses, stacked as (out, places): at most $\min(kh \cdot kw \cdot \text{in}, \text{out})$.

    A 3x3 stem on RGB has 27 inputs, so of its 64 channels 37 are sums of the others, until the ReLU after it (row P10).
    `weight` (out, in, kh, kw), `images` (N, in, H, W); computed in float64.
    """
    responses = F.conv2d(images.double(), weight.double(), stride=stride, padding=padding)
    return torch.linalg.matrix_rank(responses.transpose(0, 1).flatten(1))
