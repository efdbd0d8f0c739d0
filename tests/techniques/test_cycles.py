import math

import pytest
import torch
from torch.optim import lr_scheduler

from cnnlab.techniques.cycles import exp_range, range_of, rising, triangular, triangular2, warm_up

LOW, HIGH, STEP_SIZE = 0.001, 0.006, 2000


def torchs(steps: int, **more) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    cyclic = lr_scheduler.CyclicLR(optimizer, LOW, HIGH, step_size_up=STEP_SIZE, cycle_momentum=False, **more)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cyclic.step()
    return rates


@pytest.mark.rows("T03")
@pytest.mark.parametrize(
    ("ours", "mode"),
    [
        (triangular, {"mode": "triangular"}),
        (triangular2, {"mode": "triangular2"}),
        (lambda t, **more: exp_range(t, end=0.9999**12_000, **more), {"mode": "exp_range", "gamma": 0.9999}),
    ],
    ids=["triangular", "triangular2", "exp_range"],
)
def test_the_policies_are_torchs_at_every_step(ours, mode):
    steps = 6 * STEP_SIZE
    rates = [HIGH * ours(step / steps, cycles=3, base=LOW / HIGH) for step in range(steps)]
    assert rates == pytest.approx(torchs(steps, **mode), rel=1e-6)


@pytest.mark.rows("T03")
def test_the_example_of_the_paper():
    rates = [HIGH * triangular(k / 8000, cycles=2, base=LOW / HIGH) for k in (0, 1000, 2000, 3000, 4000)]
    assert rates == pytest.approx([0.001, 0.0035, 0.006, 0.0035, 0.001])
    assert HIGH * triangular2(6000 / 8000, cycles=2, base=LOW / HIGH) == pytest.approx(0.0035)


@pytest.mark.rows("L01")
def test_warm_up_rises_to_the_start_of_the_schedule_and_leaves_its_shape():
    warm = warm_up(lambda t: (1 + math.cos(math.pi * t)) / 2, share=0.2)
    assert [warm(t) for t in (0, 0.1, 0.2)] == pytest.approx([0, 0.5, 1])
    assert warm(0.6) == pytest.approx(0.5)


@pytest.mark.rows("L01")
def test_warm_up_is_torchs_two_schedulers_in_sequence():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    parts = [lr_scheduler.LinearLR(optimizer, 1e-9, 1, 20), lr_scheduler.CosineAnnealingLR(optimizer, 80)]
    both, theirs = lr_scheduler.SequentialLR(optimizer, parts, [20]), []
    for _ in range(100):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    warm = warm_up(lambda t: (1 + math.cos(math.pi * t)) / 2, share=0.2)
    assert [warm(k / 100) for k in range(100)] == pytest.approx(theirs, abs=1e-6)


@pytest.mark.rows("T03")
@pytest.mark.parametrize(("first", "last"), [(20, 60), (40, 80)])
def test_a_range_test_is_read_where_the_accuracy_starts_and_stops_rising(first, last):
    rates = [0.001 * (k + 1) for k in range(100)]
    noise = torch.randn(100, generator=torch.Generator().manual_seed(0)) * 0.01
    rise = [min(max((k - first) / (last - first), 0), 1) - max(0, k - last) / 50 for k in range(100)]
    low, high = range_of(rates, [0.1 + 0.5 * r + n for r, n in zip(rise, noise.tolist(), strict=True)])
    assert rates[first - 2] <= low <= rates[first + 10]
    assert rates[last - 5] <= high <= rates[last + 5]


def test_the_rates_of_a_range_test_rise_in_equal_steps():
    assert [rising(k / 4) for k in range(4)] == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: triangular(0.5, cycles=0), "cycles must be above 0; got 0"),
        (lambda: triangular2(0.5, base=2), "base must be from 0 to 1; got 2"),
        (lambda: exp_range(0.5, end=0), "end must be above 0; got 0"),
        (lambda: warm_up(rising, 0), "share must be above 0 and below 1; got 0"),
        (
            lambda: range_of([1, 2], [1, 2]),
            "a range test must be of 10 rates or more, an accuracy for each; got '2 accuracies for 2 rates'",
        ),
        (lambda: range_of([1] * 10, [1] * 10), r"rates must be rising; got \[1, 1"),
        (
            lambda: range_of(range(10), [0.1] * 10),
            r"accuracies must be rising somewhere; start lower or go higher; got \[0.1, ",
        ),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
