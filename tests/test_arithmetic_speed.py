import pytest
import torch
from torch import nn

from cnnlab.arithmetic.speed import fair_time, images_per_second

pytestmark = pytest.mark.rows("M03")


def device(costs: list[float]):
    """A device that computes only when it is waited for, and a log of the calls in their order."""
    log, now, queue, costs = [], [0.0], [], iter(costs)

    def step():
        log.append("step")
        queue.append(next(costs))

    def synchronize():
        log.append("wait")
        now[0] += sum(queue)
        queue.clear()

    def clock() -> float:
        log.append("look")
        return now[0]

    return log, step, synchronize, clock


def test_the_clock_is_read_only_after_the_device_has_finished():
    log, step, synchronize, clock = device([1.0] * 10)
    fair_time(step, synchronize, warmup=2, repeats=2, clock=clock)
    assert log == ["step", "step"] + ["wait", "look", "step", "wait", "look"] * 2


def test_warm_up_is_left_out_and_the_median_forgives_a_hiccup():
    log, step, synchronize, clock = device([100.0, 100.0, 2.0, 50.0, 2.0])
    assert fair_time(step, synchronize, warmup=2, repeats=3, clock=clock) == 2.0
    assert log.count("step") == 5


def test_without_waiting_a_device_seems_to_need_no_time():
    _, step, synchronize, clock = device([1.0] * 10)
    assert fair_time(step, warmup=0, repeats=3, clock=clock) == 0.0
    assert fair_time(step, synchronize, warmup=0, repeats=3, clock=clock) == 1.0


def test_no_repeats_are_refused():
    with pytest.raises(ValueError, match="repeats must be at least 1; got 0"):
        fair_time(lambda: None, repeats=0)


def test_a_fixed_cost_a_step_is_shared_by_the_batch(monkeypatch):
    """Against a clock that every image moves by 1 and every step by 7: n / (7 + n) images a second."""
    now = [0.0]

    class Slow(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert not self.training and not torch.is_grad_enabled()
            now[0] += 7 + len(x)
            return super().forward(x)

    net = Slow(3, 2)
    monkeypatch.setitem(fair_time.__kwdefaults__, "clock", lambda: now[0])
    speeds = images_per_second(net, (3,), [1, 9, 63])
    assert speeds == {1: 1 / 8, 9: 9 / 16, 63: 63 / 70}
    assert net.training


def test_a_module_without_parameters_is_timed_on_the_cpu():
    seen = []

    class Watched(nn.ReLU):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append((tuple(x.shape), x.device.type))
            return super().forward(x)

    assert images_per_second(Watched(), (3, 4), [2], warmup=0, repeats=1)[2] > 0
    assert seen == [((2, 3, 4), "cpu")]
