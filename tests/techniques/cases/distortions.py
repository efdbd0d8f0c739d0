import torch
from contract import Case, images, seeded

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


def colors(generator):
    return (torch.rand(3, 3, 6, 8, generator=generator),)


def angles(generator):
    return (20 * torch.rand(3, generator=generator),)


def single(x):
    return x.to(torch.promote_types(x.dtype, torch.float32))


BYTES, MESSAGE = torch.full((1, 3, 4, 4), 5, dtype=torch.uint8), "must be floating-point .*; got torch.uint8"
DRAWN = {"vmap": "it draws on the CPU for each image, which vmap refuses"}
CASES = {
    **{
        name: Case(lambda function=function: lambda x: function(x, generator=seeded()), colors, why_not=DRAWN)
        for name, function in DISTORTIONS.items()
    },
    "rotation": Case(lambda: rotation, angles),
    "scaling": Case(lambda: scaling, angles),
    "shearing": Case(lambda: shearing, angles),
    "warp": Case(
        lambda: lambda x, degrees, shifts: warp(x, rotation(single(degrees)), single(shifts)),
        lambda generator: (*colors(generator), *angles(generator), torch.randn(3, 2, generator=generator)),
    ),
    "random_affine": Case(
        lambda: lambda x: random_affine(x, generator=seeded()),
        images(2, 1, 5, 5),
        why_not=DRAWN,
        bad=(
            (lambda: random_affine(torch.zeros(1, 1, 4, 4), scale=0.5), "scale must be at least 1: .*; got 0.5"),
            (lambda: random_affine(BYTES), MESSAGE),
            (lambda: add_noise(BYTES, std=20.0), MESSAGE),
        ),
    ),
    "random_crop": Case(
        lambda: lambda x: random_crop(x, 5, padding=1, generator=seeded()),
        colors,
        why_not=DRAWN,
        bad=((lambda: random_crop(torch.zeros(1, 1, 4, 6), 5), "size must be 1 to 4, the shorter side.*; got 5"),),
    ),
    "flip_with": Case(
        lambda: lambda x, y: flip_with(x, y, generator=seeded()),
        lambda generator: (*colors(generator), torch.randint(4, (3, 6, 8), generator=generator)),
        why_not=DRAWN,
    ),
    "distort": Case(lambda: lambda x: distort(x, "affine", "noise", generator=seeded()), colors, why_not=DRAWN),
}
