import torch
from contract import Case

from cnnlab.techniques.color import (
    COLOR_SPACES,
    caffe_scale,
    hsv_to_rgb,
    lab_to_rgb,
    rgb_to_gray,
    rgb_to_hsv,
    rgb_to_lab,
    rgb_to_ycrcb,
    ycrcb_to_rgb,
)


def colors(generator):
    return (torch.rand(2, 3, 4, 5, generator=generator),)


def lab(generator):
    return (40 * torch.rand(2, 3, 4, 5, generator=generator) + torch.tensor([40.0, -20, -20]).view(3, 1, 1),)


CASES = {
    name: Case(lambda function=function: function, colors)
    for name, function in {
        **COLOR_SPACES,
        "hsv_to_rgb": hsv_to_rgb,
        "ycrcb_to_rgb": ycrcb_to_rgb,
        "caffe_scale": caffe_scale,
    }.items()
}
BYTES = torch.full((1, 3, 2, 2), 200, dtype=torch.uint8)
EVERY = (rgb_to_gray, rgb_to_hsv, rgb_to_lab, rgb_to_ycrcb, hsv_to_rgb, lab_to_rgb, ycrcb_to_rgb)
CASES["lab_to_rgb"] = Case(
    lambda: lab_to_rgb,
    lab,
    bad=tuple(
        (
            lambda change=change: change(BYTES),
            r"the dtype of images must be floating-point \(bytes: divide by 255\); got torch.uint8",
        )
        for change in EVERY
    ),
)
