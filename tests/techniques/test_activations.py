import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.activations import ACTIVATIONS, Maxout, activation, pieces

Z = torch.linspace(-30, 30, 601, dtype=torch.float64).reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("identity", lambda z: z),
        ("relu", F.relu),
        ("leaky_relu", lambda z: torch.where(z > 0, z, 0.01 * z)),
        ("very_leaky_relu", lambda z: torch.where(z > 0, z, z / 3)),
        ("elu", lambda z: torch.where(z > 0, z, z.exp() - 1)),
        ("tanh", torch.tanh),
    ],
)
def test_activations_agree_with_their_formula(name, oracle):
    torch.testing.assert_close(activation(name)(Z), oracle(Z))


def test_maxout_takes_the_larger_of_neighboring_channels():
    x = torch.tensor([[1.0, 4.0, 3.0, 2.0]])
    assert Maxout()(x).tolist() == [[4.0, 3.0]]


def test_maxout_with_a_zero_piece_is_relu():
    z = torch.randn(5, 7, 3, 3)
    both = torch.stack([z, torch.zeros_like(z)], dim=2).flatten(1, 2)
    torch.testing.assert_close(Maxout()(both), F.relu(z))


def test_maxout_refuses_channels_it_cannot_share_out():
    with pytest.raises(
        ValueError, match=r"must be a multiple of 2; got shape \(1, 3\). Give the layer before it 2 times"
    ):
        Maxout()(torch.zeros(1, 3))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_call_gives_a_new_module_that_says_its_hyperparameters(name):
    assert isinstance(activation(name), nn.Module)
    assert activation(name) is not activation(name)
    assert pieces(name) == (2 if name == "maxout" else 1)
    assert repr(activation("maxout")) == "Maxout(pieces=2)"


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_gradients_agree_with_finite_differences(name):
    x = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(activation(name), x)


def test_an_unknown_activation_lists_the_choices():
    with pytest.raises(ValueError, match='activation "elux" is unknown; choose one of: elu, identity'):
        activation("elux")
