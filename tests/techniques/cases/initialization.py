import torch
from contract import Case, images, seeded

from cnnlab.techniques import initialization as I

OVERWRITTEN = {"gradient": "a rule overwrites its argument, so nothing depends on it"}
DRAWN = OVERWRITTEN | {
    "dtype": "each dtype has its own random numbers",
    "half": "half precision has its own random numbers, and no QR",
    "vmap": "vmap refuses random numbers without being told how they differ",
}
BY_MEMORY = DRAWN | {"channels_last": "the draws follow the memory"}
EXCUSES = {"zeros": OVERWRITTEN, "orthogonal": DRAWN, "lsuv": DRAWN}


def filled(rule):
    return lambda: lambda weight: rule(weight.clone(), generator=seeded())


CASES = {
    name: Case(filled(rule), images(6, 4, 3, 3), why_not=EXCUSES.get(name, BY_MEMORY))
    for name, rule in I.INITIALIZATIONS.items()
}
CASES["prior_bias_"] = Case(
    lambda: lambda bias: I.prior_bias_(bias.clone(), torch.tensor([3, 1, 2], device=bias.device)),
    images(3),
    why_not=OVERWRITTEN | {"device": "it looks at the counts, which an imagined tensor has not"},
    bad=((lambda: I.prior_bias_(torch.zeros(2), torch.tensor([1, 0])), r"2 outputs; got \[1, 0\]"),),
)
