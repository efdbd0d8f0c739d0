"""The gather against torchvision's crop and flip, image by image, the warp against its affine, the laws of the draws."""

import re

import pytest
import torch
from torch import Generator

from cnnlab.techniques.augmentation import AUGMENTATIONS, augment, augmentation, draw, lay_out, take

GATHERED = [name for name, kind in AUGMENTATIONS.items() if not kind.warps]
WARPED = [name for name, kind in AUGMENTATIONS.items() if kind.warps]


def noise(n: int, channels: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(1, 256, (n, channels, height, width), dtype=torch.uint8, generator=Generator().manual_seed(1))


def crops(image: torch.Tensor, shift: int, mirrored: bool) -> list[torch.Tensor]:
    """Every padded crop of one image, by torchvision, row by row."""
    from torchvision.transforms.v2.functional import crop, hflip, pad

    _, height, width = image.shape
    places = [(top, left) for top in range(2 * shift + 1) for left in range(2 * shift + 1)]
    found = [crop(pad(image, [shift] * 4), top, left, height, width) for top, left in places]
    return [hflip(each) for each in found] if mirrored else found


@pytest.mark.rows("D01", "D02")
@pytest.mark.parametrize("shape", [(3, 16, 24), (1, 8, 8), (3, 32, 32)])
def test_gather_equals_torchvision_for_every_shift_and_both_sides(shape):
    images = noise(2, *shape)
    pixels = lay_out(images, "crop+flip")
    shift = min(shape[1:]) // 8
    padded_width = shape[2] + 2 * shift
    for index, image in enumerate(images):
        for mirrored in (0, 1):
            want = torch.stack(crops(image, shift, bool(mirrored)))
            top, left = (axis.flatten() for axis in torch.meshgrid([torch.arange(2 * shift + 1)] * 2, indexing="ij"))
            starts = (index * (shape[1] + 2 * shift) + top) * padded_width + left
            assert torch.equal(take(pixels, starts, torch.full_like(starts, mirrored)), want)


@pytest.mark.parametrize("name", GATHERED)
def test_every_image_is_one_of_the_crops_of_itself(name):
    images = noise(64, 3, 16, 16)
    kind = augmentation(name)
    order = torch.randperm(64, generator=Generator().manual_seed(2))
    pixels = lay_out(images, name)
    got = take(pixels, *draw(pixels, order, Generator().manual_seed(3)))
    for image, source in zip(got, images[order], strict=True):
        sides = (False, True) if kind.flip else (False,)
        allowed = [crop for side in sides for crop in crops(source, 2 if kind.crop else 0, side)]
        assert any(torch.equal(image, crop) for crop in allowed)


def test_no_augmentation_gives_the_images_in_order():
    images = noise(5, 3, 6, 7)
    assert torch.equal(augment(images, "none"), images)


def test_images_of_a_batch_are_drawn_one_by_one():
    """The complaint about torchvision v2: one draw for the whole batch."""
    images = noise(1, 3, 32, 32).expand(200, -1, -1, -1)
    kinds = augment(images, "crop+flip", Generator().manual_seed(0)).flatten(1).unique(dim=0)
    assert len(kinds) > 100  # of 162; 200 uniform draws leave 115 expected


@pytest.mark.rows("D02")
def test_the_81_offsets_of_a_cifar_image_are_uniform():
    """χ² over the 9 x 9 places of a crop of 32 from 40; 124.8 is the 0.1 % point of 80 degrees of freedom."""
    n = 81 * 500
    pixels = lay_out(torch.zeros(1, 1, 32, 32, dtype=torch.uint8), "crop+flip")
    starts, _ = draw(pixels, torch.zeros(n, dtype=torch.long), Generator().manual_seed(0))
    counts = (starts // 40 * 9 + starts % 40).bincount()
    assert len(counts) == 81
    assert ((counts - 500).square() / 500).sum() < 124.8


@pytest.mark.rows("D01")
def test_a_flip_is_its_own_inverse():
    images = noise(64, 3, 8, 8)
    once, twice = augment(images, "flip", Generator().manual_seed(0)), images
    for _ in range(2):
        twice = augment(twice, "flip", Generator().manual_seed(0))
    assert torch.equal(twice, images)
    assert 16 < (once != images).flatten(1).any(1).sum() < 48


@pytest.mark.rows("D01", "D02")
def test_crops_and_sides_are_uniform():
    """χ² over the 9 shifts and 2 sides of an 8x8 image; 36.2 is the 0.5 % point of 17 degrees of freedom."""
    n = 18_000
    pixels = lay_out(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "crop+flip")
    starts, mirrored = draw(pixels, torch.zeros(n, dtype=torch.long), Generator().manual_seed(0))
    counts = (starts // 10 * 3 + starts % 10 + 9 * mirrored).bincount(minlength=18)
    assert len(counts) == 18
    assert ((counts - n / 18).square() / (n / 18)).sum() < 36.2


@pytest.mark.parametrize("name", ["crop+flip", *WARPED])
def test_the_same_generator_state_draws_the_same(name):
    images = noise(32, 3, 16, 16)
    first, second, other = (augment(images, name, Generator().manual_seed(seed)) for seed in (4, 4, 5))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_global_random_state_is_not_touched():
    before = torch.get_rng_state()
    augment(noise(4, 3, 16, 16), "crop+flip", Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.rows("D05")
@pytest.mark.parametrize("name", WARPED)
def test_a_warped_image_is_torchvisions_affine_of_the_gathered_one(name):
    """Turned and scaled by what the drawn matrix says; a byte may be rounded the other way."""
    from torchvision.transforms.v2.functional import InterpolationMode, affine

    images, kind = noise(20, 3, 16, 16), augmentation(name)
    pixels = lay_out(images, name)
    starts, mirrored, matrices = draw(pixels, torch.arange(20), Generator().manual_seed(3))
    got = take(pixels, starts, mirrored, matrices)
    assert got.dtype == torch.uint8
    for image, source, matrix in zip(got, take(pixels, starts, mirrored), matrices, strict=True):
        factor, angle = matrix.det().sqrt().item(), torch.atan2(matrix[1, 0], matrix[0, 0]).rad2deg().item()
        assert abs(angle) <= kind.degrees + 1e-4 and 1 / kind.scale - 1e-6 <= factor <= kind.scale + 1e-6
        want = affine(source.float(), angle, [0, 0], factor, [0.0], interpolation=InterpolationMode.BILINEAR)
        assert (image - want).abs().max() < 0.51


@pytest.mark.rows("D05")
def test_angles_are_uniform_and_factors_log_uniform_over_their_range():
    """Each eighth of the range gets its share: χ² with 7 degrees of freedom, 24.3 is its 0.1 % point."""
    n = 8_000
    for name in ("rotate", "scale"):
        pixels = lay_out(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), name)
        *_, matrices = draw(pixels, torch.zeros(n, dtype=torch.long), Generator().manual_seed(0))
        turned = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]).rad2deg() / 15
        zoomed = matrices[:, 0, 0].log() / torch.tensor(1.25).log()
        counts = torch.histc(turned if name == "rotate" else zoomed, 8, -1, 1)
        assert counts.sum() == n
        assert ((counts - n / 8).square() / (n / 8)).sum() < 24.3


@pytest.mark.rows("D05")
def test_an_angle_of_zero_gives_the_image():
    images = noise(5, 3, 9, 16)
    pixels = lay_out(images, "rotate")
    rows = torch.arange(5)
    assert torch.equal(take(pixels, rows, 0 * rows, torch.eye(2).expand(5, 2, 2)), images)


def test_what_is_turned_is_cropped_and_mirrored_as_without_it():
    """The angle is drawn last, so the first walk through the images has the crops and sides of crop+flip."""
    images = noise(12, 3, 16, 16)
    plain, turned = (
        draw(lay_out(images, name), torch.arange(12), Generator().manual_seed(1))
        for name in ("crop+flip", "crop+flip+rotate")
    )
    assert len(plain) == 2 and all(torch.equal(one, two) for one, two in zip(plain, turned[:2], strict=True))


@pytest.mark.parametrize("name", GATHERED)
def test_a_batch_is_channels_last_without_a_copy(name):
    batch = augment(noise(4, 3, 16, 16), name)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_images_too_small_to_shift_are_refused():
    with pytest.raises(ValueError, match=re.escape("needs images of 8 pixels a side or more; got 7x9. Choose")):
        lay_out(noise(1, 1, 7, 9), "crop+flip")


def test_unknown_augmentation_lists_the_choices():
    with pytest.raises(ValueError, match=re.escape('"shear" is unknown; choose one of: crop+flip, crop+flip+rotate')):
        augmentation("shear")
