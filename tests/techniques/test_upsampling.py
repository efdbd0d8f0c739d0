import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import upsampling as U

LAYERS = [(3, 1, 0), (3, 2, 1), (4, 2, 1), (5, 3, 2), (2, 2, 0)]  # kernel, stride, padding


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.rows("S11")
@pytest.mark.parametrize(("kernel", "stride", "padding"), LAYERS)
def test_the_matrix_of_a_convolution_does_what_the_convolution_does(kernel, stride, padding):
    x, weight = drawn(1, 2, 9, 9), drawn(3, 2, kernel, kernel, seed=1)
    y = F.conv2d(x, weight, stride=stride, padding=padding)
    torch.testing.assert_close(U.conv_matrix(weight, 9, stride=stride, padding=padding) @ x.flatten(), y.flatten())


@pytest.mark.rows("S11")
@pytest.mark.parametrize(("kernel", "stride", "padding"), LAYERS)
def test_a_transposed_convolution_is_the_transpose_of_that_matrix(kernel, stride, padding):
    weight, layer = drawn(3, 2, kernel, kernel, seed=1), {"stride": stride, "padding": padding}
    x = drawn(1, 2, 9, 9)
    left = 9 - ((9 + 2 * padding - kernel) // stride * stride + kernel - 2 * padding)  # pixels that the stride skips
    y = F.conv2d(x, weight, **layer)
    back = U.conv_transpose2d(y, weight, output_padding=left, **layer)
    torch.testing.assert_close(back.flatten(), U.conv_matrix(weight, 9, **layer).T @ y.flatten())
    z = drawn(*y.shape, seed=2)
    transposed = U.conv_transpose2d(z, weight, output_padding=left, **layer)
    assert (y * z).sum() == pytest.approx((x * transposed).sum().item(), rel=1e-5)  # <Ax, z> = <x, A'z>


@pytest.mark.rows("S11")
@pytest.mark.parametrize(("kernel", "stride", "padding"), LAYERS)
def test_zeros_between_the_pixels_give_torchs_transposed_convolution(kernel, stride, padding):
    x, weight = drawn(2, 3, 5, 6), drawn(3, 4, kernel, kernel, seed=1)
    for extra in range(stride):
        layer = {"stride": stride, "padding": padding, "output_padding": extra}
        torch.testing.assert_close(U.conv_transpose2d(x, weight, **layer), F.conv_transpose2d(x, weight, **layer))


@pytest.mark.rows("S11")
def test_kernel_3_and_stride_2_overlap_as_a_checkerboard_and_kernel_4_does_not():
    assert U.overlap(5, 3, stride=2).tolist() == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]
    assert set(U.overlap(9, 4, stride=2)[2:-2].tolist()) == {2}


@pytest.mark.rows("C03")
def test_padding_evens_out_how_often_the_pixels_of_a_border_are_used():
    assert U.overlap(6, 3).tolist() == [1, 2, 3, 3, 3, 3, 2, 1]  # 8 pixels, no padding
    assert U.overlap(8, 3, padding=1).tolist() == [2, 3, 3, 3, 3, 3, 3, 2]


@pytest.mark.rows("S11")
def test_the_bilinear_taps_are_the_published_ones():
    assert U.bilinear_kernel(2).tolist() == [0.25, 0.75, 0.75, 0.25]
    torch.testing.assert_close(U.bilinear_kernel(3), torch.tensor([1, 2, 3, 2, 1]) / 3)
    assert [len(U.bilinear_kernel(f)) for f in (1, 2, 3, 4, 5)] == [1, 4, 5, 8, 9]


@pytest.mark.rows("S11")
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
def test_bilinear_upsampling_is_torchs_in_the_interior(factor):
    x, layer = drawn(2, 3, 7, 6), U.bilinear_upsampling(3, factor).double()
    want = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    got = layer(x)
    assert got.shape == want.shape
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    torch.testing.assert_close(got[inside], want[inside], rtol=0, atol=1e-6)


@pytest.mark.rows("S11")
def test_pixel_shuffle_is_torchs():
    x = drawn(2, 18, 4, 5)
    assert torch.equal(U.pixel_shuffle(x, 3), nn.PixelShuffle(3)(x))


@pytest.mark.rows("S11")
def test_pixel_shuffle_takes_an_empty_batch():
    assert U.pixel_shuffle(torch.zeros(0, 18, 4, 5), 3).shape == (0, 2, 12, 15)


@pytest.mark.rows("S11")
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("nearest", [[0, 0, 8, 8]] * 2),
        ("bilinear", [[0, 2, 6, 8]] * 2),
        ("pixel_shuffle", [[0, 0, 8, 8], [1, 2, 1, 2]]),  # channels 0 and 1 on top, 2 and 3 below
    ],
)
def test_every_upsampling_of_the_table_doubles_the_map_in_its_way(name, rows):
    line = torch.tensor([0.0, 8.0])
    x = torch.stack([line, line, torch.ones(2), 2 * torch.ones(2)])[None, :, None, :]
    assert U.upsampling(name)()(x)[0, 0].tolist() == rows


def test_an_unknown_upsampling_lists_the_choices():
    with pytest.raises(ValueError, match='upsampling "guess" is unknown; choose one of: bilinear, nearest, pixel_sh'):
        U.upsampling("guess")
