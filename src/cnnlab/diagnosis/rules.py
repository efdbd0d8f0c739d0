"""What a curve may say, one function a cause: a `Reading` in, the numbers that show it out, or None.

The thresholds are parts of the curve's own start, of its own length, or of 1; they were chosen on runs such as
`tests/data/record_curves.py tuned` records, and judged on others.
"""

from collections.abc import Callable

import numpy as np

from cnnlab.diagnosis.reading import TINY, Reading

SHORT = 5  # points below which a curve says nothing but that it is short
STUCK = 0.03  # of the loss: who falls less after the first quarter has stopped
WIDE = 0.45  # sigma / sqrt(loss): the band of a batch of five images
LEAP = (2.0, 0.1)  # so many guesses high, and so much of one left at the end: a leap
LEFT = (0.15, 0.7)  # of a guess's loss: learned below, hardly begun above
JOLT = 0.08  # of the start: a band of the first twentieth wider than this is leaps, not the luck of a batch
STILL = 0.25  # of the fall after the first quarter made in the last one: still under way
GAP = 0.06  # of accuracy between train and valid

Evidence = dict[str, float]


def diverged(r: Reading) -> Evidence | None:
    """A loss that is not finite, or that ends above any guess's (row L01).

    Without the classes a guess's is that of the start, or twice the very first loss where the leap hides in the start;
    no less than that of two classes, and no more than that of half a billion.
    """
    bad = np.flatnonzero(~np.isfinite(r.losses))
    if bad.size:
        return {"point": int(bad[0]) + 1}
    guess = r.guess if r.classes else np.clip(min(r.start, 2 * r.losses[0]), np.log(2), 20)
    rose = len(r.losses) >= SHORT and r.end > 1.5 * guess
    return {"start": r.start, "end": r.end} if rose else None


def too_short(r: Reading) -> Evidence | None:
    """Fewer points than a trend needs."""
    return {"points": len(r.losses)} if len(r.losses) < SHORT else None


def batch_too_small(r: Reading) -> Evidence | None:
    """The width of the band belongs to the batch size (rows B02, G02). Source: {cite:t}`wei2015must`."""
    return {"band": r.band, "images": 1 / r.band**2} if r.band > WIDE else None


def is_stuck(r: Reading) -> bool:
    """Flat after the first quarter, and no better than a guess: by the accuracy or, without it, by the loss."""
    fall = abs(r.fall(1 / 4)) / max(r.end, TINY)
    if r.train_accuracy.size > 1:
        return fall < STUCK and r.train_accuracy[-1] < min(1.25 * r.train_accuracy[0] + 0.015, 0.5)
    return fall < STUCK and r.end > 0.5 * r.guess


def left_start(r: Reading) -> bool:
    """Its first part lies above the rest by more than the rest's own ups and downs."""
    later = r.smooth[len(r.smooth) // 4 :]
    return bool(r.smooth[0] - later.mean() > max(0.005 * later.mean(), 4 * later.std()))


def was_shaken(r: Reading) -> bool:
    """It left its start in leaps; or it knew more once."""
    forgot = r.train_accuracy.size > 1 and r.train_accuracy.max() > 1.5 * r.train_accuracy[-1] + 0.02
    return bool(forgot) or (left_start(r) and r.jolt > JOLT)


def never_moved(r: Reading) -> bool:
    """Stuck from the first step, or from where it slid to."""
    return is_stuck(r) and not was_shaken(r)


def not_learning(r: Reading) -> Evidence | None:
    """Flat from the first step: all images get the same output (rows G01, G04)."""
    flat = never_moved(r) and not left_start(r)
    return {"start": r.start, "end": r.end} if flat else None


def rate_too_high(r: Reading) -> Evidence | None:
    """Fast, then stuck high; or a leap at the start; or a rise at the end (rows G01, L01). Source: {cite:t}`wei2015must`."""
    stuck = is_stuck(r) and was_shaken(r)
    leapt = r.spike > LEAP[0] and r.level > LEAP[1]
    if stuck or (r.band < WIDE and (leapt or r.rise > 0.1)):
        return {"highest / guess": r.spike, "end / guess": r.level, "rise": r.rise}
    return None


def gap(r: Reading) -> Evidence | None:
    """The gap between train and valid, and the largest that is no overfitting: by accuracy, or by loss without it.

    Over the last three values. A gap in accuracy of no more than half of the valid error is no memory: both are low.
    """
    if r.train_accuracy.size and r.valid_accuracy.size:
        train, valid = (np.mean(column[-3:]) for column in (r.train_accuracy, r.valid_accuracy))
        return {"gap": float(train - valid), "allowed": float(max(GAP, (1 - valid) / 2))}
    if r.valid_loss.size:
        valid, best = float(np.mean(r.valid_loss[-3:])), float(r.valid_loss.min())
        return {"gap": valid - r.end, "allowed": max(0.1 * r.start, r.end) if valid < 1.2 * best else r.end / 2}
    return None


def overfitting(r: Reading) -> Evidence | None:
    """A gap between train and valid that training opened (rows G03, R11). Source: {cite:t}`wei2015must`."""
    found = gap(r)
    return found if found and found["gap"] > found["allowed"] else None


def is_slow(r: Reading) -> bool:
    """Hardly begun; or still falling in the last quarter as in the ones before; or right without daring to say so."""
    timid = bool(r.train_accuracy.size) and r.timid < 0.45
    return r.level > LEFT[1] or r.late > STILL or timid


def is_high(r: Reading) -> bool:
    """Much of the loss is left, on a net that moved, by steps not too long."""
    return r.level > LEFT[0] and not is_stuck(r) and not rate_too_high(r)


def rate_too_low(r: Reading) -> Evidence | None:
    """A trend too near a straight line (rows G01, L01). Source: {cite:t}`wei2015must`."""
    crawls = never_moved(r) and not not_learning(r) and not rate_too_high(r)
    slow = crawls or (is_high(r) and is_slow(r))
    return {"end / guess": r.level, "fall in the last quarter": r.late} if slow else None


def too_little_capacity(r: Reading) -> Evidence | None:
    """Train and valid alike, and both bad, on a curve that has bent (rows G03, R11). Source: {cite:t}`wei2015must`."""
    settled = is_high(r) and not is_slow(r)
    return {"end / guess": r.level, "fall in the last quarter": r.late} if settled else None


# Either of these is all there is to say; of the others, the gravest comes first.
ENDS: dict[str, Callable[[Reading], Evidence | None]] = {"diverged": diverged, "too short to tell": too_short}
RULES: dict[str, Callable[[Reading], Evidence | None]] = {
    "batch too small": batch_too_small,
    "not learning": not_learning,
    "learning rate too high": rate_too_high,
    "overfitting": overfitting,
    "learning rate too low": rate_too_low,
    "too little capacity": too_little_capacity,
}
