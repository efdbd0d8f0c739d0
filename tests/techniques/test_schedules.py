"""Schedules against torch's own schedulers, their limits and published numbers."""

import math
import re

import pytest
import torch
from torch.optim import lr_scheduler

from cnnlab.techniques.schedules import SCHEDULES, linear_cosine, schedule, scheduler, step_every

T = 40
TORCH = {
    "constant": lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1, total_iters=T),
    "linear": lambda optimizer: lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=T),
    "square": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total_iters=T, power=2),
    "sqrt": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total_iters=T, power=0.5),
    "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=T),
    "step": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [T // 2, 3 * T // 4], gamma=0.1),
    "triangular": lambda optimizer: cyclic(optimizer, mode="triangular"),
    "triangular2": lambda optimizer: cyclic(optimizer, mode="triangular2"),
    "exp_range": lambda optimizer: cyclic(optimizer, mode="exp_range", gamma=0.1 ** (1 / T)),
}
RISING = {"one_cycle", "triangular", "triangular2", "exp_range", "rising"}


def cyclic(optimizer, **more) -> lr_scheduler.CyclicLR:
    return lr_scheduler.CyclicLR(optimizer, 0.25, 1.0, step_size_up=T // 4, cycle_momentum=False, **more)


def rates_of_torch(make, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.rows("L02", "T03")
@pytest.mark.parametrize("name", TORCH)
def test_schedule_equals_torchs_scheduler_at_every_step(name):
    ours = [SCHEDULES[name](step / T) for step in range(T)]
    assert ours == pytest.approx(rates_of_torch(TORCH[name], T), abs=1e-9)


@pytest.mark.rows("T03")
def test_one_cycle_is_the_limit_of_torchs_one_cycle():
    """Torch puts its turning points one step early, so the two differ by at most the steepest slope times a step."""
    steps = 2000
    rates = rates_of_torch(
        lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=steps + 1, cycle_momentum=False),
        steps,
    )
    ours = [SCHEDULES["one_cycle"](step / steps) for step in range(steps)]
    assert ours == pytest.approx(rates, abs=math.pi / 2 / 0.3 / steps)


def test_every_schedule_that_torch_has_is_compared_with_it():
    assert set(SCHEDULES) == {*TORCH, "one_cycle", "linear_cosine", "rising", "step_every"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_factor_stays_in_the_unit_interval(name):
    factors = [SCHEDULES[name](t / 100) for t in range(100)]
    assert all(0 <= factor <= 1 + 0.001 * (name == "linear_cosine") for factor in factors)
    assert all(factor > 0 for factor in factors[1:])


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - RISING))
def test_schedule_starts_at_the_full_rate_and_never_rises(name):
    factors = [SCHEDULES[name](t / 100) for t in range(100)]
    assert factors[0] == pytest.approx(1, abs=0.0011)
    assert factors == sorted(factors, reverse=True)


def test_one_cycle_is_continuous_at_its_peak():
    one_cycle = SCHEDULES["one_cycle"]
    assert one_cycle(0.0) == pytest.approx(1 / 25)
    assert one_cycle(0.3) == pytest.approx(1) == pytest.approx(one_cycle(0.3 - 1e-9))


@pytest.mark.rows("L02")
def test_half_way_the_rates_are_those_of_the_sheet():
    """Row L02: with a rate of 0.01, half of the run."""
    rates = [0.01 * SCHEDULES[name](0.5) for name in ("step_every", "square", "sqrt", "linear")]
    assert rates == pytest.approx([0.001, 0.0025, 0.00707, 0.005], abs=1e-5)


def test_unknown_schedule_lists_the_choices():
    with pytest.raises(ValueError, match=re.escape('schedule "triangle" is unknown; choose one of: constant, cosine')):
        schedule("triangle")


@pytest.mark.rows("L03")
def test_linear_cosine_has_the_values_of_the_sheet_and_of_its_formula():
    assert [linear_cosine(t / 4) for t in range(5)] == pytest.approx(
        [1.001, 0.641165, 0.251, 0.037612, 0.001], abs=1e-6
    )
    for t in range(101):
        done, n, alpha, beta = t / 100, 2, 0.3, 0.01
        tensorflow = (alpha + (100 - t) / 100) * (0.5 * (1 + math.cos(math.pi * 2 * n * t / 100))) + beta
        assert linear_cosine(done, periods=n, alpha=alpha, beta=beta) == pytest.approx(tensorflow, abs=1e-9)


@pytest.mark.rows("L02")
def test_a_scheduler_drives_torchs_optimizer_through_the_schedule():
    rates = rates_of_torch(lambda optimizer: scheduler(optimizer, "cosine", 10), 10)
    assert rates == pytest.approx([(1 + math.cos(math.pi * k / 10)) / 2 for k in range(10)])
    with pytest.raises(ValueError, match="steps must be 1 or more; got 0"):
        rates_of_torch(lambda optimizer: scheduler(optimizer, "cosine", 0), 1)


@pytest.mark.rows("L02")
def test_caffenets_steps_fall_after_each_hundred_thousand_of_320_thousand():
    factors = [step_every(k / 320) for k in (0, 99, 100, 160, 199, 200, 299, 300, 319)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    with pytest.raises(ValueError, match="size must be above 0; got 0"):
        step_every(0.5, size=0)


@pytest.mark.rows("L02")
def test_steps_of_equal_size_are_torchs():
    rates = rates_of_torch(lambda optimizer: lr_scheduler.StepLR(optimizer, 10, gamma=0.5), 40)
    assert [step_every(k / 40, size=0.25, gamma=0.5) for k in range(40)] == pytest.approx(rates)
