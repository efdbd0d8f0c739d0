import pytest
import torch
from scipy.stats import chisquare
from timm.layers import SelectAdaptivePool2d
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import pooling as P

WINDOWS = [(2, 2), (3, 2), (3, 1), (2, 3)]


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def window(*values: float) -> torch.Tensor:
    """One 3x3 window, the rest zeros."""
    return torch.tensor([*values, *[0.0] * (9 - len(values))], dtype=torch.float64).view(1, 1, 3, 3)


@pytest.mark.rows("S03")
@pytest.mark.parametrize(("kernel_size", "stride"), WINDOWS)
def test_the_backward_pass_of_max_pooling_by_hand_is_autograds(kernel_size, stride):
    x = maps(2, 3, 9, 8).requires_grad_()
    y = F.max_pool2d(x, kernel_size, stride)
    grad = torch.randn_like(y)
    y.backward(grad)
    got = P.max_pool_backward(grad, x.detach(), kernel_size=kernel_size, stride=stride)
    torch.testing.assert_close(got, x.grad, rtol=0, atol=1e-15)  # overlapping windows add in another order


@pytest.mark.rows("S03")
def test_overlapping_windows_add_their_gradients_at_a_shared_maximum():
    x = torch.tensor([[1.0, 2.0, 9.0, 4.0, 5.0]] * 1 + [[0.0] * 5] * 2)[None, None]
    got = P.max_pool_backward(torch.tensor([[[[10.0, 1.0]]]]), x, kernel_size=3, stride=2)
    assert got[0, 0, 0].tolist() == [0, 0, 11, 0, 0] and got.sum() == 11


@pytest.mark.rows("S03")
def test_a_shift_by_one_pixel_changes_less_than_half_of_what_max_pooling_gives_of_a_smooth_disk():
    place = torch.arange(32.0) - 16
    disk = (place[:, None] ** 2 + place**2 < 100).double()[None, None]
    before, after = (P.pooling("max")(2)(image) for image in (disk, disk.roll(1, dims=-1)))
    assert 0 < (before != after).double().mean() < 0.5


@pytest.mark.rows("S04")
@pytest.mark.parametrize(("kernel_size", "stride"), WINDOWS)
def test_average_pooling_is_a_depthwise_convolution_with_a_box(kernel_size, stride):
    x = maps(2, 3, 9, 8)
    want = P.POOLINGS["average"](kernel_size, stride)(x)
    torch.testing.assert_close(P.average_pool(x, kernel_size, stride=stride), want)


@pytest.mark.rows("S04")
@pytest.mark.parametrize(("counts", "corner"), [(True, 4 / 9), (False, 1.0)])
def test_the_padding_counts_or_not(counts, corner):
    pool = P.POOLINGS["average"](3, 1, padding=1, count_include_pad=counts)
    assert pool(torch.ones(1, 1, 5, 5))[0, 0, 0, 0].item() == pytest.approx(corner)


@pytest.mark.rows("S05")
def test_stochastic_pooling_is_neither_average_nor_maximum_at_test_time():
    x = window(1.6, 2.4)
    assert P.StochasticPool2d(3).eval()(x).item() == pytest.approx(2.08, abs=1e-6)  # .4 x 1.6 + .6 x 2.4
    assert F.avg_pool2d(x, 3).item() == pytest.approx(0.444, abs=1e-3) and F.max_pool2d(x, 3).item() == 2.4


@pytest.mark.rows("S05")
@pytest.mark.parametrize("values", [(1.6, 2.4), (0, 3, 0, 1, 2, 0, 0, 0, 4)])
def test_stochastic_pooling_draws_in_proportion(values):
    torch.manual_seed(0)
    drawn = P.StochasticPool2d(3)(window(*values).expand(4000, 1, 3, 3)).flatten()
    sizes = torch.tensor([v for v in values if v > 0], dtype=torch.float64)
    counts = (drawn[:, None] == sizes).sum(0)
    assert counts.sum() == 4000  # a zero is never drawn
    assert chisquare(counts, 4000 * sizes / sizes.sum()).pvalue > 0.01


@pytest.mark.rows("S05")
@pytest.mark.parametrize("training", [True, False])
def test_stochastic_pooling_of_zeros_and_of_negatives_is_zero(training):
    pool = P.StochasticPool2d(3).train(training)
    for x in (window(), -window(1.0, 2.0)):
        x.requires_grad_()
        assert pool(x).item() == 0
        pool(x).sum().backward()
        assert torch.isfinite(x.grad).all()


@pytest.mark.rows("S05")
def test_stochastic_pooling_in_evaluation_does_not_overflow_in_half_precision():
    x = torch.full((1, 1, 3, 3), 8000.0, dtype=torch.float16)  # nine of them are over the largest float16, 65504
    assert P.StochasticPool2d(3).eval()(x).item() == pytest.approx(8000, rel=1e-3)


@pytest.mark.rows("S05")
def test_stochastic_pooling_sends_the_gradient_to_the_drawn_element():
    torch.manual_seed(0)
    x = (maps(2, 3, 8, 8).abs() + 0.1).requires_grad_()
    y = P.StochasticPool2d(2)(x)
    y.sum().backward()
    torch.testing.assert_close(F.avg_pool2d(x * x.grad, 2) * 4, y)  # the gradient is 1 where it was drawn, else 0
    assert set(x.grad.unique().tolist()) == {0, 1}


@pytest.mark.rows("S06")
def test_max_plus_average_doubles_a_constant_and_is_twice_timms_half_sum():
    constant = torch.full((1, 2, 6, 6), 1.25)
    assert (P.MaxAveragePool2d(2)(constant) == 2.5).all()
    x = maps(2, 3, 6, 6)
    torch.testing.assert_close(P.MaxAveragePool2d(6)(x), 2 * SelectAdaptivePool2d(pool_type="avgmax")(x))


@pytest.mark.parametrize(("kernel_size", "stride"), [(2, None), *WINDOWS])
def test_windows_hold_what_the_poolings_of_torch_see(kernel_size, stride):
    x = maps(2, 3, 9, 8)
    rows = P.windows(x, kernel_size, stride)
    assert torch.equal(rows.amax(-1), F.max_pool2d(x, kernel_size, stride))
    torch.testing.assert_close(rows.mean(-1), F.avg_pool2d(x, kernel_size, stride))


@pytest.mark.rows("S08")
def test_the_head_grows_with_the_window_as_in_caffenet128():
    by_side = {side: P.dense_parameters(256 * side**2, 2048, classes=1000) for side in (2, 3)}
    head = nn.Sequential(nn.Linear(2304, 2048), nn.Linear(2048, 2048), nn.Linear(2048, 1000)).to("meta")
    assert by_side[3] == sum(p.numel() for p in head.parameters())
    assert by_side[3] - by_side[2] == 13_300_072 - 10_678_632  # pool5 of 3x3 against 2x2


@pytest.mark.rows("S08")
@pytest.mark.parametrize(
    ("features", "classes", "budget"), [(4096, 1000, 10_965_992), (6400, 1000, 10_965_992), (5, 3, 100)]
)
def test_the_matched_width_costs_closest_to_the_budget(features, classes, budget):
    def cost(width):
        return (features + 1) * width + (width + 1) * width + (width + 1) * classes

    width = P.matched_width(features, budget, classes=classes)
    assert width == min(range(1, 4000), key=lambda w: abs(cost(w) - budget))
    assert abs(cost(width) / budget - 1) < 0.01 or budget == 100


@pytest.mark.rows("S08")
def test_the_matched_width_is_the_closest_for_every_budget_of_a_small_head():
    def cost(width):
        return (2 + 1) * width + (width + 1) * width + (width + 1) * 4

    for budget in range(cost(1), 400):
        assert P.matched_width(2, budget, classes=4) == min(range(1, 30), key=lambda w: abs(cost(w) - budget))


@pytest.mark.rows("S08")
@pytest.mark.parametrize(("kernel_size", "padding", "side"), [(3, 0, 3), (2, 0, 4), (3, 1, 5)])
def test_the_three_poolings_of_caffenet128_leave_3_4_and_5_and_can_have_heads_of_one_cost(kernel_size, padding, side):
    pool = P.pooling("max")(kernel_size, 2, padding=padding, ceil_mode=True)
    first, second, rest = nn.Conv2d(3, 1, 11, 4), nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 3, padding=1)
    last = nn.Sequential(first, pool, second, pool, rest, pool)(torch.zeros(1, 3, 128, 128))
    assert last.shape[-2:] == (side, side)
    features, budget = 256 * side**2, 13_300_072 - 2_334_080  # all of CaffeNet less its convolutions
    width = P.matched_width(features, budget, classes=1000)
    head = nn.Sequential(nn.Linear(features, width), nn.Linear(width, width), nn.Linear(width, 1000)).to("meta")
    assert sum(p.numel() for p in head.parameters()) == pytest.approx(budget, rel=0.01)
    assert (width == 2048) == (side == 3)


@pytest.mark.rows("S08")
def test_a_budget_too_small_for_any_head_is_refused():
    with pytest.raises(ValueError, match="budget must be at least 14, the parameters of a head of width 1; got 13"):
        P.matched_width(5, 13, classes=3)


@pytest.mark.rows("S09")
def test_global_average_pooling_commutes_with_a_linear_layer():
    features, linear = maps(2, 5, 4, 6), nn.Linear(5, 7).double()
    pointwise = F.conv2d(features, linear.weight[:, :, None, None], linear.bias)
    torch.testing.assert_close(linear(P.global_average_pool(features)), P.global_average_pool(pointwise))
    torch.testing.assert_close(P.global_average_pool(features), nn.AdaptiveAvgPool2d(1)(features).flatten(1))


@pytest.mark.rows("S09")
def test_the_mean_of_a_class_activation_map_and_the_bias_are_the_logit():
    features, linear = maps(2, 5, 4, 6), nn.Linear(5, 7).double()
    cam = P.class_activation_map(features, linear.weight)
    torch.testing.assert_close(cam.mean((2, 3)) + linear.bias, linear(features.mean((2, 3))))
    torch.testing.assert_close(cam, F.conv2d(features, linear.weight[:, :, None, None]))


@pytest.mark.rows("S10")
@pytest.mark.parametrize("size", [(3, 3), (7, 13), (32, 20)])
def test_a_spatial_pyramid_gives_one_length_for_any_image(size):
    x = maps(2, 256, *size)
    vector = P.SpatialPyramidPool2d()(x)
    assert vector.shape == (2, 3584)
    ends = [0, 256, 256 * 5, 256 * 14]
    for side, start, end in zip((1, 2, 3), ends, ends[1:], strict=False):
        assert torch.equal(vector[:, start:end].view(2, 256, side, side), nn.AdaptiveMaxPool2d(side)(x))


def test_an_unknown_pooling_lists_the_choices():
    with pytest.raises(ValueError, match='pooling "maxx" is unknown; choose one of: average, max, max_average'):
        P.pooling("maxx")
