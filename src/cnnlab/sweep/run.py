"""Measure an experiment: every run on disk as soon as it is done, the record when all are."""

import datetime
import hashlib
import json
import logging
import statistics
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import torch

import cnnlab
from cnnlab import record as records
from cnnlab.choices import choose
from cnnlab.data.preparation import check_preparation
from cnnlab.devices import choose_device
from cnnlab.experiment import Experiment, Size
from cnnlab.record import Record, Run
from cnnlab.sweep import notes
from cnnlab.sweep.canary import canary, check_connected
from cnnlab.sweep.jobs import Job, jobs
from cnnlab.sweep.machine import machine
from cnnlab.sweep.network import dataset_of
from cnnlab.sweep.one import linear_reference, why
from cnnlab.sweep.workers import elsewhere, measure


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
    """Measure what is not yet measured; yield the record after each job, and save it when all runs are in it.

    Finished runs are lines of `<slug>.<size>.runs.jsonl` in `folder`. After an interruption, or with seeds added, the same
    call goes on; where the question, the data, the code (by its canary) or torch have changed it begins anew. `dataset`
    replaces the experiment's, `device` the CPU; the record says so. `smoke` trains two seeds for few steps, into
    `<slug>.smoke.json`. A record with too few seeds is saved too, and a warning is logged.
    """
    folder = Path(folder)
    if smoke:
        size, experiment = "smoke", smoked(experiment, size)
    change = {} if dataset is None else {"dataset": dataset}
    work = jobs(experiment, size, device=str(choose_device(device)), **change)
    target = folder / (f"{experiment.slug}.smoke.json" if smoke else f"{experiment.slug}.json")
    file = folder / f"{experiment.slug}.{size}.runs.jsonl"
    with notes.locked(target):
        record = _without_runs(experiment, size, work, change)
        _refuse_to_replace(target, record)
        record = replace(record, machine=record.machine | elsewhere(executor, work[0].device))
        keys = {each: _key(job, record) for job in work for each in _names(job)}
        noted = notes.read(file)
        done = {each: noted[key][each] for each, key in keys.items() if each in noted.get(key, {})}
        for finished in measure([job for job in work if not done.keys() >= set(_names(job))], executor):
            names = [notes.name(each.level, each.seed) for each in finished]
            notes.append(file, keys[names[0]], finished)
            done |= zip(names, finished, strict=True)
            yield _with_runs(record, work, done)
        record = _with_runs(record, work, done)
        with notes.writing(target):
            record.save(target)
    if not smoke and (warning := too_few_seeds(record)):
        logging.getLogger("cnnlab").warning(warning)
    yield record


def too_few_seeds(record: Record) -> str | None:
    """A sentence where a record has fewer than 5 seeds and its median run took under a minute, or fewer than 3; or None."""
    seconds = statistics.median(each.seconds for each in record.runs)
    needs = 5 if seconds < 60 else 3
    if len(record.seeds) >= needs:
        return None
    return (
        f"{record.slug} has {len(record.seeds)} seeds, and its median run took {seconds:.3g} s: a measurement needs {needs} "
        "(5 where a run takes under a minute, 3 elsewhere); add seeds and measure it again"
    )


def _key(job: Job, record: Record) -> str:
    """Under what the runs of a job are noted: settings, levels and seeds of its members, data, code, torch, device.

    What a linear model reaches on the images tells them apart from others of the same name, and the canary the code.
    """
    members = [(config.flat(), level, seed) for config, level, seed in job.members]
    about = json.dumps([members, record.data, record.canary, job.engine, job.device, torch.__version__], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def _names(job: Job) -> list[tuple]:
    return [notes.name(level, seed) for _, level, seed in job.members]


def _refuse_to_replace(target: Path, record: Record) -> None:
    """A record of another size or data set is somebody's measurement."""
    if not target.exists():
        return
    there, here = (f"size {each.size} on {each.data['name']}" for each in (records.load(target), record))
    if there != here:
        raise ValueError(f"{target} was measured at {there}, and this is {here}: name another folder, or move it")


def smoked(experiment: Experiment, size: str = "cpu") -> Experiment:
    """The same experiment with two seeds and four steps: it shows that all is in place, and nothing else."""
    full = choose(experiment.sizes, size, "size")
    fields = {**full.fields, "steps": 4, "epochs": 2}
    return replace(experiment, sizes={"smoke": Size(full.seeds[:2], fields)})


def _without_runs(experiment: Experiment, size: str, work: list[Job], change: dict) -> Record:
    """The record before its first run; what cannot be measured is refused here, before anything trains."""
    _load_all(work)
    reasons = {} if experiment.engine == "in turn" else {"why": why(experiment.slug, work[0])}
    losses = canary(experiment, size)
    check_connected(experiment, losses)
    baseline = experiment.baseline_at(size)
    dataset = dataset_of(baseline.with_fields(**change))
    return Record(
        slug=experiment.slug,
        fingerprint=experiment.fingerprint,
        size=size,
        smoke=size == "smoke",
        version=cnnlab.__version__,
        date=datetime.date.today().isoformat(),
        machine=machine(work[0].device, experiment.engine) | reasons,
        data={
            "name": dataset.name,
            "provenance": dataset.provenance,
            "train_images": len(dataset.train.labels),
            "linear_accuracy": linear_reference(baseline.with_fields(**change)),
        },
        baseline=baseline.flat(),
        factors={factor.name: list(factor.levels) for factor in experiment.factors},
        varied=[name for factor in experiment.factors for name in factor.fields],
        seeds=list(experiment.sizes[size].seeds),
        canary=losses,
    )


def _load_all(work: list[Job]) -> None:
    """Find and decode every data set once, before the workers look for it in the cache."""
    configs = [config for job in work for config, _, _ in job.members]
    for config in configs:
        check_preparation(config.data)
    for config in {(each.data.dataset, each.data.image_size): each for each in configs}.values():
        dataset_of(config)


def _with_runs(record: Record, work: list[Job], done: dict[tuple, Run]) -> Record:
    names = [each for job in work for each in _names(job)]
    return replace(record, runs=[done[each] for each in names if each in done])
