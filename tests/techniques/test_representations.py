import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from cnnlab.techniques import representations as R


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


@pytest.mark.rows("X02")
def test_cka_of_a_turned_scaled_and_shifted_copy_is_one():
    x = draw(40, 6)
    q, _ = torch.linalg.qr(draw(6, 6, seed=1))
    for copy in (x @ q, 3 * x, x + 5, -0.01 * x @ q + 2):
        assert R.linear_cka(x, copy).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.rows("X02")
@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e-3, 1e6])
def test_cka_does_not_depend_on_the_scale_of_either(scale):
    x, y = (draw(40, 6, seed=seed).float() for seed in (0, 1))
    assert R.linear_cka(scale * x, x).item() == pytest.approx(1, abs=1e-5)
    assert R.linear_cka(x, scale * y).item() == pytest.approx(R.linear_cka(x, y).item(), abs=1e-5)
    assert R.linear_cka(x, torch.ones(40, 6)) == 0


def hsic_cka(x, y):
    """Kornblith's definition by HSIC with a centering matrix, in numpy."""
    n = len(x)
    h = np.eye(n) - 1 / n

    def hsic(a, b):
        return np.trace(a @ h @ b @ h) / (n - 1) ** 2

    a, b = x @ x.T, y @ y.T
    return hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))


@pytest.mark.rows("X02")
@pytest.mark.parametrize("seed", range(10))
def test_cka_agrees_with_its_definition_and_with_the_form_over_features(seed):
    x, z = draw(30, 5, seed=seed), draw(30, 8, seed=seed + 50)
    y = torch.tanh(x @ draw(5, 8, seed=seed + 100)) + 0.3 * seed * z
    got = R.linear_cka(x, y).item()
    assert got == pytest.approx(hsic_cka(x.numpy(), y.numpy()), abs=1e-5)
    a, b = x - x.mean(0), y - y.mean(0)
    want = (b.T @ a).norm() ** 2 / ((a.T @ a).norm() * (b.T @ b).norm())
    assert got == pytest.approx(want.item(), abs=1e-9)
    assert 0 < got < 1 and got == pytest.approx(R.linear_cka(y, x).item())


@pytest.mark.rows("X01", "X02")
def test_a_probe_is_ridge_regression():
    x, y = draw(50, 6) + 2, draw(50, 3, seed=1)
    weight, bias = R.linear_probe(x, y, ridge=0.1)
    strength = 0.1 * (x - x.mean(0)).square().sum(0).mean().item()
    theirs = Ridge(alpha=strength).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(weight.T.numpy(), theirs.coef_, atol=1e-10)
    np.testing.assert_allclose(bias.numpy(), theirs.intercept_, atol=1e-10)


@pytest.mark.rows("X01", "X02")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_probe_of_a_dead_layer_says_the_same_of_every_image(dtype):
    labels = torch.tensor([0, 1, 1, 1, 2])
    dead = {"conv": torch.full((5, 3), 0.3, dtype=dtype)}
    weight, bias = R.linear_probe(dead["conv"], torch.eye(3, dtype=dtype)[labels])
    torch.testing.assert_close(weight, torch.zeros(3, 3, dtype=dtype))
    torch.testing.assert_close(bias, torch.tensor([0.2, 0.6, 0.2], dtype=dtype))
    assert R.probe_layers(dead, labels, valid=dead, valid_labels=labels) == {"conv": pytest.approx(0.6)}


@pytest.mark.rows("X01", "X02")
def test_features_are_means_over_places_in_order_of_use_in_evaluation_mode():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first, self.norm = nn.Linear(4, 2), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x):
            return self.last(self.norm(self.first(x)).relu_().mean((2, 3)))

    model, images = Backwards().train(), torch.randn(6, 1, 5, 5, generator=seeded())
    features = R.layer_features(model, images)
    assert list(features) == ["first", "last"]
    torch.testing.assert_close(features["first"], model.first(images).mean((2, 3)).detach())
    torch.testing.assert_close(features["last"], model.eval()(images).detach())
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.rows("X01", "X02")
@pytest.mark.parametrize("best", [0, 1, 2])
def test_the_probe_finds_the_layer_on_which_a_planted_task_is_solved(best):
    """The label is the pair of signs of layer `best`'s first two outputs; a later layer is blind to them."""
    torch.manual_seed(best)
    model = nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(4)))
    with torch.no_grad():
        for block in model:
            nn.init.orthogonal_(block[0].weight)
        model[best + 1][0].weight[:, :2] = 0
    images = torch.randn(1600, 8, generator=seeded())
    features = R.layer_features(model, images)
    planted = features[f"{best}.0"][:, :2] > features[f"{best}.0"][:, :2].median(0).values
    labels = planted.long() @ torch.tensor([1, 2])
    halves = [{name: part[a:b] for name, part in features.items()} for a, b in ((0, 800), (800, 1600))]
    scores = R.probe_layers(halves[0], labels[:800], valid=halves[1], valid_labels=labels[800:])
    assert max(scores, key=scores.get) == f"{best}.0"
    assert scores[f"{best}.0"] > 0.75 > 0.6 > scores["3.0"]
