import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import kernels as K
from cnnlab.techniques.correlation import conv2d_by_loops


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.rows("K01")
@pytest.mark.parametrize(("first", "second"), [((3, 3), (3, 3)), ((5, 1), (1, 5)), ((2, 3), (4, 3))])
def test_two_linear_convolutions_are_one_in_the_interior(first, second):
    x, one, two = drawn(2, 3, 12, 11), drawn(5, 3, *first, seed=1), drawn(4, 5, *second, seed=2)
    torch.testing.assert_close(F.conv2d(x, K.merge(one, two)), F.conv2d(F.conv2d(x, one), two), rtol=0, atol=1e-5)
    assert K.merge(one, two).shape == (4, 3, first[0] + second[0] - 1, first[1] + second[1] - 1)


@pytest.mark.rows("K01")
def test_padded_layers_agree_with_the_merged_one_but_at_the_border():
    x, one, two = drawn(1, 2, 9, 9), drawn(3, 2, 3, 3, seed=1), drawn(2, 3, 3, 3, seed=2)
    stacked = F.conv2d(F.conv2d(x, one, padding=1), two, padding=1)
    gap = (stacked - F.conv2d(x, K.merge(one, two), padding=2)).abs().amax(dim=(0, 1))
    assert gap[1:-1, 1:-1].max() < 1e-5 < gap[0].max()


@pytest.mark.rows("K01")
def test_the_merged_kernel_is_not_the_two_layers_with_a_relu_between():
    x, one, two = drawn(1, 2, 9, 9), drawn(3, 2, 3, 3, seed=1), drawn(2, 3, 3, 3, seed=2)
    merged = F.conv2d(x, K.merge(one, two))
    above, below = (F.conv2d((sign * F.conv2d(x, one)).relu(), two) for sign in (1, -1))
    torch.testing.assert_close(above - below, merged)  # relu(h) - relu(-h) = h
    assert (above - merged).abs().max() > 1


@pytest.mark.rows("K03")
@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_dropping_singular_values_costs_the_root_of_their_squares(rank):
    kernel = drawn(6, 3, 4, 5)
    error = (kernel - K.separable_kernel(kernel, rank)).flatten(2).norm(dim=2)
    sigma = torch.linalg.svdvals(kernel)
    torch.testing.assert_close(error, sigma[..., rank:].square().sum(-1).sqrt(), rtol=1e-9, atol=1e-12)


@pytest.mark.rows("K03")
def test_columns_and_rows_applied_in_turn_are_the_truncated_kernel():
    x, kernel = drawn(1, 1, 9, 9), drawn(5, 5, seed=1)
    columns, rows = K.separable_terms(kernel, 2)
    turns = F.conv2d(F.conv2d(x, columns[:, None, :, None]), rows[:, None, None, :], groups=2).sum(1, keepdim=True)
    torch.testing.assert_close(turns, F.conv2d(x, K.separable_kernel(kernel, 2)[None, None]))


@pytest.mark.rows("K03")
@pytest.mark.parametrize("name", ["sobel", "gaussian", "laplacian"])
def test_sobel_and_gaussian_kernels_have_rank_one_and_the_laplacian_has_not(name):
    bell = torch.exp(-torch.arange(-3, 4, dtype=torch.float64).square() / 2)
    kernels = {
        "sobel": torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]], dtype=torch.float64),
        "gaussian": torch.outer(bell, bell),
        "laplacian": torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=torch.float64),
    }
    error = (kernels[name] - K.separable_kernel(kernels[name], 1)).norm() / kernels[name].norm()
    assert (error < 1e-12) == (name != "laplacian")


@pytest.mark.rows("K06")
def test_a_depthwise_separable_convolution_is_a_full_one_with_the_product_kernel():
    x, depthwise, pointwise = drawn(2, 4, 8, 7), drawn(4, 1, 3, 3, seed=1), drawn(6, 4, 1, 1, seed=2)
    two = F.conv2d(F.conv2d(x, depthwise, groups=4, stride=2, padding=1), pointwise)
    one = F.conv2d(x, K.product_kernel(depthwise, pointwise), stride=2, padding=1)
    torch.testing.assert_close(two, one, rtol=0, atol=1e-5)


@pytest.mark.rows("K07")
def test_row_column_and_pointwise_are_a_full_one_with_the_product_kernel():
    x, row, column = drawn(2, 4, 8, 7), drawn(4, 1, 1, 3, seed=1), drawn(4, 1, 3, 1, seed=2)
    pointwise = drawn(6, 4, 1, 1, seed=3)
    three = F.conv2d(F.conv2d(F.conv2d(x, row, groups=4), column, groups=4), pointwise)
    torch.testing.assert_close(three, conv2d_by_loops(x, K.product_kernel(column * row, pointwise)))


@pytest.mark.rows("K04")
@pytest.mark.parametrize("bias", [True, False])
def test_a_dense_layer_and_its_1x1_convolution_agree_exactly(bias):
    linear, x = nn.Linear(5, 3, bias=bias), drawn(2, 5, 1, 1, dtype=torch.float32)
    conv = K.linear_to_1x1(linear)
    assert torch.equal(conv.weight.flatten(1), linear.weight)
    torch.testing.assert_close(conv(x).flatten(1), linear(x.flatten(1)), rtol=0, atol=1e-6)
    x = drawn(2, 5, 4, 6, dtype=torch.float32)
    torch.testing.assert_close(conv(x), linear(x.movedim(1, -1)).movedim(-1, 1), rtol=0, atol=1e-6)


@pytest.mark.rows("K04")
def test_there_and_back_the_dense_layer_is_the_same_to_the_bit():
    linear = nn.Linear(5, 3)
    back = K.conv_to_linear(K.linear_to_1x1(linear))
    assert all(torch.equal(a, b) for a, b in zip(linear.parameters(), back.parameters(), strict=True))
    assert not any(a.data_ptr() == b.data_ptr() for a, b in zip(linear.parameters(), back.parameters(), strict=True))


@pytest.mark.rows("K04")
def test_a_1x1_convolution_sees_one_pixel():
    x = torch.zeros(1, 3, 5, 5)
    x[0, :, 2, 3] = 1
    assert K.linear_to_1x1(nn.Linear(3, 4, bias=False))(x).abs().sum(1).nonzero().tolist() == [[0, 2, 3]]


@pytest.mark.rows("K10")
def test_planted_duplicates_are_found_and_nothing_else():
    weight = torch.linalg.qr(drawn(27, 27)).Q.reshape(27, 3, 3, 3).clone()
    weight[9], weight[4], weight[20] = 3 * weight[2], -weight[2], weight[7] + 0.1 * weight[8]
    assert K.duplicates(weight).tolist() == [[2, 4], [2, 9], [4, 9], [7, 20]]
    assert K.duplicate_fraction(weight) == 5 / 27
    assert K.duplicates(weight, threshold=0.999).tolist() == [[2, 4], [2, 9], [4, 9]]


@pytest.mark.rows("K10")
def test_similarity_is_scikit_learns_and_a_zero_filter_is_like_none():
    from sklearn.metrics.pairwise import cosine_similarity

    weight = drawn(6, 3, 3, 3)
    weight[1] = 0
    want = torch.from_numpy(cosine_similarity(weight.flatten(1).numpy()))
    torch.testing.assert_close(K.similarity(weight), want)
    assert not K.duplicates(weight, threshold=0).eq(1).any()


@pytest.mark.rows("K10")
def test_more_filters_in_a_small_window_repeat_each_other_more():
    fractions = [K.duplicate_fraction(drawn(width, 1, 2, 2)) for width in (4, 16, 64, 256)]
    assert fractions == sorted(fractions) and fractions[0] < 0.1 < 0.5 < fractions[-1]


@pytest.mark.rows("P10")
@pytest.mark.parametrize("width", [4, 8, 16, 27, 28, 64])
def test_a_3x3_stem_on_rgb_has_rank_27_at_most(width):
    images, weight = drawn(2, 3, 12, 12, dtype=torch.float32), drawn(width, 3, 3, 3, seed=1, dtype=torch.float32)
    assert K.response_rank(weight, images, padding=1) == min(27, width)


@pytest.mark.rows("P10")
def test_the_relu_after_the_stem_takes_the_bound_away():
    images, weight = drawn(4, 3, 16, 16), drawn(64, 3, 3, 3, seed=1)
    assert K.response_rank(weight, images) == 27
    assert torch.linalg.matrix_rank(F.conv2d(images, weight).relu().transpose(0, 1).flatten(1)) == 64
