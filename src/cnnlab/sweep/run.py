"""Measure an experiment: every run on disk as soon as it is done, the record when all are."""

import datetime
import functools
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path

import torch

import cnnlab
from cnnlab.config import Config
from cnnlab.experiment import Experiment, Level, Size
from cnnlab.record import Record, Run
from cnnlab.sweep.canary import canary, check_connected
from cnnlab.sweep.machine import machine
from cnnlab.sweep.network import dataset_of, linear, network
from cnnlab.training import evaluate, fit


def run_one(config: Config, level: Level, seed: int, device: str = "cpu") -> Run:
    """Train one network and measure it. The seed draws weights, order and augmentation; data are the same for all."""
    torch.set_num_threads(1)
    dataset = dataset_of(config)
    model = network(config, dataset, seed).to(device)
    epochs = list(fit(model, dataset, config.training, seed=seed, device=device, precision="fp32"))
    last = epochs[-1]
    loss, accuracy = evaluate(model, dataset.test, mean=dataset.mean, std=dataset.std, device=device)
    finished = last.diverged_at is None
    return Run(
        level=level,
        seed=seed,
        seconds=sum(epoch.seconds for epoch in epochs),
        ended="finished" if finished else f"diverged at step {last.diverged_at}",
        # A diverged network gives NaN, and NaN has no largest class: it is no better than chance.
        measures={
            "test_accuracy": 100 * accuracy if finished else 100 / len(dataset.classes),
            "test_loss": loss if finished else None,
        },
        curves={name: [getattr(epoch, name) for epoch in epochs] for name in ("step", "train_loss", "valid_loss")}
        | {name: [100 * getattr(epoch, name) for epoch in epochs] for name in ("train_accuracy", "valid_accuracy")},
    )


def run(
    experiment: Experiment,
    folder: str | Path,
    *,
    size: str = "cpu",
    dataset: str | None = None,
    smoke: bool = False,
    executor: Executor | None = None,
) -> Iterator[Record]:
    """Measure what is not yet measured; yield the record after each run, and save it when all runs are in it.

    Finished runs are lines of `<slug>.<size>.runs.jsonl` in `folder`: after an interruption the same call goes on.
    `dataset` replaces the experiment's; the record says so. `smoke` trains one seed for few steps.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if smoke:
        size, experiment = "smoke", _smoked(experiment)
    change = {} if dataset is None else {"dataset": dataset}
    jobs = [
        (experiment.config(level, size).with_fields(**change), level, seed) for level, seed in experiment.runs(size)
    ]
    notes = folder / f"{experiment.slug}.{size}.runs.jsonl"
    key = f"{experiment.fingerprint}/{jobs[0][0].data.dataset}"
    done = _read(notes, key)
    missing = [job for job in jobs if _name(job[1], job[2]) not in done]
    losses = canary(experiment, size)
    check_connected(experiment, losses, size)
    home = experiment.baseline.with_fields(**experiment.sizes[size].fields, **change)
    record = functools.partial(_record, experiment, size, jobs, (losses, linear_reference(home)))
    for finished in _measure(missing, executor):
        with notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **asdict(finished)}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        done[_name(finished.level, finished.seed)] = finished
        yield record(done)
    complete = record(done)
    complete.save(folder / f"{experiment.slug}.json")
    yield complete


def _measure(jobs: list, executor: Executor | None) -> Iterator[Run]:
    """The runs as they finish, in processes of one thread each unless another executor is given."""
    if not jobs:
        return
    dataset_of(jobs[0][0])  # decode once, before the workers look for it in the cache
    own = executor is None
    executor = executor or _processes()
    try:
        for future in as_completed([executor.submit(run_one, *job) for job in jobs]):
            yield future.result()
    except BaseException:
        if own:  # an interruption does not wait for runs that nobody will note down
            for process in multiprocessing.active_children():
                process.terminate()
        raise
    finally:
        if own:
            executor.shutdown(cancel_futures=True)


def _processes() -> Executor:
    # Spawned: a fork after a tensor operation on two threads hangs.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Leave interruptions to the parent, and end with it even where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _name(level: Level, seed: int) -> tuple:
    return (*sorted(level.items()), seed)


def _read(notes: Path, key: str) -> dict[tuple, Run]:
    """The runs noted so far under this key; a line cut off by a crash is not one of them."""
    done = {}
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.exists() else ():
        try:
            note = json.loads(line)
        except json.JSONDecodeError:
            continue
        if note.pop("key") == key:
            done[_name(note["level"], note["seed"])] = Run(**note)
    return done


def _smoked(experiment: Experiment) -> Experiment:
    first = experiment.sizes["cpu"]
    fields = {**first.fields, "steps": 4, "epochs": 2, "train_images": 500}
    return replace(experiment, sizes={"smoke": Size(first.seeds[:2], fields)})


def linear_reference(config: Config) -> float:
    """Test accuracy, in %, of a linear model on the same pixels, trained as the baseline is: what pixels alone give."""
    dataset = dataset_of(config)
    model = linear(dataset, seed=0)
    for _ in fit(model, dataset, config.training, seed=0, device="cpu", precision="fp32"):
        pass
    return 100 * evaluate(model, dataset.test, mean=dataset.mean, std=dataset.std)[1]


def _record(experiment: Experiment, size: str, jobs: list, reference: tuple, done: dict) -> Record:
    losses, linear_accuracy = reference
    config = jobs[0][0]
    dataset = dataset_of(config)
    order = [_name(level, seed) for _, level, seed in jobs]
    return Record(
        slug=experiment.slug,
        fingerprint=experiment.fingerprint,
        size=size,
        smoke=size == "smoke",
        version=cnnlab.__version__,
        date=datetime.date.today().isoformat(),
        machine=machine(),
        data={
            "name": dataset.name,
            "provenance": dataset.provenance,
            "train_images": len(dataset.train.labels),
            "linear_accuracy": linear_accuracy,
        },
        baseline=experiment.baseline.with_fields(**experiment.sizes[size].fields).flat(),
        factors={factor.name: list(factor.levels) for factor in experiment.factors},
        seeds=list(experiment.sizes[size].seeds),
        runs=[done[name] for name in order if name in done],
        canary=losses,
    )
