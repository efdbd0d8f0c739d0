import numpy as np
import pytest
import torch

from cnnlab.techniques.color import rgb_to_lab
from cnnlab.techniques.equalization import (
    LEVELS,
    clahe,
    equalization,
    equalize,
    histogram,
    on_lightness,
    subtract_local_mean,
)


def smooth(n: int = 10, channels: int = 1, side: int = 64) -> torch.Tensor:
    """Bytes of uneven histograms: blurred noise through powers of its own."""
    from torchvision.transforms.v2.functional import gaussian_blur

    generator = torch.Generator().manual_seed(0)
    noise = gaussian_blur(torch.randn(n, channels, side, side, generator=generator), 9, 2.0)
    unit = (noise / noise.std() * 0.7).sigmoid() ** torch.linspace(0.7, 1.6, n).view(-1, 1, 1, 1)
    return (255 * unit).round().byte()


@pytest.mark.rows("Q07")
def test_an_equalized_image_has_a_straight_cumulative_histogram():
    images = smooth()
    levels = (torch.arange(LEVELS) + 1) / LEVELS

    def deviation(images):
        """At the levels that occur: between two of them a step function has to be off."""
        counts = torch.stack([image.flatten().long().bincount(minlength=LEVELS) for image in images])
        straight = (counts.cumsum(1) / counts.sum(1, keepdim=True) - levels).abs()
        return straight[counts > 0].max()

    assert deviation(images) > 0.2
    assert deviation(equalize(images)) <= 2 / LEVELS


@pytest.mark.rows("Q07")
def test_equalization_is_monotone():
    for before, after in zip(smooth().flatten(1).long(), equalize(smooth()).flatten(1).long(), strict=True):
        order = before.argsort()
        assert (after[order].diff() >= 0).all()
        assert after.max() == 255


@pytest.mark.rows("Q07")
def test_equalization_agrees_with_scikit_image():
    from skimage.exposure import equalize_hist

    for image in smooth()[:, 0]:
        share = equalize_hist(image.numpy(), nbins=256)
        assert np.abs(equalize(image).numpy() - 255 * share).max() < 0.501


@pytest.mark.rows("Q07")
def test_equalization_agrees_with_torchvision_where_its_whole_numbers_are_fine():
    from torchvision.transforms.v2.functional import equalize as theirs

    images = smooth(2, side=512)
    largest = histogram(images).max() / 512**2
    assert (equalize(images).int() - theirs(images).int()).abs().max() <= 255 * largest + 2


@pytest.mark.rows("Q07")
def test_the_histogram_counts_every_level():
    images = smooth(3, 2, 16)
    want = torch.stack([channel.bincount(minlength=256) for channel in images.long().view(6, -1)])
    assert torch.equal(histogram(images).view(6, -1), want)


@pytest.mark.rows("Q07")
@pytest.mark.parametrize("limit", [1.0, 2.0, 8.0, 40.0])
def test_clahe_agrees_with_kornia_on_large_tiles(limit):
    """Kornia follows OpenCV, which spreads whole pixels and the rest from the darkest level up: 1 level of 128 x 128."""
    import kornia

    images = smooth(2, 1, 512)
    theirs = kornia.enhance.equalize_clahe(images / 255, clip_limit=limit, grid_size=(4, 4)) * 255
    difference = (clahe(images, tiles=4, limit=limit) - theirs).abs()
    assert difference.mean() < 1
    assert difference.max() <= 3


@pytest.mark.rows("Q07")
def test_clahe_agrees_with_a_loop_over_tiles_and_pixels():
    image = smooth(1, 1, 24)[0, 0]
    tiles, side, limit = 3, 8, 1.5 * 64 / 256
    tables = {}
    for row in range(tiles):
        for column in range(tiles):
            tile = image[row * side : (row + 1) * side, column * side : (column + 1) * side]
            counts = [min((tile == level).sum().item(), max(limit, 1)) for level in range(256)]
            counts = [count + (64 - sum(counts)) / 256 for count in counts]
            tables[row, column] = [255 / 64 * sum(counts[: level + 1]) for level in range(256)]
    got = clahe(image[None, None], tiles=tiles, limit=1.5)[0, 0]
    for y in range(24):
        for x in range(24):
            want = 0.0
            v, u = (min(max((place + 0.5) / side - 0.5, 0), tiles - 1) for place in (y, x))
            for row in range(tiles):
                for column in range(tiles):
                    weight = max(0, 1 - abs(v - row)) * max(0, 1 - abs(u - column))
                    want += weight * tables[row, column][image[y, x]]
            assert abs(got[y, x].item() - want) < 0.51


@pytest.mark.rows("Q07")
def test_one_tile_without_limit_is_plain_equalization():
    images = smooth(4)
    shares = histogram(images).cumsum(-1) / 64**2
    want = (255 * shares).round().gather(-1, images.flatten(2).long()).view(images.shape)
    assert (clahe(images, tiles=1, limit=256) - want).abs().max() <= 1


@pytest.mark.rows("Q07")
def test_a_low_limit_keeps_the_contrast_low():
    """At the limit of 1 every table is a straight line, so the image stays, up to rounding."""
    images = smooth(4)
    flat, strong = (clahe(images, tiles=4, limit=limit).float() - images for limit in (1.0, 40.0))
    assert flat.abs().mean() < 0.35 * strong.abs().mean()


@pytest.mark.rows("Q07")
@pytest.mark.parametrize(("side", "bound"), [(4, 17), (8, 5), (16, 3), (32, 3)])
def test_the_limit_bounds_the_slope_as_far_as_a_tile_has_pixels(side, bound):
    """One tile of side x side pixels: by max(2, 256 / side²) + 1."""
    shade = torch.randint(120, 124, (1, 1, side // 2, side), generator=torch.Generator().manual_seed(0))
    images = torch.cat([shade, shade], 2).byte()
    low, high = images.unique()[:2].tolist()
    table = clahe(images, tiles=1, limit=2.0).int()
    slope = table[images == high].min() - table[images == low].max()
    assert 0.9 * bound - 1 <= slope <= bound + 1  # both levels are rounded


@pytest.mark.rows("Q07")
def test_an_image_of_one_level_becomes_white_where_torchvision_leaves_it():
    from torchvision.transforms.v2.functional import equalize as theirs

    for level in (0, 77):
        images = torch.full((1, 3, 8, 8), level, dtype=torch.uint8)
        assert (equalize(images) == 255).all() and (on_lightness(images) == 255).all()
        assert torch.equal(theirs(images), images)


@pytest.mark.rows("Q07")
def test_lightness_is_handed_over_on_the_scale_of_a_byte():
    from skimage.color import rgb2lab

    images, seen = smooth(4, 3), []
    back = on_lightness(images, lambda light: seen.append(light) or light)
    want = 2.55 * rgb2lab(images.numpy(), channel_axis=1)[:, :1]
    np.testing.assert_allclose(seen[0].numpy(), want, atol=0.51)
    assert (back.int() - images.int()).abs().max() <= 2


@pytest.mark.rows("Q07")
def test_equalized_lightness_keeps_the_colors():
    images = smooth(4, 3) // 4 + 96  # pale enough that no color leaves the screen
    before, after = rgb_to_lab(images / 255), rgb_to_lab(on_lightness(images) / 255)
    inside = (on_lightness(images) > 0).all(1, keepdim=True) & (on_lightness(images) < 255).all(1, keepdim=True)
    assert inside.float().mean() > 0.5
    assert ((after - before)[:, 1:].abs() * inside).max() < 2
    assert after[:, 0].std() > 2 * before[:, 0].std()


@pytest.mark.rows("Q08")
@pytest.mark.parametrize("value", [0.0, 100.0, 255.0])
def test_a_constant_image_becomes_mid_gray(value):
    torch.testing.assert_close(
        subtract_local_mean(torch.full((1, 3, 32, 40), value)), torch.full((1, 3, 32, 40), 128.0)
    )


@pytest.mark.rows("Q08")
def test_the_local_mean_agrees_with_scipys_blur():
    from scipy.ndimage import gaussian_filter

    images = smooth(3, 1, 96).double()
    blurred = gaussian_filter(images.numpy(), 48 / 30, truncate=4, mode="mirror", axes=(2, 3))
    want = (4 * images - 4 * torch.from_numpy(blurred) + 128).clamp(0, 255)
    got = subtract_local_mean(images)
    y, x = torch.meshgrid(*[torch.arange(96) - 47.5] * 2, indexing="ij")
    inside = y**2 + x**2 <= (0.9 * 48) ** 2
    torch.testing.assert_close(got[..., inside], want[..., inside], atol=0.05, rtol=0)
    assert (got[..., ~inside] == 128).all()


@pytest.mark.rows("Q08")
def test_slowly_changing_light_is_taken_out():
    """A ramp over the image goes, up to the reflected edge; the spots on it stay."""
    ramp = torch.linspace(40, 200, 96).expand(1, 1, 96, 96)
    inner = slice(16, 80)
    assert (subtract_local_mean(ramp, radius=60) - 128)[..., inner, inner].abs().max() < 0.5
    spot = ramp.clone()
    spot[..., 48, 48] += 20
    assert subtract_local_mean(spot, radius=60)[..., 48, 48] - 128 > 60


@pytest.mark.rows("Q08")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_the_result_stays_within_a_byte(dtype):
    harsh = 255 * torch.randint(2, (1, 1, 32, 32), generator=torch.Generator().manual_seed(0))
    result = subtract_local_mean(harsh.to(dtype), radius=40)
    assert result.min() == 0 and result.max() == 255


def test_an_unknown_equalization_lists_the_choices():
    with pytest.raises(ValueError, match='"retinex" is unknown; choose one of: clahe, histogram, local_mean'):
        equalization("retinex")
