import numpy as np
import pytest
import torch
from torch import nn

from cnnlab.techniques import bowl

pytestmark = pytest.mark.rows("L01")
CURVATURES = torch.tensor([0.3, 4.0], dtype=torch.float64)
START = torch.tensor([1.0, -1.0], dtype=torch.float64)


def end(lr, momentum=0.0, steps=3000):
    return bowl.descend(START, CURVATURES, lr=lr, momentum=momentum, steps=steps)[-1].norm().item()


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_descent_converges_just_below_the_limit_and_diverges_just_above(momentum):
    limit = 2 * (1 + momentum) / 4.0
    assert bowl.stability_limit(4.0, momentum=momentum) == limit
    assert end(0.995 * limit, momentum) < 1e-3
    assert end(1.005 * limit, momentum) > 1e3


def test_the_published_thresholds():
    assert end(1.99 / 4.0) < 1e-12 and end(2.01 / 4.0) > 1e6
    at_the_limit = bowl.descend(START, CURVATURES, lr=2.0 / 4.0, steps=501)[:, 1]
    assert at_the_limit.abs().tolist() == pytest.approx([1.0] * 502)  # to and fro for ever


@pytest.mark.parametrize("momentum", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("lr", [1e-3, 0.1, 0.35, 0.49, 0.51, 0.9, 1.2])
def test_growth_is_the_spectral_radius_of_the_step(lr, momentum):
    step = np.array([[1 + momentum - lr * 4.0, -momentum], [1, 0]])
    want = np.abs(np.linalg.eigvals(step)).max()
    assert bowl.growth(lr, 4.0, momentum=momentum) == pytest.approx(want, rel=1e-9)
    assert (bowl.growth(lr, 4.0, momentum=momentum) < 1) == (lr < bowl.stability_limit(4.0, momentum=momentum))


def test_growth_without_momentum_is_one_minus_rate_times_curvature():
    for lr in (0.01, 0.25, 0.4, 0.6):
        assert bowl.growth(lr, 4.0) == pytest.approx(abs(1 - 4 * lr))


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_path_is_that_of_torchs_sgd(momentum):
    x = nn.Parameter(START.clone())
    optimizer = torch.optim.SGD([x], lr=0.2, momentum=momentum)
    path = [START]
    for _ in range(20):
        optimizer.zero_grad()
        (CURVATURES * x.square()).sum().div(2).backward()
        optimizer.step()
        path.append(x.detach().clone())
    torch.testing.assert_close(bowl.descend(START, CURVATURES, lr=0.2, momentum=momentum, steps=20), torch.stack(path))
