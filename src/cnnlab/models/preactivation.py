r"""Where normalization, activation and shortcut stand in a residual block: the blocks that were compared.

With nothing on the way around and nothing after the sum, $x_L = x_l + \sum_{i=l}^{L-1} F_i(x_i)$: signal and gradient
pass through any number of blocks unchanged.
"""

from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.choices import choose
from cnnlab.models.layers import check_native
from cnnlab.models.resnet import blocks_a_stage, head, shortcut, stages
from cnnlab.techniques.activations import activation


def preactivation_resnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    depth: int = 20,
    width: int = 16,
    order: str = "full",
) -> nn.Sequential:
    """The CIFAR net of `depth` 6n + 2 with the named `order` of layers in its blocks; "full" is pre-activation (row H05).

    One of `ORDERS`, which are the rows of the paper's Table 2. In the first block what stands before the first
    convolution is left out, because the stem has just done it, and the last block is followed by it, as in the paper. So
    all orders have the 269,722 parameters of ResNet-20. Made for 32x32 images: both sizes are one net. Source:
    {cite:t}`he2016identity`.
    """
    check_native(size)
    branch, _ = choose(ORDERS, order, "order of layers")
    stem = chain("conv bn relu", in_channels, width, 1)
    body = stages(partial(block, order=order), (width, width, 2 * width, 4 * width), blocks_a_stage(depth, layers=2))
    before = branch[: branch.index("conv")]
    body[0][0].branch = chain(branch.removeprefix(before), width, width, 1)
    return nn.Sequential(stem, *body, chain(before, 4 * width, 4 * width, 1), *head(4 * width, classes))


def shortcut_resnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    depth: int = 20,
    width: int = 16,
    around: str = "identity",
) -> nn.Sequential:
    """ResNet with something on the way around each block (row H05).

    `around` is one of `SHORTCUTS`, the rows of the paper's Table 1. Where shapes differ, pixels are skipped and
    channels padded with zeros first. Source: {cite:t}`he2016identity`.
    """
    check_native(size)
    make = partial(block, order="original", around=around)
    body = stages(make, (width, width, 2 * width, 4 * width), blocks_a_stage(depth, layers=2))
    return nn.Sequential(chain("conv bn relu", in_channels, width, 1), *body, *head(4 * width, classes))


def chain(words: str, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """The layers that `words` name, in that order: "conv bn relu". The first convolution sets channels and stride."""
    row, channels = nn.Sequential(), in_channels
    for word in words.split():
        if word == "conv":
            row.append(nn.Conv2d(channels, out_channels, 3, stride=stride, padding=1, bias=False))
            channels, stride = out_channels, 1
        else:
            row.append(nn.BatchNorm2d(channels) if word == "bn" else activation(word))
    return row


def block(
    in_channels: int, out_channels: int, stride: int = 1, *, order: str = "full", around: str = "identity"
) -> "Block":
    """The block with one of `ORDERS` and one of `SHORTCUTS` (row H05). Source: {cite:t}`he2016identity`."""
    branch, after = choose(ORDERS, order, "order of layers")
    join = choose(SHORTCUTS, around, "shortcut")(out_channels)
    resize = shortcut("A", in_channels, out_channels, stride)
    ends = chain(after, out_channels, out_channels, 1)
    return Block(chain(branch, in_channels, out_channels, stride), resize, join, ends)


class Block(nn.Module):
    """`after(join(resize(x), branch(x)))` (row H05)."""

    def __init__(self, branch: nn.Module, resize: nn.Module, join: nn.Module, after: nn.Module):
        super().__init__()
        self.branch, self.resize, self.join, self.after = branch, resize, join, after

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.join(self.resize(x), self.branch(x)))


class Scaled(nn.Module):
    r"""$a x + b F$; a = b = 1 is the residual net, a = 0 the plain one (row H05). Source: {cite:t}`he2016identity`."""

    def __init__(self, shortcut: float, branch: float):
        super().__init__()
        self.shortcut, self.branch = shortcut, branch

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return self.shortcut * x + self.branch * branch

    def extra_repr(self) -> str:
        return f"shortcut={self.shortcut}, branch={self.branch}"


class Gated(nn.Module):
    r"""$(1 - g) x + g F$ if `exclusive`, else $(1 - g) x + F$, with $g = \sigma(W_g x + b_g)$, $W_g$ a 1x1 kernel (row H05).

    $b_g$ starts at `bias`; at -6 the shortcut is nearly the identity. It is no layer's bias, which `initialize` would set
    to zero. Source: {cite:t}`he2016identity`.
    """

    def __init__(self, channels: int, *, exclusive: bool, bias: float = -6.0):
        super().__init__()
        self.exclusive = exclusive
        self.weigh = nn.Conv2d(channels, channels, 1, bias=False)
        self.bias = nn.Parameter(torch.full((channels, 1, 1), bias))

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        gate = torch.sigmoid(self.weigh(x) + self.bias)
        return (1 - gate) * x + (gate * branch if self.exclusive else branch)

    def extra_repr(self) -> str:
        return f"exclusive={self.exclusive}"


class Through(nn.Module):
    r"""$m(x) + F$: a module on the way around (row H05). Source: {cite:t}`he2016identity`."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return self.module(x) + branch


# What the branch is made of, and what follows the sum.
ORDERS = {
    "original": ("conv bn relu conv bn", "relu"),
    "bn after addition": ("conv bn relu conv", "bn relu"),
    "relu before addition": ("conv bn relu conv bn relu", ""),
    "relu only": ("relu conv bn relu conv bn", ""),
    "full": ("bn relu conv bn relu conv", ""),
}
SHORTCUTS = {
    "identity": lambda channels: Scaled(1, 1),
    "none": lambda channels: Scaled(0, 1),
    "half": lambda channels: Scaled(0.5, 1),
    "half and half": lambda channels: Scaled(0.5, 0.5),
    "exclusive gating": partial(Gated, exclusive=True),
    "shortcut-only gating": partial(Gated, exclusive=False),
    "1x1 conv": lambda channels: Through(nn.Conv2d(channels, channels, 1, bias=False)),
    "dropout": lambda channels: Through(nn.Dropout(0.5)),
}
