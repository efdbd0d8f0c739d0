import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.models.plain import Plain
from cnnlab.techniques import activations as A
from cnnlab.techniques.activations import ACTIVATIONS, activation, pieces
from cnnlab.techniques.initialization import initialize

Z = torch.linspace(-30, 30, 601, dtype=torch.float64).reshape(1, -1, 1)
RANDOM = torch.randn(1_000_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
ORACLES = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + torch.exp(-z)),
    "tanh": torch.tanh,
    "scaled_tanh": lambda z: 1.7159 * torch.tanh(2 * z / 3),
    "arcsinh": lambda z: z.sign() * torch.log(z.abs() + torch.sqrt(z * z + 1)),
    "relu": F.relu,
    "leaky_relu": lambda z: torch.where(z > 0, z, 0.01 * z),
    "very_leaky_relu": lambda z: torch.where(z > 0, z, z / 3),
    "rrelu": lambda z: torch.where(z > 0, z, z * 2 / 11),
    "prelu": lambda z: torch.where(z > 0, z, z / 4),
    "elu": lambda z: torch.where(z > 0, z, z.exp() - 1),
    "selu": lambda z: 1.0507009873554805 * torch.where(z > 0, z, 1.6732632423543772 * (z.exp() - 1)),
    "elu_leaky": lambda z: torch.where(z > 0, z, (z.exp() - 1 + 0.01 * z) / 2),
    "softplus": lambda z: torch.log1p(torch.exp(z)),
    "centered_softplus": lambda z: torch.log1p(torch.exp(z)) - math.log(2),
    "frelu": F.relu,
    "felu": lambda z: torch.where(z > 0, z, z.exp() - 1),
    "apl": F.relu,
    "gelu": lambda z: z * torch.special.ndtr(z),
    "silu": lambda z: z / (1 + torch.exp(-z)),
}


@pytest.mark.rows("A02", "A04", "A05", "A06", "A07", "A08", "A10", "A11")
@pytest.mark.parametrize("name", sorted(ORACLES))
def test_activations_agree_with_their_formula(name):
    torch.testing.assert_close(activation(name).double().eval()(Z), ORACLES[name](Z), rtol=1e-7, atol=1e-8)


def test_every_activation_of_one_piece_has_a_formula_here():
    assert set(ORACLES) == set(ACTIVATIONS) - {"maxout"}


@pytest.mark.rows("A02", "A03", "A04", "A07", "T05", "A08")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (A.sigmoid, torch.sigmoid),
        (A.relu, F.relu),
        (A.leaky, F.leaky_relu),
        (partial(A.leaky, slope=1 / 3), nn.LeakyReLU(1 / 3)),
        (A.elu, F.elu),
        (partial(A.elu, alpha=0.5), nn.ELU(0.5)),
        (A.softplus, lambda z: F.softplus(z, threshold=50)),
        (A.gelu, F.gelu),
        (A.silu, F.silu),
    ],
    ids=["sigmoid", "relu", "leaky", "very_leaky", "elu", "elu_half", "softplus", "gelu", "silu"],
)
def test_formulas_agree_with_torch_in_value_and_gradient(ours, theirs):
    z = Z.clone().requires_grad_()  # it contains 0
    torch.testing.assert_close(ours(z), theirs(z))
    gradients = [torch.autograd.grad(function(z).sum(), z)[0] for function in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.rows("A02")
def test_the_gradient_of_the_sigmoid_is_a_quarter_at_most_and_no_nan_far_out():
    z = torch.tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    A.sigmoid(z).sum().backward()
    assert z.grad.tolist() == [0, 0.25, 0]
    assert A.sigmoid(z).tolist() == [0, 0.5, 1]


@pytest.mark.rows("A02")
def test_ten_sigmoids_pass_on_less_than_a_millionth():
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    y = z
    for _ in range(10):
        y = A.sigmoid(y) - 0.5  # centered, so that each works at its steepest
    y.backward()
    assert z.grad.item() == pytest.approx(0.25**10) and z.grad.item() < 9.6e-7


@pytest.mark.rows("A02")
def test_tanh_is_a_sigmoid_twice_as_steep_and_centered():
    torch.testing.assert_close(2 * A.sigmoid(2 * Z) - 1, torch.tanh(Z))


@pytest.mark.rows("A02")
def test_the_scaled_tanh_keeps_one():
    torch.testing.assert_close(A.scaled_tanh(torch.tensor([-1.0, 1.0])), torch.tensor([-1.0, 1.0]), rtol=0, atol=1e-4)


@pytest.mark.rows("A03")
def test_the_gradient_of_relu_is_zero_at_zero():
    z = torch.zeros(1, requires_grad=True)
    A.relu(z).backward()
    assert z.grad.item() == 0


@pytest.mark.rows("A08")
def test_the_centered_softplus_has_the_values_of_the_sheet():
    z = torch.tensor([-500.0, -1.0, 0.0, 500.0], dtype=torch.float64, requires_grad=True)
    y = A.centered_softplus(z)
    want = torch.tensor([-0.693147, -0.379885, 0, 500 - 0.693147], dtype=torch.float64)
    torch.testing.assert_close(y.detach(), want, rtol=0, atol=1e-6)
    y.sum().backward()
    torch.testing.assert_close(z.grad, torch.sigmoid(z.detach()))


@pytest.mark.rows("A07", "T05")
def test_elu_has_the_values_of_the_sheet_and_a_smooth_bend_for_alpha_one_only():
    assert A.elu(torch.tensor(-1.0)).item() == pytest.approx(-0.632121, abs=1e-6)
    assert A.elu(torch.tensor(-100.0), alpha=0.5).item() == -0.5
    slopes = {}
    for alpha in (0.5, 1.0):
        z = torch.tensor([-1e-9, 1e-9], dtype=torch.float64, requires_grad=True)
        A.elu(z, alpha=alpha).sum().backward()
        slopes[alpha] = z.grad.tolist()
    assert slopes[1.0] == pytest.approx([1, 1]) and slopes[0.5] == pytest.approx([0.5, 1])


@pytest.mark.rows("A07", "T05")
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_hand_written_gradient_of_elu_agrees_with_finite_differences(alpha):
    z = RANDOM[:40].clone().requires_grad_()
    assert torch.autograd.gradcheck(partial(A.elu, alpha=alpha), z)
    assert torch.autograd.gradgradcheck(partial(A.elu, alpha=alpha), z)


@pytest.mark.rows("A03", "A04", "T05", "A11")
@pytest.mark.parametrize(
    ("function", "mean", "variance", "within"),
    [
        (F.relu, 0.398942, 0.340845, 1e-6),
        (nn.LeakyReLU(1 / 3), 0.2660, 0.4848, 1e-4),
        (F.elu, 0.160, 0.619, 1e-3),
        (F.selu, 0.0, 1.0, 1e-6),
    ],
    ids=["relu", "very_leaky_relu", "elu", "selu"],
)
def test_moments_are_those_of_the_sheet_and_of_a_million_draws(function, mean, variance, within):
    assert A.moments(function) == pytest.approx((mean, variance), abs=within)
    drawn = function(RANDOM)
    assert A.moments(function) == pytest.approx((drawn.mean().item(), drawn.var().item()), abs=5e-3)


@pytest.mark.rows("A11")
def test_the_constants_of_selu_are_those_of_torch():
    scale, alpha = A.selu_constants()
    z = torch.tensor([1.0, -100.0], dtype=torch.float64)
    assert [scale, -scale * alpha] == pytest.approx(F.selu(z).tolist(), rel=1e-12)


@pytest.mark.rows("A11")
def test_the_mean_of_elu_and_leaky_relu_is_that_mean():
    torch.testing.assert_close(A.elu_leaky(Z), (F.elu(Z) + F.leaky_relu(Z)) / 2)


@pytest.mark.rows("A13")
@pytest.mark.parametrize(
    ("situation", "name"),
    [
        ({"normalized": True}, "relu"),
        ({"normalized": False}, "elu"),
        ({"small_data": True}, "very_leaky_relu"),
        ({"normalized": False, "small_data": True}, "very_leaky_relu"),
        ({"last_dense": True, "normalized": True, "small_data": True}, "maxout"),
        ({}, "relu"),
    ],
    ids=str,
)
def test_the_advice_is_the_sources(situation, name):
    assert A.advised(**situation) == name and name in ACTIVATIONS


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_call_gives_a_new_module(name):
    assert isinstance(activation(name), nn.Module)
    assert activation(name) is not activation(name)
    assert pieces(name) == (2 if name == "maxout" else 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scaled_tanh", "Elementwise(function=scaled_tanh)"),
        ("arcsinh", "Elementwise(function=asinh)"),
        ("elu_leaky", "Elementwise(function=elu_leaky)"),
        ("centered_softplus", "Elementwise(function=centered_softplus)"),
        ("leaky_relu", "LeakyReLU(negative_slope=0.01)"),
        ("very_leaky_relu", "LeakyReLU(negative_slope=0.3333333333333333)"),
        ("rrelu", "RReLU(lower=3.0, upper=8.0)"),
        ("frelu", "Shifted(\n  channels=1\n  (function): ReLU()\n)"),
        ("felu", "Shifted(\n  channels=1\n  (function): ELU(alpha=1.0)\n)"),
        ("maxout", "Maxout(pieces=2)"),
        ("apl", "APL(hinges=2, channels=1)"),
    ],
)
def test_a_module_says_its_hyperparameters(name, text):
    assert repr(activation(name)) == text


def test_an_elementwise_module_shows_a_function_without_a_name():
    assert "leaky" in (text := repr(A.Elementwise(partial(A.leaky, slope=0.5)))) and "slope=0.5" in text


@pytest.mark.rows("A03")
@pytest.mark.parametrize("function", [A.relu, A.leaky, A.elu, A.softplus, A.gelu, A.silu], ids=lambda f: f.__name__)
def test_a_formula_does_not_hide_a_nan(function):
    assert function(torch.tensor([torch.nan, 1.0])).isnan().tolist() == [True, False]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_gradients_agree_with_finite_differences(name):
    x = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(activation(name).double().eval(), x)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_plain_network_learns_with_every_activation(name):
    torch.manual_seed(0)
    images, labels = torch.randn(16, 1, 8, 8), torch.arange(16) % 3
    model = initialize(
        Plain(1, 3, width=8, activation=name), "lsuv", images, generator=torch.Generator().manual_seed(0)
    )
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), []
    for _ in range(40):
        optimizer.zero_grad()
        losses.append(F.cross_entropy(model(images), labels))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1].item() < losses[0].item() - 0.1
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_an_unknown_activation_lists_the_choices():
    with pytest.raises(
        ValueError, match='activation "elux" is unknown; choose one of: apl, arcsinh, centered_softplus'
    ):
        activation("elux")
