import pytest
import torch
from model_oracles import hollow, parameters
from torch import nn
from torch.nn import functional as F

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.wide_resnet import WideBlock, wide_resnet

pytestmark = pytest.mark.rows("H06")


@pytest.mark.parametrize(("depth", "widen", "count"), [(28, 10, 36_479_194), (16, 8, 10_961_370), (40, 4, 8_949_210)])
def test_it_has_the_published_parameters(depth, widen, count):
    assert parameters(lambda: wide_resnet(depth=depth, widen=widen)) == count


def test_dropout_costs_nothing_and_stands_between_the_convolutions():
    net = hollow(lambda: wide_resnet(depth=16, widen=8, dropout=0.3))
    assert sum(p.numel() for p in net.parameters()) == 10_961_370
    kinds = [type(module).__name__ for module in net[1][0].branch]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "Dropout", "Conv2d"]
    assert net[1][0].branch[3].p == 0.3


def test_a_block_that_keeps_its_shape_is_the_sum_of_its_input_and_what_its_layers_say():
    one = WideBlock(4, 4)
    x = torch.randn(2, 4, 6, 6)
    once = F.relu(F.batch_norm(x, None, None, training=True))
    twice = F.relu(F.batch_norm(F.conv2d(once, one.branch[0].weight, padding=1), None, None, training=True))
    torch.testing.assert_close(one(x), x + F.conv2d(twice, one.branch[4].weight, padding=1))


def test_a_block_that_changes_its_shape_projects_what_the_first_relu_gives():
    one = WideBlock(4, 6, 2).eval()
    nn.init.zeros_(one.branch[4].weight)
    x = torch.randn(2, 4, 6, 6)
    once = F.relu(x / (1 + 1e-5) ** 0.5)[..., ::2, ::2]
    torch.testing.assert_close(one(x), torch.einsum("oc,nchw->nohw", one.projection.weight[:, :, 0, 0], once))


def test_wrn_28_sees_109_pixels():
    seen = receptive_field(hollow(lambda: wide_resnet(widen=1))[:4], (1, 3, 64, 64))
    assert (seen.size[0], seen.jump[0]) == (28 * 4 - 3, 4)


def test_a_depth_that_is_not_6n_plus_4_is_refused():
    with pytest.raises(ValueError, match=r"depth must be 6n \+ 4: 10, 16, 22, ...; got 29"):
        wide_resnet(depth=29)
