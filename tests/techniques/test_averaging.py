import copy

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.optim.swa_utils import update_bn

from cnnlab.techniques import averaging as A

pytestmark = pytest.mark.rows("E03")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2)).double()


def walk(model, steps):
    """A training run of a kind: every tensor moves at random; the state after each step."""
    for step in range(steps):
        with torch.no_grad():
            for tensor in model.state_dict().values():
                if tensor.is_floating_point():
                    tensor += 0.1 * torch.rand(tensor.shape, dtype=tensor.dtype, generator=seeded(step))
                else:
                    tensor += 1
        yield copy.deepcopy(model.state_dict())


def test_after_a_hundred_steps_the_moving_average_is_its_closed_form():
    values = torch.randn(101, 5, dtype=torch.float64, generator=seeded())
    average = values[0]
    for value in values[1:]:
        average = A.moving_average(average, value, decay=0.95)
    powers = 0.95 ** torch.arange(99, -1, -1, dtype=torch.float64)
    closed = 0.95**100 * values[0] + 0.05 * powers @ values[1:]
    torch.testing.assert_close(average, closed, rtol=0, atol=1e-12)


def test_the_running_mean_is_the_mean():
    values = torch.randn(50, 5, dtype=torch.float64, generator=seeded())
    average = values[0]
    for count, value in enumerate(values[1:], start=1):
        average = A.running_mean(average, value, count)
    torch.testing.assert_close(average, values.mean(0))


def test_the_formulas_are_those_of_torch_over_a_run_buffers_too():
    model = net()
    swa, ema = A.swa(model), A.ema(model, decay=0.9)
    means, moving = {}, {}
    for count, state in enumerate(walk(model, 100)):
        swa.update_parameters(model)
        ema.update_parameters(model)
        for name, value in state.items():
            means[name] = A.running_mean(means[name], value, count) if count else value
            moving[name] = A.moving_average(moving[name], value, decay=0.9) if count else value
    for name, parameter in swa.module.named_parameters():
        torch.testing.assert_close(parameter.detach(), means[name], rtol=0, atol=1e-7)
    for name, buffer in swa.module.named_buffers():
        assert torch.equal(buffer, state[name])  # of the last model, to be measured anew
    for name, value in ema.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, moving[name], rtol=0, atol=1e-7)


def test_the_mean_of_checkpoints_is_what_swa_has_and_counters_are_the_last():
    model, shown = net(), A.swa(net())
    states = []
    for state in walk(model, 9):
        shown.update_parameters(model)
        states.append(state)
    mean = A.mean_weights(states)
    for name, parameter in shown.module.named_parameters():
        torch.testing.assert_close(mean[name], parameter.detach())
    torch.testing.assert_close(mean["1.running_var"], torch.stack([s["1.running_var"] for s in states]).mean(0))
    assert mean["1.num_batches_tracked"] == 9
    assert not torch.equal(mean["0.weight"], states[0]["0.weight"])


def test_checkpoints_of_different_networks_have_no_mean():
    first = nn.Linear(2, 3).state_dict()
    for other in (nn.Linear(2, 1), nn.Linear(2, 3, bias=False), nn.Sequential(nn.Linear(2, 3))):
        for pair in ([first, other.state_dict()], [other.state_dict(), first]):
            with pytest.raises(ValueError, match="checkpoint 1 must be of the names and shapes of the first; got"):
                A.mean_weights(pair)


def test_an_average_has_its_statistics_measured_anew():
    model, twin = net().train(), net()
    states = list(walk(copy.deepcopy(model), 5))
    batches = list(torch.randn(4, 32, 4, dtype=torch.float64, generator=seeded()))
    assert A.load_average(model, states, batches) is model and model.training
    twin.load_state_dict(A.mean_weights(states))
    hidden = torch.stack([twin[0](x) for x in batches])
    torch.testing.assert_close(model[1].running_mean, hidden.mean((0, 1)).detach())
    torch.testing.assert_close(model[1].running_var, hidden.var(1).mean(0).detach())
    update_bn(batches, twin)
    torch.testing.assert_close(model.state_dict(), twin.state_dict())


@pytest.mark.parametrize("cycles", [1, 3, 5])
def test_snapshot_cosine_is_torchs_cosine_with_warm_restarts(cycles):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = CosineAnnealingWarmRestarts(optimizer, T_0=60 // cycles)
    for step in range(60):
        want = optimizer.param_groups[0]["lr"]
        assert A.snapshot_cosine(step / 60, cycles=cycles) == pytest.approx(want, abs=1e-9)
        optimizer.step()
        schedule.step()


def test_snapshots_are_taken_when_the_rate_is_lowest():
    assert A.snapshot_steps(60, cycles=3) == [20, 40, 60]
    assert A.snapshot_steps(10, cycles=3) == [4, 7, 10]
    for steps, cycles in ((60, 3), (10, 3), (100, 7)):
        rates = [A.snapshot_cosine(step / steps, cycles=cycles) for step in range(steps)] + [1.0]
        rises = [step for step in range(1, steps + 1) if rates[step] > rates[step - 1]]
        assert A.snapshot_steps(steps, cycles=cycles) == rises
