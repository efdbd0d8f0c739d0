import itertools
import random

import pytest
import torch
from torch import nn

from cnnlab.arithmetic import sizes as S


def made(layer: nn.Module, size: int) -> int | None:
    """The side of the map that torch's layer makes; None where it refuses."""
    try:
        return layer(torch.empty(1, 1, size, size, device="meta")).shape[-1]
    except RuntimeError:
        return None


def ours(function, *sizes: int, **layer) -> int | None:
    try:
        return function(*sizes, **layer)
    except ValueError:
        return None


@pytest.mark.rows("C02")
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "out"),
    [(28, 3, 1, 1, 28), (32, 3, 1, 1, 32), (227, 11, 4, 0, 55), (128, 11, 4, 0, 30), (7, 2, 2, 0, 3)],
)
def test_the_published_sizes(size, kernel, stride, padding, out):
    assert S.out_size(size, kernel, stride=stride, padding=padding) == out


@pytest.mark.rows("C02")
def test_the_size_is_torchs_for_three_thousand_convolutions():
    draw = random.Random(0)
    for _ in range(3000):
        kernel, stride, dilation, padding = (
            draw.randint(1, 7),
            draw.randint(1, 5),
            draw.randint(1, 3),
            draw.randint(0, 4),
        )
        size, layer = draw.randint(1, 40), {"stride": stride, "padding": padding, "dilation": dilation}
        want = made(nn.Conv2d(1, 1, kernel, device="meta", **layer), size)
        assert ours(S.out_size, size, kernel, **layer) == want


@pytest.mark.rows("C02", "C04")
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_the_size_is_torchs_for_two_thousand_pools(ceil_mode):
    draw = random.Random(1)
    for _ in range(2000):
        kernel, stride, dilation = draw.randint(1, 6), draw.randint(1, 6), draw.randint(1, 3)
        layer = {"stride": stride, "padding": draw.randint(0, kernel // 2), "dilation": dilation}
        size = draw.randint(dilation * (kernel - 1) + 1, 40)
        want = made(nn.MaxPool2d(kernel, ceil_mode=ceil_mode, **layer), size)
        assert S.out_size(size, kernel, ceil_mode=ceil_mode, **layer) == want


@pytest.mark.rows("C02")
def test_the_solver_finds_the_least_padding_that_makes_the_map():
    for size, wanted, kernel, stride, dilation in itertools.product(
        (5, 8, 13), range(1, 16), (1, 2, 3, 5), (1, 2, 3), (1, 2)
    ):
        layer = {"stride": stride, "dilation": dilation}
        fits = [p for p in range(40) if ours(S.out_size, size, kernel, padding=p, **layer) == wanted]
        assert ours(S.solve_padding, size, wanted, kernel, **layer) == (fits[0] if fits else None)


@pytest.mark.rows("C02")
def test_an_odd_kernel_keeps_the_map_with_half_of_it_as_padding():
    assert [S.solve_padding(28, 28, k) for k in (1, 3, 5, 7)] == [0, 1, 2, 3]
    assert S.solve_padding(28, 28, 3, dilation=2) == 2


@pytest.mark.rows("C02")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: S.out_size(4, 7, padding=1), "kernel_size must be within 4 pixels padded by 1; got 7"),
        (lambda: S.out_size(4, 3, stride=0), "stride must be at least 1; got 0"),
        (lambda: S.out_size(4, 3, padding=-1), "within 4 pixels padded by -1"),
        (lambda: S.solve_padding(8, 8, 2), "wanted must be a map that equal padding can make; 1 on both sides makes 9"),
        (lambda: S.solve_padding(8, 0, 3), "wanted must be at least 1; got 0"),
        (
            lambda: S.transposed_size(4, 3, stride=2, output_padding=2),
            "output_padding must be from 0 to 1, below stride",
        ),
        (lambda: S.transposed_size(1, 1, padding=1), r"padding must be less, so that a map is left \(its side is -1\)"),
        (lambda: S.transposed_size(5, 3, padding=-1), "padding must be at least 0; got -1"),
        (lambda: S.padded("reflect", 5, 3), 'padding "reflect" is unknown; choose one of: same, valid'),
    ],
    ids=[
        "kernel",
        "stride",
        "negative",
        "solve",
        "no map",
        "output padding",
        "nothing left",
        "negative transposed",
        "name",
    ],
)
def test_sizes_that_cannot_be_are_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.rows("C03")
def test_same_and_valid_follow_tensorflows_table():
    """The rule as TensorFlow's guide to `tf.nn` states it, in its own words: by cases of n mod s."""
    for n, k, s in itertools.product(range(7, 27), (1, 2, 3, 5, 7), (1, 2, 3, 4)):
        total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
        assert S.padded("same", n, k, stride=s) == ((n + s - 1) // s, total // 2, total - total // 2)
        assert S.padded("valid", n, k, stride=s) == ((n - k + s) // s, 0, 0)


@pytest.mark.rows("C03")
def test_six_pixels_kernel_three_stride_two():
    assert S.same(6, 3, stride=2) == (3, 0, 1)


@pytest.mark.rows("C03")
def test_same_padding_put_around_the_image_makes_that_map_in_torch():
    for n, k, s, d in itertools.product((5, 6, 11), (1, 2, 3, 4), (1, 2, 3), (1, 2)):
        size, before, after = S.same(n, k, stride=s, dilation=d)
        pad = nn.functional.pad(torch.empty(1, 1, n, n, device="meta"), (before, after) * 2)
        assert nn.Conv2d(1, 1, k, s, dilation=d, device="meta")(pad).shape[-1] == size


@pytest.mark.rows("C04")
def test_caffenet_on_128_pixels_has_the_published_maps():
    caffe = S.trace(S.CAFFENET.values(), 128, ceil_mode=True)
    torch_ = S.trace(S.CAFFENET.values(), 128)
    assert dict(zip(S.CAFFENET, caffe, strict=True)) == {
        "conv1": 30, "pool1": 15, "conv2": 15, "pool2": 7, "conv3": 7, "conv4": 7, "conv5": 7, "pool5": 3,
    }  # fmt: skip
    assert torch_ == [30, 14, 14, 6, 6, 6, 6, 2]


@pytest.mark.rows("C04")
@pytest.mark.parametrize(
    ("pool", "last"), [((2, 2, 0), 4), ((3, 2, 0), 3), ((3, 2, 1), 5)], ids=["2/2", "3/2", "3/2p1"]
)
def test_caffenet_with_other_pools_ends_in_the_published_maps(pool, last):
    layers = [layer if layer.channels else S.Layer(None, *pool) for layer in S.CAFFENET.values()]
    assert S.trace(layers, 128, ceil_mode=True)[-1] == last


@pytest.mark.rows("S11")
def test_the_transposed_size_is_torchs():
    draw = random.Random(2)
    for _ in range(1000):
        kernel, stride, dilation = draw.randint(1, 6), draw.randint(1, 4), draw.randint(1, 3)
        layer = {"stride": stride, "dilation": dilation, "padding": draw.randint(0, 3)}
        layer["output_padding"] = draw.randint(0, max(stride, dilation) - 1)
        size = draw.randint(1, 12)
        want = made(nn.ConvTranspose2d(1, 1, kernel, device="meta", **layer), size)
        assert ours(S.transposed_size, size, kernel, **layer) == want


@pytest.mark.rows("S11")
def test_one_output_padding_gives_back_the_size_that_a_stride_took():
    for size, kernel, stride in itertools.product(range(7, 20), (1, 3, 5), (1, 2, 3)):
        small = S.out_size(size, kernel, stride=stride, padding=1)
        back = [S.transposed_size(small, kernel, stride=stride, padding=1, output_padding=o) for o in range(stride)]
        assert size in back


@pytest.mark.rows("K09", "W05")
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "wanted"),
    [
        (128, 11, 4, 30),
        (160, 11, 5, 30),
        (96, 7, 3, 30),
        (64, 5, 2, 30),
        (32, 3, 1, 30),
        (224, 11, 8, 27),
        (256, 11, 8, 31),
    ],
)
def test_the_published_stems_make_equal_maps(size, kernel, stride, wanted):
    assert (kernel, stride) in S.stems(size, wanted)


@pytest.mark.rows("K09")
def test_the_search_finds_every_stem_and_no_other():
    for size, wanted in ((40, 9), (33, 16), (20, 20)):
        want = [
            (kernel, stride)
            for kernel, stride in itertools.product(range(1, 16, 2), range(1, size + 1))
            if made(nn.Conv2d(1, 1, kernel, stride, 1, device="meta"), size) == wanted
        ]
        assert S.stems(size, wanted, padding=1) == want


@pytest.mark.rows("W05")
def test_a_smaller_image_keeps_its_map_by_a_smaller_stride():
    strides = [{stem.stride for stem in S.stems(size, 30)} for size in (160, 128, 96, 64, 32)]
    assert strides == [{5}, {4}, {3}, {2}, {1}]
