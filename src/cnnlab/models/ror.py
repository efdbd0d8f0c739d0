r"""Variations on what is added to what: residual nets of residual nets, weighted residuals, ELU instead of ReLU."""

from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.models.layers import check_native
from cnnlab.models.preactivation import chain
from cnnlab.models.resnet import blocks_a_stage, conv_norm, head, shortcut, stages
from cnnlab.techniques.joins import Residual


def ror(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", depth: int = 20, width: int = 16
) -> nn.Sequential:
    """RoR-3: ResNet with a shortcut around each of its three stages and one around all of them, four more (row H07).

    The extra ones are 1x1 convolutions where shapes differ (option B), so that of the first stage is the identity; the
    blocks' own pad (A). All that meet at the end of a stage are added before the ReLU. Made for 32x32 images: both sizes
    are one net. Source: {cite:t}`zhang2016residual`.
    """
    check_native(size)
    stem = nn.Sequential(*conv_norm(in_channels, width), nn.ReLU())
    widths = (width, width, 2 * width, 4 * width)
    body = stages(unfinished, widths, blocks_a_stage(depth, layers=2))
    groups = [
        Residual(relus_between(stage), shortcut("B", before, after, 2 if i else 1))
        for i, (stage, before, after) in enumerate(zip(body, widths, widths[1:], strict=False))
    ]
    everything = Residual(relus_between(groups), shortcut("B", width, 4 * width, 4))
    return nn.Sequential(stem, everything, nn.ReLU(), *head(4 * width, classes))


def unfinished(in_channels: int, out_channels: int, stride: int) -> Residual:
    """A basic block without the ReLU after its sum, so that more can be added first."""
    branch = chain("conv bn relu conv bn", in_channels, out_channels, stride)
    return Residual(branch, shortcut("A", in_channels, out_channels, stride))


def relus_between(parts) -> nn.Sequential:
    """The parts with a ReLU after each but the last."""
    first, *rest = parts
    return nn.Sequential(first, *(each for part in rest for each in (nn.ReLU(), part)))


class WeightedResidual(nn.Module):
    r"""$y = s(x) + \lambda F(x)$, $\lambda = \tanh \theta$ in (-1, 1), from 0: a block starts as its shortcut (row H07).

    The paper clips λ after each step instead. F ends in a ReLU, which λ < 0 lets subtract. Source:
    {cite:t}`shen2016weighted`.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut or nn.Identity()
        self.theta = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + torch.tanh(self.theta) * self.branch(x)


def weighted_resnet(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", depth: int = 20, width: int = 16
) -> nn.Sequential:
    """ResNet of `WeightedResidual` blocks: one more parameter for each of its blocks than ResNet (row H07).

    Made for 32x32 images: both sizes are one net. Source: {cite:t}`shen2016weighted`.
    """
    check_native(size)
    stem = chain("conv bn relu", in_channels, width, 1)
    make = partial(block, words="conv bn relu conv bn relu", residual=WeightedResidual)
    body = stages(make, (width, width, 2 * width, 4 * width), blocks_a_stage(depth, layers=2))
    return nn.Sequential(stem, *body, *head(4 * width, classes))


def elu_resnet(
    in_channels: int = 3, classes: int = 10, *, size: str = "paper", depth: int = 20, width: int = 16
) -> nn.Sequential:
    """ResNet of conv-ELU-conv-BN blocks with nothing after the sum: ELU there was worse (row H07).

    Made for 32x32 images: both sizes are one net. Source: {cite:t}`shah2016deep`.
    """
    check_native(size)
    stem = chain("conv elu", in_channels, width, 1)
    make = partial(block, words="conv elu conv bn", residual=Residual)
    body = stages(make, (width, width, 2 * width, 4 * width), blocks_a_stage(depth, layers=2))
    return nn.Sequential(stem, *body, *head(4 * width, classes))


def block(in_channels: int, out_channels: int, stride: int, *, words: str, residual: type[nn.Module]) -> nn.Module:
    """A `residual` block whose branch is made of the layers that `words` name, with a padding shortcut."""
    return residual(chain(words, in_channels, out_channels, stride), shortcut("A", in_channels, out_channels, stride))
