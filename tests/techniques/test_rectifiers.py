import math

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.rectifiers import APL, RReLU, Shifted, dead_fraction, prelu


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.rows("A05")
def test_the_test_slope_of_rrelu_is_two_elevenths_where_torch_takes_another():
    x = torch.tensor([-1.0, 2.0])
    assert RReLU().eval()(x).tolist() == pytest.approx([-0.181818, 2], abs=1e-6)
    assert nn.RReLU().eval()(x)[0].item() == pytest.approx(-0.229167, abs=1e-6)


@pytest.mark.rows("A05")
def test_rrelu_draws_its_divisor_evenly_for_each_element():
    torch.manual_seed(0)
    slopes = -RReLU()(torch.full((1_000_000,), -1.0, dtype=torch.float64))
    assert 1 / 8 <= slopes.min() < 0.1251 and 0.333 < slopes.max() <= 1 / 3
    assert slopes.mean().item() == pytest.approx(math.log(8 / 3) / 5, abs=5e-4)  # 0.19617
    assert (1 / slopes).mean().item() == pytest.approx(5.5, abs=0.01)
    assert (1 / slopes).var().item() == pytest.approx(25 / 12, rel=0.01)


@pytest.mark.rows("A05")
def test_the_gradient_of_rrelu_is_the_slope_it_drew():
    x = draw(1000).requires_grad_()
    y = RReLU()(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, (y / x).detach())
    assert (x.grad[x > 0] == 1).all() and x.grad[x < 0].unique().numel() == (x < 0).sum()


@pytest.mark.rows("A06")
@pytest.mark.parametrize("channels", [1, 4])
def test_prelu_agrees_with_torch_in_value_and_gradients(channels):
    module, x = nn.PReLU(channels).double(), draw(3, 4, 5, 5).requires_grad_()
    assert module.weight.tolist() == [0.25] * channels
    ours = torch.autograd.grad(prelu(x, module.weight).square().sum(), [x, module.weight])
    theirs = torch.autograd.grad(module(x).square().sum(), [x, module.weight])
    torch.testing.assert_close(prelu(x, module.weight), module(x))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.rows("A06")
def test_the_gradient_by_a_slope_is_the_sum_of_the_negative_inputs():
    x, slope = draw(3, 4, 5, 5), torch.full((4,), 0.25, dtype=torch.float64, requires_grad=True)
    prelu(x, slope).sum().backward()
    torch.testing.assert_close(slope.grad, x.clamp(max=0).sum(dim=(0, 2, 3)))


@pytest.mark.rows("A10")
@pytest.mark.parametrize("slope", [0.01, 1 / 3])
def test_apl_is_relu_without_slopes_and_leaky_relu_with_one_at_zero(slope):
    x, unit = draw(2, 4, 5, 5), APL(3, channels=4).double()
    torch.testing.assert_close(unit(x), F.relu(x), rtol=0, atol=1e-7)
    unit.slopes.data[0], unit.places.data[0] = -slope, 0
    torch.testing.assert_close(unit(x), F.leaky_relu(x, slope), rtol=0, atol=1e-7)


@pytest.mark.rows("A10")
@pytest.mark.parametrize("hinges", [1, 2, 5])
def test_apl_has_two_parameters_a_hinge_and_channel_and_is_the_published_sum(hinges):
    unit, x = APL(hinges, channels=4).double(), draw(2, 4, 3)
    assert sum(p.numel() for p in unit.parameters()) == 2 * hinges * 4
    with torch.no_grad():
        for p in unit.parameters():
            p.normal_(generator=torch.Generator().manual_seed(1))
    a, b = unit.slopes, unit.places
    for n, c, i in [(0, 0, 0), (1, 3, 2), (1, 2, 1)]:
        z = x[n, c, i]
        want = max(z.item(), 0) + sum(a[s, c].item() * max(0, (b[s, c] - z).item()) for s in range(hinges))
        assert unit(x)[n, c, i].item() == pytest.approx(want)


@pytest.mark.rows("A10")
@pytest.mark.parametrize(
    ("hinges", "places"), [(1, [0]), (2, [-1 / 3, 1 / 3]), (3, [-0.5, 0, 0.5])], ids=["1", "2", "3"]
)
def test_apl_starts_as_relu_with_hinges_spread_evenly(hinges, places):
    unit = APL(hinges, channels=4)
    assert not unit.slopes.any()
    torch.testing.assert_close(unit.places.detach(), torch.tensor(places).float()[:, None].expand(hinges, 4))


@pytest.mark.rows("A10")
def test_the_hinges_of_apl_get_gradients_that_differ():
    unit = APL(2)
    unit(draw(1000).float()).square().sum().backward()
    assert unit.slopes.grad[0] != unit.slopes.grad[1]


@pytest.mark.rows("A11")
@pytest.mark.parametrize(("function", "oracle"), [(nn.ReLU, F.relu), (nn.ELU, F.elu)], ids=["frelu", "felu"])
def test_shifted_units_add_a_learned_number_to_each_channel(function, oracle):
    x, unit = draw(2, 3, 4, 4), Shifted(function(), 3).double()
    unit.shift.data.copy_(torch.tensor([1.0, -2.0, 0.5]))
    torch.testing.assert_close(unit(x), oracle(x) + torch.tensor([1, -2, 0.5])[:, None, None])


def planted(dead: int) -> nn.Sequential:
    """Two layers of ten units: `dead` of the first can never fire; of the second all fire."""
    model = nn.Sequential(nn.Conv2d(1, 10, 3), nn.ReLU(), nn.Flatten(), nn.Linear(10 * 16, 10), nn.ReLU())
    with torch.no_grad():
        model[0].bias[:] = torch.where(torch.arange(10) < dead, -1e4, 1e4)
        model[3].weight.fill_(0.1)
    return model


@pytest.mark.rows("A03")
@pytest.mark.parametrize("dead", [0, 3, 9])
def test_planted_dead_units_are_counted_exactly(dead):
    batches = draw(4, 8, 1, 6, 6).float()
    assert dead_fraction(planted(dead), batches) == {"1": dead / 10, "4": 0}


@pytest.mark.rows("A03")
def test_a_unit_that_one_image_makes_fire_is_alive_and_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.ReLU())
    model[0].weight.data, model[0].bias.data = torch.eye(2), torch.tensor([-5.0, -5.0])
    quiet, loud = torch.zeros(8, 2), torch.tensor([[6.0, 0.0]])
    assert dead_fraction(model, [quiet, loud]) == {"2": 0.5}
    assert dead_fraction(model, [quiet]) == {"2": 1}
    assert model.training and not any(m._forward_hooks for m in model.modules())


@pytest.mark.rows("A03")
def test_units_that_dropout_silences_in_training_are_not_dead():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(1.0), nn.ReLU())
    nn.init.ones_(model[0].bias)
    assert dead_fraction(model, [torch.zeros(8, 2)]) == {"2": 0}


class Twice(nn.Module):
    """One `nn.ReLU` before and after a layer of another width, of whose five units one fires."""

    def __init__(self):
        super().__init__()
        self.layer, self.relu = nn.Linear(4, 5), nn.ReLU()
        nn.init.zeros_(self.layer.weight)
        self.layer.bias.data = torch.tensor([1.0, -1, -1, -1, -1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.layer(self.relu(x)))


@pytest.mark.rows("A03")
def test_each_use_of_one_relu_is_counted_by_itself():
    first, second = torch.tensor([[1.0, -1, -1, -1]]), torch.tensor([[-1.0, 1, -1, -1]])
    assert dead_fraction(Twice(), [first, second]) == {"relu": 0.5, "relu#2": 0.8}


@pytest.mark.rows("A03")
@pytest.mark.parametrize(("depth", "uses"), [(18, 1 + 8 * 2), (50, 1 + 16 * 3)])
def test_every_relu_of_a_resnet_is_counted(depth, uses):
    torch.manual_seed(0)
    model = getattr(torchvision.models, f"resnet{depth}")()
    shares = dead_fraction(model, torch.randn(2, 1, 3, 32, 32))
    assert len(shares) == uses and {"relu", "layer1.0.relu", "layer4.1.relu#2"} <= set(shares)


@pytest.mark.rows("A03")
@pytest.mark.parametrize(
    ("model", "batches"), [(nn.Linear(2, 2), [torch.zeros(1, 2)]), (nn.ReLU(), [])], ids=["F", "none"]
)
def test_a_model_without_a_relu_to_watch_is_told(model, batches):
    with pytest.raises(ValueError, match="dead_fraction saw no nn.ReLU at work: give at least one batch"):
        dead_fraction(model, batches)
