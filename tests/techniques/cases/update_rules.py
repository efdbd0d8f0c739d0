import torch
from contract import Case

from cnnlab.techniques.update_rules import UPDATE_RULES


def weight_and_gradient(generator):
    return torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)


def first_step(rule):
    return lambda weight, gradient: rule(weight, gradient)[0]


ROOT = {"finite": "the root of the squared gradient has no derivative at 0"}
CASES = {
    name: Case(
        lambda rule=rule: first_step(rule),
        weight_and_gradient,
        why_not=ROOT if name in {"adagrad", "rmsprop", "adam"} else {},
    )
    for name, rule in UPDATE_RULES.items()
}
