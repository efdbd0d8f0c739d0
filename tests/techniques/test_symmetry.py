import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.initialization import initialize, layers
from cnnlab.techniques.symmetry import constant_, unit_similarity, weight_ranks


def problem(hidden=nn.Tanh):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), hidden(), nn.Linear(16, 12), hidden(), nn.Linear(12, 3))
    return model, torch.randn(32, 8), torch.arange(32) % 3


@pytest.mark.rows("T06", "I01")
@pytest.mark.parametrize("steps", [0, 1, 20])
def test_from_equal_weights_a_hidden_layer_keeps_rank_one(steps):
    model, images, labels = problem()
    for _, layer in layers(model):
        constant_(layer.weight)
        nn.init.zeros_(layer.bias)
    ranks = weight_ranks(model, images, labels, steps=steps, lr=0.5)
    assert (ranks["0"], ranks["2"]) == (1, 1)


@pytest.mark.rows("T06")
def test_from_random_weights_the_rank_is_full_and_the_model_is_left_as_it_was():
    model, images, labels = problem()
    before = [p.clone() for p in model.parameters()]
    assert weight_ranks(model, images, labels, steps=5) == {"0": 8, "2": 12, "4": 3}
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(model.parameters(), before, strict=True))


@pytest.mark.rows("T06", "I01")
def test_from_zeros_only_the_last_bias_learns_and_the_loss_goes_to_the_entropy_of_the_labels():
    model, images, _ = problem(nn.ReLU)
    labels = torch.tensor([0] * 16 + [1] * 12 + [2] * 4)
    initialize(model, "zeros")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        assert not any(p.grad.any() for name, p in model.named_parameters() if name != "4.bias")
        optimizer.step()
    shares = (16 / 32, 12 / 32, 4 / 32)
    assert loss.item() == pytest.approx(-sum(p * math.log(p) for p in shares), abs=1e-4)
    assert weight_ranks(model, images, labels, steps=10) == {"0": 0, "2": 0, "4": 0}


@pytest.mark.rows("T06")
def test_the_similarity_of_units_is_their_cosine():
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    want = F.cosine_similarity(weight.flatten(1)[:, None], weight.flatten(1)[None], dim=2)
    torch.testing.assert_close(unit_similarity(weight), want)
    torch.testing.assert_close(unit_similarity(constant_(torch.empty(4, 6))), torch.ones(4, 4))
