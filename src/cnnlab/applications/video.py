"""Clips of several frames: where a network is to bring them together, and a set in which it must.

A clip is (N, C, T, H, W), as `nn.Conv3d` takes it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from cnnlab.choices import choose, demand
from cnnlab.data.shapes import generate

DIRECTIONS = ("right", "down", "left", "up")


class Clips(NamedTuple):
    """Clips (N, 1, T, H, W) in 0..1 and the direction of each (N,), an index into `DIRECTIONS`."""

    clips: Tensor
    labels: Tensor


def moving_shapes(n: int, *, frames: int = 4, step: int = 2, size: int = 16, seed: int = 0) -> Clips:
    """White figures of `shapes` that move by `step` pixels a frame in one of four directions (row U06).

    What leaves on one side comes in on the other, and the first place is uniform: so every frame is as likely under each
    direction, and one alone tells nothing. A `size` that does not divide 32 raises a `ValueError`. Source:
    {cite:t}`karpathy2014large`.
    """
    demand(32 % size == 0, "size", size, "a divisor of 32")
    figures = nn.functional.avg_pool2d(generate(n, seed=seed, difficulty=0).masks[:, None].float(), 32 // size)[:, 0]
    generator = Generator().manual_seed(seed + 1)  # that of `seed` draws the figures
    start = torch.randint(size, (n, 2), generator=generator)
    labels = torch.randint(4, (n,), generator=generator)
    velocity = step * torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]])[labels]
    at = start[:, None] + velocity[:, None] * torch.arange(frames)[:, None]  # (N, T, 2): x and y
    x, y = ((torch.arange(size) - at[..., i, None]) % size for i in range(2))
    rows = torch.arange(n)[:, None, None, None]
    return Clips(figures[rows, y[..., :, None], x[..., None, :]][:, None], labels)


def inflate(conv: nn.Conv2d, frames: int) -> nn.Conv3d:
    r"""The convolution over `frames` frames that starts as `conv`: its kernel $W / T$ at each of them (row U06).

    On a clip in which nothing moves it gives, at every time, what `conv` gives on one frame. Time is not padded, so T
    frames become T - `frames` + 1. It has `frames` times the weights; they are copies. Source: {cite:t}`carreira2017quo`.
    """
    demand(not isinstance(conv.padding, str), "padding", conv.padding, "a number")
    like = {"device": conv.weight.device, "dtype": conv.weight.dtype}
    deep = nn.Conv3d(
        *(conv.in_channels, conv.out_channels, (frames, *conv.kernel_size), (1, *conv.stride), (0, *conv.padding)),
        *((1, *conv.dilation), conv.groups, conv.bias is not None, conv.padding_mode),
        **like,
    )
    state = conv.state_dict()
    deep.load_state_dict(state | {"weight": state["weight"][:, :, None].expand_as(deep.weight) / frames})
    return deep


class MiddleFrame(nn.Module):
    """(N, C, T, H, W) to (N, C, H, W), the other frames not looked at (row U06)."""

    def forward(self, clips: Tensor) -> Tensor:
        return clips[:, :, clips.shape[2] // 2]


class EachFrame(nn.Module):
    """A network for images on every frame by itself: (N, C, T, H, W) to (N, T, ...) (row U06).

    Source: {cite:t}`karpathy2014large`.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, clips: Tensor) -> Tensor:
        frames = clips.transpose(1, 2)
        return self.net(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])


class MeanOverTime(nn.Module):
    """(N, T, D) to (N, D), the order of the frames forgotten (row U06)."""

    def forward(self, features: Tensor) -> Tensor:
        return features.mean(dim=1)


def _convolutions(channels: int, width: int) -> nn.Sequential:
    """Two 3x3 convolutions and a pool after each: (N, channels, H, W) to (N, 2·width, H/4, W/4)."""
    return nn.Sequential(
        *(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    )


def _answer(features: int, classes: int) -> nn.Sequential:
    """From maps or features to logits, through a hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, classes))


def single_frame(channels: int, classes: int, *, frames: int, size: int, width: int = 8) -> nn.Sequential:
    """The baseline: a network for images on the middle of however many `frames` (row U06).

    Source: {cite:t}`karpathy2014large`.
    """
    return nn.Sequential(MiddleFrame(), _convolutions(channels, width), _answer(2 * width * (size // 4) ** 2, classes))


def mean_of_frames(channels: int, classes: int, *, frames: int, size: int, width: int = 8) -> nn.Sequential:
    """A network on each frame, and the mean of its features: backward the clip is the same (row U06).

    Source: {cite:t}`karpathy2014large`.
    """
    each = nn.Sequential(_convolutions(channels, width), nn.Flatten())
    return nn.Sequential(EachFrame(each), MeanOverTime(), _answer(2 * width * (size // 4) ** 2, classes))


def late_fusion(channels: int, classes: int, *, frames: int, size: int, width: int = 8) -> nn.Sequential:
    """A network on each frame, and dense layers on the features of all of them side by side (row U06).

    The paper takes two frames, the first and the last. Source: {cite:t}`karpathy2014large`.
    """
    each = EachFrame(_convolutions(channels, width))
    return nn.Sequential(each, _answer(frames * 2 * width * (size // 4) ** 2, classes))


def early_fusion(channels: int, classes: int, *, frames: int, size: int, width: int = 8) -> nn.Sequential:
    """The frames as channels of one image, so that the first convolution sees them all (row U06).

    Source: {cite:t}`karpathy2014large`.
    """
    stacked = nn.Sequential(nn.Flatten(1, 2), _convolutions(frames * channels, width))
    return nn.Sequential(stacked, _answer(2 * width * (size // 4) ** 2, classes))


def conv3d(channels: int, classes: int, *, frames: int, size: int, width: int = 8) -> nn.Sequential:
    """3x3x3 convolutions, which look around in time as they do in space (row U06). Source: {cite:t}`tran2015learning`."""
    return nn.Sequential(
        *(nn.Conv3d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool3d((1, 2, 2))),
        *(nn.Conv3d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool3d((1, 2, 2))),
        _answer(frames * 2 * width * (size // 4) ** 2, classes),
    )


def fusion(name: str) -> Callable[..., nn.Sequential]:
    """The named way to bring the frames together; an unknown name lists the choices."""
    return choose(FUSIONS, name, "fusion")


FUSIONS = {
    "single": single_frame,
    "mean": mean_of_frames,
    "late": late_fusion,
    "early": early_fusion,
    "conv3d": conv3d,
}
