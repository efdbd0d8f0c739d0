import torch
from contract import Case
from torch import nn

from cnnlab.techniques.optimizers import OPTIMIZERS, ByHand, optimizer
from cnnlab.techniques.update_rules import sgd


def weight_and_gradient(generator):
    return torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)


def first_step(name):
    def after(weight, gradient):
        parameter = nn.Parameter(weight.clone())
        parameter.grad = gradient.clone()
        optimizer(name, [parameter], lr=0.1).step()
        return parameter.detach()

    return lambda: after


STEP = {"gradient": "an optimizer's step is not recorded: `update_rules` has the step as a function"}
STATE = {"vmap": "torch's optimizer changes a state in place that is no batch"}
CASES = {
    name: Case(first_step(name), weight_and_gradient, why_not=STEP | (STATE if name.startswith("ada") else {}))
    for name in OPTIMIZERS
}
CASES["rmsprop"] = Case(first_step("rmsprop"), weight_and_gradient, why_not=STEP | STATE)
CASES["sgd"] = Case(
    first_step("sgd"),
    weight_and_gradient,
    why_not=STEP,
    bad=(
        (lambda: optimizer("sdg", [], lr=0.1), 'optimizer "sdg" is unknown; choose one of: adadelta, adagrad, adam'),
        (lambda: ByHand([nn.Parameter(torch.zeros(1))], sgd, lr=-1.0), "lr must be 0 or more; got -1.0"),
    ),
)
