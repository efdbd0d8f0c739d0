import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import kernels as K


def pair_of(*shapes):
    return lambda generator: tuple(torch.randn(shape, generator=generator) for shape in shapes)


CASES = {
    "merge": Case(
        lambda: K.merge,
        pair_of((5, 3, 3, 3), (4, 5, 3, 2)),
        bad=((lambda: K.merge(torch.zeros(5, 3, 3, 3), torch.zeros(4, 6, 3, 3)), r"second must be \(out, 5, h, w\)"),),
    ),
    "separable_kernel": Case(
        lambda: lambda kernel: K.separable_kernel(kernel, 2),
        images(2, 3, 5, 4),
        why_not={
            "half": "no SVD of half precision",
            "finite": "singular vectors of equal singular values have no gradient",
        },
        bad=((lambda: K.separable_terms(torch.zeros(3, 5), 4), "rank must be from 1 to 3, the shorter side"),),
    ),
    "from_separable": Case(lambda: K.from_separable, pair_of((2, 3, 2, 5), (2, 3, 2, 4))),
    "product_kernel": Case(
        lambda: K.product_kernel,
        pair_of((4, 1, 3, 3), (6, 4, 1, 1)),
        bad=(
            (
                lambda: K.product_kernel(torch.zeros(4, 1, 3, 3), torch.zeros(6, 5, 1, 1)),
                r"pointwise must be \(out, 4, 1, 1\); got \(6, 5, 1, 1\)",
            ),
        ),
    ),
    "linear_to_1x1": Case(lambda: K.linear_to_1x1(nn.Linear(4, 6)), images(2, 4, 5, 5)),
    "linear_to_conv": Case(
        lambda: K.linear_to_conv(nn.Linear(36, 6), (4, 3, 3)),
        images(2, 4, 5, 5),
        bad=((lambda: K.linear_to_conv(nn.Linear(36, 6), (4, 3, 2)), r"map \(C, h, w\) of the layer's 36 inputs"),),
    ),
    "conv_to_linear": Case(
        lambda: K.conv_to_linear(nn.Conv2d(4, 6, 1)),
        images(2, 5, 5, 4),
        bad=((lambda: K.conv_to_linear(nn.Conv2d(4, 6, 3)), "conv must be a 1x1 convolution of one group"),),
    ),
    "similarity": Case(lambda: K.similarity, images(6, 3, 3, 3)),
}
