import math

import pytest
import torch
from model_oracles import parameters
from torch import nn
from torch.nn import functional as F

from cnnlab.models.heads import head, without_classifier


def maps(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def alike(plan: str, like: nn.Module, **options) -> nn.Module:
    """Another head with the same weights."""
    net = head(plan, 6, 5, **options).eval()
    net.load_state_dict(like.state_dict())
    return net


@pytest.mark.rows("F01")
@pytest.mark.parametrize("size", [(3, 3), (5, 4)])
def test_the_mean_moves_through_the_classifier_and_the_logits_stay(size):
    after = head("16C3_8C1_clf_avg", 6, 5).eval()
    x = maps(2, 6, *size)
    torch.testing.assert_close(alike("16C3_8C1_avg_clf", after)(x), after(x), rtol=0, atol=1e-5)


@pytest.mark.rows("F01")
def test_the_mean_moves_through_all_layers_of_a_linear_head_and_stops_at_a_relu():
    x = maps(2, 6, 4, 4)
    for act, same in [("identity", True), ("relu", False)]:
        after = head("16C3_8C1_clf_avg", 6, 5, act=act).eval()
        early = alike("16C3_avg_8C1_clf", after, act=act)
        assert torch.allclose(early(x), after(x), rtol=0, atol=1e-5) == same


@pytest.mark.rows("F01")
def test_predictions_at_every_place_are_averaged():
    net = head("16C3_8C1_clf_avg", 6, 5).eval()
    each = alike("16C3_8C1_clf", net)
    x = maps(2, 6, 3, 3)
    assert each(x).shape == (2, 5, 3, 3)
    torch.testing.assert_close(net(x), each(x).flatten(2).mean(2))


@pytest.mark.rows("F02")
def test_dense_layers_stand_between_the_last_convolution_and_the_classifier():
    net = head("16C3_12C3_8F_clf", 6, 5, side=3).eval()
    with torch.no_grad():
        x = maps(2, 6, 3, 3)
        hidden = [getattr(net, f"hidden{i}")[0] for i in (1, 2, 3)]
        y = F.conv2d(x, hidden[0].weight, hidden[0].bias, padding=1).relu()
        y = F.conv2d(y, hidden[1].weight, hidden[1].bias, padding=1).relu()
        y = F.linear(y.flatten(1), hidden[2].weight.flatten(1), hidden[2].bias).relu()
        torch.testing.assert_close(net(x), F.linear(y, net.clf.weight.flatten(1), net.clf.bias))


@pytest.mark.rows("F02")
@pytest.mark.parametrize("plan", ["8F_16C3_clf", "avg_16C3_clf", "SPP2_16C3_clf"])
def test_a_convolution_after_the_map_is_gone_is_refused(plan):
    with pytest.raises(ValueError, match="a word of the plan must be with kernel 1 where no map is left.*'16C3'"):
        head(plan, 6, 5, side=3)
    assert head("8F_16C1_clf", 6, 5, side=3)(maps(2, 6, 3, 3)).shape == (2, 5)


@pytest.mark.rows("F02", "F03")
@pytest.mark.parametrize(
    ("plan", "side", "count"),
    [
        ("4096F_4096F_clf", 6, 58_631_144),  # CaffeNet's at 227 pixels, tables/oracles_computed.csv
        ("2048F_2048F_clf", 3, (9 * 256 + 1) * 2048 + 2049 * 2048 + 2049 * 1000),
        ("4096F_4096F_clf", 3, (9 * 256 + 1) * 4096 + 4097 * 4096 + 4097 * 1000),
        ("SPP3_2048F_2048F_clf", None, (21 * 256 + 1) * 2048 + 2049 * 2048 + 2049 * 1000),
        ("SPP2_2048F_2048F_clf", None, (5 * 256 + 1) * 2048 + 2049 * 2048 + 2049 * 1000),
        (
            "512C3_1024C3_1536C1_clf_avg",
            None,
            (9 * 256 + 1) * 512 + (9 * 512 + 1) * 1024 + 1025 * 1536 + 1537 * 1000,
        ),
        ("2048C3_2048C1_clf_avg", None, (9 * 256 + 1) * 2048 + 2049 * 2048 + 2049 * 1000),
    ],
)
def test_the_benchmarks_heads_cost_what_their_words_say(plan, side, count):
    assert parameters(lambda: head(plan, 256, 1000, side=side)) == count


@pytest.mark.rows("F03")
def test_a_dense_layer_twice_as_wide_costs_twice_before_it_and_twice_after():
    counts = [parameters(lambda w=w: head(f"{w}F_{w}F_clf", 256, 1000, side=3)) for w in (2048, 4096)]
    assert counts[1] - 2 * counts[0] == 2 * 2048**2 - 1000  # the middle matrix fourfold, the last bias once


@pytest.mark.rows("F03")
@pytest.mark.parametrize("size", [(4, 4), (7, 5)])
def test_the_pyramid_head_reads_the_same_cells_of_any_map(size):
    net = head("SPP3_8F_clf", 6, 5).eval()
    x = maps(2, 6, *size)
    pyramid = torch.cat([F.adaptive_max_pool2d(x, cells).flatten(1) for cells in (1, 2, 4)], dim=1)
    with torch.no_grad():
        y = F.linear(pyramid, net.hidden1[0].weight.flatten(1), net.hidden1[0].bias).relu()
        torch.testing.assert_close(net(x), F.linear(y, net.clf.weight.flatten(1), net.clf.bias))


@pytest.mark.rows("F01", "F03")
def test_a_dense_layer_is_a_convolution_as_large_as_the_map():
    net = head("8F_7F_clf", 6, 5, side=3).eval()
    kernels = [module.kernel_size for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert kernels == [(3, 3), (1, 1), (1, 1)]
    assert math.prod(net[:-1](maps(1, 6, 5, 5)).shape[2:]) == 9  # it slides over a larger one


@pytest.mark.rows("F05")
def test_the_descriptor_is_what_the_classifier_reads():
    net = head("16C3_4C1_avg_clf", 6, 5).eval()
    code = without_classifier(net)(maps(2, 6, 3, 3))
    assert code.shape == (2, 4)
    torch.testing.assert_close(F.linear(code, net.clf.weight.flatten(1), net.clf.bias), net(maps(2, 6, 3, 3)))
    late = without_classifier(head("16C3_4C1_clf_avg", 6, 5))
    assert late.eval()(maps(2, 6, 3, 3)).shape == (2, 4)


def test_maxout_gets_twice_the_filters():
    assert parameters(lambda: head("8C3_clf_avg", 6, 5, act="maxout")) == (9 * 6 + 1) * 16 + 9 * 5


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("8F_avg", "with one clf among them; got '8F_avg'"),
        ("8X_clf", "a word of the plan must be such as 2048C3, 4096F, SPP3, avg or clf; got '8X'"),
        ("8F_clf", "side must be the height and width of the map that 8F reads; got None"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused(plan, says):
    with pytest.raises(ValueError, match=says):
        head(plan, 6, 5)
