"""One-dimensional signals, sound and heartbeats: the convolution of images with one row."""

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import demand


class Tones(NamedTuple):
    """Signals (N, 1, length) and which of the pitches each has (N,)."""

    signals: Tensor
    labels: Tensor


def conv1d_as_conv2d(conv: nn.Conv1d) -> nn.Conv2d:
    """The 1 x k convolution that does to (N, C, 1, L) what `conv` does to (N, C, L), with copies of its weights (row U08).

    Source: {cite:t}`kiranyaz2016real`.
    """
    demand(not isinstance(conv.padding, str), "padding", conv.padding, "a number")
    like = {"device": conv.weight.device, "dtype": conv.weight.dtype}
    flat = nn.Conv2d(
        *(conv.in_channels, conv.out_channels, (1, *conv.kernel_size), (1, *conv.stride), (0, *conv.padding)),
        *((1, *conv.dilation), conv.groups, conv.bias is not None, conv.padding_mode),
        **like,
    )
    state = conv.state_dict()
    flat.load_state_dict(state | {"weight": state["weight"][:, :, None]})
    return flat


def tones(n: int, *, pitches: int = 8, length: int = 256, noise: float = 0.5, seed: int = 0) -> Tones:
    r"""$\sin(2 \pi f t + \varphi)$ under normal noise, of one of `pitches` frequencies (row U08).

    Pitch k has $0.02 \cdot 2^{k/4}$ cycles a sample, so neighbors are a quarter of an octave apart. The phase is uniform:
    the mean signal of each pitch is zero, and a linear layer on samples has nothing to learn. More than 19 pitches would
    pass half a cycle a sample and raise a `ValueError`.
    """
    demand(1 <= pitches <= 19, "pitches", pitches, "from 1 to 19")
    generator = Generator().manual_seed(seed)
    labels = torch.randint(pitches, (n,), generator=generator)
    phase = torch.rand(n, 1, generator=generator)
    cycles = 0.02 * 2 ** (labels[:, None] / 4) * torch.arange(length)
    signals = torch.sin(2 * math.pi * (cycles + phase)) + noise * torch.randn(n, length, generator=generator)
    return Tones(signals[:, None], labels)


def signal_net(in_channels: int, classes: int, *, width: int = 16, kernel_size: int = 31) -> nn.Sequential:
    """A bank of filters, how strongly each answers on average, and a linear layer: (N, C, L), any L from k (row U08).

    The mean of ReLU over time does not depend on the phase, as the energy in a band of a spectrogram does not. Source:
    {cite:t}`kiranyaz2016real`.
    """
    return nn.Sequential(
        *(nn.Conv1d(in_channels, width, kernel_size), nn.ReLU()),
        *(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes)),
    )
