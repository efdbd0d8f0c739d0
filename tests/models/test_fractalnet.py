import pytest
import torch
from model_oracles import field, hollow, maps
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.fractalnet import fractalnet
from cnnlab.techniques.fractal import FractalBlock, one_column

pytestmark = pytest.mark.rows("H11")
WIDTHS = [64, 128, 256, 512, 512]


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d)]


def test_its_convolutions_have_33698880_weights():
    # in each block the first layer of each of three columns sees what enters, the other four what columns give
    count = sum(9 * (3 * a * b + 4 * b * b) for a, b in zip([3, *WIDTHS], WIDTHS, strict=False))
    layers = convolutions(hollow(fractalnet))
    assert sum(conv.weight.numel() for conv in layers) == count == 33_698_880
    assert len(layers) == 5 * 7 and not any(conv.bias is not None for conv in layers)


@pytest.mark.parametrize(("column", "layers"), [(0, 5), (1, 10), (2, 20)])
def test_a_column_alone_is_a_net_of_that_depth(column, layers):
    net = hollow(fractalnet)
    with one_column(net, column):
        assert len(maps(net, (3, 32, 32), (nn.Conv2d,))) == layers


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_column_alone_gives_what_the_plain_chain_of_its_layers_gives(column):
    torch.manual_seed(0)
    net, x, used = fractalnet(3, 4, width=4).eval(), torch.randn(2, 3, 32, 32), []
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d, nn.ReLU)):
            module.register_forward_hook(lambda module, _inputs, _output: used.append(module))
    with torch.no_grad(), one_column(net, column):
        alone = net(x)
        torch.testing.assert_close(nn.Sequential(*used[:], *net[-2:])(x), alone, rtol=0, atol=1e-6)


def test_the_columns_are_pooled_and_then_averaged():
    torch.manual_seed(0)
    block = fractalnet(3, 4, width=4)[0].eval()
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        columns = [block.pool(branch) for branch in block.branches(x)]
        torch.testing.assert_close(block(x), sum(columns) / 3)


def test_dropout_rises_from_block_to_block_and_stands_before_the_normalization():
    blocks = [module for module in hollow(fractalnet) if isinstance(module, FractalBlock)]
    rates = [{m.p for m in block.modules() if isinstance(m, nn.Dropout)} for block in blocks]
    assert rates == [{0.0}, {0.1}, {0.2}, {0.3}, {0.4}]
    assert [type(layer).__name__ for layer in blocks[0].unit] == ["Conv2d", "Dropout", "BatchNorm2d", "ReLU"]


def test_32x32_images_end_at_1x1():
    shapes = maps(hollow(fractalnet), (3, 32, 32), (FractalBlock,))
    sides = [side for channels, side, _ in shapes if channels == 512]
    assert shapes[-1] == (512, 1, 1) and min(sides) == 1


def test_the_last_map_sees_what_its_deepest_column_sees():
    size, jump = field(*([(3, 1)] * 4 + [(2, 2)]) * 5)
    assert size == 1 + sum((4 * 2 + 1) * 2**block for block in range(5)) and jump == 32
    seen = receptive_field(hollow(lambda: fractalnet(width=4))[:5], (1, 3, 64, 64))
    assert (seen.size[0], seen.jump[0]) == (size, jump)


@pytest.mark.rows("H12")
def test_the_average_pooling_variant_averages_everywhere():
    net = hollow(lambda: fractalnet(pool=nn.AvgPool2d))
    pools = [module for module in net.modules() if isinstance(module, (nn.AvgPool2d, nn.MaxPool2d))]
    assert len(pools) == 5 and all(isinstance(pool, nn.AvgPool2d) for pool in pools)
