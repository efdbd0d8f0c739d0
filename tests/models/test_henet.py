import pytest
import torch
from model_oracles import field, hollow, maps, multiply_adds, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.henet import henet

pytestmark = pytest.mark.rows("H18")


def test_the_maps_alternate_as_in_the_study():
    sides = [shape[-1] for shape in maps(hollow(henet), (3, 224, 224), (nn.Conv2d,))]
    assert sides == [109, 35, 36, 35, 36, 17, 18, 17, 18, 5, 6]


def test_eleven_convolutions_cost_what_a_net_of_five_does():
    model_a = 109**2 * 49 * 3 * 64 + 36**2 * 25 * 64 * 128 + 18**2 * 9 * (128 + 2 * 256) * 256
    ratio = multiply_adds(lambda: henet()[0], 3, 224, 224) / model_a
    assert ratio == pytest.approx(0.970, abs=5e-4)  # S3 prints .98


def test_the_last_convolution_sees_185_pixels():
    layers = [(7, 2), (3, 3), *[(2, 1)] * 4, (2, 2), *[(2, 1)] * 4, (3, 3), (2, 1), (2, 1)]
    seen = receptive_field(hollow(henet)[0], (1, 3, 224, 224))
    assert (seen.size[0], seen.jump[0]) == field(*layers) == (185, 36)


def test_the_parameters_are_those_of_the_table():
    twos = [(64, 128), *[(128, 128)] * 3, (128, 256), *[(256, 256)] * 3, (256, 2304), (2304, 256)]
    convolutions = (3 * 49 + 1) * 64 + sum((4 * a + 1) * b for a, b in twos)
    assert parameters(henet) == convolutions + (9 * 256 + 1) * 2048 + (2048 + 1) * 2048 + (2048 + 1) * 1000


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match='size "128" is unknown; choose one of: 32, paper'):
        henet(size="128")
    with pytest.raises(ValueError, match="takes 2304 features, which images of 224x224 give; got a map of .256, 1, 1."):
        hollow(henet)(torch.empty(1, 3, 128, 128, device="meta"))
