import torch
from contract import Case
from torch import Tensor

from cnnlab.techniques import correlation as C


def grouped(generator) -> tuple[Tensor, ...]:
    """Images, the weight of a layer with two groups, its bias."""
    return tuple(torch.randn(shape, generator=generator) for shape in ((2, 4, 7, 6), (6, 2, 3, 2), (6,)))


def tried(function):
    return lambda: lambda x, weight, bias: function(x, weight, bias=bias, stride=(2, 1), padding=1, dilation=2)


CASES = {
    name: Case(
        tried(function),
        grouped,
        why_not={"half": "FFTs of half precision exist on GPUs only"} if name == "fft" else {},
        bad=(
            (lambda function=function: function(torch.zeros(1, 4, 5, 5), torch.zeros(2, 3, 3, 3)), "4 / g, kh, kw"),
            (
                lambda function=function: function(torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 3, 3), dilation=3),
                r"kernel must be at most the padded input, \(5, 5\); got \(7, 7\)",
            ),
        ),
    )
    for name, function in C.CORRELATIONS.items()
}
CASES["true_convolution"] = Case(lambda: C.true_convolution, lambda generator: grouped(generator)[:2])
CASES["grouped_conv2d"] = Case(lambda: C.grouped_conv2d, lambda generator: grouped(generator)[:2])
CASES["windows"] = Case(
    lambda: lambda x: C.windows(x, (3, 2), stride=2, padding=1), lambda generator: grouped(generator)[:1]
)
CASES["channel_shuffle"] = Case(lambda: lambda x: C.channel_shuffle(x, 2), lambda generator: grouped(generator)[:1])
