import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.probes import growth_per_layer, outputs, signal


def linear_chain(gain: float, depth: int = 20, n: int = 64) -> nn.Sequential:
    model = nn.Sequential(*(nn.Linear(n, n, bias=False) for _ in range(depth)))
    for layer in model:
        nn.init.orthogonal_(layer.weight, gain)
    return model.double()


@pytest.mark.parametrize("gain", [0.8, 1.0, 1.2])
def test_the_planted_gain_is_found_within_one_percent(gain):
    x = torch.randn(64, 64, dtype=torch.float64)
    columns = signal(linear_chain(gain), x, torch.arange(64))
    assert math.sqrt(growth_per_layer(columns["variance"])) == pytest.approx(gain, rel=0.01)
    backward = columns["gradient"][::-1]
    assert math.sqrt(growth_per_layer(backward)) == pytest.approx(gain, rel=0.01)


def test_signal_measures_what_autograd_gives():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    x, y = torch.randn(8, 1, 4, 4), torch.arange(8) % 3
    columns = signal(model, x, y)
    assert columns["layer"] == ["0", "3"]
    z = model[0](x)
    z.retain_grad()
    F.cross_entropy(model[3](model[2](model[1](z))), y).backward()
    assert columns["variance"][0] == pytest.approx(z.var(correction=0).item())
    assert columns["gradient"][0] == pytest.approx(z.grad.square().mean().item())
    assert columns["weight_gradient"][1] == pytest.approx(model[3].weight.grad.square().mean().item())


def test_an_in_place_activation_does_not_change_what_is_measured():
    torch.manual_seed(0)
    weights = nn.Conv2d(1, 4, 3), nn.Linear(16, 3)
    x, y = torch.randn(8, 1, 4, 4), torch.arange(8) % 3
    inside, outside = (
        signal(nn.Sequential(weights[0], nn.ReLU(inplace=inplace), nn.Flatten(), weights[1]), x, y)
        for inplace in (True, False)
    )
    assert inside["variance"] == outside["variance"] and inside["gradient"] == outside["gradient"]


def test_measuring_leaves_no_gradient_and_no_hook():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    with torch.no_grad():
        signal(model, torch.randn(3, 4), torch.tensor([0, 1, 0]))
    assert all(p.grad is None for p in model.parameters())
    with pytest.raises(RuntimeError), outputs(model):
        model(torch.randn(3, 5))
    assert not any(m._forward_hooks for m in model.modules())


def test_a_growth_needs_two_layers_that_are_not_dead():
    assert growth_per_layer([0.0, 1.0, 0.5, 0.25, 0.0]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least two layers with a positive finite value"):
        growth_per_layer([1.0, 0.0, math.inf])
