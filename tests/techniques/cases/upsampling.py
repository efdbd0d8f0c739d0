import torch
from contract import Case, images

from cnnlab.techniques import upsampling as U


def maps(generator):
    return torch.randn(2, 3, 4, 5, generator=generator), torch.randn(3, 2, 3, 4, generator=generator)


CASES = {name: Case(make, images(2, 4, 5, 6)) for name, make in U.UPSAMPLINGS.items()}
CASES["conv_transpose2d"] = Case(
    lambda: lambda x, weight: U.conv_transpose2d(x, weight, stride=2, padding=1, output_padding=1), maps
)
CASES["conv_matrix"] = Case(lambda: lambda weight: U.conv_matrix(weight, 4, stride=2, padding=1), images(2, 3, 3, 3))
CASES["bilinear_upsampling"] = Case(
    lambda: U.bilinear_upsampling(3, 2),
    images(2, 3, 4, 5),
    bad=((lambda: U.bilinear_kernel(0), "factor must be a whole number, at least 1; got 0"),),
)
CASES["pixel_shuffle_by_hand"] = Case(lambda: U.pixel_shuffle, images(2, 8, 3, 4))
