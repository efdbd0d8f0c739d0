"""What remains of a stack of linear layers: one linear layer."""

from copy import deepcopy
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def collapse(model: nn.Sequential) -> nn.Linear | nn.Conv2d:
    r"""The one layer that computes what a stack of linear or of convolutional layers computes (row A01).

    $W = W_2 W_1$ and $b = W_2 b_1 + b_2$; for convolutions the kernels are convolved, and the result has stride
    $s_1 s_2$ and padding $p_1 + s_1 p_2$. At the border it differs where an inner layer pads: a pad of 0 is no image.
    The layer is a new one. Anything else in the stack, groups, dilation and an empty stack raise a `ValueError`.
    Without a non-linearity depth adds nothing to what can be computed, only to how it is learned. Source:
    {cite:t}`saxe2013exact`.
    """
    layers = list(model)
    linear = all(isinstance(layer, nn.Linear) for layer in layers)
    if not layers or not (linear or all(_plain(layer) for layer in layers)):
        raise ValueError(
            f"collapse takes a stack of nn.Linear, or of nn.Conv2d with one group, no dilation and zero padding in "
            f"numbers; got {layers}. Take out what stands between them."
        )
    return reduce(_dense if linear else _convolved, layers[1:], deepcopy(layers[0]))


def _dense(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    layer = nn.Linear(first.in_features, second.out_features)
    return _filled(layer, second.weight @ first.weight, _bias(first, second, second.weight))


def _convolved(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    stride, size = first.stride, second.kernel_size
    reach = tuple(s * (k - 1) for s, k in zip(stride, size, strict=True))
    weight = F.conv2d(first.weight.transpose(0, 1), second.weight.flip(2, 3), dilation=stride, padding=reach)
    layer = nn.Conv2d(
        first.in_channels,
        second.out_channels,
        weight.shape[2:],
        stride=tuple(s * t for s, t in zip(stride, second.stride, strict=True)),
        padding=tuple(p + s * q for p, s, q in zip(first.padding, stride, second.padding, strict=True)),
    )
    return _filled(layer, weight.transpose(0, 1), _bias(first, second, second.weight.sum(dim=(2, 3))))


def _plain(layer: nn.Module) -> bool:
    usual = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.dilation == (1, 1)
    return usual and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _bias(first: nn.Module, second: nn.Module, weight: Tensor) -> Tensor:
    inner = 0 if first.bias is None else weight @ first.bias
    return inner + (weight.new_zeros(len(weight)) if second.bias is None else second.bias)


@torch.no_grad()
def _filled(layer: nn.Module, weight: Tensor, bias: Tensor) -> nn.Module:
    layer = layer.to(weight.device, weight.dtype)
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    return layer
