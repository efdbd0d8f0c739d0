import math

import pytest
import torch
from torch import nn, optim

from cnnlab.techniques import update_rules as U

TORCH = {
    "sgd": lambda p: optim.SGD(p, lr=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "caffe_momentum": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "caffe_nesterov": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.01),
    "adadelta": lambda p: optim.Adadelta(p, lr=1.0),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "adam": lambda p: optim.Adam(p, lr=1e-3),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gradient(x: torch.Tensor) -> torch.Tensor:
    """Of a loss with curvatures of 0.1 to 3 and a ripple, so that signs change on the way."""
    return torch.linspace(0.1, 3, len(x), dtype=x.dtype) * x + torch.cos(5 * x)


def run(rule, start, steps=50, **settings):
    path, state = [start], {}
    for _ in range(steps):
        new, state = rule(path[-1], gradient(path[-1]), state=state, **settings)
        path.append(new)
    return torch.stack(path)


def run_torch(make, start, steps=50, rates=None):
    p = nn.Parameter(start.clone())
    optimizer, path = make([p]), [start]
    for step in range(steps):
        if rates:
            optimizer.param_groups[0]["lr"] = rates[step]
        p.grad = gradient(p.detach())
        optimizer.step()
        path.append(p.detach().clone())
    return torch.stack(path)


@pytest.mark.rows("L07", "L08")
@pytest.mark.parametrize("name", sorted(TORCH))
def test_fifty_steps_are_those_of_torch(name):
    start = torch.randn(12, dtype=torch.float64, generator=seeded())
    ours, theirs = run(U.UPDATE_RULES[name], start), run_torch(TORCH[name], start)
    assert (theirs[-1] - start).abs().min() > 1e-4
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.rows("L07", "L08")
@pytest.mark.parametrize("name", sorted(TORCH))
def test_fifty_steps_in_single_precision_stay_within_a_millionth(name):
    start = torch.randn(12, generator=seeded())
    torch.testing.assert_close(run(U.UPDATE_RULES[name], start), run_torch(TORCH[name], start), rtol=1e-6, atol=2e-6)


@pytest.mark.rows("L08")
def test_other_settings_are_those_of_torch():
    start = torch.randn(6, dtype=torch.float64, generator=seeded())
    pairs = [
        (U.adam, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3}, optim.Adam),
        (U.rmsprop, {"lr": 0.02, "alpha": 0.9, "eps": 1e-3}, optim.RMSprop),
        (U.adadelta, {"lr": 0.5, "rho": 0.95, "eps": 1e-4}, optim.Adadelta),
        (U.adagrad, {"lr": 0.1, "eps": 1e-3}, optim.Adagrad),
    ]
    for rule, settings, theirs in pairs:
        want = run_torch(lambda p, theirs=theirs, settings=settings: theirs(p, **settings), start)
        torch.testing.assert_close(run(rule, start, **settings), want, rtol=0, atol=1e-12)


@pytest.mark.rows("L07")
def test_three_steps_of_momentum_by_hand():
    weight, state, seen = torch.tensor(1.0, dtype=torch.float64), {}, []
    for _ in range(3):
        weight, state = U.momentum(weight, weight, state=state, lr=0.1, momentum=0.5)  # the bowl x²/2
        seen.append(weight.item())
    # v = 1, 1.4, 1.46; x = 1 - .1, .9 - .14, .76 - .146
    assert seen == pytest.approx([0.9, 0.76, 0.614])


@pytest.mark.rows("L07")
def test_three_steps_of_nesterov_by_hand():
    weight, state, seen = torch.tensor(1.0, dtype=torch.float64), {}, []
    for _ in range(3):
        weight, state = U.nesterov(weight, weight, state=state, lr=0.1, momentum=0.5)
        seen.append(weight.item())
    # g = 1, .85, .6975; v = 1, 1.35, 1.3725; steps .1 (g + v/2) = .15, .1525, .138375
    assert seen == pytest.approx([0.85, 0.6975, 0.559125])


@pytest.mark.rows("L07")
@pytest.mark.parametrize("rule", ["momentum", "nesterov", "caffe_momentum", "caffe_nesterov"])
def test_the_terminal_speed_under_a_constant_gradient(rule):
    weight, state = torch.tensor(0.0, dtype=torch.float64), {}
    for _ in range(400):
        before = weight
        weight, state = U.UPDATE_RULES[rule](weight, torch.ones_like(weight), state=state, lr=0.01, momentum=0.9)
    assert (before - weight).item() == pytest.approx(0.01 / (1 - 0.9))


def caffe(x, rates, mu, nesterov):
    """Caffe's SGDSolver and NesterovSolver, written out: history h = mu h + lr g; update h, or (1 + mu) h - mu h_old."""
    path, h = [x], torch.zeros_like(x)
    for lr in rates:
        old, h = h, mu * h + lr * gradient(x)
        x = x - ((1 + mu) * h - mu * old if nesterov else h)
        path.append(x)
    return torch.stack(path)


@pytest.mark.rows("L07")
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_forms_of_torch_and_caffe_part_when_the_rate_changes_and_not_before(nesterov):
    start = torch.randn(5, dtype=torch.float64, generator=seeded())
    rates = [0.05] * 10 + [0.005] * 10
    names = ("nesterov", "caffe_nesterov") if nesterov else ("momentum", "caffe_momentum")
    paths = []
    for name in names:
        weight, state, path = start, {}, [start]
        for lr in rates:
            weight, state = U.UPDATE_RULES[name](weight, gradient(weight), state=state, lr=lr, momentum=0.9)
            path.append(weight)
        paths.append(torch.stack(path))
    theirs = run_torch(lambda p: optim.SGD(p, lr=1, momentum=0.9, nesterov=nesterov), start, 20, rates)
    torch.testing.assert_close(paths[0], theirs)
    torch.testing.assert_close(paths[1], caffe(start, rates, 0.9, nesterov))
    torch.testing.assert_close(paths[0][:11], paths[1][:11])
    assert (paths[0][11] - paths[1][11]).norm() > 1e-3
    # After the drop Caffe coasts on at the old speed, torch at a tenth of it.
    assert (paths[1][11] - paths[1][10]).norm() > 3 * (paths[0][11] - paths[0][10]).norm()


@pytest.mark.rows("L08")
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_first_step_of_adam_is_the_sign_of_the_gradient(scale):
    g = scale * torch.randn(9, dtype=torch.float64, generator=seeded())
    new, _ = U.adam(torch.zeros_like(g), g, lr=0.1, eps=0)
    torch.testing.assert_close(new, -0.1 * g.sign())


@pytest.mark.rows("L08")
def test_adam_keeps_two_copies_of_the_weights_and_the_others_one_or_two():
    weight = torch.zeros(5)
    copies = {}
    for name in ("adagrad", "rmsprop", "adadelta", "adam"):
        _, state = U.UPDATE_RULES[name](weight, torch.ones(5))
        copies[name] = sum(isinstance(each, torch.Tensor) for each in state.values())
    assert copies == {"adagrad": 1, "rmsprop": 1, "adadelta": 2, "adam": 2}


@pytest.mark.rows("L04")
@pytest.mark.parametrize(("g", "m"), [(2.0, 5.0), (2.0, -5.0), (-2.0, 5.0), (-2.0, -5.0)])
def test_agreement_lengthens_a_step_and_disagreement_shortens_it(g, m):
    gradient, state = torch.tensor([g], dtype=torch.float64), {"mean": torch.tensor([m], dtype=torch.float64)}
    agree = g * m > 0
    power, _ = U.power_sign(torch.zeros_like(gradient), gradient, state=state, lr=0.1)
    add, _ = U.add_sign(torch.zeros_like(gradient), gradient, state=state, lr=0.1)
    assert power.item() == pytest.approx(-0.1 * g * (math.e if agree else 1 / math.e), abs=1e-12)
    assert add.item() == pytest.approx(-0.1 * g * (2 if agree else 0), abs=1e-12)


@pytest.mark.rows("L04")
def test_the_mean_of_the_sign_rules_decays():
    state = {}
    for g in (1.0, 0.0, -3.0):
        _, state = U.power_sign(torch.zeros(1), torch.tensor([g]), state=state, beta=0.5)
    assert state["mean"].item() == pytest.approx(0.5 * 0.25 - 0.5 * 3)


def test_an_unknown_rule_lists_the_choices():
    with pytest.raises(ValueError, match='update rule "adamm" is unknown; choose one of: adadelta, adagrad, adam'):
        U.update_rule("adamm")
