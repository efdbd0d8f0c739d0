import torch
from contract import Case, images

from cnnlab.techniques import comparisons as C


def two(generator):
    return torch.randn(7, generator=generator), torch.randn(7, generator=generator)


CASES = {
    "difference_in_errors": Case(
        lambda: C.difference_in_errors,
        two,
        why_not={"finite": "two lists without spread have no standard error: 0 / 0"},
        bad=((lambda: C.difference_in_errors(torch.zeros(1), torch.zeros(3)), r"at least 2 each.*got \(1, 3\)"),),
    ),
    "ranks": Case(lambda: C.ranks, images(7)),
    "rank_correlation": Case(
        lambda: C.rank_correlation,
        two,
        bad=((lambda: C.rank_correlation(torch.zeros(2), torch.zeros(3)), r"of one length; got \(\(2,\), \(3,\)\)"),),
    ),
    "two_way": Case(lambda: C.two_way, images(3, 4)),
}
