"""The net of the reproductions: a plain stack of convolutions of which every part can be exchanged."""

import re

from torch import nn

from cnnlab.choices import choose, demand
from cnnlab.config import Model
from cnnlab.models.heads import head
from cnnlab.models.layers import followed
from cnnlab.techniques.activations import activation, pieces
from cnnlab.techniques.convolutions import convolution
from cnnlab.techniques.joins import Residual
from cnnlab.techniques.learned_color import learned_color
from cnnlab.techniques.pooling import pooling

SIDE = 4  # of the map that a fully connected layer reads: 16x16 images give it, larger maps are averaged to it
WINDOW = re.compile(r"([1-9])/([1-9])(?:\+([1-9]))?")  # kernel/stride, and padding after a plus


def workbench(in_channels: int = 3, classes: int = 10, **parts) -> nn.Sequential:
    """`depth` convolutions in three stages of width, 2·width and 4·width, then the head that `head` writes.

    Input (N, in_channels, H, W), output (N, classes) logits. `parts` are fields of `config.Model`:

    - `convolution` is a name of `techniques.convolutions`, of `kernel_size`; `full` alone has a `bias` and reads
      `padding`, which is `zeros`, `none`, or a padding mode of `nn.Conv2d`
    - `activation`, with batch normalization `before` or `after` it by `placement`, or without (`none`)
    - between stages a `pooling` of `techniques.pooling` over `pool_window`, kernel/stride and after a plus padding, such as
      `3/2+1`; or `strided`: no pool, but a stride in the first convolution of the next stage
    - `skip` convolutions at a time lie under an identity, behind the first of each stage; their sum is then activated
    - `color` is a variant of `techniques.learned_color` before it all, `dropout` follows the hidden layers of the head

    All parts are those of the techniques, so that an experiment on one of them trains what its chapter explains.
    """
    plan = Model(**parts)
    demand(plan.depth >= 3, "depth", plan.depth, "at least 3, one convolution for each stage")
    net = nn.Sequential()
    if plan.color != "none":
        demand(in_channels == 3, "in_channels", in_channels, "3 where a color space is learned")
        net.append(learned_color(plan.color))
    for stage in range(3):
        stride = 1
        if stage and plan.pooling == "strided":
            stride = 2
        elif stage:
            net.append(pool(plan))
        width = plan.width * 2**stage
        net.extend(run(plan, in_channels, width, length=(plan.depth + 2 - stage) // 3, stride=stride))
        in_channels = width
    return net.extend(classifier(plan, in_channels, classes))


def run(plan: Model, in_channels: int, width: int, *, length: int, stride: int) -> list[nn.Module]:
    """The convolutions of a stage, `skip` at a time under an identity where there is one."""
    blocks = [unit(plan, in_channels, width, plan.activation, stride)]
    rest = length - 1
    while plan.skip and rest >= plan.skip:
        blocks += residual(plan, width)
        rest -= plan.skip
    return blocks + [unit(plan, width, width, plan.activation) for _ in range(rest)]


def residual(plan: Model, width: int) -> tuple[nn.Module, nn.Module]:
    """`skip` convolutions under an identity, the last without its activation, which follows the sum."""
    demand(
        pieces(plan.activation) == 1, "activation", plan.activation, "one that keeps its channels, where skip is set"
    )
    units = [unit(plan, width, width, plan.activation) for _ in range(plan.skip - 1)]
    return Residual(nn.Sequential(*units, unit(plan, width, width, "identity"))), activation(plan.activation)


def unit(plan: Model, in_channels: int, out_channels: int, act: str, stride: int = 1) -> nn.Sequential:
    """A convolution of the plan with the activation named and the normalization placed."""
    filters = out_channels * pieces(act)
    if plan.convolution == "full":
        layer = full(plan, in_channels, filters, stride)
    else:
        demand(plan.padding == "zeros", "padding", plan.padding, f'"zeros" where the convolution is {plan.convolution}')
        make = convolution(plan.convolution)
        layer = make(in_channels, filters, kernel_size=plan.kernel_size, stride=stride)
    return followed(layer, out_channels, act=act, placement=plan.placement)


def full(plan: Model, in_channels: int, filters: int, stride: int) -> nn.Conv2d:
    """The convolution itself, padded as planned."""
    modes = {"none": "zeros"} | {mode: mode for mode in ("zeros", "reflect", "replicate", "circular")}
    mode = choose(modes, plan.padding, "padding")
    padding = 0 if plan.padding == "none" else plan.kernel_size // 2
    return nn.Conv2d(in_channels, filters, plan.kernel_size, stride, padding, bias=plan.bias, padding_mode=mode)


def pool(plan: Model) -> nn.Module:
    """The pooling between two stages."""
    found = WINDOW.fullmatch(plan.pool_window)
    demand(found, "pool_window", plan.pool_window, "kernel/stride such as 2/2, or with padding such as 3/2+1")
    kernel, stride, padding = (int(number or 0) for number in found.groups())
    return pooling(plan.pooling)(kernel, stride, **({"padding": padding} if padding else {}))


def classifier(plan: Model, in_channels: int, classes: int) -> list[nn.Module]:
    """The head, behind a mean over 4x4 cells where it begins with a fully connected layer."""
    hidden = re.search(r"\d[CF]", plan.head)
    demand(hidden or not plan.dropout, "dropout", plan.dropout, f"0 where the head, {plan.head}, has no hidden layer")
    layers = head(plan.head, in_channels, classes, side=SIDE, act=plan.activation, dropout=plan.dropout)
    return [nn.AdaptiveAvgPool2d(SIDE), layers] if re.match(r"\d+F", plan.head) else [layers]
