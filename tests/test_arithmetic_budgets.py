import itertools
import random

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.arithmetic import budgets as B
from cnnlab.arithmetic import constrained_time as T
from cnnlab.arithmetic.sizes import CAFFENET, Layer
from cnnlab.techniques.convolutions import CONVOLUTIONS


def weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.ndim == 4)


def flops(module: nn.Module, *shape: int) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        module(torch.empty(shape))
    return counter.get_total_flops()


def chain(layers: list[Layer], *, channels: int = 3, ceil_mode: bool = False) -> nn.Sequential:
    """The layers as torch's, on the meta device."""
    modules = []
    with torch.device("meta"):
        for layer in layers:
            if layer.channels is None:
                modules.append(nn.MaxPool2d(layer.kernel_size, layer.stride, layer.padding, ceil_mode=ceil_mode))
            else:
                modules.append(nn.Conv2d(channels, *layer[:4], groups=layer.groups))
                channels = layer.channels
    return nn.Sequential(*modules)


@pytest.mark.rows("C07", "K08")
def test_the_parameters_of_thirty_convolutions_are_torchs():
    draw = random.Random(0)
    for _ in range(30):
        groups, bias = draw.choice([1, 2, 4]), draw.random() < 0.5
        channels = groups * draw.randint(1, 9), groups * draw.randint(1, 9)
        kernel = (draw.randint(1, 7), draw.randint(1, 7))
        layer = nn.Conv2d(*channels, kernel, groups=groups, bias=bias, device="meta")
        assert B.conv_parameters(*channels, kernel, groups=groups, bias=bias) == sum(
            p.numel() for p in layer.parameters()
        )


@pytest.mark.rows("C07")
def test_sixteen_filters_on_one_channel_have_160_parameters():
    assert B.conv_parameters(1, 16, 3) == 160


@pytest.mark.rows("C04", "C07")
def test_caffenet_has_the_published_parameters_under_either_rounding():
    assert B.caffenet_parameters() == 13_300_072
    assert B.caffenet_parameters(ceil_mode=False) == 10_678_632
    assert (
        B.caffenet_parameters(227, hidden=4096)
        == B.caffenet_parameters(227, hidden=4096, ceil_mode=False)
        == 60_965_224
    )


@pytest.mark.rows("K01")
@pytest.mark.parametrize(("kernel", "stack", "full"), [(5, 1_179_648, 1_638_400), (7, 1_769_472, 3_211_264)])
def test_stacks_of_3x3_have_the_published_weights(kernel, stack, full):
    assert B.layer_weights("stack_of_3x3", 256, 256, kernel) == stack
    assert B.layer_weights("full", 256, 256, kernel) == full


@pytest.mark.rows("K03", "K06", "K07")
@pytest.mark.parametrize(
    ("name", "channels", "published"),
    [
        ("row_column", (256, 256), 393_216),
        ("full", (256, 256), 589_824),
        ("full", (256, 128), 294_912),
        ("depthwise_separable", (256, 128), 35_072),
        ("row_column_depthwise", (256, 128), 34_304),
    ],
)
def test_separable_layers_have_the_published_weights(name, channels, published):
    assert B.layer_weights(name, *channels) == published


@pytest.mark.rows("K06")
def test_the_share_of_a_depthwise_separable_layer_is_one_over_the_channels_and_one_over_the_window():
    share = B.layer_weights("depthwise_separable", 256, 128) / B.layer_weights("full", 256, 128)
    assert share == pytest.approx(1 / 128 + 1 / 9, rel=1e-12) == pytest.approx(0.118924, abs=5e-7)


@pytest.mark.rows("K01", "K03", "K04", "K05", "K06", "K07")
@pytest.mark.parametrize("name", B.WEIGHTS)
def test_weights_and_multiply_adds_are_those_of_the_layers_themselves(name):
    draw = random.Random(1)
    for _ in range(12):
        before, after, kernel, height, width = draw.randint(1, 20), draw.randint(1, 20), draw.choice([3, 5, 7]), 9, 7
        with torch.device("meta"):
            layer = CONVOLUTIONS[name](before, after, kernel_size=kernel)
        assert B.layer_weights(name, before, after, kernel) == weights(layer)
        macs = B.layer_macs(name, before, after, kernel, pixels=height * width)
        assert 2 * macs == flops(layer, 1, before, height, width)


@pytest.mark.rows("K05")
def test_the_lectures_bottleneck_saves_two_thirds():
    assert 256 * 64 * 32 * 32 == 16_777_216 and B.bottleneck_weights(256, 64, 128) * 32 * 32 == 92_274_688
    assert B.layer_macs("full", 256, 128, pixels=32 * 32) == 301_989_888


@pytest.mark.rows("K05")
def test_at_the_break_even_width_a_bottleneck_costs_what_it_replaces():
    assert B.break_even(256, 128) == pytest.approx(209.4545, abs=1e-4)
    for before, after, kernel in itertools.product((16, 64, 256), (8, 128, 512), (1, 3, 5)):
        width = B.break_even(before, after, kernel)
        full = kernel**2 * before * after
        assert B.bottleneck_weights(before, int(width), after, kernel) <= full
        assert B.bottleneck_weights(before, int(width) + 1, after, kernel) > full


@pytest.mark.rows("C06")
def test_multiply_adds_of_a_chain_are_half_of_torchs_flops():
    layers = [Layer(8, 5, 2, 1), Layer(None, 3, 2), Layer(12, 3, padding=1, groups=4), Layer(6, 1)]
    module = chain(layers)
    assert 2 * B.total(layers, 40).macs == flops(module, 1, 3, 40, 40)
    assert B.total(layers, 40).weights == weights(module)


# He & Sun's Table 1 as S3 prints it, and the sheet's values to three places.
TABLE = dict(zip("ABCDEFGHIJ", (1, 0.96, 1.02, 0.98, 0.99, 1, 1, 0.97, 0.93, 0.98), strict=True))
SHEET = dict(zip("ABCDEFGHIJ", (1, 0.961, 1.025, 0.986, 0.990, 1, 1, 0.969, 0.930, 0.970), strict=True))


@pytest.mark.rows("K02")
@pytest.mark.parametrize("name", T.STAGES)
def test_the_ten_models_cost_what_the_study_prints(name):
    assert T.relative_cost(name) == pytest.approx(TABLE[name], abs=0.01)
    assert T.relative_cost(name) == pytest.approx(SHEET[name], abs=0.0005)


@pytest.mark.rows("K02", "C06")
@pytest.mark.parametrize("name", T.STAGES)
def test_the_cost_of_a_model_is_that_of_the_network_built_in_torch(name):
    layers = T.constrained_time(name)
    assert 2 * B.total(layers, 224).macs == flops(chain(layers), 1, 3, 224, 224)


@pytest.mark.rows("K02")
def test_the_ten_models_have_the_published_depths():
    depths = {name: sum(layer.channels is not None for layer in T.constrained_time(name)) for name in T.STAGES}
    assert depths == {"A": 5, "B": 8, "C": 6, "D": 9, "E": 11, "F": 8, "G": 11, "H": 8, "I": 11, "J": 11}


@pytest.mark.rows("K02")
def test_with_even_kernels_that_keep_their_maps_model_e_would_cost_more():
    """2 x 2 padded below and on the right only: 4·C·C' multiply-adds on every one of 36² or 18² pixels."""
    stem = 3 * 49 * 64 * 109**2
    e = stem + 4 * 36**2 * (64 * 128 + 3 * 128**2) + 4 * 18**2 * (128 * 256 + 5 * 256**2)
    assert e / B.total(T.constrained_time("A"), 224).macs == pytest.approx(1.025, abs=0.0005)


@pytest.mark.rows("W04")
@pytest.mark.parametrize("size", [64, 96, 128])
def test_twice_the_side_is_four_times_the_cost(size):
    layers = [Layer(16, 3, padding=1), Layer(None, 2, 2), Layer(32, 3, padding=1), Layer(32, 3, 2, 1)]
    once, twice = B.total(layers, size), B.total(layers, 2 * size)
    assert (twice.macs, twice.weights) == (4 * once.macs, once.weights)


@pytest.mark.rows("W04")
def test_caffenet_at_the_published_sizes_costs_what_torch_counts():
    layers = list(CAFFENET.values())
    baseline = flops(chain(layers, ceil_mode=True), 1, 3, 128, 128)
    for size in (64, 96, 128, 180, 224, 300):
        macs = B.total(layers, size, ceil_mode=True).macs
        assert 2 * macs == flops(chain(layers, ceil_mode=True), 1, 3, size, size)
        assert 2 * macs / baseline == pytest.approx((size / 128) ** 2, rel=0.2)


@pytest.mark.rows("C07")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: B.conv_parameters(6, 8, 3, groups=4), "groups must be a divisor of 6 and of 8; got 4"),
        (lambda: B.layer_weights("full", 8, 8, 0), "kernel_size must be at least 1; got 0"),
        (lambda: B.layer_weights("stack_of_3x3", 8, 16, 1), "kernel_size must be odd and at least 3, .*; got 1"),
        (lambda: B.layer_macs("stack_of_3x3", 8, 16, 4, pixels=9), "kernel_size must be odd and at least 3, .*; got 4"),
        (lambda: B.layer_weights("octave", 8, 8), 'layer "octave" is unknown; choose one of: bottleneck'),
        (lambda: T.constrained_time("K"), 'model "K" is unknown; choose one of: A, B'),
    ],
    ids=["groups", "no kernel", "no stack", "even stack", "layer", "model"],
)
def test_what_cannot_be_counted_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
