import pytest
from model_oracles import field, hollow, maps, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.nin import nin

pytestmark = pytest.mark.rows("H14")


def test_nin_has_the_parameters_of_its_table():
    layers = [(5, 3, 192), (1, 192, 160), (1, 160, 96), (5, 96, 192), (1, 192, 192), (1, 192, 192)]
    layers += [(3, 192, 192), (1, 192, 192), (1, 192, 10)]
    assert parameters(nin) == sum((k * k * a + 1) * b for k, a, b in layers) == 966_986


def test_the_last_map_has_one_channel_a_class_and_its_mean_is_the_logit():
    net = hollow(nin)
    assert maps(net, (3, 32, 32), (nn.Conv2d,))[-1] == (10, 8, 8)
    assert not any(isinstance(module, nn.Linear) for module in net.modules())


def test_the_first_pool_takes_the_maximum_and_the_second_the_mean():
    assert [type(m) for m in hollow(nin) if "Pool" in type(m).__name__] == [nn.MaxPool2d, nn.AvgPool2d]


def test_the_last_map_sees_27_pixels():
    seen = receptive_field(hollow(nin)[:-1], (1, 3, 32, 32))
    assert (seen.size[0], seen.jump[0]) == field((5, 1), (3, 2), (5, 1), (3, 2), (3, 1)) == (27, 4)


def test_maxout_of_two_pieces_doubles_the_parameters():
    assert parameters(lambda: nin(activation="maxout")) == 2 * parameters(nin)


def test_an_unknown_size_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        nin(size="64")
