"""When to stop: early stopping on a validation score, and the choice of a capacity or a penalty by validation."""

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from cnnlab.choices import demand

Candidate = TypeVar("Candidate")


class EarlyStopping:
    """Stop when a loss has not improved on its best for `patience` checks, and restore the best weights (row R07).

    `stop(loss, model)` after each check, counted from 1, says whether to stop; `restore(model)` brings back the weights
    of the best check, to the bit. A loss counts as better if it is lower than the best by more than `min_delta`; NaN
    never is. S1's code compares with the previous value, never resets its counter and restores nothing.
    Source: {cite:t}`prechelt1998early`.
    """

    def __init__(self, patience: int = 5, *, min_delta: float = 0.0):
        demand(patience >= 1, "patience", patience, "1 check or more")
        demand(min_delta >= 0, "min_delta", min_delta, "0 or more")
        self.patience, self.min_delta = patience, min_delta
        self.checks, self.best_check, self.best = 0, 0, float("inf")
        self._weights: dict[str, Tensor] | None = None

    def stop(self, loss: float, model: nn.Module) -> bool:
        """Take notice of a validation loss; True when it is time to stop."""
        self.checks += 1
        if loss < self.best - self.min_delta:
            self.best, self.best_check = float(loss), self.checks
            self._weights = copy.deepcopy(model.state_dict())
        return self.checks - self.best_check >= self.patience

    def restore(self, model: nn.Module) -> nn.Module:
        """`model` with weights and statistics of the best check; a `ValueError` where there was none."""
        demand(self._weights is not None, "the best check", None, "there: call `stop` with a finite loss first")
        model.load_state_dict(self._weights)
        return model

    def __repr__(self) -> str:
        return f"EarlyStopping(patience={self.patience}, min_delta={self.min_delta})"


def polynomial_fit(x: Tensor, y: Tensor, degree: int, *, ridge: float = 0.0) -> Tensor:
    r"""Coefficients, constant first, of the polynomial with the least $\sum (p(x) - y)^2 + \lambda \|w\|^2$ (row R11).

    The smallest picture of capacity: a degree one below the number of points goes through all of them, and swings
    between. `x` and `y` have shape (N,); the answer, (degree + 1,), is in float64.
    Source: {cite:t}`goodfellow2016deep`.
    """
    demand(x.ndim == 1 and x.shape == y.shape, "y", tuple(y.shape), f"of shape (N,), as x is: {tuple(x.shape)}")
    demand(degree >= 0 and ridge >= 0, "degree and ridge", (degree, ridge), "0 or more")
    powers = x.double()[:, None] ** torch.arange(degree + 1, device=x.device)
    penalty = ridge**0.5 * torch.eye(degree + 1, dtype=torch.float64, device=x.device)
    target = torch.cat([y.double(), y.new_zeros(degree + 1, dtype=torch.float64)])
    return torch.linalg.lstsq(torch.cat([powers, penalty]), target[:, None]).solution[:, 0]


def polynomial(coefficients: Tensor, x: Tensor) -> Tensor:
    r"""$\sum_k w_k x^k$ for each x, in float64."""
    return (x.double()[..., None] ** torch.arange(len(coefficients), device=x.device)) @ coefficients


def best_by_validation(candidates: Sequence[Candidate], loss: Callable[[Candidate], float]) -> Candidate:
    """The candidate with the lowest validation loss, of equal ones the first: a penalty, a degree, a width (row R11).

    One whose loss is not a number, as of a run that diverged, is never chosen; a `ValueError` where none is left.
    """
    losses = [(loss(candidate), candidate) for candidate in candidates]
    finished = [each for each in losses if each[0] == each[0]]
    demand(len(finished) > 0, "candidates", losses, "one or more with a loss")
    return min(finished, key=lambda each: each[0])[1]
