import math

import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from cnnlab.techniques.plateau import Plateau


def of_torch(losses, lr, **settings):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler, rates = ReduceLROnPlateau(optimizer, **settings), []
    for loss in losses:
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.rows("L05")
@pytest.mark.parametrize("seed", range(20))
def test_the_rates_are_those_of_torch_to_the_bit(seed):
    generator = torch.Generator().manual_seed(seed)
    falling = torch.exp(-torch.arange(200) / (10 + 10 * seed)).double()
    losses = (falling + 0.2 * torch.rand(200, dtype=torch.float64, generator=generator)).tolist()
    settings = {
        "factor": (0.5, 0.2, 0.1)[seed % 3],
        "patience": seed % 6,
        "cooldown": seed % 4,
        "min_lr": (0.0, 1e-3)[seed % 2],
    }
    plateau = Plateau(0.1, **settings)
    want = of_torch(losses, 0.1, **settings)
    assert [plateau.step(loss) for loss in losses] == want
    assert len(set(want)) > 2


@pytest.mark.rows("L05")
def test_a_trace_by_hand():
    plateau = Plateau(0.8, 0.5, patience=1, cooldown=2, min_lr=0.1)
    #       best, bad, bad -> drop, two checks of rest, bad, bad -> drop, rest, rest, then better, bad, bad -> the least
    losses = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    rates = [0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert [plateau.step(loss) for loss in losses] == rates


@pytest.mark.rows("L05")
def test_a_loss_that_is_no_number_is_bad_and_one_barely_lower_too():
    losses = [1.0, math.nan, 0.99995, math.nan, 0.5, 0.5]
    plateau = Plateau(0.1, patience=1)
    rates = [plateau.step(loss) for loss in losses]
    assert rates == of_torch(losses, 0.1, factor=0.5, patience=1) == [0.1, 0.1, 0.05, 0.05, 0.05, 0.05]


def test_a_change_too_small_to_matter_is_not_made():
    losses = [1.0] * 40
    plateau = Plateau(1e-7, patience=0)
    assert [plateau.step(loss) for loss in losses] == of_torch(losses, 1e-7, factor=0.5, patience=0)


def test_bad_settings_are_told_and_good_ones_shown():
    with pytest.raises(ValueError, match="factor must be above 0 and below 1; got 2"):
        Plateau(0.1, 2)
    with pytest.raises(ValueError, match=r"patience and cooldown must be 0 or more; got \(-1, 0\)"):
        Plateau(patience=-1)
    want = "Plateau(lr=0.1, factor=0.5, patience=10, cooldown=0, min_lr=0.0, threshold=0.0001)"
    assert repr(Plateau()) == want
