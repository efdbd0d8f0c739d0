import torch
from contract import Case

from cnnlab.techniques import freezing
from cnnlab.techniques.freezing import FreezeDropPath

CUT = {"gradient": "frozen branches count, and get no gradient"}


def branches(g):
    return tuple(torch.randn(2, 3, 4, 4, generator=g) for _ in range(3))


def joined(join):
    return lambda: lambda *xs: join(xs)


CASES = {
    "freeze_drop_path": Case(joined(lambda xs: freezing.freeze_drop_path(xs, 1)), branches, why_not=CUT),
    "freeze_path": Case(joined(lambda xs: freezing.freeze_path(xs, 1)), branches, why_not=CUT),
    "freeze_drop_path_module": Case(
        lambda: lambda *xs: FreezeDropPath()(xs),
        branches,
        why_not=CUT | {"vmap": "it draws", "gpu": "it draws on the device"},
        bad=(
            (
                lambda: FreezeDropPath(interval="random"),
                'interval "random" is unknown; choose one of: decreasing, equal',
            ),
            (
                lambda: FreezeDropPath(cycle=-1),
                "cycle must be 0 .a random branch each step. or the steps of a cycle; got -1",
            ),
            (
                lambda: freezing.branch_at(0, freezing.time_shares(3), cycle=0),
                "cycle must be at least 1, the steps of a round; got 0",
            ),
        ),
    ),
    "freeze_drop_path_evaluated": Case(lambda: lambda *xs: FreezeDropPath().eval()(xs), branches),
}
