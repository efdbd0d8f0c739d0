"""Many members trained as one model: `training.fit` for all of them at once."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from cnnlab.config import Training
from cnnlab.data import Dataset
from cnnlab.devices import PRECISIONS, choose_device, choose_precision, keep_memory
from cnnlab.lending import lent, mode
from cnnlab.preconditions import check_images, check_outputs, check_settings, check_weights
from cnnlab.sweep.fusion import Fused, fuse
from cnnlab.sweep.optimizer import MemberSGD
from cnnlab.sweep.reading import CannotFuse
from cnnlab.techniques.augmentation import lay_out
from cnnlab.techniques.preprocessing import standardize
from cnnlab.training import WATCH, Epoch, batches, diverged, plan

PROBE = 4  # images on which the fused model has to agree with its members


class Member(NamedTuple):
    """One run of a sweep: what `training.fit` takes beside the data."""

    model: nn.Module
    config: Training
    seed: int = 0


def fit_together(
    members: Sequence[Member],
    data: Dataset,
    *,
    device: str | torch.device | None = None,
    precision: str | None = None,
) -> Iterator[tuple[int, Epoch]]:
    """Train the members as one model; a generator of (member, epoch), for each part of the run one epoch a member.

    A member's numbers are those of `fit(model, data, config, seed=seed)` but for rounding: it sees the images in the same
    order, has its own settings, and is trained in place. One that diverges ends there and touches no other. Its seconds
    are its share of the time that all took, so that the members' seconds add up to the clock's.

    Members may differ in weights, seed, `lr`, `momentum`, `nesterov`, `weight_decay`, `schedule` and `augmentation`, and
    in what `fusion.fuse` allows. What does not go together raises a `CannotFuse`, other mistakes the `ValueError` that
    `fit` gives.
    """
    device = choose_device(device)
    keep_memory()
    _check_own(members)
    for member in members:
        check_settings(member.config)
        check_weights(member.model)
        member.model.to(device, memory_format=torch.channels_last)
    check_images(data.train)
    data = data if data.train.images.device == device else data.to(device)
    for model in {str(member.model): member.model for member in members}.values():  # one of each kind tells for all
        check_outputs(model, data)
    precision = choose_precision(device, min(data.train.images.shape[-2:]), precision)
    if precision == "fp16":
        raise CannotFuse(
            "fp16 scales the loss, and with one scale for all a member's overflow would skip others' steps"
        )
    check_alike(members)
    order = sorted(range(len(members)), key=lambda k: str(members[k].model))  # what can be one layer, side by side
    members = [members[k] for k in order]
    fused = fuse([member.model for member in members], _probe(data, members), shared=len(_streams(members)) == 1)
    return ((order[k], epoch) for k, epoch in _epochs(fused, members, data, precision))


def _check_own(members: Sequence[Member]) -> None:
    if not members:
        raise ValueError("a sweep needs at least one member; got none")
    if len({id(member.model) for member in members}) < len(members):
        raise ValueError("each member needs a model of its own, and one was given twice: build one for each")


def check_alike(members: Sequence[Member]) -> None:
    """Members that go together take the same steps by cross-entropy, in weights of one kind; else a `CannotFuse`."""
    for name in ("steps", "epochs", "batch_size"):
        values = {getattr(member.config, name) for member in members}
        if len(values) > 1:
            raise CannotFuse(f"the members differ in {name}: {', '.join(sorted(map(str, values)))}")
    if others := sorted({member.config.loss for member in members} - {"cross_entropy"}):
        raise CannotFuse(f"only cross_entropy is computed member by member, not {', '.join(others)}")
    dtypes = {str(weight.dtype) for member in members for weight in member.model.parameters()}
    if len(dtypes) > 1:
        raise CannotFuse(f"the members' weights are of different kinds: {', '.join(sorted(dtypes))}")


def _probe(data: Dataset, members: Sequence[Member]) -> Tensor:
    dtype = next(members[0].model.parameters()).dtype
    return standardize(data.train.images[:PROBE], data.mean, data.std, dtype)


def _diverged(
    fused: Fused, losses: list[list[float]], members: list[Member], going: Sequence[int]
) -> dict[int, int | None]:
    """`training.diverged` of each member that is going on; one look at all of them where none is."""
    if all(map(math.isfinite, chain.from_iterable(losses))) and all(w.isfinite().all() for w in fused.parameters()):
        return dict.fromkeys(going)
    return {k: diverged(losses[k], members[k].model) for k in going}


def _streams(members: Sequence[Member]) -> dict[tuple, Member]:
    """A member for each order and augmentation of the images there is."""
    return {(member.seed, member.config.augmentation): member for member in members}


class Part(NamedTuple):
    """What a part of the run gave: rates, losses and hits by member and step; `share` is a member's part of the time."""

    number: int
    before: int  # steps
    size: int  # of a batch
    share: float
    rates: Sequence[list[float]]
    losses: list[list[float]]
    hits: list[list[int]]

    def epoch(self, k: int, bad: int | None, valid: tuple[float, float]) -> Epoch:
        """The epoch of member k, which ends with the step at which it diverged."""
        losses = self.losses[k][:bad]
        return Epoch(
            epoch=self.number,
            step=self.before + len(losses),
            train_loss=fmean(losses),
            train_accuracy=fmean(self.hits[k][:bad]) / self.size,
            valid_loss=math.nan if bad else valid[0],
            valid_accuracy=math.nan if bad else valid[1],
            lr=self.rates[k][len(losses) - 1],
            seconds=self.share,
            images_per_second=len(self.losses[k]) * self.size / self.share,
            losses=tuple(losses),
            diverged_at=self.before + bad if bad else None,
        )


def _epochs(fused: Fused, members: list[Member], data: Dataset, precision: str) -> Iterator[tuple[int, Epoch]]:
    size = min(members[0].config.batch_size, len(data.train.labels))
    stream = _batches(fused, members, data, size)
    configs = [member.config for member in members]
    settings = ([getattr(each, name) for each in configs] for name in ("momentum", "weight_decay", "nesterov"))
    optimizer = MemberSGD(fused.owned(), *settings)
    step = _stepper(fused, optimizer, precision)
    plans = [plan(member.config, len(data.train.labels) // size) for member in members]
    going, before = range(len(members)), 0
    for number, rates in enumerate(zip(*plans, strict=True), start=1):
        started = time.perf_counter()
        with lent({}), mode(fused, training=True):  # no random numbers: nothing that draws any is ever fused
            losses, hits = _steps(step, stream, optimizer.spread(optimizer.weights[0].new_tensor(rates).T))
        part = Part(number, before, size, (time.perf_counter() - started) / len(going), rates, losses, hits)
        fused.unfuse()
        bad = _diverged(fused, losses, members, going)
        valid = _evaluate(fused, data)
        yield from ((k, part.epoch(k, bad[k], valid[k])) for k in going)
        going, before = [k for k in going if not bad[k]], before + len(rates[0])
        if not going:
            return


def _batches(fused: Fused, members: list[Member], data: Dataset, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images as `Fused` takes them, and labels (N, members): to each member those that `fit` would give it."""
    dtype = next(members[0].model.parameters()).dtype
    laid = {kind: lay_out(data.train.images, kind) for kind in {member.config.augmentation for member in members}}
    streams = {
        (seed, kind): batches(data, laid[kind], size, dtype=dtype, generator=Generator().manual_seed(seed))
        for seed, kind in _streams(members)
    }
    mine = [(member.seed, member.config.augmentation) for member in members]
    while True:
        drawn = {key: next(stream) for key, stream in streams.items()}
        if len(drawn) == 1:
            images, labels = drawn[mine[0]]
            yield fused.spread(images), labels[:, None].expand(-1, len(members))
        else:
            yield torch.cat([drawn[key][0] for key in mine], dim=1), torch.stack([drawn[key][1] for key in mine], dim=1)


def _stepper(fused: Fused, optimizer: MemberSGD, precision: str) -> Callable[[Tensor, Tensor, Sequence[Tensor]], tuple]:
    """One step of all members as a function of images, labels and learning rates: (losses, hits), (members,) each."""
    weights, kind = optimizer.weights, optimizer.weights[0].device.type

    def step(images: Tensor, labels: Tensor, lr: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        with torch.autocast(kind, PRECISIONS[precision], enabled=precision != "fp32"):
            logits = fused(images)
        losses = cross_entropy(logits.to(images.dtype).transpose(1, 2), labels, reduction="none").mean(dim=0)
        optimizer.step(torch.autograd.grad(losses.sum(), weights), lr)
        return losses.detach(), (logits.detach().argmax(dim=2) == labels).sum(dim=0)

    return step


def _steps(
    step: Callable, stream: Iterator[tuple], rates: Iterator[Sequence[Tensor]]
) -> tuple[list[list[float]], list[list[int]]]:
    """Losses and hits of each member at each step; fewer where no member's loss is finite any more."""
    losses, hits = [], []
    for lr in rates:
        loss, hit = step(*next(stream), lr)
        losses.append(loss)
        hits.append(hit)
        if len(losses) % WATCH == 0 and not torch.stack(losses[-WATCH:]).isfinite().all(dim=0).any():
            break
    return torch.stack(losses, dim=1).tolist(), torch.stack(hits, dim=1).tolist()


def _evaluate(fused: Fused, data: Dataset, batch_size: int = 1024) -> list[tuple[float, float]]:
    """What `training.evaluate` gives for each member on the valid images; NaN where there are none."""
    split, dtype = data.valid, next(fused.parameters()).dtype
    count = len(split.labels)
    if not count:
        return [(math.nan, math.nan)] * fused.members
    losses = hits = 0
    with torch.inference_mode(), mode(fused, training=False):
        for images, labels in zip(split.images.split(batch_size), split.labels.split(batch_size), strict=True):
            logits = fused(fused.spread(standardize(images, data.mean, data.std, dtype)))
            labels = labels[:, None].expand(-1, fused.members)
            losses = losses + cross_entropy(logits.transpose(1, 2), labels, reduction="none").sum(dim=0)
            hits = hits + (logits.argmax(dim=2) == labels).sum(dim=0)
    return [(loss / count, hit / count) for loss, hit in zip(losses.tolist(), hits.tolist(), strict=True)]
