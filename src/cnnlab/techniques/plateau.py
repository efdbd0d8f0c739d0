"""The plateau rule: lower the learning rate when the validation loss stalls."""

import math

from cnnlab.choices import demand

SMALLEST = 1e-8  # as torch has it: a smaller change of the rate is not made


class Plateau:
    r"""$\eta \leftarrow \max(f \eta, \eta_{\min})$ after more than `patience` checks without a better loss (row L05).

    A loss is better if below $(1 - 10^{-4})$ of the best one; NaN never is. After a drop, `cooldown` checks do not count
    as bad. The advice of {cite:t}`sutskever2015brief` is to start at 0.1 and divide by 2 or by 5. It is
    `torch.optim.lr_scheduler.ReduceLROnPlateau` without the optimizer; give that one to a loop of your own.
    """

    def __init__(
        self,
        lr: float = 0.1,
        factor: float = 0.5,
        *,
        patience: int = 10,
        cooldown: int = 0,
        min_lr: float = 0.0,
        threshold: float = 1e-4,
    ):
        demand(0 < factor < 1, "factor", factor, "above 0 and below 1")
        demand(patience >= 0 and cooldown >= 0, "patience and cooldown", (patience, cooldown), "0 or more")
        self.lr, self.factor, self.patience = lr, factor, patience
        self.cooldown, self.min_lr, self.threshold = cooldown, min_lr, threshold
        self.best, self.bad, self.resting = math.inf, 0, 0

    def step(self, loss: float) -> float:
        """Take notice of a validation loss; the learning rate to go on with."""
        better = loss < self.best * (1 - self.threshold)
        self.best = loss if better else self.best
        self.bad = 0 if better or self.resting else self.bad + 1
        self.resting = max(0, self.resting - 1)
        if self.bad > self.patience:
            lower = max(self.lr * self.factor, self.min_lr)
            self.lr = lower if self.lr - lower > SMALLEST else self.lr
            self.bad, self.resting = 0, self.cooldown
        return self.lr

    def __repr__(self) -> str:
        names = ("lr", "factor", "patience", "cooldown", "min_lr", "threshold")
        return f"Plateau({', '.join(f'{name}={getattr(self, name)}' for name in names)})"
