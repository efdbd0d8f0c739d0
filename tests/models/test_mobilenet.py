import pytest
import timm
import torch
from model_oracles import field, hollow, maps, multiply_adds, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.mobilenet import mobilenet

pytestmark = pytest.mark.rows("H10")


def test_the_published_counts():
    assert parameters(mobilenet) == 4_231_976
    assert multiply_adds(mobilenet, 3, 224, 224) == 568_740_352


def test_it_computes_what_timms_does():
    torch.manual_seed(0)
    ours, theirs = mobilenet().eval(), timm.create_model("mobilenetv1_100").eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(("width", "millions"), [(24, 2.6), (16, 1.3), (8, 0.5)])
def test_the_width_multiplier_gives_the_papers_sizes(width, millions):
    assert parameters(lambda: mobilenet(width=width)) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("side", "millions"), [(192, 418), (160, 290), (128, 186)])
def test_the_resolution_multiplier_gives_the_papers_multiply_adds(side, millions):
    assert multiply_adds(mobilenet, 3, side, side) / 1e6 == pytest.approx(millions, abs=1.1)


def test_the_last_map_sees_315_pixels():
    layers = [(3, 2), *((3, stride) for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1))]
    seen = receptive_field(hollow(mobilenet)[:-2], (1, 3, 224, 224))
    assert (seen.size[0], seen.jump[0]) == field(*layers) == (315, 32)


def test_the_small_one_ends_with_a_4x4_map():
    assert maps(hollow(lambda: mobilenet(size="32")), (3, 32, 32), (nn.Conv2d,))[-1] == (1024, 4, 4)


def test_an_unknown_size_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        mobilenet(size="64")
