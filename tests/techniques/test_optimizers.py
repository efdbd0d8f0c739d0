import copy
import math
import pickle

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

from cnnlab.techniques import optimizers as O
from cnnlab.techniques import update_rules as U


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def problem():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    return model, torch.randn(40, 5, dtype=torch.float64, generator=seeded()), torch.arange(40) % 3


def train(model, optimizer, x, y, steps=30):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.rows("L07", "L08")
@pytest.mark.parametrize(
    ("rule", "settings", "theirs"),
    [
        ("momentum", {"lr": 0.1, "momentum": 0.9}, lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
        ("adam", {"lr": 0.01}, lambda p: optim.Adam(p, lr=0.01)),
    ],
)
def test_a_rule_by_hand_trains_a_network_as_torchs_optimizer_does(rule, settings, theirs):
    model, x, y = problem()
    twin = copy.deepcopy(model)
    ours = train(model, O.ByHand(model.parameters(), U.UPDATE_RULES[rule], **settings), x, y)
    assert ours == pytest.approx(train(twin, theirs(twin.parameters()), x, y), abs=1e-10)


@pytest.mark.rows("L04", "L07", "L08")
@pytest.mark.parametrize("name", sorted(O.OPTIMIZERS))
def test_every_optimizer_of_the_table_lowers_the_loss(name):
    model, x, y = problem()
    lr = {"adadelta": 1.0, "sgd": 0.5}.get(name, 0.05)
    losses = train(model, O.optimizer(name, model.parameters(), lr=lr), x, y)
    assert losses[-1] < losses[0] - 0.02


# What two steps take away of a weight, by hand: gradients 1.5 and -.5, rates .1 and .05.
TWO_STEPS = {
    "sgd": (0.1 * 1.5, 0.05 * -0.5),
    "momentum": (0.1 * 1.5, 0.05 * (0.9 * 1.5 - 0.5)),
    "nesterov": (0.1 * (1.5 + 0.9 * 1.5), 0.05 * (-0.5 + 0.9 * (0.9 * 1.5 - 0.5))),
    "caffe_momentum": (0.15, 0.9 * 0.15 - 0.05 * 0.5),
    "caffe_nesterov": (1.9 * 0.15, 1.9 * 0.11 - 0.9 * 0.15),
    "adagrad": (0.1, 0.05 * -0.5 / math.sqrt(2.25 + 0.25)),
    "adadelta": (
        0.1 * 1.5 * math.sqrt(1e-6 / 0.225001),
        0.05 * -0.5 * math.sqrt((0.1 * 2.25e-6 / 0.225001 + 1e-6) / (0.9 * 0.225 + 0.1 * 0.25 + 1e-6)),
    ),
    "rmsprop": (0.1 * 1.5 / 0.15, 0.05 * -0.5 / math.sqrt(0.99 * 0.0225 + 0.01 * 0.25)),
    "adam": (0.1, 0.05 * (0.085 / 0.19) / math.sqrt(0.00249775 / 0.001999)),
    "power_sign": (0.1 * 1.5 * math.e, 0.05 * -0.5 / math.e),
    "add_sign": (0.1 * 1.5 * 2, 0),
}


@pytest.mark.rows("L04", "L07", "L08")
@pytest.mark.parametrize("name", sorted(O.OPTIMIZERS))
def test_two_steps_of_every_optimizer_of_the_table_by_hand(name):
    p, want = nn.Parameter(torch.tensor(2.0, dtype=torch.float64)), 2.0
    optimizer = O.optimizer(name, [p], lr=0.1)
    for gradient, lr, taken in zip((1.5, -0.5), (0.1, 0.05), TWO_STEPS[name.replace("adamw", "adam")], strict=True):
        p.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        want = want * (1 - 0.01 * lr if name == "adamw" else 1) - taken
        assert p.item() == pytest.approx(want, rel=1e-7)


@pytest.mark.rows("L04", "L07", "L08")
@pytest.mark.parametrize("name", sorted(U.UPDATE_RULES))
def test_two_steps_of_every_rule_of_the_table_by_hand(name):
    weight, state, want = torch.tensor(2.0, dtype=torch.float64), {}, 2.0
    for gradient, lr, taken in zip((1.5, -0.5), (0.1, 0.05), TWO_STEPS[name], strict=True):
        weight, state = U.update_rule(name)(weight, weight.new_tensor(gradient), state=state, lr=lr)
        want -= taken
        assert weight.item() == pytest.approx(want, rel=1e-7)


@pytest.mark.rows("L07")
@pytest.mark.parametrize("name", ["caffe_nesterov", "power_sign"])
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))], ids=["copy", "pickle"])
def test_a_copied_optimizer_goes_on_as_the_first(name, twin):
    model, x, y = problem()
    optimizer = O.optimizer(name, model.parameters(), lr=0.05)
    train(model, optimizer, x, y, 5)
    model_2, optimizer_2 = twin((model, optimizer))
    assert train(model, optimizer, x, y, 5) == train(model_2, optimizer_2, x, y, 5)


@pytest.mark.rows("L07")
def test_a_rate_is_given_and_not_negative_in_any_group():
    p = nn.Parameter(torch.zeros(1))
    with pytest.raises(TypeError, match="lr"):
        O.ByHand([p], U.sgd)
    with pytest.raises(ValueError, match="lr must be 0 or more; got -0.5"):
        O.ByHand([{"params": [p], "lr": -0.5}], U.sgd, lr=0.1)
    optimizer = O.PowerSign([nn.Parameter(torch.zeros(1))])
    with pytest.raises(ValueError, match="lr must be 0 or more; got -0.5"):
        optimizer.add_param_group({"params": [p], "lr": -0.5})
    assert len(optimizer.param_groups) == 1


@pytest.mark.rows("L04")
@pytest.mark.parametrize(("make", "agree", "not_"), [(O.PowerSign, math.e, 1 / math.e), (O.AddSign, 2.0, 0.0)])
def test_two_steps_of_the_sign_optimizers(make, agree, not_):
    p = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = make([p], lr=0.1)
    p.grad = torch.tensor([1.0, 1.0], dtype=torch.float64)
    optimizer.step()
    torch.testing.assert_close(p.detach(), torch.full((2,), -0.1 * agree, dtype=torch.float64))
    before, p.grad = p.detach().clone(), torch.tensor([0.5, -0.5], dtype=torch.float64)  # mean .9 * .1 ± .05 > 0
    optimizer.step()
    want = before - 0.1 * torch.tensor([0.5 * agree, -0.5 * not_], dtype=torch.float64)
    torch.testing.assert_close(p.detach(), want)


@pytest.mark.rows("L04")
def test_the_base_of_power_sign_is_a_setting():
    p = nn.Parameter(torch.zeros(1))
    p.grad = torch.ones(1)
    O.PowerSign([p], lr=0.1, base=2.0).step()
    assert p.item() == pytest.approx(-0.2)


@pytest.mark.rows("L07")
def test_groups_schedulers_and_closures_work_as_with_torch():
    p, q, frozen = (nn.Parameter(torch.ones(1)) for _ in range(3))
    optimizer = O.ByHand([{"params": [p, frozen]}, {"params": [q], "lr": 1.0}], U.sgd, lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p + q).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2
    scheduler.step()
    optimizer.step(closure)
    assert (p.item(), q.item(), frozen.item()) == pytest.approx((1 - 0.1 - 0.05, 1 - 1 - 0.5, 1))


@pytest.mark.rows("L07")
@pytest.mark.parametrize("name", ["caffe_nesterov", "power_sign"])
def test_a_checkpoint_goes_on_where_it_was(name):
    model, x, y = problem()
    optimizer = O.optimizer(name, model.parameters(), lr=0.05)
    train(model, optimizer, x, y, 5)
    twin = copy.deepcopy(model)
    other = O.optimizer(name, twin.parameters(), lr=0.3)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert train(model, optimizer, x, y, 5) == train(twin, other, x, y, 5)
