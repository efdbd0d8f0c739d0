import copy
import math

import pytest
import torch
from torch import nn

from cnnlab.techniques.growth import grow, widen

pytestmark = pytest.mark.rows("W03")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trained_norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm whose weights and statistics are nobody's defaults."""
    norm = nn.BatchNorm2d(channels).eval()
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        tensor.copy_(torch.rand(channels, generator=seeded(channels)) + 0.5)
    return norm


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("width", [5, 6, 13, 40])
def test_a_wider_convolution_computes_the_same(width, normalized):
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 4, 3, stride=2)
    norm = trained_norm(5) if normalized else None
    layer, wider, following = widen(first, norm, second, width=width, generator=seeded())
    x = torch.randn(2, 3, 9, 9)
    old = second(torch.relu(norm(first(x)) if norm else first(x)))
    new = following(torch.relu(wider(layer(x)) if wider else layer(x)))
    torch.testing.assert_close(new, old, atol=1e-5, rtol=1e-5)
    assert layer.out_channels == following.in_channels == width and f"{width}" in repr(layer)


def test_a_wider_linear_layer_computes_the_same_and_the_old_ones_stay():
    torch.manual_seed(0)
    first, second = nn.Linear(7, 5), nn.Linear(5, 3)
    before = copy.deepcopy((first.state_dict(), second.state_dict()))
    layer, _, following = widen(first, None, second, width=11, generator=seeded())
    x = torch.randn(4, 7)
    torch.testing.assert_close(following(torch.tanh(layer(x))), second(torch.tanh(first(x))))
    assert all(torch.equal(a, b) for a, b in zip(before[0].values(), first.state_dict().values(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before[1].values(), second.state_dict().values(), strict=True))


def test_the_copied_units_are_drawn_and_a_frozen_layer_stays_frozen():
    torch.manual_seed(0)
    first = nn.Linear(3, 50).requires_grad_(False)
    layer, _, following = widen(first, None, nn.Linear(50, 2), width=150, generator=seeded())
    copied = (layer.weight[50:, None] == first.weight[None]).all(-1).nonzero()[:, 1]
    assert len(copied) == 100 and len(copied.unique()) > 25
    assert not layer.weight.requires_grad and following.weight.requires_grad


def test_a_wider_layer_learns():
    layer, _, following = widen(nn.Linear(3, 4), None, nn.Linear(4, 2), width=6, generator=seeded())
    following(torch.relu(layer(torch.randn(8, 3)))).square().sum().backward()
    assert layer.weight.grad.shape == (6, 3) and following.weight.grad.shape == (2, 6)


@pytest.mark.parametrize(
    ("scores", "min_gain", "tried"),
    [
        ([0.5, 0.6, math.nan, 0.9], 0.0, 3),
        ([0.5, 0.6, 0.7, 0.7, 0.9], 0.0, 4),
        ([0.5, 0.6, 0.605, 0.9], 0.01, 3),
        ([0.5, 0.4], 0, 2),
        ([1, 2, 3], 0, 3),
    ],
)
def test_growing_stops_where_it_no_longer_pays(scores, min_gain, tried):
    found = grow(lambda size: scores[size], range(len(scores)), min_gain=min_gain)
    assert str(found) == str(list(enumerate(scores))[:tried])  # NaN equals nothing, but is written alike
