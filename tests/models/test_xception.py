import pytest
import timm
import torch
from model_oracles import field, hollow, maps, multiply_adds, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.xception import block, separable, xception

pytestmark = pytest.mark.rows("H09")


def legacy() -> nn.Module:
    return timm.create_model("legacy_xception")


def test_it_has_the_weights_and_multiply_adds_of_timms():
    shapes = [sorted(weight.shape for weight in hollow(net).parameters()) for net in (xception, legacy)]
    assert shapes[0] == shapes[1] and parameters(xception) == 22_855_952
    assert multiply_adds(xception, 3, 299, 299) == multiply_adds(legacy, 3, 299, 299)


def test_it_has_36_convolutions_where_a_separable_one_counts_once():
    convolutions = [m for m in hollow(xception).modules() if isinstance(m, nn.Conv2d)]
    depthwise = [m for m in convolutions if m.groups > 1]
    shortcuts = [m for m in convolutions if m.kernel_size == (1, 1) and m.stride == (2, 2)]
    assert len(convolutions) - len(depthwise) - len(shortcuts) == 36 and len(depthwise) == 34


def test_a_separable_convolution_of_728_has_the_sheets_weights():
    weights = [m.weight.numel() for m in separable(728, 728).modules() if isinstance(m, nn.Conv2d)]
    assert weights == [728 * 9, 728 * 728] and sum(weights) == 536_536


@pytest.mark.parametrize(("stride", "relu_first"), [(1, True), (2, True), (2, False)])
def test_a_block_computes_what_timms_does(stride, relu_first):
    from timm.models.xception import Block

    torch.manual_seed(0)
    ours = block(6, (8, 8), stride=stride, relu_first=relu_first).eval()
    theirs = Block(6, 8, 2, stride, relu_first).eval()
    shortcut, body = list(ours.shortcut.state_dict().values()), list(ours.branch.state_dict().values())
    theirs.load_state_dict(dict(zip(theirs.state_dict(), shortcut + body, strict=True)))
    x = torch.randn(2, 6, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x.clone()))


def test_a_block_that_changes_nothing_has_the_identity_as_its_skip():
    assert isinstance(block(8, (8, 8, 8)).shortcut, nn.Identity)


def test_the_last_map_sees_1083_pixels():
    halving, middle = [(3, 1), (3, 1), (3, 2)], [(3, 1)] * 3
    layers = [(3, 2), (3, 1), *halving * 3, *middle * 8, *halving, (3, 1), (3, 1)]
    seen = receptive_field(hollow(xception)[:-1], (1, 3, 299, 299))
    assert (seen.size[0], seen.jump[0]) == field(*layers) == (1083, 32)


def test_the_maps_are_the_papers():
    assert maps(hollow(xception), (3, 299, 299), (nn.Conv2d,))[1] == (64, 147, 147)
    assert maps(hollow(xception), (3, 299, 299), (nn.ReLU,))[-1] == (2048, 10, 10)
    assert maps(hollow(lambda: xception(size="32")), (3, 32, 32), (nn.ReLU,))[-1] == (2048, 4, 4)


def test_an_unknown_size_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        xception(size="64")
