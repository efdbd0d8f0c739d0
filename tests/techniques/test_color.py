"""Color spaces against kornia and scikit-image, and the laws that hold for any color."""

import pytest
import torch

from cnnlab.techniques.color import (
    COLOR_SPACES,
    caffe_scale,
    color_space,
    hsv_to_rgb,
    lab_to_rgb,
    rgb_to_gray,
    rgb_to_hsv,
    rgb_to_lab,
    rgb_to_ycrcb,
    ycrcb_to_rgb,
)


def colors() -> torch.Tensor:
    """Random colors, and a block with every mixture of 0, 1/2 and 1: black, white, grays, pure hues."""
    drawn = torch.rand(4, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0])] * 3)
    return torch.cat([drawn, corners.T.view(1, 3, 3, 9).repeat(1, 1, 3, 1)])


def there_and_back():
    return [(rgb_to_hsv, hsv_to_rgb), (rgb_to_ycrcb, ycrcb_to_rgb), (rgb_to_lab, lab_to_rgb)]


@pytest.mark.rows("Q05")
@pytest.mark.parametrize(("there", "back"), there_and_back(), ids=["hsv", "ycrcb", "lab"])
def test_a_color_comes_back(there, back):
    torch.testing.assert_close(back(there(colors())), colors(), atol=1e-5, rtol=0)


@pytest.mark.rows("Q05")
def test_hsv_agrees_with_scikit_image():
    from skimage.color import rgb2hsv

    got, want = rgb_to_hsv(colors()), torch.from_numpy(rgb2hsv(colors().numpy(), channel_axis=1))
    torch.testing.assert_close(got.double(), want.double(), atol=1e-6, rtol=0)


@pytest.mark.rows("Q05")
def test_hsv_agrees_with_kornia_in_radians():
    import kornia

    turn = torch.tensor([2 * torch.pi, 1, 1]).view(3, 1, 1)
    torch.testing.assert_close(rgb_to_hsv(colors()) * turn, kornia.color.rgb_to_hsv(colors()), atol=1e-4, rtol=0)


@pytest.mark.rows("Q05")
def test_ycrcb_agrees_with_kornia_in_opencvs_order():
    import kornia

    want = kornia.color.rgb_to_ycbcr(colors())[:, [0, 2, 1]]
    torch.testing.assert_close(rgb_to_ycrcb(colors()), want, atol=1e-5, rtol=0)


@pytest.mark.rows("Q05")
def test_the_rounded_inverse_of_opencv_does_not_come_back():
    luma, red, blue = rgb_to_ycrcb(colors()).unbind(1)
    rounded = luma + 1.403 * (red - 0.5)
    assert 1e-4 < (rounded - colors()[:, 0]).abs().max() < 4e-4


@pytest.mark.rows("Q05")
def test_lab_agrees_with_scikit_image_and_kornia():
    import kornia
    from skimage.color import rgb2lab

    got = rgb_to_lab(colors().double())
    by_skimage = torch.from_numpy(rgb2lab(colors().double().numpy(), channel_axis=1))
    torch.testing.assert_close(got, by_skimage, atol=1e-3, rtol=0)
    torch.testing.assert_close(got, kornia.color.rgb_to_lab(colors().double()), atol=1e-3, rtol=0)


@pytest.mark.rows("Q05")
def test_gray_agrees_with_kornia_and_keeps_grays():
    import kornia

    torch.testing.assert_close(rgb_to_gray(colors()), kornia.color.rgb_to_grayscale(colors()))
    shades = torch.linspace(0, 1, 11).view(1, 1, 1, 11)
    torch.testing.assert_close(rgb_to_gray(shades.expand(1, 3, 1, 11)), shades)


@pytest.mark.rows("Q05")
def test_hue_starts_again_after_one_turn():
    hsv = rgb_to_hsv(colors())
    turned = hsv + torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    torch.testing.assert_close(hsv_to_rgb(turned), hsv_to_rgb(hsv), atol=1e-5, rtol=0)


@pytest.mark.rows("Q04")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_white_becomes_caffenets_numbers(dtype):
    got = caffe_scale(torch.full((1, 3, 1, 1), 255, dtype=dtype))
    torch.testing.assert_close(got.flatten(), torch.tensor([6.04, 5.52, 5.24]))


@pytest.mark.rows("Q04")
def test_caffenet_sees_blue_first():
    blue = torch.tensor([0, 0, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    torch.testing.assert_close(caffe_scale(blue).flatten(), torch.tensor([0.04 * 151, -0.04 * 117, -0.04 * 124]))


@pytest.mark.parametrize("name", sorted(COLOR_SPACES))
def test_one_image_and_a_stack_of_batches_convert_alike(name):
    batch, space = colors(), color_space(name)
    torch.testing.assert_close(space(batch[0]), space(batch)[0])
    torch.testing.assert_close(space(batch[None]), space(batch)[None])


def test_an_unknown_color_space_lists_the_choices():
    with pytest.raises(ValueError, match='color space "xyz" is unknown; choose one of: gray, hsv, lab, rgb, ycrcb'):
        color_space("xyz")
