import torch
from contract import Case

from cnnlab.techniques.equalization import clahe, equalize, histogram, on_lightness, subtract_local_mean


def of_bytes(*shape):
    return lambda generator: (torch.randint(256, shape, dtype=torch.uint8, generator=generator),)


def gray(generator):
    return (255 * torch.rand(2, 1, 16, 16, generator=generator),)


COUNTS = {"gradient": "bytes have none"}
CASES = {
    "histogram": Case(
        lambda: equalize,
        of_bytes(2, 1, 8, 8),
        why_not=COUNTS,
        bad=((lambda: equalize(torch.zeros(1, 1, 8, 8)), "dtype of images must be torch.uint8.*got torch.float32"),),
    ),
    "clahe": Case(
        lambda: lambda x: clahe(x, tiles=4),
        of_bytes(2, 3, 16, 16),
        why_not=COUNTS,
        bad=(
            (
                lambda: clahe(torch.zeros(1, 1, 30, 32, dtype=torch.uint8)),
                r"must be multiples of tiles=8; got \(30, 32\)",
            ),
            (lambda: clahe(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), tiles=0), "tiles must be at least 1; got 0"),
        ),
    ),
    "local_mean": Case(
        lambda: subtract_local_mean,
        gray,
        bad=((lambda: subtract_local_mean(torch.zeros(1, 1, 8, 8), radius=0), "radius must be above 0; got 0"),),
    ),
    "counts": Case(lambda: histogram, of_bytes(2, 1, 8, 8), why_not=COUNTS),
    "on_lightness": Case(
        lambda: on_lightness,
        of_bytes(2, 3, 8, 8),
        why_not=COUNTS,
        bad=((lambda: on_lightness(torch.rand(1, 3, 4, 4)), "dtype of images must be torch.uint8.*got torch.float32"),),
    ),
}
