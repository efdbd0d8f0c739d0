from fractions import Fraction

import pytest
import torch
from scipy.stats import chisquare
from torch import nn

from cnnlab.techniques import freezing
from cnnlab.techniques.freezing import FreezeDropPath

pytestmark = pytest.mark.rows("T02")
SHARES = {"increasing": (1, 4, 9), "equal": (1, 1, 1), "decreasing": (9, 4, 1)}


def leaves(k: int = 3) -> list[torch.Tensor]:
    return [torch.randn(2, 4, dtype=torch.float64, requires_grad=True) for _ in range(k)]


@pytest.mark.parametrize("active", [0, 1, 2])
def test_freeze_drop_path_sums_up_to_the_active_branch_and_trains_it_alone(active):
    xs = leaves()
    y = freezing.freeze_drop_path(xs, active)
    torch.testing.assert_close(y, sum(xs[: active + 1]))
    weight = torch.randn_like(y)
    (y * weight).sum().backward()
    for i, x in enumerate(xs):
        assert torch.equal(x.grad, weight if i == active else torch.zeros_like(weight))


@pytest.mark.parametrize("active", [0, 1, 2])
def test_freeze_path_sums_all_and_trains_the_active_branch_alone(active):
    xs = leaves()
    y = freezing.freeze_path(xs, active)
    torch.testing.assert_close(y, sum(xs))
    y.sum().backward()
    assert [bool(x.grad.any()) for x in xs] == [i == active for i in range(3)]


@pytest.mark.parametrize("interval", SHARES)
def test_time_shares_are_those_of_the_authors_interval_types(interval):
    weights = SHARES[interval]
    assert freezing.time_shares(3, interval) == [Fraction(weight, sum(weights)) for weight in weights]


def active_of(y: torch.Tensor) -> int:
    """The active branch, read off the sum of branches 1, 10, 100."""
    return len(str(int(y))) - 1


@pytest.mark.parametrize("interval", SHARES)
def test_at_random_each_branch_is_active_its_share_of_the_steps(interval):
    torch.manual_seed(0)
    join, xs = FreezeDropPath(interval=interval), [torch.tensor(10.0**i) for i in range(3)]
    drawn = [active_of(join(xs)) for _ in range(2000)]
    expected = [2000 * weight / sum(SHARES[interval]) for weight in SHARES[interval]]
    assert chisquare([drawn.count(i) for i in range(3)], expected).pvalue > 0.01


@pytest.mark.parametrize("interval", SHARES)
def test_in_cycles_the_branches_take_turns_in_order(interval):
    join, xs = FreezeDropPath(interval=interval, cycle=84), [torch.tensor(10.0**i) for i in range(3)]
    unit = 84 // sum(SHARES[interval])
    one = [i for i, weight in enumerate(SHARES[interval]) for _ in range(weight * unit)]
    assert [active_of(join(xs)) for _ in range(168)] == one + one


def test_a_cycle_that_does_not_divide_gives_every_step_one_branch():
    turns = [freezing.branch_at(step, freezing.time_shares(3), cycle=10) for step in range(10)]
    assert turns == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2]  # thresholds 10/14 and 50/14


def test_evaluation_is_the_sum_of_all_and_any_gradient_flows():
    xs = leaves()
    y = FreezeDropPath().eval()(xs)
    torch.testing.assert_close(y, sum(xs))
    y.sum().backward()
    assert all((x.grad == 1).all() for x in xs)


def test_plain_gradient_descent_moves_the_active_branch_only():
    torch.manual_seed(0)
    branches = nn.ModuleList(nn.Linear(3, 2) for _ in range(3))
    before = [branch.weight.clone() for branch in branches]
    optimizer = torch.optim.SGD(branches.parameters(), lr=0.1)
    freezing.freeze_drop_path([branch(torch.ones(5, 3)) for branch in branches], 1).square().sum().backward()
    optimizer.step()
    assert [not torch.equal(b.weight, w) for b, w in zip(branches, before, strict=True)] == [False, True, False]
