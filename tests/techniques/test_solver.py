import pytest
import torch
import torchvision
from torch import nn

from cnnlab.techniques import solver

pytestmark = pytest.mark.rows("L09")


def nets():
    with torch.device("meta"):
        return {
            "conv": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)), {"0.bias", "2.bias"}),
            "normalized": (
                nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Linear(4, 2)),
                {"1.bias", "2.bias"},
            ),
            "alexnet": (
                torchvision.models.alexnet(),
                {f"features.{i}.bias" for i in (0, 3, 6, 8, 10)} | {f"classifier.{i}.bias" for i in (1, 4, 6)},
            ),
        }


@pytest.mark.parametrize("name", ["conv", "normalized", "alexnet"])
def test_biases_learn_at_twice_the_rate_and_do_not_decay(name):
    model, biases = nets()[name]
    weights, others = solver.bias_groups(model, 0.01)
    names = {id(p): n for n, p in model.named_parameters()}
    assert {names[id(p)] for p in others["params"]} == biases
    assert {names[id(p)] for p in weights["params"]} == set(names.values()) - biases
    assert (weights["lr"], weights["weight_decay"]) == (0.01, 5e-4)
    assert (others["lr"], others["weight_decay"]) == (0.02, 0.0)


def test_frozen_parameters_are_in_no_group():
    model, _ = nets()["conv"]
    model[0].requires_grad_(False)
    weights, biases = solver.bias_groups(model, 0.1, weight_decay=0.0, factor=5.0)
    assert [id(p) for p in weights["params"]] == [id(model[2].weight)]
    assert [id(p) for p in biases["params"]] == [id(model[2].bias)] and biases["lr"] == 0.5
    with pytest.raises(ValueError, match="factor must be 0 or more; got -1"):
        solver.bias_groups(model, 0.1, factor=-1)


def test_the_benchmarks_solver_steps_as_the_prototxt_says():
    model = nn.Linear(3, 2).double()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer, schedule = solver.caffenet_solver(model)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), before["weight"] - 0.01 * (1 + 5e-4 * before["weight"]))
    torch.testing.assert_close(model.bias.detach(), before["bias"] - 0.02)
    optimizer.step()
    torch.testing.assert_close(model.bias.detach(), before["bias"] - 0.02 * (1 + 1.9))
    assert (schedule.step_size, schedule.gamma) == (100_000, 0.1)


def test_the_arithmetic_of_the_epochs():
    assert solver.epochs_of(320_000, 256, images=1_281_167) == pytest.approx(63.9, abs=0.05)
    assert solver.epochs_of(320_000, 256, images=1_280_000) == 64.0
    with pytest.raises(ValueError, match="images must be 1 or more; got 0"):
        solver.epochs_of(1, 1, images=0)
