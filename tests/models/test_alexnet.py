import pytest
import torch
from model_oracles import field, hollow, maps, parameters
from torch import nn
from torchvision import models

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.alexnet import alexnet, caffenet

pytestmark = pytest.mark.rows("H01")
WINDOWS = (nn.Conv2d, nn.MaxPool2d)


def sides(net: nn.Module, side: int) -> list[int]:
    return [shape[-1] for shape in maps(net, (3, side, side), WINDOWS)]


@pytest.mark.parametrize("net", [alexnet, caffenet])
def test_both_have_the_parameters_of_the_grouped_net_and_not_torchvisions(net):
    convolutions = (3 * 121 + 1) * 96 + (48 * 25 + 1) * 256 + (256 * 9 + 1) * 384 + (192 * 9 + 1) * (384 + 256)
    hidden = (256 * 6 * 6 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert parameters(net) == convolutions + hidden == 60_965_224
    assert parameters(models.alexnet) == 61_100_840


def test_caffenet_128_has_2048_units_and_pools_that_round_up():
    assert parameters(lambda: caffenet(size="128")) == 13_300_072


def test_the_maps_have_the_sides_of_the_table():
    assert sides(hollow(caffenet), 227) == [55, 27, 27, 13, 13, 13, 13, 6]
    assert sides(hollow(lambda: caffenet(size="128")), 128) == [30, 15, 15, 7, 7, 7, 7, 3]


@pytest.mark.parametrize(("net", "size"), [(alexnet, "paper"), (caffenet, "paper"), (caffenet, "128")])
def test_the_last_pool_sees_195_pixels_with_jump_32(net, size):
    model = hollow(lambda: net(size=size))
    seen = receptive_field(model[:2], (1, 3, 227, 227))
    assert (seen.size[0], seen.jump[0]) == (195, 32)
    assert field((11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)) == (195, 32)


def test_the_first_hidden_layer_sees_355_pixels():
    assert receptive_field(hollow(caffenet)[:2].append(nn.Conv2d(256, 8, 6)), (1, 3, 355, 355)).size[0] == 355


def test_alexnet_normalizes_before_the_pool_and_caffenet_after():
    kinds = {net: [type(module) for module in hollow(net)[0]] for net in (alexnet, caffenet)}
    assert kinds[alexnet][1:3] == [nn.LocalResponseNorm, nn.MaxPool2d]
    assert kinds[caffenet][1:3] == [nn.MaxPool2d, nn.LocalResponseNorm]


def test_the_second_convolution_has_stride_1_padding_2_and_two_groups():
    second = [module for module in hollow(lambda: caffenet(size="128")).modules() if isinstance(module, nn.Conv2d)][1]
    assert (second.stride, second.padding, second.groups) == ((1, 1), (2, 2), 2)


def test_alexnet_normalizes_by_the_papers_formula():
    x = torch.rand(1, 8, 1, 1, dtype=torch.float64) * 30
    norm = next(module for module in hollow(alexnet).modules() if isinstance(module, nn.LocalResponseNorm))
    near = [x[0, max(i - 2, 0) : i + 3].square().sum() for i in range(8)]
    wanted = x.flatten() / (2 + 1e-4 * torch.stack(near)) ** 0.75
    torch.testing.assert_close(norm(x).flatten(), wanted)


def test_an_image_of_another_size_is_refused_with_the_size_that_fits():
    with pytest.raises(ValueError, match="takes 2304 features, which images of 128x128 give; got a map of .256, 6, 6."):
        hollow(lambda: caffenet(size="128"))(torch.empty(1, 3, 227, 227, device="meta"))


@pytest.mark.parametrize(("net", "choices"), [(alexnet, "32, paper"), (caffenet, "128, 32, paper")])
def test_an_unknown_size_lists_the_choices(net, choices):
    with pytest.raises(ValueError, match=f'size "64" is unknown; choose one of: {choices}'):
        net(size="64")
