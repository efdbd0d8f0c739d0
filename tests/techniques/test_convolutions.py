import itertools

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.techniques import convolutions as C

ODD = sorted(set(C.CONVOLUTIONS) - {"full"})


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters() if p.ndim == 4)


def made(name: str, *channels: int, **options) -> nn.Module:
    with torch.device("meta"):
        return C.convolution(name)(*channels, **options)


@pytest.mark.rows("C03")
def test_same_padding_follows_tensorflows_rule_in_timm():
    from timm.layers import get_same_padding

    for n, k, s, d in itertools.product((1, 5, 6, 7, 32, 33), (1, 2, 3, 5, 7), (1, 2, 3, 4), (1, 2)):
        before, after = C.same_padding(n, k, stride=s, dilation=d)
        assert before + after == get_same_padding(n, k, s, d)
        assert after - before in (0, 1)


@pytest.mark.rows("C03")
def test_six_pixels_under_a_kernel_of_three_and_stride_two_get_one_pixel_after():
    assert C.same_padding(6, 3, stride=2) == (0, 1)
    assert C.SamePad2d(3, stride=2)(torch.ones(1, 1, 6, 6))[0, 0, -1].tolist() == [0] * 7


@pytest.mark.rows("C03")
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (2, 1, 1), (5, 3, 1), (3, 1, 2), ((4, 3), 2, 1)])
def test_same_at_any_stride_agrees_with_timm(kernel, stride, dilation):
    from timm.layers import Conv2dSame

    theirs = Conv2dSame(3, 4, kernel, stride, dilation=dilation)
    ours = nn.Conv2d(3, 4, kernel, stride, dilation=dilation)
    ours.load_state_dict(theirs.state_dict())
    for side in (6, 7, 11):
        x = torch.randn(2, 3, side, side + 2, generator=seeded())
        torch.testing.assert_close(ours(C.SamePad2d(kernel, stride=stride, dilation=dilation)(x)), theirs(x))


@pytest.mark.rows("C03")
def test_same_is_torchs_same_at_stride_one_and_differs_from_padding_one_at_stride_two():
    conv, x = nn.Conv2d(1, 1, 5, padding="same", dilation=2), torch.randn(1, 1, 8, 8, generator=seeded())
    plain = nn.Conv2d(1, 1, 5, dilation=2)
    plain.load_state_dict(conv.state_dict())
    torch.testing.assert_close(plain(C.SamePad2d(5, dilation=2)(x)), conv(x))
    ones, kernel = torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3)
    same = torch.conv2d(C.SamePad2d(3, stride=2)(ones), kernel, stride=2)
    padded = torch.conv2d(ones, kernel, stride=2, padding=1)
    assert same[0, 0, 0, 0] == 9 and same[0, 0, -1, -1] == 4  # the extra zeros stand below and on the right
    assert padded[0, 0, 0, 0] == 4 and padded[0, 0, -1, -1] == 9


@pytest.mark.rows("K01", "K02", "K03", "K04", "K05", "K06", "K07", "K08")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_every_layer_gives_the_map_of_the_full_convolution(name, kernel, stride):
    for side in (8, 9):
        x = torch.empty(1, 4, side, side, device="meta")
        full = nn.Conv2d(4, 8, kernel, stride, kernel // 2, device="meta")
        assert made(name, 4, 8, kernel_size=kernel, stride=stride)(x).shape == full(x).shape


@pytest.mark.rows("K01", "K02", "K03", "K04", "K05", "K06", "K07")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_every_layer_sees_the_window_of_the_full_convolution(name, kernel):
    layer = C.convolution(name)(2, 4, kernel_size=kernel).double().eval()
    for parameter in layer.parameters():
        nn.init.ones_(parameter)  # with positive weights no ReLU closes, so every path counts
    x = torch.ones(1, 2, 15, 15, dtype=torch.float64, requires_grad=True)
    layer(x)[0, :, 7, 7].sum().backward()
    seen = x.grad[0].sum(0).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [kernel, kernel]
    assert len(seen) == kernel**2


@pytest.mark.rows("K01")
@pytest.mark.parametrize(("kernel", "published", "full"), [(5, 1_179_648, 1_638_400), (7, 1_769_472, 3_211_264)])
def test_stacks_of_3x3_have_the_published_weights(kernel, published, full):
    assert weights(made("stack_of_3x3", 256, 256, kernel_size=kernel)) == published
    assert weights(made("full", 256, 256, kernel_size=kernel)) == full
    assert sum(isinstance(m, nn.ReLU) for m in made("stack_of_3x3", 256, 256, kernel_size=kernel)) == kernel // 2 - 1


@pytest.mark.rows("K02", "K03")
@pytest.mark.parametrize(("name", "published"), [("stack_of_2x2", 524_288), ("row_column", 393_216)])
def test_two_small_kernels_have_fewer_weights_than_a_3x3(name, published):
    assert weights(made(name, 256, 256)) == published < weights(made("full", 256, 256)) == 589_824


@pytest.mark.rows("K02")
def test_maps_of_2x2_layers_alternate_between_two_sizes():
    x, sizes = torch.empty(1, 2, 36, 36, device="meta"), []
    for layer in made("stack_of_2x2", 2, 2, kernel_size=5):
        x = layer(x)
        sizes.append(x.shape[-1])
    assert sizes[::2] == [35, 36, 35, 36]


@pytest.mark.rows("K04")
def test_the_layers_of_mlpconv_after_the_first_are_dense_layers_at_each_pixel():
    x, layer = torch.randn(2, 3, 5, 5, generator=seeded()), C.mlpconv(3, 4)
    h = layer[0](x)
    for one in (layer[2], layer[4]):
        h = torch.einsum("oc,nchw->nohw", one.weight[:, :, 0, 0], h.relu())
    torch.testing.assert_close(layer(x), h, rtol=0, atol=1e-6)


@pytest.mark.rows("K05")
def test_a_bottleneck_costs_what_the_lecture_counts():
    layer = made("bottleneck", 256, 128, squeeze=64)
    assert 32 * 32 * weights(layer) == 16_777_216 + 75_497_472 == 92_274_688
    assert 32 * 32 * weights(made("full", 256, 128)) == 301_989_888
    assert made("bottleneck", 256, 128)[0].out_channels == 64


@pytest.mark.rows("K06", "K07")
@pytest.mark.parametrize(
    ("name", "published"), [("full", 294_912), ("depthwise_separable", 35_072), ("row_column_depthwise", 34_304)]
)
def test_separable_layers_have_the_published_weights(name, published):
    assert weights(made(name, 256, 128)) == published


@pytest.mark.rows("K06")
def test_a_depthwise_separable_layer_is_timms():
    from timm.layers import SeparableConv2d

    theirs, ours = SeparableConv2d(6, 8, 3, stride=2), C.depthwise_separable(6, 8, stride=2)
    ours[0].weight, ours[1].weight = theirs.conv_dw.weight, theirs.conv_pw.weight
    x = torch.randn(2, 6, 9, 9, generator=seeded())
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.rows("K06")
def test_pointwise_first_filters_what_was_mixed():
    layer, x = C.pointwise_first(3, 5), torch.randn(2, 3, 6, 6, generator=seeded())
    mixed = torch.einsum("oc,nchw->nohw", layer[0].weight[:, :, 0, 0], x)
    want = torch.cat([torch.conv2d(mixed[:, i : i + 1], layer[1].weight[i : i + 1], padding=1) for i in range(5)], 1)
    torch.testing.assert_close(layer(x), want)


@pytest.mark.rows("K06")
def test_mobilenet_v1_of_these_blocks_has_the_published_parameters():
    widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    with torch.device("meta"):
        blocks = [C.mobilenet(a, b, stride=s) for a, b, s in zip(widths, widths[1:], strides, strict=False)]
        stem = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)]
        net = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))
        assert sum(p.numel() for p in net.parameters()) == 4_231_976
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, 3, 224, 224))
    assert counter.get_total_flops() == 2 * 568_740_352


@pytest.mark.rows("K07")
def test_both_separations_save_two_percent_and_are_a_depthwise_kernel_of_rank_one():
    saved = 1 - weights(made("row_column_depthwise", 256, 128)) / weights(made("depthwise_separable", 256, 128))
    assert saved == pytest.approx(0.022, abs=0.0005)
    layer = C.row_column_depthwise(3, 4)
    space = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
    space.weight.data = layer[1].weight.data * layer[0].weight.data  # column times row
    x = torch.randn(1, 3, 6, 6, generator=seeded())
    torch.testing.assert_close(layer(x), layer[2](space(x)), rtol=0, atol=1e-6)


@pytest.mark.rows("K08")
def test_after_the_shuffle_every_group_feeds_every_group():
    two = nn.Sequential(C.grouped(4, 4, groups=2), C.grouped(4, 4, groups=2)).double()
    x = torch.randn(1, 4, 5, 5, dtype=torch.float64, generator=seeded(), requires_grad=True)
    for channel, reached in ((two[0], 2), (two, 4)):
        (gradient,) = torch.autograd.grad(channel(x)[0, 0].sum(), x)
        assert gradient[0].flatten(1).any(1).sum() == reached


def test_an_unknown_convolution_lists_the_choices():
    with pytest.raises(ValueError, match='convolution "octave" is unknown; choose one of: bottleneck, depthwise_sep'):
        C.convolution("octave")


def test_a_bottleneck_of_no_channels_is_refused():
    with pytest.raises(ValueError, match="squeeze must be 1 channel or more; got 0"):
        C.bottleneck(16, 8, squeeze=0)
