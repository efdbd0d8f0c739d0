import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.arithmetic import widths as W
from cnnlab.arithmetic.budgets import total
from cnnlab.arithmetic.sizes import CAFFENET, Layer

# Mishkin et al.'s CaffeNet at 128 pixels, width relative to the original: top-1 accuracy on ImageNet.
PUBLISHED = [(2**2.5, 0.565), (4, 0.563), (2**1.5, 0.552), (2, 0.533), (2**0.5, 0.506), (1, 0.471)]
PUBLISHED += [(2**-0.5, 0.460), (0.5, 0.416), (2**-1.5, 0.340), (2**-1.5, 0.318), (0.25, 0.256)]


@pytest.mark.rows("P05")
@pytest.mark.parametrize(("channels", "size"), [(16, 32), (64, 56), (96, 14)])
def test_twice_the_channels_on_half_the_side_keep_the_cost(channels, size):
    before, after = W.Stage(channels, size), W.Stage(channels, size).next()
    assert (after.macs, after.weights, 2 * after.activations) == (before.macs, 4 * before.weights, before.activations)
    for stage in (before, after):
        conv = nn.Conv2d(stage.channels, stage.channels, 3, padding=1, bias=False, device="meta")
        with FlopCounterMode(display=False) as counter:
            y = conv(torch.empty(1, stage.channels, stage.size, stage.size, device="meta"))
        assert counter.get_total_flops() == 2 * stage.macs
        assert (conv.weight.numel(), y.numel()) == (stage.weights, stage.activations)


@pytest.mark.rows("P05")
@pytest.mark.parametrize("growth", [0.5, 1, 1.5, 2, 3])
@pytest.mark.parametrize("budget", [10**6, 10**7, 10**8, 123_456_789])
def test_the_widths_of_a_budget_spend_it_and_grow_steadily(growth, budget):
    widths = W.solve_widths(budget, growth)
    macs = sum(9 * width**2 * side**2 for width, side in zip(widths, (32, 16, 8), strict=True))
    assert macs == pytest.approx(budget, rel=0.02)
    assert widths == sorted(widths, reverse=growth < 1)
    assert all(b == pytest.approx(growth * a, abs=1 + 2 * growth) for a, b in zip(widths, widths[1:], strict=False))


@pytest.mark.rows("P05")
def test_a_pyramidnet_of_110_layers_widens_from_16_to_64():
    widths = W.additive_widths(16, 48, 54)
    assert len(widths) == 54 and widths[-1] == 64 and widths[:3] == [16, 17, 18]
    assert {b - a for a, b in zip(widths, widths[1:], strict=False)} == {0, 1}


@pytest.mark.rows("P11")
def test_twice_the_hidden_widths_are_four_times_the_interior_weights():
    layers = [Layer(32, 3, padding=1), Layer(64, 3, padding=1), Layer(64, 3, padding=1), Layer(128, 3, padding=1)]
    wide = W.scaled(layers, 2)
    first, interior = (total(part, 8, channels=c) for part, c in ((layers[:1], 3), (layers[1:], 32)))
    first2, interior2 = (total(part, 8, channels=c) for part, c in ((wide[:1], 3), (wide[1:], 64)))
    assert interior2.weights == 4 * interior.weights and first2.weights == 2 * first.weights
    assert interior2.macs == 4 * interior.macs and interior2.activations == 2 * interior.activations


def caffenet(factor: float) -> nn.Sequential:
    """CaffeNet's convolutions at `factor` times the width, on the meta device."""
    modules, channels = [], 3
    for layer in W.scaled(CAFFENET.values(), factor):
        if layer.channels is not None:
            modules.append(nn.Conv2d(channels, *layer[:4], groups=layer.groups, device="meta"))
            channels = layer.channels
    return nn.Sequential(*modules)


@pytest.mark.rows("P11")
@pytest.mark.parametrize("factor", [0.25, 2**-1.5, 0.5, 1, 2**2.5])
def test_scaled_layers_can_be_built_and_have_the_scaled_widths(factor):
    widths = [layer.out_channels for layer in caffenet(factor)]
    assert widths == pytest.approx([factor * width for width in (96, 256, 384, 384, 256)], abs=1)


@pytest.mark.rows("P11")
@pytest.mark.parametrize("budget", [10**6, 7_654_321, 5 * 10**8])
def test_the_widest_network_that_fits_is_found_and_the_next_does_not_fit(budget):
    def bytes_of(factor: float) -> int:
        return 4 * sum(p.numel() for p in caffenet(factor).parameters())

    factor = W.fit_width(bytes_of, budget, step=1 / 64)
    assert bytes_of(factor) <= budget < bytes_of(factor + 1 / 64)


@pytest.mark.rows("P11")
def test_a_square_cost_is_inverted_by_its_root():
    assert W.fit_width(lambda width: 100 * width**2, 900) == 3
    assert W.fit_width(lambda width: 100 * width**2, 899.9) == 3 - 1 / 64


@pytest.mark.rows("W01")
def test_the_fit_recovers_a_curve_exactly():
    widths = [0.25, 0.5, 1, 2, 4]
    fit = W.fit_saturation(widths, [0.6 - 0.1 * w**-0.8 for w in widths])
    assert fit == pytest.approx((0.6, 0.1, 0.8), abs=1e-6)


@pytest.mark.rows("W01")
def test_the_fit_is_scipys_on_the_published_widths():
    from scipy.optimize import curve_fit

    widths, accuracies = map(np.array, zip(*PUBLISHED, strict=True))
    want, _ = curve_fit(lambda w, a, b, c: a - b * w**-c, widths, accuracies, p0=(0.6, 0.1, 1))
    fit = W.fit_saturation(widths, accuracies)
    assert fit == pytest.approx(tuple(want), abs=1e-4)
    errors = [fit(w) - y for w, y in PUBLISHED]
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(0.0096, abs=0.0001) and fit.a < 0.6


@pytest.mark.rows("W01")
@pytest.mark.parametrize("held", [2**2.5, 4, 2**1.5, 2, 2**0.5, 1, 2**-0.5, 0.5, 0.25])
def test_a_held_out_width_is_predicted_within_two_points(held):
    fit = W.fit_saturation(*zip(*[(w, y) for w, y in PUBLISHED if w != held], strict=True))
    assert fit(held) == pytest.approx(dict(PUBLISHED)[held], abs=0.02)


@pytest.mark.rows("W02")
@pytest.mark.parametrize("depth", [8, 14, 20, 32])
@pytest.mark.parametrize(
    "budget", [20_000, 50_000, 100_000, 123_456, 272_474, 466_906, 10**6, 1_730_714, 5 * 10**6, 10**7]
)
def test_a_net_of_any_depth_meets_its_budget_within_one_percent(depth, budget):
    widths = W.plain_widths(depth, budget)
    with torch.device("meta"):
        net = W.plain_net(widths)
        assert net(torch.empty(2, 3, 32, 32)).shape == (2, 10)
    assert sum(isinstance(layer, nn.Conv2d) for layer in net) == depth == len(widths)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(budget, rel=0.01)
    assert max(widths) - min(widths) <= 1


@pytest.mark.rows("W02")
def test_the_closed_form_counts_other_images_and_classes_too():
    widths = W.plain_widths(9, 80_000, in_channels=1, classes=100)
    net = W.plain_net(widths, in_channels=1, classes=100)
    count = sum(p.numel() for p in net.parameters())
    assert W.plain_parameters(widths, in_channels=1, classes=100) == count == pytest.approx(80_000, rel=0.01)
    assert net(torch.zeros(1, 1, 8, 8)).shape == (1, 100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: W.solve_widths(10**6, 0), "growth must be above 0; got 0"),
        (lambda: W.solve_widths(-5), "budget must be above 0; got -5"),
        (lambda: W.solve_widths(10**6, layers=0), "layers must be at least 1; got 0"),
        (lambda: W.additive_widths(16, 48, 0), "layers must be at least 1; got 0"),
        (lambda: W.plain_widths(0, 1000), "depth must be at least 1; got 0"),
        (lambda: W.solve_widths(10**6, stages=7, size=32), "stages must be from 1 to 6, as often as 32 pixels can"),
        (lambda: W.solve_widths(100), "budget must be within 2 % of a network's; near is 12096; got 100"),
        (lambda: W.fit_width(lambda w: w, 0), "budget must be at least 0.015625, the cost of width 0.015625; got 0"),
        (lambda: W.fit_width(lambda w: w, 99), "budget must be below 64.0, the cost of width 64; got 99"),
        (lambda: W.fit_saturation([1, 2, 2], [0.1, 0.2, 0.2]), "widths must be at least three different ones"),
        (lambda: W.plain_widths(8, 500), "budget must be within 1 % of a net of 8 layers; near is"),
    ],
    ids=[
        *("growth", "negative", "no layers", "no steps", "no depth", "stages", "pyramid"),
        *("too small", "too large", "widths", "plain"),
    ],
)
def test_what_cannot_be_solved_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
