from functools import partial

import torch
from contract import Case, images

from cnnlab.techniques import activations as A
from cnnlab.techniques.maxout import Maxout

FORMULAS = {
    "sigmoid": A.sigmoid,
    "scaled_tanh": A.scaled_tanh,
    "relu": A.relu,
    "leaky": partial(A.leaky, slope=1 / 3),
    "elu": partial(A.elu, alpha=0.5),
    "softplus": A.softplus,
    "centered_softplus": A.centered_softplus,
    "elu_leaky": A.elu_leaky,
    "gelu": A.gelu,
    "silu": A.silu,
}
CASES = {name: Case(make, images(2, 4, 5, 5)) for name, make in A.ACTIVATIONS.items()}
CASES |= {f"{name}_formula": Case(lambda f=f: f, images(2, 4, 5, 5)) for name, f in FORMULAS.items()}
CASES["elu_formula"] = Case(
    lambda: partial(A.elu, alpha=0.5),
    images(2, 4, 5, 5),
    bad=((lambda: A.elu(torch.zeros(1), alpha=0.0), "alpha must be positive; got 0.0"),),
)
CASES["maxout"] = Case(
    Maxout,
    images(2, 4, 5, 5),
    bad=((lambda: Maxout(3)(images(1, 4)(None)[0]), r"must be a multiple of 3; got shape \(1, 4\)"),),
)
