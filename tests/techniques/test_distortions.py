import pytest
import torch

from cnnlab.techniques.distortions import (
    DISTORTIONS,
    add_noise,
    distort,
    flip_with,
    random_affine,
    random_crop,
    rotation,
    scaling,
    shearing,
    warp,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 4, height: int = 12, width: int = 17) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=seeded(1))


@pytest.mark.rows("D05")
def test_a_warp_agrees_with_torchvisions_affine_image_by_image():
    from torchvision.transforms.v2.functional import InterpolationMode, affine

    degrees, factors, lean = (torch.tensor(each) for each in ([10.0, -33, 90, 0], [1.0, 0.7, 1.3, 2], [0.0, 8, -12, 5]))
    shifts = torch.tensor([[0.0, 0], [2, -1], [-3, 4], [1, 1]])
    got = warp(pictures(), rotation(degrees) @ scaling(factors) @ shearing(lean), shifts)
    for i, image in enumerate(pictures()):
        want = affine(
            image,
            angle=degrees[i].item(),
            translate=shifts[i].tolist(),
            scale=factors[i].item(),
            shear=[lean[i].item(), 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(got[i], want, atol=1e-4, rtol=0)


@pytest.mark.rows("D05")
def test_a_rotation_agrees_with_torchvisions_with_the_other_sign():
    from torchvision.transforms.v2.functional import InterpolationMode, rotate

    got = warp(pictures(), rotation(torch.full((4,), -25.0)), torch.zeros(4, 2))
    torch.testing.assert_close(got, rotate(pictures(), 25.0, InterpolationMode.BILINEAR), atol=1e-4, rtol=0)


@pytest.mark.rows("D05")
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("side", [8, 9])
def test_quarter_turns_are_exact(turns, side):
    images = pictures(2, side, side).double()
    got = warp(images, rotation(torch.full((2,), -90.0 * turns).double()), torch.zeros(2, 2).double())
    torch.testing.assert_close(got, images.rot90(turns, (-2, -1)), atol=1e-12, rtol=0)


@pytest.mark.rows("D05")
def test_a_whole_shift_moves_pixels_and_brings_in_black():
    shifts = torch.tensor([[2.0, 1]]).expand(4, 2)
    got = warp(pictures(), scaling(torch.ones(4)), shifts)
    torch.testing.assert_close(got[..., 1:, 2:], pictures()[..., :-1, :-2], atol=1e-5, rtol=0)
    assert got[..., 0, :].abs().max() < 1e-5 and got[..., :, :2].abs().max() < 1e-5


@pytest.mark.rows("D05")
def test_a_combination_is_interpolated_once():
    there, back = rotation(torch.full((4,), 31.0)), rotation(torch.full((4,), -31.0))
    zero = torch.zeros(4, 2)
    torch.testing.assert_close(warp(pictures(), back @ there, zero), pictures(), atol=1e-5, rtol=0)
    assert (warp(warp(pictures(), there, zero), back, zero) - pictures()).abs().mean() > 0.05


@pytest.mark.rows("D05")
def test_draws_stay_in_their_ranges_and_differ_between_images(monkeypatch):
    from cnnlab.techniques import distortions

    caught = []
    monkeypatch.setattr(distortions, "warp", lambda images, *given: caught.extend(given))
    random_affine(torch.zeros(5000, 1, 10, 20), degrees=15, scale=1.5, shift=0.1, generator=seeded())
    matrices, shifts = caught
    factors = torch.linalg.det(matrices).sqrt()
    angles = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    for draws, low, high in ((angles, -15, 15), (factors.log(), -0.405465, 0.405465), (shifts[:, 0], -2, 2)):
        assert low <= draws.min() + 1e-4 and draws.max() - 1e-4 <= high
        assert draws.std().item() == pytest.approx((high - low) / 12**0.5, rel=0.03)
        assert draws.mean().abs() < 0.03 * high
    assert shifts[:, 1].abs().max() <= 1 and shifts[:, 1].abs().max() > 0.99


@pytest.mark.rows("D05")
@pytest.mark.parametrize(
    ("name", "degrees", "scale", "shear", "shift"),
    [("rotate", 5, 1, 0, 0), ("scale", 0, 1.25, 0, 0), ("affine", 5, 1.25, 5, 1 / 8)],
)
def test_a_named_distortion_fills_the_ranges_it_is_known_by(monkeypatch, name, degrees, scale, shear, shift):
    """Read off A = z R(a) [[1, -tan s], [0, 1]]: the first column is z (cos a, sin a), its product with the second tan s."""
    from cnnlab.techniques import distortions

    caught = []
    monkeypatch.setattr(distortions, "warp", lambda images, *given: caught.extend(given))
    DISTORTIONS[name](torch.zeros(4000, 1, 10, 20), generator=seeded())
    matrices, shifts = caught
    first, second = matrices.unbind(-1)
    factor = first.norm(dim=1)
    lean = torch.rad2deg(torch.atan(-(first * second).sum(1) / factor**2))
    turn = torch.rad2deg(torch.atan2(first[:, 1], first[:, 0]))
    limits = (degrees, torch.tensor(float(scale)).log().item(), shear, 20 * shift, 10 * shift)
    for draws, limit in zip((turn, factor.log(), lean, shifts[:, 0], shifts[:, 1]), limits, strict=True):
        assert draws.min().item() == pytest.approx(-limit, rel=0.01, abs=1e-4)
        assert draws.max().item() == pytest.approx(limit, rel=0.01, abs=1e-4)


@pytest.mark.rows("D05")
def test_no_strength_is_the_identity():
    torch.testing.assert_close(random_affine(pictures(), generator=seeded()), pictures(), atol=1e-5, rtol=0)


@pytest.mark.rows("D05")
def test_distortions_follow_one_another():
    generator = seeded(3)
    want = DISTORTIONS["noise"](DISTORTIONS["rotate"](pictures(), generator=generator), generator=generator)
    assert torch.equal(distort(pictures(), "rotate", "noise", generator=seeded(3)), want)


@pytest.mark.rows("D03", "D05", "D06")
@pytest.mark.parametrize("name", sorted(DISTORTIONS))
def test_equal_images_are_distorted_differently(name):
    images = pictures(1).expand(50, -1, -1, -1)
    first, second = (distort(images, name, generator=seeded()) for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.flatten(1).unique(dim=0)) == 50


@pytest.mark.rows("D02")
@pytest.mark.parametrize(("size", "padding"), [(12, 4), (9, 0)])
def test_a_batch_of_crops_equals_a_loop(size, padding):
    from torchvision.transforms.v2.functional import crop, pad

    images = pictures(30)
    got = random_crop(images, size, padding=padding, generator=seeded())
    generator = seeded()
    tops, lefts = (torch.randint(side + 2 * padding - size + 1, (30,), generator=generator) for side in (12, 17))
    for image, top, left, one in zip(images, tops.tolist(), lefts.tolist(), got, strict=True):
        assert torch.equal(one, crop(pad(image, [padding] * 4), top, left, size, size))


@pytest.mark.rows("D02")
def test_the_81_places_of_an_unpadded_crop_are_uniform():
    """A ramp that numbers the pixels: the corner of 32 of 40 names its place; 124.8 is the 0.1 % point of χ²(80)."""
    n = 81 * 100
    ramp = torch.arange(40 * 40, dtype=torch.int16).view(1, 1, 40, 40).expand(n, -1, -1, -1)
    corners = random_crop(ramp, 32, generator=seeded())[:, 0, 0, 0].long()
    counts = (corners // 40 * 9 + corners % 40).bincount()
    assert len(counts) == 81
    assert ((counts - 100).square() / 100).sum() < 124.8


@pytest.mark.rows("D06")
def test_noisy_copies_are_ridge_regression():
    """The mean of 5,000 noisy copies' normal equations is XᵀX + σ²n I: the weights of ridge with λ = σ² n."""
    from sklearn.linear_model import Ridge

    n, d, copies, sigma = 40, 6, 5000, 0.5
    x = torch.randn(n, d, generator=seeded(), dtype=torch.float64)
    y = x @ torch.randn(d, generator=seeded(1), dtype=torch.float64) + 0.1 * torch.randn(n, generator=seeded(2))
    noisy = add_noise(x.expand(copies, n, d), std=sigma, generator=seeded(3)).reshape(-1, d)
    got = torch.linalg.lstsq(noisy, y.repeat(copies)[:, None]).solution[:, 0]
    want = torch.from_numpy(Ridge(alpha=sigma**2 * n, fit_intercept=False).fit(x.numpy(), y.numpy()).coef_)
    plain = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    assert (got - want).norm() < 0.02 * want.norm()
    assert (plain - want).norm() > 0.1 * want.norm()


@pytest.mark.rows("D01")
def test_a_mask_flips_with_its_image():
    images = pictures(64)
    masks = (images.argmax(1) + 10, images[:, :1] > 0.5)
    for mask, expected in zip(masks, (lambda x: x.argmax(1) + 10, lambda x: x[:, :1] > 0.5), strict=True):
        flipped, with_it = flip_with(images, mask, generator=seeded())
        assert torch.equal(with_it, expected(flipped))


@pytest.mark.rows("D01")
def test_half_of_the_images_flip_and_flipping_again_undoes_it():
    images = pictures(1000, 3, 4)
    flipped, _ = flip_with(images, images, generator=seeded())
    share = (flipped != images).flatten(1).any(1).float().mean()
    assert 0.45 < share < 0.55  # 3 standard deviations
    twice, _ = flip_with(flipped, images, generator=seeded())
    assert torch.equal(twice, images)


def test_an_unknown_distortion_lists_the_choices():
    with pytest.raises(ValueError, match='distortion "elastic" is unknown; choose one of: affine, hsv, noise, rotate'):
        distort(pictures(), "elastic")
