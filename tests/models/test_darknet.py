import pytest
from model_oracles import field, hollow, maps, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.darknet import darknet

pytestmark = pytest.mark.rows("H18")


def test_darknet_has_the_parameters_of_its_layers():
    widths = [3, 16, 32, 64, 128, 256, 512, 1024]
    by_hand = sum(9 * a * b + 2 * b for a, b in zip(widths, widths[1:], strict=False)) + 1025 * 1000
    assert parameters(darknet) == parameters(lambda: darknet(size="32")) == by_hand == 7_319_416


def test_there_is_no_linear_layer_and_the_last_map_is_4x4():
    for size, side in (("paper", 224), ("32", 32)):
        net = hollow(lambda size=size: darknet(size=size))
        assert not any(isinstance(module, nn.Linear) for module in net.modules())
        assert maps(net, (3, side, side), (nn.Conv2d,))[-1] == (1000, 4, 4)


def test_the_last_map_sees_253_pixels():
    layers = [layer for _ in range(6) for layer in ((3, 1), (2, 2))] + [(3, 1)]
    seen = receptive_field(hollow(darknet)[:-1], (1, 3, 256, 256))
    assert (seen.size[0], seen.jump[0]) == field(*layers)


def test_an_unknown_size_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        darknet(size="64")
