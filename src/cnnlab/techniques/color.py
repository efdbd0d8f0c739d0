"""Color spaces of batches (..., 3, H, W), floats in 0..1, red first.

The formulas are OpenCV's for floats: Cr and Cb lie about 0.5, L runs from 0 to 100; hue is counted in turns.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cnnlab.choices import choose, demand


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """The inverse of a matrix of numbers, in float64."""
    return torch.tensor(matrix, dtype=torch.float64).inverse().tolist()


LUMA = (0.299, 0.587, 0.114)
CR, CB = 0.713, 0.564
TO_YCRCB = (LUMA, (CR * (1 - 0.299), -CR * 0.587, -CR * 0.114), (-CB * 0.299, -CB * 0.587, CB * (1 - 0.114)))
FROM_YCRCB = _inverse(TO_YCRCB)
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
FROM_XYZ = _inverse(TO_XYZ)
WHITE = (0.95047, 1.0, 1.08883)  # X, Y, Z of daylight, D65
KNEE = 6 / 29  # below it CIE's cube root is a line
CAFFE_MEAN, CAFFE_SCALE = (104, 117, 124), 0.04  # blue, green, red


def demand_floats(images: Tensor) -> None:
    """Raise a `ValueError` for bytes and other whole numbers, which the formulas would cut or wrap around."""
    demand(images.is_floating_point(), "the dtype of images", images.dtype, "floating-point (bytes: divide by 255)")


def _mix(matrix: Sequence[Sequence[float]], images: Tensor) -> Tensor:
    """Each pixel's channels times the matrix."""
    demand_floats(images)
    return torch.einsum("ij,...jhw->...ihw", images.new_tensor(matrix), images)


def _column(values: Sequence[float], images: Tensor) -> Tensor:
    """One number a channel, to broadcast over (..., C, H, W)."""
    demand_floats(images)
    return images.new_tensor(values).view(-1, 1, 1)


def rgb_to_gray(rgb: Tensor) -> Tensor:
    r"""Luma, $0.299 R + 0.587 G + 0.114 B$; shape (..., 1, H, W) (row Q05)."""
    return _mix((LUMA,), rgb)


def rgb_to_ycrcb(rgb: Tensor) -> Tensor:
    r"""$Y$, $C_r = 0.713 (R - Y) + 0.5$ and $C_b = 0.564 (B - Y) + 0.5$, OpenCV's order (row Q05)."""
    return _mix(TO_YCRCB, rgb) + _column((0, 0.5, 0.5), rgb)


def ycrcb_to_rgb(ycrcb: Tensor) -> Tensor:
    """The exact inverse of `rgb_to_ycrcb`; OpenCV's rounded 1.403 and 1.773 come back off by up to 3e-4 (row Q05)."""
    return _mix(FROM_YCRCB, ycrcb - _column((0, 0.5, 0.5), ycrcb))


def rgb_to_hsv(rgb: Tensor) -> Tensor:
    r"""Hue in turns, 0 to 1, saturation $(V - \min) / V$ and value $V = \max(R, G, B)$ (row Q05).

    Gray has hue 0, black has saturation 0. OpenCV counts the hue in degrees, kornia in radians.
    """
    demand_floats(rgb)
    red, green, blue = rgb.unbind(-3)
    value = rgb.amax(-3)
    spread = value - rgb.amin(-3)
    safe = torch.where(spread > 0, spread, 1)
    from_green = torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe)
    hue = torch.where(value == red, (green - blue) / safe, from_green) / 6
    saturation = torch.where(value > 0, spread / torch.where(value > 0, value, 1), 0)
    return torch.stack([hue % 1, saturation, value], -3)


def hsv_to_rgb(hsv: Tensor) -> Tensor:
    r"""$V - V S \max(0, \min(k, 4 - k, 1))$ with $k = (n + 6 H) \bmod 6$ and $n = 5, 3, 1$ for red, green, blue (row Q05)."""
    hue, saturation, value = hsv.split(1, dim=-3)
    k = (_column((5, 3, 1), hsv) + 6 * hue) % 6
    return value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    r"""CIE Lab of sRGB under daylight (D65): $L = 116 f_Y - 16$, $a = 500 (f_X - f_Y)$, $b = 200 (f_Y - f_Z)$ (row Q05).

    $f$ is the cube root of $X / X_n$ and so on, a line near black; `L` is 0 to 100, `a` and `b` about -110 to 110.
    """
    linear = torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = _mix(TO_XYZ, linear) / _column(WHITE, rgb)
    root = torch.where(xyz > KNEE**3, xyz.clamp(min=KNEE**3) ** (1 / 3), xyz / (3 * KNEE**2) + 4 / 29)
    x, y, z = root.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """The inverse of `rgb_to_lab`; colors that no screen shows come out below 0 or above 1 (row Q05)."""
    light, a, b = lab.unbind(-3)
    y = (light + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], -3)
    xyz = torch.where(root > KNEE, root**3, 3 * KNEE**2 * (root - 4 / 29))
    linear = _mix(FROM_XYZ, xyz * _column(WHITE, lab))
    return torch.where(linear > 0.0031308, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * linear)


def caffe_scale(images: Tensor) -> Tensor:
    r"""CaffeNet's input: $0.04\,(\mathrm{BGR} - (104, 117, 124))$, from bytes or floats of 0..255, red first (row Q04).

    The channels come out in reverse order, blue first; a network trained on it sees other colors if they are not.
    Source: {cite:t}`jia2014caffe`.
    """
    images = images if images.is_floating_point() else images.float()
    return CAFFE_SCALE * (images.flip(-3) - _column(CAFFE_MEAN, images))


def color_space(name: str) -> Callable[[Tensor], Tensor]:
    """The function from RGB to the named space; an unknown name lists the choices. Source: {cite:t}`mishkin2016`."""
    return choose(COLOR_SPACES, name, "color space")


COLOR_SPACES = {
    "rgb": lambda rgb: rgb,
    "gray": rgb_to_gray,
    "hsv": rgb_to_hsv,
    "ycrcb": rgb_to_ycrcb,
    "lab": rgb_to_lab,
}
