import pytest
import torch

from cnnlab.techniques.color import rgb_to_hsv
from cnnlab.techniques.color_jitter import change_hsv, color_axes, fancy_pca, jitter_hsv
from cnnlab.techniques.preprocessing import Axes


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def colors(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 3, 8, 8, generator=seeded(1))


def change(images, power=1.0, factor=1.0, shift=0.0, turn=0.0):
    n = len(images)
    powers, factors, shifts = (torch.full((n, 2), value) for value in (power, factor, shift))
    return change_hsv(images, powers, factors=factors, shifts=shifts, turns=torch.full((n,), turn))


@pytest.mark.rows("D03")
def test_power_one_factor_one_shift_zero_change_nothing():
    torch.testing.assert_close(change(colors()), colors(), atol=1e-6, rtol=0)


@pytest.mark.rows("D03")
def test_a_whole_turn_of_the_hue_changes_nothing():
    torch.testing.assert_close(change(colors(), turn=1.0), colors(), atol=1e-5, rtol=0)
    torch.testing.assert_close(change(change(colors(), turn=0.7), turn=0.3), colors(), atol=1e-5, rtol=0)


@pytest.mark.rows("D03")
def test_a_third_of_a_turn_exchanges_the_channels():
    torch.testing.assert_close(change(colors(), turn=1 / 3), colors()[:, [2, 0, 1]], atol=1e-5, rtol=0)


@pytest.mark.rows("D03")
def test_a_positive_shift_of_the_saturation_tints_gray_red():
    gray, one = torch.full((1, 3, 2, 2), 0.5), torch.ones(1, 2)
    got = change_hsv(gray, one, factors=one, shifts=torch.tensor([[0.2, 0.0]]), turns=torch.zeros(1))
    torch.testing.assert_close(got[0, :, 0, 0], torch.tensor([0.5, 0.4, 0.4]))


@pytest.mark.rows("D03")
def test_saturation_and_value_follow_the_formula():
    from skimage.color import hsv2rgb, rgb2hsv

    hsv = rgb2hsv(colors().double().numpy(), channel_axis=1)
    hsv[:, 1:] = (1.3 * hsv[:, 1:] ** 2.5 - 0.05).clip(0, 1)
    hsv[:, 0] = (hsv[:, 0] + 0.08) % 1
    want = torch.from_numpy(hsv2rgb(hsv, channel_axis=1))
    got = change(colors().double(), power=2.5, factor=1.3, shift=-0.05, turn=0.08)
    torch.testing.assert_close(got, want, atol=1e-5, rtol=0)


@pytest.mark.rows("D03")
def test_draws_fill_their_ranges_and_differ_between_images():
    """On one color of hue 0 and saturation and value 1/2, so that every draw can be read off the result."""
    images = torch.tensor([0.5, 0.25, 0.25]).view(1, 3, 1, 1).expand(4000, 3, 2, 2)
    hsv = rgb_to_hsv(jitter_hsv(images, generator=seeded()))
    assert torch.equal(hsv[..., :1, :1].expand_as(hsv), hsv)  # one draw for all pixels of an image
    hue, saturation, value = hsv[:, :, 0, 0].unbind(1)
    signed = (hue + 0.5) % 1 - 0.5
    assert -0.10001 < signed.min() < -0.099 and 0.099 < signed.max() < 0.10001
    for each in (saturation, value):  # from .7 / 16 - .1 < 0 to 1.4 / 2^(1/4) + .1 > 1
        assert each.min() == 0 and each.max() > 0.99
        assert each.median() == pytest.approx(median_of_formula(), abs=0.02)
    assert torch.corrcoef(torch.stack([saturation, value]))[0, 1].abs() < 0.05


def median_of_formula() -> float:
    """Of clip(m · .5^p + b) over a grid of p, m and b, uniform in the published ranges."""
    p, m, b = torch.meshgrid(*(torch.linspace(*r, 101) for r in ((0.25, 4), (0.7, 1.4), (-0.1, 0.1))), indexing="ij")
    return (m * 0.5**p + b).clamp(0, 1).median().item()


@pytest.mark.rows("D03", "D04")
def test_the_same_generator_state_draws_the_same():
    axes = color_axes(colors())
    for distort in (jitter_hsv, lambda images, generator: fancy_pca(images, axes, generator=generator)):
        first, second, other = (distort(colors(), generator=seeded(seed)) for seed in (4, 4, 5))
        assert torch.equal(first, second)
        assert not torch.equal(first, other)


@pytest.mark.rows("D04")
def test_color_axes_are_the_eigenvectors_of_all_pixels():
    import numpy as np

    pixels = colors().double().permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    covariance = np.cov(pixels.T, bias=True)
    axes = color_axes(colors().double())
    np.testing.assert_allclose(axes.mean, pixels.mean(0))
    np.testing.assert_allclose(
        covariance @ axes.vectors.numpy(), axes.vectors.numpy() * axes.values.numpy(), atol=1e-12
    )


@pytest.mark.rows("D04")
def test_all_pixels_of_an_image_shift_alike():
    images = colors().double()
    shift = fancy_pca(images, color_axes(images), generator=seeded()) - images
    assert (shift - shift[..., :1, :1]).abs().max() < 1e-7
    assert (shift[0] - shift[1]).abs().max() > 1e-3  # and each image by its own draw


@pytest.mark.rows("D04")
def test_shifts_have_the_papers_covariance():
    """P diag(.01 λ²) Pᵀ: the strength goes with λ, not with its root."""
    vectors, _ = torch.linalg.qr(torch.randn(3, 3, generator=seeded()))
    values = torch.tensor([3.0, 2.0, 1.0])
    draws = torch.cat([
        fancy_pca(torch.zeros(20_000, 3, 1, 1), Axes(torch.zeros(3), vectors, values), generator=seeded(seed))
        for seed in range(3)
    ]).flatten(1)  # fmt: skip
    want = vectors @ (0.01 * values.square()).diag() @ vectors.T
    assert (draws.T.cov(correction=0) - want).norm() < 0.03 * want.norm()
    assert draws.mean(0).norm() < 0.01 * values.norm()
