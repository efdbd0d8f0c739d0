"""Labels that are wrong at a known rate: noise models, their transition matrices, and the draw that follows them."""

import torch
from torch import Generator, Tensor

from cnnlab.choices import choose, demand


def symmetric_noise(classes: int, rate: float) -> Tensor:
    r"""$T$ with $1 - r$ on the diagonal and $r / (C - 1)$ elsewhere: a share `rate` turns into another class (row Z02).

    Of papers that draw the new label from *all* classes, the old one included, the true rate is $r (C - 1) / C$.
    Transition matrices have shape (C, C): row the true class, column the label given. S3 lists a share of 32 % where
    its table has 50 %. Source: {cite:t}`mishkin2016`.
    """
    _check(classes, rate)
    return torch.full((classes, classes), rate / (classes - 1)).fill_diagonal_(1 - rate)


def pair_noise(classes: int, rate: float) -> Tensor:
    """$T$ with $1 - r$ on the diagonal and r beside it: a class is taken for the next one, the last for the first (row Z02).

    Source: {cite:t}`han2018coteaching`.
    """
    _check(classes, rate)
    eye = torch.eye(classes)
    return (1 - rate) * eye + rate * eye.roll(1, dims=1)


def _check(classes: int, rate: float) -> None:
    demand(classes >= 2, "classes", classes, "2 or more")
    demand(0 <= rate <= 1, "rate", rate, "from 0 to 1")


def corrupt(labels: Tensor, transition: Tensor, *, generator: Generator | None = None) -> Tensor:
    """A copy of `labels` (N,) in which each class turns into others at exactly the rates of its row (row Z02).

    Of a class with n labels, the counts are n times its row, rounded so that they sum to n; which labels turn is drawn.
    So the rate is what it says and not what luck made of it.
    """
    _check_transition(transition, labels)
    noisy = labels.clone()
    for true, shares in enumerate(transition.tolist()):
        where = (labels == true).nonzero()[:, 0]
        drawn = where[torch.randperm(len(where), generator=generator).to(where.device)]
        ends = (torch.tensor(shares, dtype=torch.float64).cumsum(0) * len(where)).round().long()
        given = torch.searchsorted(ends, torch.arange(len(where)), right=True)
        noisy[drawn] = given.to(labels.device, labels.dtype)
    return noisy


def _check_transition(transition: Tensor, labels: Tensor) -> None:
    shape, sums = tuple(transition.shape), transition.sum(-1)
    demand(len(shape) == 2 and shape[0] == shape[1], "transition", shape, "of shape (C, C)")
    demand(labels.ndim == 1 and len(labels) > 0, "labels", tuple(labels.shape), "of shape (N,), one or more")
    demand(bool((transition >= 0).all()), "transition", transition.tolist(), "0 or more everywhere")
    demand(bool((sums - 1).abs().max() < 1e-4), "every row of transition", sums.tolist(), "1 in sum")
    lowest, highest = int(labels.min()), int(labels.max())
    demand(lowest >= 0 and highest < len(sums), "labels", f"{lowest} to {highest}", f"from 0 to {len(sums) - 1}")


def noise(name: str, classes: int, rate: float) -> Tensor:
    """The transition matrix of the named noise; an unknown name lists the choices."""
    return choose(NOISES, name, "noise")(classes, rate)


NOISES = {"symmetric": symmetric_noise, "pair": pair_noise}
