import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from cnnlab.techniques.learned_pooling import GatedPool2d, MixedPool2d, TreePool2d, learned_pooling

pytestmark = pytest.mark.rows("S07")
X = torch.randn(2, 3, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def drawn(module: nn.Module) -> nn.Module:
    """In float64, with random weights."""
    torch.manual_seed(0)
    for parameter in module.double().parameters():
        nn.init.normal_(parameter)
    return module


def each_window(function, x=X, kernel_size=3, stride=2):
    """`function(nine numbers)` at every window, by loops."""
    places = range(0, x.shape[-1] - kernel_size + 1, stride)
    side = slice(kernel_size)
    rows = [[function(x[..., i:, j:][..., side, side].flatten(-2)) for j in places] for i in places]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


@pytest.mark.parametrize("make", [MixedPool2d, GatedPool2d, lambda k, s: GatedPool2d(k, s, gates=3)])
def test_an_untrained_mixture_is_half_maximum_half_average(make):
    want = (F.max_pool2d(X, 3, 2) + F.avg_pool2d(X, 3, 2)) / 2
    torch.testing.assert_close(make(3, 2).double()(X), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("logit", "limit"), [(50.0, F.max_pool2d), (-50.0, F.avg_pool2d)], ids=["max", "average"])
def test_mixed_pooling_has_maximum_and_average_as_its_limits(logit, limit):
    pool = MixedPool2d(3, 2).double()
    nn.init.constant_(pool.logit, logit)
    torch.testing.assert_close(pool(X), limit(X, 3, 2))


def test_mixed_pooling_learns_one_number_that_stays_a_proportion():
    pool = drawn(MixedPool2d(2))
    a = 1 / (1 + (-pool.logit).exp())
    assert sum(p.numel() for p in pool.parameters()) == 1
    torch.testing.assert_close(pool(X), a * F.max_pool2d(X, 2) + (1 - a) * F.avg_pool2d(X, 2))


@pytest.mark.parametrize("gates", [1, 3])
def test_a_gate_looks_at_its_window(gates):
    pool = drawn(GatedPool2d(3, 2, gates=gates))
    assert pool.weight.numel() == 9 * gates

    def by_hand(w):  # (N, C, 9)
        a = torch.sigmoid(torch.stack([w[:, c] @ pool.weight[c % gates] for c in range(3)], 1))
        return a * w.amax(-1) + (1 - a) * w.mean(-1)

    torch.testing.assert_close(pool(X), each_window(by_hand))


def test_a_tree_of_two_levels_is_one_gate_over_two_leaves():
    pool = drawn(TreePool2d(3, 2))
    assert pool.leaves.shape == (2, 9) and pool.gates.shape == (1, 9)

    def by_hand(w):
        g = torch.sigmoid(w @ pool.gates[0])
        return g * (w @ pool.leaves[0]) + (1 - g) * (w @ pool.leaves[1])

    torch.testing.assert_close(pool(X), each_window(by_hand))


def test_a_tree_of_three_levels_follows_the_recursion_of_the_paper():
    pool = drawn(TreePool2d(3, 2, levels=3))

    def node(m, w):  # the root is 1, the children of m are 2m and 2m + 1, the leaves 4 to 7
        if m >= 4:
            return w @ pool.leaves[m - 4]
        g = torch.sigmoid(w @ pool.gates[m - 1])
        return g * node(2 * m, w) + (1 - g) * node(2 * m + 1, w)

    torch.testing.assert_close(pool(X), each_window(lambda w: node(1, w)))


def test_a_tree_whose_leaves_are_boxes_is_average_pooling():
    pool = drawn(TreePool2d(3, 2, levels=3))
    nn.init.constant_(pool.leaves, 1 / 9)
    torch.testing.assert_close(pool(X), F.avg_pool2d(X, 3, 2))


def test_an_untrained_tree_is_near_average_pooling_with_leaves_that_differ():
    torch.manual_seed(0)
    pool = TreePool2d(3, 2, levels=8).double()
    assert pool.leaves.mean().item() == pytest.approx(1 / 9, abs=0.001)
    assert pool.leaves.std().item() == pytest.approx(0.1 / 9, rel=0.1)
    assert (pool(X) - F.avg_pool2d(X, 3, 2)).abs().max() < 0.05


@pytest.mark.parametrize("name", ["mixed", "gated", "tree"])
def test_gradients_of_learned_pooling_agree_with_finite_differences(name):
    pool = drawn(learned_pooling(name)(3, 2))
    names = [name for name, _ in pool.named_parameters()]

    def of(x, *weights):
        return torch.func.functional_call(pool, dict(zip(names, weights, strict=True)), (x,))

    x = X[:1, :2, :5, :5].clone().requires_grad_()
    assert gradcheck(of, (x, *(p.detach().clone().requires_grad_() for p in pool.parameters())))


def test_an_unknown_learned_pooling_lists_the_choices():
    with pytest.raises(ValueError, match='learned pooling "forest" is unknown; choose one of: gated, mixed, tree'):
        learned_pooling("forest")
