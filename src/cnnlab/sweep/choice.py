"""Fused or in turn: what is faster here for these members, measured once and remembered.

for member, epoch in fit_members(members, data):
    print(member, epoch.epoch, epoch.train_loss)
"""

import contextlib
import copy
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cnnlab.choices import choose
from cnnlab.data import Dataset, Split, cache
from cnnlab.devices import choose_device, choose_precision
from cnnlab.sweep.conditions import conditions
from cnnlab.sweep.machine import machine
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.together import Member, check_alike, fit_together
from cnnlab.training import Epoch, fit

STEPS, PARTS = 3, 5  # each engine takes turns of 3 steps, 5 of them, of which the first is not counted


@dataclass(frozen=True)
class Choice:
    """An engine, "fused" or "in turn", and why it was chosen, in a sentence."""

    engine: str
    why: str


def fit_members(
    members: Sequence[Member], data: Dataset, *, engine: str | None = None, **how
) -> Iterator[tuple[int, Epoch]]:
    """Train each member as `training.fit` would; a generator of (member, epoch), by the engine named or the faster one.

    The epochs of all members come in turns, so that their curves grow together. `how` is what `fit` takes beside the
    seed: `device` and `precision`. The engines give the same numbers but for rounding, so whoever writes a record names
    the engine. `fused`, asked for where it cannot be had, raises a `CannotFuse`.
    """
    engine = engine or choose_engine(members, data, **how).engine
    return choose(ENGINES, engine, "engine")(members, data, **how)


def in_turn(members: Sequence[Member], data: Dataset, **how) -> Iterator[tuple[int, Epoch]]:
    """`training.fit` for each member, an epoch of each in turn."""
    data = data.to(choose_device(how.get("device")))  # once, not for each
    return _round([fit(member.model, data, member.config, seed=member.seed, **how) for member in members])


def _round(runs: list[Iterator[Epoch]]) -> Iterator[tuple[int, Epoch]]:
    going = dict(enumerate(runs))
    while going:
        for k, run in list(going.items()):
            epoch = next(run, None)
            if epoch is None:
                del going[k]
            else:
                yield k, epoch


def choose_engine(members: Sequence[Member], data: Dataset, **how) -> Choice:
    """Which engine trains these members faster on this machine: a few steps by each, on copies, the first time.

    What was measured is kept in the user's cache folder, under processor, device, threads, torch, precision, the nets,
    their number, the batch and a digest of this code. What cannot be fused is trained in turn.
    """
    if len(members) < 2:
        return Choice("in turn", "there is nothing to be fused with: the sweep has one member")
    place = _place(members, data, **how)
    try:
        check_alike(members)
        seconds = _remembered(place) or _remember(place, _measure(members, data, **how))
    except CannotFuse as reason:
        return Choice("in turn", f"these members cannot be fused: {reason}")
    return _chosen(seconds, len(members), str(choose_device(how.get("device"))))


def _chosen(seconds: dict[str, float], members: int, device: str) -> Choice:
    engine, other = sorted(seconds, key=seconds.get)
    times = f"{seconds[engine] * 1e3:.3g} ms {engine} and {seconds[other] * 1e3:.3g} ms {other}"
    here = f"{machine(device)['processor']} ({_threads(device)}, torch {torch.__version__})"
    ratio = seconds[other] / seconds[engine]
    return Choice(
        engine, f"a step of all {members} members takes {times} on {here}: {engine} is {ratio:.1f} times as fast"
    )


def _threads(device: str) -> str:
    count = torch.get_num_threads()
    return device if device != "cpu" else f"{count} thread{'s' * (count > 1)}"


def _measure(members: Sequence[Member], data: Dataset, **how) -> dict[str, float]:
    """Seconds that a step of all members takes by each engine; the engines take turns, and the best turn counts."""
    rows = min(members[0].config.batch_size, len(data.train.labels))
    few = replace(
        data, train=Split(*(each[:rows] for each in data.train)), valid=Split(*(each[:0] for each in data.valid))
    )
    runs = [engine(_short(members), few, **how) for engine in ENGINES.values()]
    turns = {name: [0.0] * PARTS for name in ENGINES}
    for epochs in zip(*runs, strict=True):
        for name, (_, epoch) in zip(ENGINES, epochs, strict=True):
            turns[name][epoch.epoch - 1] += epoch.seconds
    return {name: min(taken[1:]) / STEPS for name, taken in turns.items()}


def _short(members: Sequence[Member]) -> list[Member]:
    """Copies of the members that take a few steps and hardly move, so that none diverges."""
    change = {"steps": STEPS * PARTS, "epochs": PARTS, "lr": 1e-9}
    return [Member(copy.deepcopy(each.model), replace(each.config, **change), seed=each.seed) for each in members]


def _place(members: Sequence[Member], data: Dataset, device=None, precision: str | None = None) -> Path:
    """Where the measurement is kept: a file named by all that it depends on."""
    device = choose_device(device)
    shape = tuple(data.train.images.shape[1:])
    about = (
        sorted(conditions().items()),
        machine(str(device))["processor"],
        _threads(str(device)),
        choose_precision(device, min(shape[-2:]), precision),
        shape,
        sorted(str(member.model) for member in members),
        sorted({str(weight.dtype) for member in members for weight in member.model.parameters()}),
        sorted(_pace(member) for member in members),
        len({(member.seed, member.config.augmentation) for member in members}),
    )
    return cache.folder() / "engines" / f"{hashlib.sha256(repr(about).encode()).hexdigest()[:20]}.json"


def _pace(member: Member) -> tuple:
    """What of a member's settings a step's time depends on."""
    config = member.config
    return config.batch_size, config.augmentation, config.momentum > 0, config.weight_decay > 0


def _remembered(place: Path) -> dict[str, float] | None:
    """The seconds of each engine as kept, or None where there are none, or the file is damaged."""
    try:
        seconds = json.loads(place.read_text(encoding="utf-8"))
        return {name: float(seconds[name]) for name in ENGINES}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _remember(place: Path, seconds: dict[str, float]) -> dict[str, float]:
    """Keep the seconds; where the disk does not let us they are measured again next time."""
    partial = place.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(seconds), encoding="utf-8")
        partial.replace(place)
    return seconds


ENGINES = {"fused": fit_together, "in turn": in_turn}
