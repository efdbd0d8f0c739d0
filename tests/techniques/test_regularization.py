import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.rectifiers import APL
from cnnlab.techniques.regularization import (
    PENALTIES,
    decay_groups,
    elastic_net_penalty,
    elastic_net_step,
    l1_penalty,
    l2_penalty,
    max_norm_,
    soft_threshold,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trained(optimizer, penalty, steps: int = 1) -> torch.Tensor:
    """A weight after steps on a quadratic, from the same start each time."""
    w = torch.randn(20, dtype=torch.float64, generator=seeded()).requires_grad_()
    optimizer = optimizer([w])
    for _ in range(steps):
        optimizer.zero_grad()
        ((w - 1).square().sum() + penalty([w])).backward()
        optimizer.step()
    return w.detach()


@pytest.mark.rows("R01")
def test_l2_is_weight_decay_under_plain_sgd_and_not_under_adam():
    def of(kind, penalty, steps=1, **more):
        return trained(lambda ps: kind(ps, lr=0.1, **more), penalty, steps)

    nothing, l2 = (lambda ws: 0), (lambda ws: l2_penalty(ws, 0.3))
    torch.testing.assert_close(of(torch.optim.SGD, l2, 5), of(torch.optim.SGD, nothing, 5, weight_decay=0.3))
    adam, adamw = of(torch.optim.Adam, l2, 2), of(torch.optim.AdamW, nothing, 2, weight_decay=0.3)
    assert (adam - adamw).abs().max() > 1e-3


@pytest.mark.rows("R01")
def test_l2_alone_shrinks_a_weight_by_one_minus_lr_times_strength():
    w = torch.tensor([2.0, -3.0], requires_grad=True)
    l2_penalty([w], 0.1).backward()
    torch.testing.assert_close(w - 0.5 * w.grad, (1 - 0.5 * 0.1) * w)


@pytest.mark.rows("R02")
def test_the_soft_threshold_is_torchs_softshrink():
    assert soft_threshold(torch.tensor([0.3, -2.0]), 0.5).tolist() == [0, -1.5]
    w = torch.randn(1000, generator=seeded())
    torch.testing.assert_close(soft_threshold(w, 0.5), F.softshrink(w, 0.5))


def descend(x: torch.Tensor, y: torch.Tensor, *, l1: float, l2: float, proximal: bool) -> torch.Tensor:
    """Weights that minimize |xw - y|²/2n with both penalties, by gradient and proximal steps, or by subgradients."""
    w, lr = torch.zeros(x.shape[1], dtype=torch.float64), 0.1
    for _ in range(3000):
        gradient = x.T @ (x @ w - y) / len(y)
        w = elastic_net_step(w - lr * gradient, lr, l1=l1, l2=l2) if proximal else w - lr * (gradient + l1 * w.sign())
    return w


def regression() -> tuple[torch.Tensor, torch.Tensor]:
    X = torch.randn(80, 12, dtype=torch.float64, generator=seeded(1))
    true = torch.tensor([2.0, -1.5, 1.0] + 9 * [0.0], dtype=torch.float64)
    return X, X @ true + 0.1 * torch.randn(80, dtype=torch.float64, generator=seeded(2))


@pytest.mark.rows("R02")
def test_proximal_steps_find_the_lasso_and_its_zeros():
    X, y = regression()
    ours, theirs = (
        descend(X, y, l1=0.2, l2=0, proximal=True),
        Lasso(0.2, fit_intercept=False, tol=1e-12).fit(X, y).coef_,
    )
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-7, rtol=0)
    assert (ours == 0).sum() == (theirs == 0).sum() > 5
    assert (descend(X, y, l1=0.2, l2=0, proximal=False) == 0).sum() == 0


@pytest.mark.rows("R03")
def test_proximal_steps_find_scikit_learns_elastic_net():
    X, y = regression()
    theirs = (
        ElasticNet(alpha=0.3, l1_ratio=0.5, fit_intercept=False, tol=1e-12).fit(X, y).coef_
    )  # a r |w| + a (1-r) w²/2
    ours = descend(X, y, l1=0.3 * 0.5, l2=0.3 * 0.5 / 2, proximal=True)
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-7, rtol=0)


@pytest.mark.rows("R03")
def test_the_elastic_net_step_minimizes_what_a_proximal_step_must():
    w, grid = torch.linspace(-2, 2, 41, dtype=torch.float64), torch.linspace(-2, 2, 40_001, dtype=torch.float64)
    lr, l1, l2 = 0.5, 0.6, 0.4
    objective = (grid - w[:, None]).square() / (2 * lr) + l1 * grid.abs() + l2 * grid.square()
    torch.testing.assert_close(elastic_net_step(w, lr, l1=l1, l2=l2), grid[objective.argmin(dim=1)], atol=1e-4, rtol=0)


@pytest.mark.rows("R02", "R03")
def test_the_elastic_net_is_the_sum_of_its_parts():
    ws = [torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])]
    assert l1_penalty(ws, 0.5) == 0.5 * 6
    assert elastic_net_penalty(ws, 0.5, 0.1).item() == pytest.approx(0.5 * 6 + 0.1 * 14)


@pytest.mark.rows("R04")
@pytest.mark.parametrize(
    "layer", [nn.Linear(30, 8), nn.Conv2d(5, 8, 3), nn.Conv1d(4, 8, 5)], ids=lambda m: type(m).__name__
)
def test_max_norm_agrees_with_torchs_renorm(layer):
    with torch.no_grad():
        layer.weight.copy_(
            torch.randn(layer.weight.shape, generator=seeded())
            * torch.linspace(0.05, 3, 8).view(-1, *[1] * (layer.weight.ndim - 1))
        )
        layer.weight.grad = torch.ones_like(layer.weight)
    before = layer.weight.detach().clone()
    norms = before.flatten(1).norm(dim=1)
    assert (norms < 3).any() and (norms > 3).any()
    max_norm_(layer, 3.0)
    torch.testing.assert_close(layer.weight.detach(), before.renorm(2, 0, 3.0), atol=1e-5, rtol=1e-5)
    assert layer.weight.flatten(1).norm(dim=1).max() <= 3 + 1e-6
    assert torch.equal(layer.weight[norms < 3], before[norms < 3])
    assert torch.equal(layer.weight.grad, torch.ones_like(before))


@pytest.mark.rows("R04")
def test_max_norm_holds_a_training_at_a_huge_rate():
    torch.manual_seed(0)
    free, held = nn.Linear(10, 4), nn.Linear(10, 4)
    for model, constrain in ((free, lambda m: m), (held, lambda m: max_norm_(m, 2.0))):
        optimizer = torch.optim.SGD(model.parameters(), lr=50.0)
        for _ in range(20):
            x = torch.randn(64, 10, generator=seeded())
            optimizer.zero_grad()
            (model(x) - x[:, :4]).square().mean().backward()
            optimizer.step()
            constrain(model)
    assert held.weight.norm(dim=1).max() <= 2 + 1e-6 < free.weight.norm(dim=1).max()


@pytest.mark.rows("R01")
def test_biases_and_normalization_do_not_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    model[3].bias.requires_grad_(False)
    decayed, free = decay_groups(model, 5e-4)
    assert [id(p) for p in decayed["params"]] == [id(model[0].weight), id(model[3].weight)]
    assert [id(p) for p in free["params"]] == [id(model[0].bias), id(model[1].weight), id(model[1].bias)]
    assert (decayed["weight_decay"], free["weight_decay"]) == (5e-4, 0.0)
    torch.optim.SGD([decayed, free], lr=0.1)


class Shift(nn.Module):
    """A bias of three dimensions."""

    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.ones(channels, 1, 1))


@pytest.mark.rows("R01", "A06")
def test_a_step_with_decay_moves_weights_and_no_bias_slope_or_hinge():
    layers = (
        nn.Conv2d(1, 4, 3),
        nn.PReLU(4),
        nn.ConvTranspose2d(4, 4, 3),
        APL(3, channels=4),
        nn.Linear(4, 2),
        nn.PReLU(),
    )
    model = nn.Sequential(*layers, Shift(4))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = [p.detach().clone() for p in model.parameters()]
    torch.optim.SGD(decay_groups(model, 0.1), lr=1.0).step()
    for (name, after), p in zip(model.named_parameters(), before, strict=True):
        torch.testing.assert_close(after.detach(), 0.9 * p if name in {"0.weight", "2.weight", "4.weight"} else p)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_threshold(torch.ones(1), -1), "threshold must be 0 or more; got -1"),
        (lambda: elastic_net_step(torch.ones(1), 0.1, l1=1, l2=-1), "l2 must be 0 or more; got -1"),
        (lambda: max_norm_(nn.Linear(1, 1), 0), "c must be above 0; got 0"),
        (lambda: decay_groups(nn.Linear(1, 1), -1), "weight_decay must be 0 or more; got -1"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_penalties_are_in_their_table():
    assert sorted(PENALTIES) == ["elastic_net", "l1", "l2"]
