from contract import Case, images, seeded

from cnnlab.techniques.scaling import SCALINGS, uniform_

DRAWN = {
    "gradient": "a rule overwrites its argument, so nothing depends on it",
    "dtype": "each dtype has its own random numbers",
    "vmap": "vmap refuses random numbers without being told how they differ",
    "channels_last": "the draws follow the memory",
}
HALF = {"half": "half precision has its own random numbers"}


def filled(rule):
    return lambda: lambda weight: rule(weight.clone(), generator=seeded())


def half(weight, generator):
    return uniform_(weight, 0.5, generator=generator)


CASES = {name: Case(filled(rule), images(6, 4, 3, 3), why_not=DRAWN) for name, rule in SCALINGS.items()}
CASES["lecun"] = Case(filled(SCALINGS["lecun"]), images(6, 4, 3, 3), why_not=DRAWN | HALF)
CASES["uniform_"] = Case(filled(half), images(6, 4, 3, 3), why_not=DRAWN)
