"""ResNet with stochastic depth: in training each block is skipped now and then, the later the oftener."""

from torch import nn

from cnnlab.models.layers import check_native
from cnnlab.models.resnet import blocks_a_stage, conv_norm, head, shortcut, stages
from cnnlab.techniques.paths import StochasticDepth, drop_rates


def stochastic_depth_resnet(
    in_channels: int = 3,
    classes: int = 10,
    *,
    size: str = "paper",
    depth: int = 110,
    width: int = 16,
    last: float = 0.5,
) -> nn.Sequential:
    """ResNet-110 whose l-th of 54 blocks is skipped with probability l/54 · `last` (row H17).

    Weights and parameters are those of `cifar_resnet` with option A: 1,727,962. 40.25 blocks are kept on average; in
    evaluation each branch counts as often as it was kept. Made for 32x32 images: both sizes are one net. Source:
    {cite:t}`huang2016deep`.
    """
    check_native(size)
    blocks = blocks_a_stage(depth, layers=2)
    skipped = iter(drop_rates(3 * blocks, last=last))

    def block(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
        first = conv_norm(in_channels, out_channels, stride=stride)
        branch = nn.Sequential(*first, nn.ReLU(), *conv_norm(out_channels, out_channels))
        around = shortcut("A", in_channels, out_channels, stride)
        return nn.Sequential(StochasticDepth(branch, next(skipped), shortcut=around), nn.ReLU())

    stem = nn.Sequential(*conv_norm(in_channels, width), nn.ReLU())
    return nn.Sequential(stem, *stages(block, (width, width, 2 * width, 4 * width), blocks), *head(4 * width, classes))
