"""Color spaces that are learned: two 1x1 convolutions between the image and the first layer."""

from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.choices import choose, demand
from cnnlab.techniques import activations


class LearnedColor(nn.Module):
    r"""$f(W_2 f(W_1 x + b_1) + b_2)$ at each pixel, from `in_channels` through `hidden` back to 3 channels (row Q06).

    With `residual` it is $x + W_2 f(W_1 x + b_1) + b_2$, $W_2$ and $b_2$ start at zero, and it starts as the identity.
    The benchmark's prototxt files differ in two points: they apply $f$ to that sum as well, which is no identity, and in
    these runs their very leaky ReLU has slope 1/2, not 1/3. `residual` needs 3 input channels. Source: {cite:t}`mishkin2016`.
    """

    def __init__(
        self, hidden: int = 10, activation: str = "very_leaky_relu", *, in_channels: int = 3, residual: bool = False
    ):
        super().__init__()
        demand(not residual or in_channels == 3, "in_channels", in_channels, "3 where residual adds the image")
        self.hidden, self.in_channels, self.residual = hidden, in_channels, residual
        self.into = nn.Conv2d(in_channels, hidden * activations.pieces(activation), 1)
        self.activation = activations.activation(activation)
        self.out = nn.Conv2d(hidden, 3 if residual else 3 * activations.pieces(activation), 1)
        if residual:
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.out(self.activation(self.into(x)))
        return x + mixed if self.residual else self.activation(mixed)

    def extra_repr(self) -> str:
        return f"hidden={self.hidden}, in_channels={self.in_channels}, residual={self.residual}"


class LogColor(nn.Module):
    r"""$[x; \log(1 + x)]$ of intensities in 0..255, standardized over the batch, through a `LearnedColor` (row Q06)."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(6, momentum=0.05, affine=False)
        self.color = LearnedColor(in_channels=6)

    def forward(self, x: Tensor) -> Tensor:
        return self.color(self.norm(torch.cat([x, x.log1p()], 1)))


def learned_color(name: str) -> nn.Module:
    """A new module of the named variant of the benchmark's table; an unknown name lists the choices (row Q06)."""
    return choose(LEARNED_COLORS, name, "learned color space")()


LEARNED_COLORS = {
    "A": partial(LearnedColor, 10, "tanh"),
    "B": partial(LearnedColor, 3),
    "C": partial(LearnedColor, 10, residual=True),
    "D": LogColor,
    "E": partial(LearnedColor, 16),
    "F": partial(LearnedColor, 10),
    "maxout": partial(LearnedColor, 10, "maxout"),
}
