import pytest
import torch
from model_oracles import field, hollow, maps, parameters
from torch import nn

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.fitnet import fitnet4, fitresnet4, run
from cnnlab.techniques.joins import Residual

pytestmark = pytest.mark.rows("H13")
WIDTHS = [32] * 3 + [48] * 2 + [80] * 6 + [128] * 6


@pytest.mark.parametrize("net", [fitnet4, fitresnet4])
@pytest.mark.parametrize(("activation", "count"), [("relu", 1_276_806), ("maxout", 2_548_602)])
def test_the_published_parameters(net, activation, count):
    pieces = {"relu": 1, "maxout": 2}[activation]
    convolutions = sum((9 * a + 1) * b * pieces for a, b in zip([3, *WIDTHS], WIDTHS, strict=False))
    assert convolutions + (128 + 1) * 500 * pieces + (500 + 1) * 10 == count
    assert parameters(lambda: net(activation=activation)) == count


def test_it_has_17_convolutions_and_a_global_pool_over_8x8():
    shapes = maps(hollow(fitnet4), (3, 32, 32), (nn.Conv2d,))
    assert [channels for channels, *_ in shapes] == WIDTHS
    assert [side for *_, side in shapes] == [32] * 5 + [16] * 6 + [8] * 6
    assert maps(hollow(fitnet4), (3, 32, 32), (nn.AdaptiveMaxPool2d,)) == [(128, 1, 1)]


def test_normalization_costs_the_same_before_and_after():
    assert parameters(lambda: fitnet4(placement="before")) == 1_276_806 + 2 * sum(WIDTHS)
    assert parameters(lambda: fitnet4(placement="after")) == 1_276_806 + 2 * sum(WIDTHS)


@pytest.mark.parametrize(
    ("placement", "wanted"), [("before", "Conv2d BatchNorm2d ReLU"), ("after", "Conv2d ReLU BatchNorm2d")]
)
def test_normalization_stands_where_it_was_asked_for(placement, wanted):
    leaves = [
        type(m).__name__ for m in hollow(lambda: fitnet4(placement=placement)).modules() if not list(m.children())
    ]
    assert " ".join(leaves).count(wanted) == 17


def test_the_last_map_sees_86_pixels():
    layers = [(3, 1)] * 5 + [(2, 2)] + [(3, 1)] * 6 + [(2, 2)] + [(3, 1)] * 6
    seen = receptive_field(hollow(fitnet4)[:9], (1, 3, 96, 96))
    assert (seen.size[0], seen.jump[0]) == field(*layers) == (86, 4)


def test_a_skip_goes_around_each_pair_that_keeps_the_width():
    assert sum(isinstance(module, Residual) for module in hollow(fitresnet4).modules()) == 1 + 0 + 2 + 2
    assert not any(isinstance(module, Residual) for module in hollow(fitnet4).modules())


def test_with_silent_pairs_a_run_with_skips_is_its_first_convolution():
    row = run(3, 4, 5, act="relu", placement="none", skips=True)
    for layer in row[1:].modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(row(x), row[0](x))


def test_what_is_unknown_lists_the_choices():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        fitnet4(size="64")
    with pytest.raises(ValueError, match='placement "between" is unknown; choose one of: after, before, none'):
        fitresnet4(placement="between")
