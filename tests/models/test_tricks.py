import pytest
import torch
from model_oracles import hollow, parameters
from torch import nn
from torch.nn import functional as F

from cnnlab.models.tricks import ALONE, TRICKS, additivity, caffenet_with, max_average

pytestmark = pytest.mark.rows("H21")


def test_the_gains_add_up_to_085_and_give_060():
    found = additivity(ALONE, baseline=0.470, together=0.530)
    assert sorted(round(gain, 3) for gain in found.gains.values()) == [0.003, 0.013, 0.013, 0.015, 0.018, 0.023]
    assert (found.total, found.together, found.gap) == pytest.approx((0.085, 0.060, 0.025), abs=1e-12)


def test_gains_that_add_leave_no_gap():
    assert additivity({"a": 2.0, "b": 4.0}, baseline=1.0, together=5.0) == ({"a": 1.0, "b": 3.0}, 4.0, 4.0, 0.0)


def test_without_tricks_it_is_caffenet_128():
    assert parameters(lambda: caffenet_with(tricks=())) == 13_300_072


@pytest.mark.parametrize(
    ("trick", "more"),
    [("elu", 0), ("max+average", 0), ("color", 3 * 10 + 10 + 10 * 3 + 3), ("pyramid", 2048 * 256 * (16 + 4 + 1 - 9))],
)
def test_each_trick_costs_what_it_says(trick, more):
    assert parameters(lambda: caffenet_with(tricks=[trick])) == 13_300_072 + more


def test_elu_takes_the_place_of_every_relu():
    kinds = {type(module) for module in hollow(lambda: caffenet_with(tricks=["elu"])).modules()}
    assert nn.ELU in kinds and nn.ReLU not in kinds


def test_the_pool_sums_maximum_and_mean_and_rounds_up():
    x = torch.randn(2, 3, 8, 8)
    pooled = max_average()(x)
    torch.testing.assert_close(pooled[..., :3, :3], F.max_pool2d(x, 3, 2) + F.avg_pool2d(x, 3, 2))
    assert pooled.shape[-1] == 4


def test_with_the_pyramid_images_of_any_size_go():
    net = hollow(lambda: caffenet_with(tricks=TRICKS))
    assert [net(torch.empty(1, 3, side, side, device="meta")).shape for side in (128, 160)] == [(1, 1000)] * 2


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="tricks must be among color, elu, max.average, pyramid; got .'luck'."):
        caffenet_with(tricks=["luck"])
    with pytest.raises(ValueError, match='size must be "paper" or "32"; got \'227\''):
        caffenet_with(tricks=(), size="227")
