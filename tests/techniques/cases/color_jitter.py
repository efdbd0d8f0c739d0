import torch
from contract import Case, seeded

from cnnlab.techniques.color_jitter import change_hsv, color_axes, fancy_pca, jitter_hsv
from cnnlab.techniques.preprocessing import Axes


def colors(generator):
    return (torch.rand(3, 3, 4, 4, generator=generator),)


def changed(x):
    powers, factors, shifts = (x.new_full((3, 2), value) for value in (0.5, 1.2, 0.05))
    return change_hsv(x, powers, factors=factors, shifts=shifts, turns=x.new_tensor([0.0, 0.05, -0.1]))


def with_axes(generator):
    return (*colors(generator), *(torch.rand(shape, generator=generator) for shape in ((3,), (3, 3), (3,))))


BYTES, MESSAGE = torch.full((1, 3, 2, 2), 200, dtype=torch.uint8), "must be floating-point .*; got torch.uint8"
DRAWN = {"vmap": "it draws on the CPU for each image, which vmap refuses"}
CASES = {
    "change_hsv": Case(lambda: changed, colors),
    "jitter_hsv": Case(
        lambda: lambda x: jitter_hsv(x, generator=seeded()),
        colors,
        why_not=DRAWN,
        bad=((lambda: jitter_hsv(BYTES), MESSAGE),),
    ),
    "color_axes": Case(
        lambda: color_axes,
        lambda generator: (torch.rand(8, 3, 4, 4, generator=generator) * torch.tensor([1.0, 2, 4]).view(3, 1, 1),),
        why_not={
            "finite": "equal eigenvalues have no eigenvectors of their own, so no derivative",
            "half": "torch has no eigenvectors in half precision",
        },
    ),
    "fancy_pca": Case(
        lambda: lambda x, *axes: fancy_pca(x, Axes(*axes), generator=seeded()),
        with_axes,
        why_not=DRAWN,
        bad=((lambda: fancy_pca(BYTES, Axes(torch.zeros(3), torch.eye(3), torch.ones(3))), MESSAGE),),
    ),
}
