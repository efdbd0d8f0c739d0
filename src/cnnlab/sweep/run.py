"""Measure an experiment: every run on disk as soon as it is done, the record when all are."""

import datetime
import functools
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import torch

import cnnlab
from cnnlab import record as records
from cnnlab.devices import choose_device
from cnnlab.experiment import Experiment, Size
from cnnlab.record import Record, Run
from cnnlab.sweep import notes
from cnnlab.sweep.canary import canary, check_connected
from cnnlab.sweep.machine import machine
from cnnlab.sweep.network import dataset_of
from cnnlab.sweep.one import linear_reference
from cnnlab.sweep.workers import measure


def run(
    experiment: Experiment,
    folder: str | Path,
    *,
    size: str = "cpu",
    dataset: str | None = None,
    smoke: bool = False,
    executor: Executor | None = None,
    device: str = "cpu",
) -> Iterator[Record]:
    """Measure what is not yet measured; yield the record after each run, and save it when all runs are in it.

    Finished runs are lines of `<slug>.<size>.runs.jsonl` in `folder`. After an interruption the same call goes on, unless
    the question, the data, the code (by its canary) or torch have changed: then it begins anew. `dataset` replaces the
    experiment's, `device` the CPU; the record says so. `smoke` trains two seeds for few steps, into `<slug>.smoke.json`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if smoke:
        size, experiment = "smoke", smoked(experiment)
    target = folder / (f"{experiment.slug}.smoke.json" if smoke else f"{experiment.slug}.json")
    _refuse_other_size(target, size)
    change = {} if dataset is None else {"dataset": dataset}
    configs = ((experiment.config(level, size), level, seed) for level, seed in experiment.runs(size))
    jobs = [(config.with_fields(**change), level, seed, str(choose_device(device))) for config, level, seed in configs]
    home = experiment.baseline.with_fields(**experiment.sizes[size].fields, **change)
    file = folder / f"{experiment.slug}.{size}.runs.jsonl"
    with notes.locked(file):
        dataset_of(jobs[0][0])  # decoded once, before the workers look for it in the cache
        losses = canary(experiment, size)
        check_connected(experiment, losses)
        record = functools.partial(_record, experiment, size, jobs, (losses, linear_reference(home)))
        key = f"{_key(experiment, jobs[0][0].data.dataset, losses)}/{device}"
        done = notes.read(file, key)
        for finished in measure([job for job in jobs if notes.name(*job[1:3]) not in done], executor):
            notes.append(file, key, finished)
            done[notes.name(finished.level, finished.seed)] = finished
            yield record(done)
        complete = record(done)
        complete.save(target)
    yield complete


def _key(experiment: Experiment, dataset: str, losses: dict[str, list[float]]) -> str:
    """Under what a run is noted: runs of another question, data set, code or torch do not go into this record."""
    code = hashlib.sha256(json.dumps(losses, sort_keys=True).encode()).hexdigest()[:16]
    return f"{experiment.fingerprint}/{dataset}/{code}/{torch.__version__}"


def _refuse_other_size(target: Path, size: str) -> None:
    if target.exists() and (there := records.load(target)).size != size:
        raise ValueError(
            f"{target} was measured at size {there.size}, and this is size {size}: name another folder, or move it"
        )


def smoked(experiment: Experiment) -> Experiment:
    """The same experiment with two seeds and four steps: it shows that all is in place, and nothing else."""
    first = next(iter(experiment.sizes.values()))
    fields = {**first.fields, "steps": 4, "epochs": 2}
    return replace(experiment, sizes={"smoke": Size(first.seeds[:2], fields)})


def _record(experiment: Experiment, size: str, jobs: list, reference: tuple, done: dict[tuple, Run]) -> Record:
    losses, linear_accuracy = reference
    dataset = dataset_of(jobs[0][0])
    order = [notes.name(level, seed) for _, level, seed, _ in jobs]
    return Record(
        slug=experiment.slug,
        fingerprint=experiment.fingerprint,
        size=size,
        smoke=size == "smoke",
        version=cnnlab.__version__,
        date=datetime.date.today().isoformat(),
        machine=machine(jobs[0][3]),
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
