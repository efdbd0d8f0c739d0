import torch
from contract import Case

from cnnlab.techniques import bowl


def start_and_curvatures(generator):
    return torch.randn(3, generator=generator), torch.rand(3, generator=generator)


CASES = {
    "descend": Case(
        lambda: lambda x, curvatures: bowl.descend(x, curvatures, lr=0.5, momentum=0.5, steps=5),
        start_and_curvatures,
        half=0.05,
        bad=(
            (lambda: bowl.descend(torch.zeros(1), torch.ones(1), lr=1.0, steps=0), "steps must be 1 or more; got 0"),
            (lambda: bowl.stability_limit(0.0), "curvature must be above 0; got 0.0"),
            (lambda: bowl.stability_limit(1.0, momentum=1.0), "momentum must be at least 0 and below 1; got 1.0"),
        ),
    ),
}
