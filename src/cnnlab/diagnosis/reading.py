r"""The numbers a person reads off training curves: where they start and end, how they bend, how wide their band is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnnlab.choices import demand

TINY = 1e-12  # nats: keeps a loss of exactly zero out of a denominator
COLUMNS = ("losses", "train_loss", "valid_loss", "train_accuracy", "valid_accuracy")  # that are read
BLOCKS = 20  # a curve is smoothed by the means of so many equal parts


def noise(losses: Sequence[float]) -> float:
    r"""The standard deviation of a curve about its trend, the band's half-width $\hat\sigma$ (rows B02, G02).

    $\hat\sigma^2 = \frac{1}{6 (n-2)} \sum_i (x_{i-1} - 2 x_i + x_{i+1})^2$: second differences remove a straight trend
    exactly and a slow one nearly, and have 6 times the variance of independent noise. The loss of a batch is a mean
    over $B$ images, so $\sigma \propto 1 / \sqrt{B}$. Fewer than 3 finite values raise a `ValueError`.
    Source: {cite:t}`wei2015must`.
    """
    x = numbers(losses, "losses")
    bad = int((~np.isfinite(x)).sum())
    if x.size < 3 or bad:
        raise ValueError(f"losses must be 3 or more finite numbers; got {x.size}, of which {bad} are not finite")
    return float(np.sqrt(np.mean((x[:-2] - 2 * x[1:-1] + x[2:]) ** 2) / 6))


def blocks(values: np.ndarray, count: int = BLOCKS) -> list[np.ndarray]:
    """`values` cut into `count` parts as equal as can be, or fewer where there are fewer values."""
    return np.array_split(values, min(count, len(values)))


@dataclass(frozen=True)
class Reading:
    """Columns in the form the rules read: losses in nats, accuracies as fractions of 1, nothing missing inside.

    `losses` is the finest curve of the training loss there is. A column that was not given is empty.
    """

    losses: np.ndarray
    valid_loss: np.ndarray
    train_accuracy: np.ndarray
    valid_accuracy: np.ndarray
    classes: int | None = None

    @cached_property
    def smooth(self) -> np.ndarray:
        """The means of its blocks."""
        return np.array([part.mean() for part in blocks(self.losses)])

    @property
    def start(self) -> float:
        """The typical loss of the first twentieth."""
        return float(np.median(blocks(self.losses)[0]))

    @property
    def end(self) -> float:
        """The mean loss of the last tenth."""
        return float(self.losses[-max(1, len(self.losses) // 10) :].mean())

    @property
    def guess(self) -> float:
        """The loss of a guess: ln C, or the start where the classes are not known, but no less than the least, ln 2."""
        return math.log(self.classes) if self.classes else max(self.start, math.log(2))

    @property
    def level(self) -> float:
        """What is left of the loss at the end, in parts of a guess's."""
        return self.end / self.guess

    @property
    def spike(self) -> float:
        """The highest loss in parts of a guess's, or of the very first loss where that is higher."""
        return float(self.losses.max()) / max(self.guess, float(self.losses[0]))

    @property
    def rise(self) -> float:
        """How far the end lies above the lowest part of the smoothed curve, in parts of a guess's loss."""
        return float(self.smooth[-2:].mean() - self.smooth.min()) / self.guess

    def fall(self, since: float) -> float:
        """How far the smoothed curve falls from `since` (a fraction of the run) to its end."""
        return float(self.smooth[int(since * len(self.smooth))] - self.smooth[-1])

    @property
    def late(self) -> float:
        """The share of the fall after the first quarter that the last quarter makes: 1/3 for a straight line."""
        whole = self.fall(1 / 4)
        return self.fall(3 / 4) / whole if whole > 0 else 0.0

    @property
    def band(self) -> float:
        r"""$\sigma / \sqrt{L}$, the band against the loss it lies on, where it is wide (70 % of the run have less).

        Per image the deviation of the cross-entropy is about $\sqrt{L}$ while a net learns, so this is about
        $1 / \sqrt{B}$. The first tenth is left out, and so is what is too short to show a band.
        """
        parts = [part for part in blocks(self.losses, 12)[1:] if len(part) >= 5]
        return float(np.quantile([noise(p) / math.sqrt(max(p.mean(), TINY)) for p in parts], 0.7)) if parts else 0.0

    @property
    def jolt(self) -> float:
        """The band of the first twentieth in parts of the start; infinite, not known, where that is too short."""
        first = blocks(self.losses)[0]
        return noise(first) / max(self.start, TINY) if len(first) >= 3 else math.inf

    @property
    def timid(self) -> float:
        """How much probability the net puts on the right class, in parts of the share it gets right; below 1."""
        return math.exp(-self.end) / max(float(self.train_accuracy[-1]), TINY)


def turning_point(valid_loss: Sequence[float]) -> int:
    """Where the valid loss is lowest, from 0: beyond it more epochs, or more capacity, only fit the noise (row R11).

    Over a growing capacity or a falling penalty it is the one to choose. Source: {cite:t}`goodfellow2016deep`.
    """
    losses = numbers(valid_loss, "valid_loss")
    demand(bool(np.isfinite(losses).any()), "valid_loss", valid_loss, "one finite number or more")
    return int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)))


def read(columns: Mapping[str, Sequence], classes: int | None = None) -> Reading:
    """The columns of a record, or of `columns_of`, as a `Reading`; what is not finite stays only in `losses`."""
    demand(classes is None or classes >= 2, "classes", classes, "2 or more, or None where it is not known")
    given = {name: numbers(columns.get(name, ()), name) for name in COLUMNS}
    finest = given["losses"] if given["losses"].size else given["train_loss"]
    if not finest.size:
        raise ValueError(
            f'a diagnosis reads the column "losses" (a value a step) or "train_loss"; got {sorted(columns) or "none"}, '
            "or an empty one. Train for a step at least."
        )
    valid_loss, *accuracies = (given[name][np.isfinite(given[name])] for name in COLUMNS[2:])
    return Reading(finest, valid_loss, *map(fractions, accuracies), classes=classes)


def fractions(accuracy: np.ndarray) -> np.ndarray:
    """An accuracy as fractions of 1: what rises above 1, by more than rounding, is in %."""
    return accuracy / 100 if accuracy.max(initial=0) > 1.001 else accuracy


def numbers(column: Sequence, name: str) -> np.ndarray:
    """A column as floats; a record's null is nan. What is not a row of numbers raises a `ValueError`."""
    try:
        values = np.array([math.nan if value is None else value for value in column], dtype=float)
        kept = len(column) == values.size and not isinstance(column, str)
    except (TypeError, ValueError):
        kept = False
    demand(kept, f'the column "{name}"', type(column), "a list or an array of one dimension, of numbers or None")
    return values
