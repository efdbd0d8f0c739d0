import torch
from contract import Case, images

from cnnlab.techniques.preprocessing import (
    INTERPOLATIONS,
    WHITENINGS,
    Axes,
    merge,
    min_max,
    moments,
    principal_axes,
    resize,
    standardize,
)


def whitened(generator):
    shapes = ((5, 2, 3), (6,), (6, 6), (6,))
    return tuple(torch.rand(shape, generator=generator) for shape in shapes)


def two_batches(generator):
    return torch.rand(2, 3, 4, 4, generator=generator), torch.rand(1, 3, 4, 4, generator=generator)


def with_range(generator):
    x, low, span = torch.randn(4, 6, generator=generator), *torch.rand(2, 6, generator=generator)
    return x, low, low + span


CASES = {
    "standardize": Case(
        lambda: lambda x: standardize(x, x.new_tensor([0.2, 0.5, 0.7]), x.new_tensor([0.1, 0.2, 0.3]), x.dtype),
        images(2, 3, 4, 4),
        why_not={"vmap": "vmap cannot ask for channels_last"},
    ),
    "moments": Case(lambda: moments, images(2, 3, 4, 4)),
    "merge": Case(lambda: lambda x, y: merge(moments(x), moments(y)), two_batches),
    "min_max": Case(lambda: min_max, with_range),
    "principal_axes": Case(
        lambda: principal_axes,
        images(40, 3),
        why_not={
            "finite": "equal eigenvalues have no eigenvectors of their own, so no derivative",
            "half": "torch has no eigenvectors in half precision",
        },
    ),
    **{
        name: Case(lambda function=function: lambda x, *axes: function(x, Axes(*axes)), whitened)
        for name, function in WHITENINGS.items()
    },
    **{
        name: Case(
            lambda name=name: lambda x: resize(x, (9, 6), interpolation=name),
            images(2, 3, 6, 8),
            why_not={} if name == "nearest" else {"half": "torch antialiases no half precision on the CPU"},
        )
        for name in INTERPOLATIONS
    },
}
