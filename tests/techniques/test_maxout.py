import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab.techniques.maxout import (
    BranchMaxout,
    Maxout,
    conv_maxout,
    dense_maxout,
    maxout_moments,
    width_at_equal_cost,
    winner,
)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.rows("A09")
def test_maxout_takes_the_larger_of_neighboring_channels():
    x = torch.tensor([[1.0, 4.0, 3.0, 2.0]])
    assert Maxout()(x).tolist() == [[4.0, 3.0]]


@pytest.mark.rows("A09", "T05")
def test_maxout_with_a_zero_piece_is_relu():
    z = torch.randn(5, 7, 3, 3)
    both = torch.stack([z, torch.zeros_like(z)], dim=2).flatten(1, 2)
    torch.testing.assert_close(Maxout()(both), F.relu(z))


def test_maxout_refuses_channels_it_cannot_share_out():
    with pytest.raises(
        ValueError, match=r"must be a multiple of 2; got shape \(1, 3\). Give the layer before it 2 times"
    ):
        Maxout()(torch.zeros(1, 3))


def test_maxout_of_no_piece_is_refused():
    with pytest.raises(ValueError, match="pieces must be at least 1; got 0"):
        Maxout(0)


@pytest.mark.rows("A09")
def test_opposite_weights_give_the_absolute_value_dense_and_convolutional():
    dense, conv = dense_maxout(1, 1).double(), conv_maxout(1, 1, kernel_size=1).double()
    for model in (dense, conv):
        model[0].weight.data = torch.tensor([1.0, -1.0], dtype=torch.float64).view_as(model[0].weight)
        nn.init.zeros_(model[0].bias)
    torch.testing.assert_close(dense(draw(9, 1)), draw(9, 1).abs())
    torch.testing.assert_close(conv(draw(2, 1, 4, 5)), draw(2, 1, 4, 5).abs())


@pytest.mark.rows("A09")
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_maxout_layer_is_the_largest_of_k_layers(k):
    dense, conv = dense_maxout(6, 4, pieces=k).double(), conv_maxout(3, 4, pieces=k).double()
    x, images = draw(7, 6), draw(2, 3, 5, 5)
    each = [F.linear(x, dense[0].weight[j::k], dense[0].bias[j::k]) for j in range(k)]
    torch.testing.assert_close(dense(x), torch.stack(each).amax(0))
    each = [F.conv2d(images, conv[0].weight[j::k], conv[0].bias[j::k], padding=1) for j in range(k)]
    torch.testing.assert_close(conv(images), torch.stack(each).amax(0))


@pytest.mark.rows("A09")
def test_fitnet4_with_maxout_has_the_parameters_of_the_sheet():
    widths = [3, 32, 32, 32, 48, 48, *[80] * 6, *[128] * 6]
    with torch.device("meta"):
        relu = [nn.Conv2d(i, o, 3, padding=1) for i, o in zip(widths, widths[1:], strict=False)]
        maxout = [conv_maxout(i, o) for i, o in zip(widths, widths[1:], strict=False)]
        head = nn.Linear(500, 10)
        relu += [nn.Linear(128, 500), head]
        maxout += [dense_maxout(128, 500), head]
    assert parameters(nn.Sequential(*relu)) == 1_276_806
    assert parameters(nn.Sequential(*maxout)) == 2_548_602


@pytest.mark.rows("A09")
@pytest.mark.parametrize("k", [2, 3])
def test_at_equal_cost_the_weights_are_equal_within_a_percent(k):
    narrow = width_at_equal_cost(512, pieces=k)
    assert parameters(dense_maxout(narrow, narrow, pieces=k)) == pytest.approx(
        parameters(nn.Linear(512, 512)), rel=0.01
    )
    assert narrow == round(512 / math.sqrt(k))


@pytest.mark.rows("P14")
def test_only_the_winner_gets_a_gradient_also_in_a_tie():
    branches = draw(3, 2, 4, 5, 5)
    branches[:, 0] = 1.0  # all tie
    branches.requires_grad_()
    values, index = winner(branches)
    values.sum().backward()
    torch.testing.assert_close(branches.grad, F.one_hot(index, 3).movedim(-1, 0).double())
    shared = torch.autograd.grad(branches.amax(0).sum(), branches)[0]
    assert (shared[:, 0] == 1 / 3).all()  # torch.amax splits it


@pytest.mark.rows("P14")
def test_a_branch_maxout_is_the_largest_of_its_convolutions_and_says_which():
    block, x = BranchMaxout(3, 4).double(), draw(2, 3, 9, 9)
    outputs = torch.stack(
        [F.conv2d(x, b.weight, b.bias, padding=p) for b, p in zip(block.branches, (1, 2, 3), strict=True)]
    )
    values, index = block.compete(x)
    torch.testing.assert_close(block(x), outputs.amax(0))
    torch.testing.assert_close(values, outputs.gather(0, index[None])[0])
    assert [branch.kernel_size for branch in block.branches] == [(3, 3), (5, 5), (7, 7)]


@pytest.mark.rows("P14")
def test_the_kernel_that_fits_the_scale_wins():
    block = BranchMaxout(1, 1, kernel_sizes=(3, 7)).double()
    for branch in block.branches:
        branch.weight.data.fill_(-1 / branch.weight.numel())
        branch.weight.data[..., 1:-1, 1:-1] = 1 / branch.kernel_size[0]  # a square with a dark rim
        nn.init.zeros_(branch.bias)
    wide = torch.zeros(1, 1, 15, 15, dtype=torch.float64)
    wide[..., 5:10, 5:10] = 1
    small = torch.zeros_like(wide)
    small[..., 7, 7] = 1
    assert block.compete(small)[1][0, 0, 7, 7] == 0 and block.compete(wide)[1][0, 0, 7, 7] == 1


@pytest.mark.rows("P14")
@pytest.mark.parametrize(
    ("k", "mean", "variance"), [(1, 0.0, 1.0), (2, 1 / math.sqrt(math.pi), 1 - 1 / math.pi), (3, 0.846284, 0.559467)]
)
def test_moments_are_closed_forms_and_those_of_draws(k, mean, variance):
    assert maxout_moments(k) == pytest.approx((mean, variance), abs=1e-6)
    largest = Maxout(k)(draw(400_000, k, seed=k))
    assert (largest.mean().item(), largest.var().item()) == pytest.approx(maxout_moments(k), abs=0.01)
