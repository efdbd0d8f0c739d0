import math

import numpy as np
import pytest
import torch
from torch import nn

from cnnlab.techniques.stopping import EarlyStopping, best_by_validation, polynomial, polynomial_fit

SERIES = [0.9, 0.8, 0.85, 0.79, 0.8, 0.81, 0.82]


def watched(losses: list[float], patience: int = 3, min_delta: float = 0.0) -> tuple[int, EarlyStopping, nn.Module]:
    """The check at which it stopped; the model's bias is the number of the check."""
    model, stopping = nn.Linear(1, 1), EarlyStopping(patience, min_delta=min_delta)
    for check, loss in enumerate(losses, start=1):
        model.bias.data.fill_(check)
        if stopping.stop(loss, model):
            return check, stopping, model
    return 0, stopping, model


@pytest.mark.rows("R07")
@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "stop", "best"),
    [
        (SERIES, 3, 0.0, 7, 4),
        (SERIES, 2, 0.0, 6, 4),
        (SERIES, 1, 0.0, 3, 2),
        (SERIES, 3, 0.05, 5, 2),  # .79 is no gain worth .05 on .8
        ([5, 4, 3, 2, 1], 1, 0.0, 0, 5),
        ([1, 1, 1, 1], 2, 0.0, 3, 1),
        ([1, math.nan, math.nan, 0.5], 3, 0.0, 0, 4),
        ([1, math.nan, math.nan, 2], 3, 0.0, 4, 1),
    ],
)
def test_it_stops_after_patience_checks_without_a_better_one(losses, patience, min_delta, stop, best):
    stopped, stopping, model = watched(losses, patience, min_delta)
    assert (stopped, stopping.best_check) == (stop, best)
    stopping.restore(model)
    assert model.bias.item() == best


@pytest.mark.rows("R07")
def test_the_best_weights_come_back_to_the_bit_with_their_statistics():
    torch.manual_seed(0)
    model, stopping = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), EarlyStopping(2)
    states = []
    for loss in (1.0, 0.5, 0.9, 0.8):
        model(torch.randn(8, 3))
        model[0].weight.data.add_(torch.randn(3, 3))
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        stopping.stop(loss, model)
    stopping.restore(model)
    assert all(torch.equal(states[1][name], value) for name, value in model.state_dict().items())


def test_without_a_best_check_there_is_nothing_to_restore():
    stopping = EarlyStopping()
    stopping.stop(math.nan, nn.Linear(1, 1))
    with pytest.raises(ValueError, match="the best check must be there: call `stop` with a finite loss first"):
        stopping.restore(nn.Linear(1, 1))


def wave(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, generator=generator, dtype=torch.float64) * 2 - 1
    return x, torch.sin(3 * x) + 0.2 * torch.randn(n, generator=generator, dtype=torch.float64)


@pytest.mark.rows("R11")
def test_degree_nine_goes_through_ten_points_and_swings_between():
    (x, y), (new, truth) = wave(10, 0), wave(500, 1)
    errors = {
        d: [(polynomial(polynomial_fit(x, y, d), at) - to).square().mean().item() for at, to in ((x, y), (new, truth))]
        for d in (1, 3, 9)
    }
    assert errors[9][0] < 1e-12 < errors[3][0] < errors[1][0]
    assert errors[9][1] > 10 * errors[3][1]


@pytest.mark.rows("R11")
def test_the_fit_agrees_with_numpys_and_ridge_with_its_normal_equations():
    x, y = wave(40, 2)
    np.testing.assert_allclose(polynomial_fit(x, y, 4), np.polynomial.polynomial.polyfit(x, y, 4), rtol=1e-9)
    powers = np.vander(x, 7, increasing=True)
    expected = np.linalg.solve(powers.T @ powers + 0.3 * np.eye(7), powers.T @ y.numpy())
    np.testing.assert_allclose(polynomial_fit(x, y, 6, ridge=0.3), expected, rtol=1e-8)


@pytest.mark.rows("R11")
def test_validation_finds_a_penalty_that_tames_degree_nine():
    (x, y), (vx, vy), (tx, ty) = wave(12, 3), wave(60, 4), wave(2000, 5)

    def error(ridge: float, at: torch.Tensor, to: torch.Tensor) -> float:
        return (polynomial(polynomial_fit(x, y, 9, ridge=ridge), at) - to).square().mean().item()

    ridges = [0.0, 1e-6, 1e-4, 1e-2, 1.0]
    chosen = best_by_validation(ridges, lambda ridge: error(ridge, vx, vy))
    assert error(chosen, tx, ty) <= 1.1 * min(error(ridge, tx, ty) for ridge in ridges) < error(0.0, tx, ty)


@pytest.mark.rows("R11")
def test_a_candidate_that_diverged_is_never_the_best():
    assert best_by_validation([1, 2, 3], lambda k: {1: math.nan, 2: 0.4, 3: 0.5}[k]) == 2
    with pytest.raises(ValueError, match="candidates must be one or more with a loss"):
        best_by_validation([1], lambda k: math.nan)


@pytest.mark.rows("R07")
def test_the_best_loss_does_not_move_with_the_tensor_it_came_in():
    loss, stopping = torch.tensor(0.5), EarlyStopping()
    stopping.stop(loss, nn.Linear(1, 1))
    loss.fill_(9.0)
    assert stopping.best == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EarlyStopping(0), "patience must be 1 check or more; got 0"),
        (lambda: EarlyStopping(1, min_delta=-1), "min_delta must be 0 or more; got -1"),
        (
            lambda: polynomial_fit(torch.ones(3), torch.ones(2), 1),
            r"y must be of shape \(N,\), as x is: \(3,\); got \(2,\)",
        ),
        (lambda: polynomial_fit(torch.ones(3), torch.ones(3), -1), "degree and ridge must be 0 or more"),
        (lambda: best_by_validation([], float), r"candidates must be one or more with a loss; got \[\]"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_it_shows_its_settings():
    assert repr(EarlyStopping(4, min_delta=0.1)) == "EarlyStopping(patience=4, min_delta=0.1)"
