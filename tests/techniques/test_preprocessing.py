import numpy as np
import pytest
import torch

from cnnlab.techniques.preprocessing import (
    WHITENINGS,
    Axes,
    channel_statistics,
    merge,
    min_max,
    moments,
    pca,
    principal_axes,
    resize,
    standardize,
    whiten,
    whitening,
    zca,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def correlated(n: int = 500, d: int = 12, seed: int = 0) -> torch.Tensor:
    """Rows with a fixed, uneven covariance; `seed` draws the rows."""
    mixing = torch.randn(d, d, generator=seeded(99), dtype=torch.float64)
    return torch.randn(n, d, generator=seeded(seed), dtype=torch.float64) @ mixing + 3


@pytest.mark.rows("Q01")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standardize_equals_torchvisions_normalize(dtype):
    from torchvision.transforms.v2.functional import normalize, to_dtype

    images = torch.randint(256, (4, 3, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor([0.2, 0.5, 0.7]), torch.tensor([0.1, 0.25, 0.3])
    want = normalize(to_dtype(images, dtype, scale=True), mean.tolist(), std.tolist())
    got = standardize(images, mean, std, dtype)
    torch.testing.assert_close(got, want, atol=2e-6, rtol=1e-6)
    assert got.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.rows("Q01")
def test_a_standardized_set_has_zero_mean_and_unit_deviation():
    images = torch.randint(256, (50, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scaled = images.double() / 255
    std, mean = torch.std_mean(scaled, dim=(0, 2, 3))
    std_after, mean_after = torch.std_mean(standardize(images, mean, std, torch.float64), dim=(0, 2, 3))
    torch.testing.assert_close(mean_after, torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(std_after, torch.ones(3, dtype=torch.float64), atol=1e-12, rtol=0)


@pytest.mark.rows("Q01")
@pytest.mark.parametrize("sizes", [(60,), (1,) * 60, (7, 32, 1, 20)])
def test_streamed_statistics_equal_numpys(sizes):
    images = torch.rand(60, 3, 8, 8, generator=seeded()) * torch.tensor([1.0, 0.1, 0.5]).view(3, 1, 1) + 0.3
    mean, std = channel_statistics(images.split(sizes))
    np.testing.assert_allclose(mean, images.double().numpy().mean((0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(std, images.double().numpy().std((0, 2, 3)), atol=1e-6)


@pytest.mark.rows("Q01")
def test_no_batches_have_no_statistics():
    with pytest.raises(ValueError, match="channel_statistics needs at least one batch of images; got none"):
        channel_statistics(iter([]))


@pytest.mark.rows("Q01")
def test_far_from_zero_the_sum_of_squares_cancels_and_the_merge_does_not():
    pixels = 1e4 + torch.rand(64, 1, 8, 8, generator=seeded())
    want = pixels.double().numpy().std()
    naive = (pixels.square().mean() - pixels.mean().square()).clamp(min=0).sqrt()
    _, std = channel_statistics(pixels.split(4))
    assert std.item() == pytest.approx(want, rel=1e-2)
    assert abs(naive.item() - want) > 0.5 * want


@pytest.mark.rows("Q01")
def test_one_pixel_more_is_welfords_update():
    values = torch.rand(50, generator=seeded(), dtype=torch.float64)
    total, mean, squares = moments(values[:1].view(1, 1)), values[0], torch.zeros((), dtype=torch.float64)
    for k, x in enumerate(values[1:], start=2):
        total = merge(total, moments(x.view(1, 1)))
        before, mean = mean, mean + (x - mean) / k
        squares = squares + (x - before) * (x - mean)
    torch.testing.assert_close(total.mean[0], mean)
    torch.testing.assert_close(total.squares[0], squares)
    assert total.count == 50


@pytest.mark.rows("Q01")
def test_bytes_are_counted_as_they_are():
    images = torch.randint(256, (20, 3, 6, 6), dtype=torch.uint8, generator=seeded())
    mean, std = channel_statistics(images.split(6))
    torch.testing.assert_close(mean, images.float().mean((0, 2, 3)))
    torch.testing.assert_close(std, images.float().std((0, 2, 3), correction=0))


@pytest.mark.rows("Q01")
def test_only_training_statistics_enter():
    """Test images of another brightness keep their distance, and none of them moves what is computed for another."""
    train, test = (torch.randint(low, 256, (40, 3, 6, 6), dtype=torch.uint8, generator=seeded()) for low in (0, 128))
    mean, std = channel_statistics([train / 255])
    assert standardize(train, mean, std).mean().abs() < 1e-4
    assert standardize(test, mean, std).mean() > 0.5
    torch.testing.assert_close(standardize(test, mean, std)[:1], standardize(test[:1], mean, std))


@pytest.mark.rows("Q01")
def test_the_digits_statistics_are_the_streamed_ones():
    from cnnlab.data import load

    data = load("digits", progress=False)
    mean, std = channel_statistics(batch / 255 for batch in data.train.images.split(100))
    torch.testing.assert_close(mean, data.mean.to(mean), atol=1e-6, rtol=0)
    torch.testing.assert_close(std, data.std.to(std), atol=1e-6, rtol=0)


@pytest.mark.rows("Q02")
def test_min_max_fills_the_interval_exactly_on_the_training_set():
    train, test = correlated().float(), 3 * correlated(seed=1).float()
    low, high = torch.aminmax(train, dim=0)
    scaled = min_max(train, low, high)
    assert (scaled.amin(0) == -1).all() and (scaled.amax(0) == 1).all()
    assert min_max(test, low, high).abs().max() > 1


@pytest.mark.rows("Q02")
def test_min_max_agrees_with_scikit_learn():
    from sklearn.preprocessing import MinMaxScaler

    train, test = correlated(), correlated(seed=1)
    want = MinMaxScaler((-1, 1)).fit(train.numpy()).transform(test.numpy())
    np.testing.assert_allclose(min_max(test, *torch.aminmax(train, dim=0)), want, atol=1e-12)


@pytest.mark.rows("Q02")
def test_a_constant_feature_becomes_zero():
    train = torch.tensor([[1.0, 7], [3, 7]])
    assert torch.equal(min_max(train, *torch.aminmax(train, dim=0)), torch.tensor([[-1.0, 0], [1, 0]]))


@pytest.mark.rows("Q03")
def test_the_axes_are_scikit_learns():
    from sklearn.decomposition import PCA

    x = correlated()
    theirs, axes = PCA().fit(x.numpy()), principal_axes(x)
    np.testing.assert_allclose(axes.values, theirs.explained_variance_ * (len(x) - 1) / len(x))
    np.testing.assert_allclose(np.abs(np.diag(axes.vectors.T @ theirs.components_.T)), 1)
    np.testing.assert_allclose(pca(x, axes).abs(), np.abs(theirs.transform(x.numpy())), atol=1e-9)


@pytest.mark.rows("Q03")
def test_the_values_are_eigenvalues_not_their_roots():
    x = torch.randn(200_000, 2, generator=seeded()) * torch.tensor([3.0, 0.5])
    torch.testing.assert_close(principal_axes(x).values, torch.tensor([9.0, 0.25]), rtol=0.02, atol=0)


@pytest.mark.rows("Q03")
def test_no_variance_is_negative_where_there_are_fewer_images_than_features():
    rows = correlated(n=3).float()
    centered = rows - rows.mean(0)
    assert torch.linalg.eigvalsh(centered.T @ centered / 3).min() < 0  # by rounding
    assert principal_axes(rows).values.min() == 0


@pytest.mark.rows("Q03")
@pytest.mark.parametrize("name", ["whiten", "zca"])
def test_whitened_data_have_the_identity_as_covariance(name):
    x = correlated()
    done = WHITENINGS[name](x, principal_axes(x), eps=1e-8)
    np.testing.assert_allclose(np.cov(done.numpy().T, bias=True), np.eye(12), atol=1e-3)


@pytest.mark.rows("Q03")
def test_zca_is_symmetric_and_the_inverse_root_of_the_covariance():
    import scipy.linalg

    x = correlated()
    axes = principal_axes(x)
    matrix = zca(axes.mean + torch.eye(12, dtype=torch.float64), axes, eps=1e-3).numpy()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    root = scipy.linalg.sqrtm(np.cov(x.numpy().T, bias=True) + 1e-3 * np.eye(12))
    np.testing.assert_allclose(matrix @ root, np.eye(12), atol=1e-8)


@pytest.mark.rows("Q03")
def test_zca_agrees_with_kornia():
    import kornia

    images = correlated(200, 12).float().view(200, 3, 2, 2)
    theirs = kornia.enhance.ZCAWhitening(eps=1e-3, unbiased=False).fit(images)
    torch.testing.assert_close(zca(images, principal_axes(images), eps=1e-3), theirs(images), atol=2e-3, rtol=1e-3)


@pytest.mark.rows("Q03")
def test_eps_bounds_what_noise_is_multiplied_by():
    """An axis without variance: a change along it comes out 1/√ε times as large, not infinite."""
    axes = Axes(torch.zeros(2), torch.eye(2), torch.tensor([1.0, 0.0]))
    step = whiten(torch.tensor([[0.0, 1e-3]]), axes, eps=1e-4)
    torch.testing.assert_close(step, torch.tensor([[0.0, 0.1]]))


@pytest.mark.rows("Q03")
def test_test_data_are_whitened_by_the_training_sets_axes():
    axes, other = principal_axes(correlated()), 2 * correlated(seed=1)
    covariance = np.cov(whiten(other, axes).numpy().T, bias=True)
    np.testing.assert_allclose(covariance, 4 * np.eye(12), atol=1.5)
    torch.testing.assert_close(whiten(other, axes)[:1], whiten(other[:1], axes))


@pytest.mark.rows("Q07", "W04")
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(5, 7), (24, 20)], ids=str)
def test_resizing_agrees_with_torchvision(interpolation, size):
    from torchvision.transforms.v2.functional import InterpolationMode
    from torchvision.transforms.v2.functional import resize as theirs

    images = torch.rand(2, 3, 12, 16, generator=seeded())
    want = theirs(images, list(size), InterpolationMode(interpolation))
    torch.testing.assert_close(resize(images, size, interpolation=interpolation), want)


@pytest.mark.rows("W04")
def test_twice_the_side_costs_a_convolution_four_times():
    from torch.utils.flop_counter import FlopCounterMode

    conv, images = torch.nn.Conv2d(3, 8, 3, padding=1), torch.rand(1, 3, 16, 16)

    def cost(images):
        with FlopCounterMode(display=False) as counter:
            conv(images)
        return counter.get_total_flops()

    assert cost(resize(images, 32)) == 4 * cost(images) == 4 * 2 * 16 * 16 * 8 * 27


def test_unknown_names_list_the_choices():
    with pytest.raises(ValueError, match='whitening "ica" is unknown; choose one of: pca, whiten, zca'):
        whitening("ica")
    with pytest.raises(ValueError, match='interpolation "area" is unknown; choose one of: bicubic, bilinear, nearest'):
        resize(torch.zeros(1, 1, 4, 4), 2, interpolation="area")
