import pytest
from model_oracles import field, hollow, maps, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.allcnn import allcnn

pytestmark = pytest.mark.rows("P03", "H18")


def test_all_cnn_c_has_the_parameters_of_its_table():
    layers = [(3, 3, 96), (3, 96, 96), (3, 96, 96), (3, 96, 192), *[(3, 192, 192)] * 3, (1, 192, 192), (1, 192, 10)]
    assert parameters(allcnn) == sum((k * k * a + 1) * b for k, a, b in layers) == 1_369_738


@pytest.mark.parametrize(("padding", "side"), [(0, 6), (1, 8)])
def test_the_map_before_the_mean_is_6x6_in_the_paper_and_8x8_where_all_is_padded(padding, side):
    shapes = maps(hollow(lambda: allcnn(padding=padding)), (3, 32, 32), (nn.Conv2d,))
    assert [shape[-1] for shape in shapes] == [32, 32, 16, 16, 16, 8, side, side, side]


def test_there_is_no_pool_and_no_linear_layer():
    names = {type(module).__name__ for module in hollow(allcnn).modules()}
    assert not [name for name in names if "Pool" in name or "Linear" in name]


def test_the_last_map_sees_31_pixels():
    layers = [(3, 1), (3, 1), (3, 2), (3, 1), (3, 1), (3, 2), (3, 1)]
    seen = receptive_field(hollow(allcnn)[:-1], (1, 3, 32, 32))
    assert (seen.size[0], seen.jump[0]) == field(*layers)


def test_an_unknown_size_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        allcnn(size="64")
