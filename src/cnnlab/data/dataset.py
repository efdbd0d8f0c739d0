"""What every loader hands over, and the one way images are divided into train, valid and test."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

SPLITS = ("train", "valid", "test")
TEST_SHARE = 0.2  # of a set that comes without a test part


class Split(NamedTuple):
    """uint8 images (N, C, H, W) and int64 labels (N,)."""

    images: Tensor
    labels: Tensor

    def take(self, rows: Tensor) -> "Split":
        """Some of its images, in the order of `rows`."""
        return Split(self.images[rows], self.labels[rows])


class Request(NamedTuple):
    """What `load` asks of a loader; `size` is (height, width) or None."""

    size: tuple[int, int] | None
    seed: int
    root: Path | None
    progress: bool


class Raw(NamedTuple):
    """What a loader found: no valid part yet, and `test` is None where one has to be split off."""

    name: str
    classes: tuple[str, ...]
    origin: str
    train: Split
    test: Split | None


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images in three splits; `provenance` names origin, license and how the splits were made."""

    name: str
    classes: tuple[str, ...]
    provenance: str
    train: Split
    valid: Split
    test: Split

    @property
    def mean(self) -> Tensor:
        """float32 (C,): each channel's mean over the train images scaled to 0..1."""
        return self._moments[0]

    @property
    def std(self) -> Tensor:
        """float32 (C,): their standard deviation (divided by n), at least 1/255 so that one may divide by it."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        images = self.train.images
        sums, squares = torch.zeros(2, images.shape[1], dtype=torch.int64, device=images.device)
        for part in images.split(1024):  # whole numbers: exact, and the same on every device
            sums += part.sum((0, 2, 3), dtype=torch.int64)
            squares += part.int().square().sum((0, 2, 3), dtype=torch.int64)
        count = images[:, 0].numel()
        mean, square = sums.cpu().double() / count, squares.cpu().double() / count
        std = (square - mean.square()).clamp(min=1).sqrt()
        return tuple((moment / 255).float().to(images.device) for moment in (mean, std))

    def to(self, device) -> "Dataset":
        """The same set with its tensors on `device`."""
        return replace(self, **{s: Split(*(t.to(device) for t in getattr(self, s))) for s in SPLITS})

    def subset(self, n: int, seed: int = 0) -> "Dataset":
        """The same set with `n` train images, every class in its proportion; a smaller subset lies within a larger."""
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= len(self.train.labels):
            raise ValueError(f"a subset of {n!r} train images is not possible; give 1 to {len(self.train.labels)}")
        rows = stratified(self.train.labels.cpu(), check_seed(seed))[:n].sort().values.to(self.train.labels.device)
        note = f"{self.provenance}; subset of {n} train images by seed {seed}"
        return replace(self, train=self.train.take(rows), provenance=note)

    def __repr__(self) -> str:
        channels, height, width = self.train.images.shape[1:]
        counts = ", ".join(f"{len(getattr(self, s).labels):,} {s}" for s in SPLITS)
        shown = ", ".join(self.classes if len(self.classes) <= 10 else [*self.classes[:9], "..."])
        return (
            f"{self.name}: {counts} images, {channels} x {height} x {width}\n"
            f"{len(self.classes)} classes: {shown}\n{self.provenance}"
        )


def stratified(labels: Tensor, seed: int) -> Tensor:
    """An order of all rows, drawn by `seed`, in which any first n hold every class in its proportion, to within one.

    The k-th image of a class of size m, in random order, gets the key (k - 1/2) / m; rows are sorted by key.
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    labels = labels[shuffled]
    counts = labels.bincount()
    by_class = labels.argsort(stable=True)
    ranks = torch.empty(len(labels), dtype=torch.float64)
    ranks[by_class] = torch.arange(len(labels), dtype=torch.float64) - (counts.cumsum(0) - counts)[labels[by_class]]
    return shuffled[((ranks + 0.5) / counts[labels]).argsort(stable=True)]


def split_off(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """(the rest, a stratified `share` of `split`), both in their old order (row W07)."""
    order = stratified(split.labels, seed)
    count = round(share * len(order))
    return split.take(order[count:].sort().values), split.take(order[:count].sort().values)


def divide(raw: Raw, valid: float, seed: int) -> Dataset:
    """The three splits of what a loader found. Raises `ValueError` where too few images are left."""
    train, test, how = raw.train, raw.test, "test part as it came"
    if test is None:
        train, test = split_off(train, TEST_SHARE, seed)
        if not len(test.labels):
            raise ValueError(f"{raw.name} has {len(train.labels)} images, too few for a test part; add images")
        how = f"test {TEST_SHARE:.0%} by seed {seed}, stratified"
    train, held_out = split_off(train, valid, seed)
    present = train.labels.bincount(minlength=len(raw.classes))
    if not present.all():
        left = raw.classes[int(present.argmin())]
        raise ValueError(f'class "{left}" of {raw.name} has no train image left at valid={valid}; use more images')
    how = f"{how}; valid {valid:.0%} of the rest by seed {seed}, stratified"
    return Dataset(raw.name, raw.classes, f"{raw.origin}; {how}", train, held_out, test)


def check_seed(seed: int) -> int:
    """`seed` itself; not a whole number in 0..2**32-1 raises: torch's generator on the CPU reads 32 bits of it."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed!r} is not a seed; give a whole number from 0 to 2**32 - 1")
    return seed
