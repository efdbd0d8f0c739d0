import numpy as np
import pytest
import torch
from scipy import optimize
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques import fusion

pytestmark = pytest.mark.rows("E04")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def test_a_linear_model_on_fused_features_is_the_sum_of_one_on_each():
    x, y = draw(9, 4), draw(9, 3, seed=1)
    layer = nn.Linear(7, 5).double()
    want = x @ layer.weight[:, :4].T + y @ layer.weight[:, 4:].T + layer.bias
    torch.testing.assert_close(layer(fusion.early_fusion([x, y])), want)


def test_early_fusion_sees_what_neither_network_sees():
    """Labels that are the sum of two parts, one in the features of each network."""
    x, y = draw(400, 3), draw(400, 3, seed=1)
    labels = (x[:, 0] + y[:, 0] > 0).long().numpy()
    scores = {
        name: LogisticRegression(C=100).fit(f[:200].numpy(), labels[:200]).score(f[200:].numpy(), labels[200:])
        for name, f in {"x": x, "y": y, "both": fusion.early_fusion([x, y])}.items()
    }
    assert scores["both"] > 0.95 and max(scores["x"], scores["y"]) < 0.85


def test_late_fusion_is_the_weighted_mean():
    p = draw(3, 6, 4).softmax(-1)
    weights = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    torch.testing.assert_close(fusion.late_fusion(p, weights), 0.5 * p[0] + 0.2 * p[1] + 0.3 * p[2])
    torch.testing.assert_close(fusion.late_fusion(p, torch.full_like(weights, 1 / 3)), p.mean(0))


def noisy(n=300):
    labels = torch.arange(n) % 4
    strength = torch.tensor([2.0, 1.5, 1.0, 0.0], dtype=torch.float64)[:, None, None]
    return (strength * F.one_hot(labels, 4) + draw(4, n, 4)).softmax(-1), labels


def test_late_weights_are_the_maximum_of_the_likelihood_on_the_simplex():
    p, labels = noisy()
    right = p[:, torch.arange(len(labels)), labels].numpy()
    found = optimize.minimize(
        lambda w: -np.log(w @ right).mean(),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    weights = fusion.late_weights(p, labels)
    np.testing.assert_allclose(weights.numpy(), found.x, atol=1e-3)
    assert weights.sum().item() == pytest.approx(1) and weights[3] < 1e-3  # the last member only guesses


def test_each_step_of_late_weights_raises_the_likelihood():
    p, labels = noisy()
    losses = [
        F.nll_loss(fusion.late_fusion(p, fusion.late_weights(p, labels, steps=k)).log(), labels).item()
        for k in (0, 1, 2, 5, 20, 100)
    ]
    assert losses == sorted(losses, reverse=True) and losses[0] - losses[-1] > 0.01


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_out_of_fold_predictions_are_those_of_scikit_learn(folds):
    x, y = draw(50, 4), draw(50, 2, seed=1)

    def fit(x, y):
        model = Ridge(alpha=1.0).fit(x.numpy(), y.numpy())
        return lambda new: torch.from_numpy(model.predict(new.numpy()))

    theirs = cross_val_predict(Ridge(alpha=1.0), x.numpy(), y.numpy(), cv=KFold(folds))
    np.testing.assert_allclose(fusion.out_of_fold(fit, x, y, folds=folds).numpy(), theirs)


def test_out_of_fold_is_honest_where_predictions_on_the_training_data_are_not():
    """A model that remembers is always right on what it saw; on random labels out of fold it guesses."""
    x, y = torch.arange(400.0)[:, None], torch.randint(2, (400,), generator=seeded())

    def remember(x, y):
        known = dict(zip(x[:, 0].tolist(), y.tolist(), strict=True))
        return lambda new: torch.tensor([known.get(each, 0) for each in new[:, 0].tolist()])

    assert torch.equal(remember(x, y)(x), y)
    assert (fusion.out_of_fold(remember, x, y) == y).double().mean() < 0.6


def test_the_second_level_learns_and_the_first_stays_to_the_bit():
    torch.manual_seed(0)
    members = [nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), nn.Linear(4, 2)]
    model = fusion.Stacked(members, nn.Linear(5, 3)).train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    assert all(p.requires_grad for member in members for p in member.parameters())  # copies are frozen
    assert all(member.training for member in members)
    x = torch.randn(60, 4, generator=seeded())
    y, optimizer = x[:, :3].argmax(1), torch.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(50):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    changed = {name for name, now in model.state_dict().items() if not torch.equal(now, before[name])}
    assert changed == {"combiner.weight", "combiner.bias"}
    assert losses[-1] < losses[0] - 0.3
    outputs = [member(x) for member in model.eval().members]
    torch.testing.assert_close(model(x), model.combiner(torch.cat(outputs, dim=1)))
