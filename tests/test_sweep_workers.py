import multiprocessing
import os
import signal
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cnnlab.config import Config
from cnnlab.record import Run
from cnnlab.sweep import news, processes, workers
from cnnlab.sweep.conditions import conditions
from cnnlab.sweep.jobs import Job
from cnnlab.sweep.one import run_job
from cnnlab.sweep.processes import Processes
from cnnlab.sweep.workers import executor, measure

TINY = Config().with_fields(dataset="digits", steps=4, epochs=2, width=4, depth=3)
BOTH = ThreadPoolExecutor, Processes, lambda n: ProcessPoolExecutor(n, multiprocessing.get_context("spawn"))


def work(seeds: range, config: Config = TINY) -> list[Job]:
    return [Job(((config, {"size": "tiny"}, seed),)) for seed in seeds]


def found(job: Job) -> list[Run]:
    """What a run gives, but for training: its device and process."""
    _, level, seed = job.members[0]
    return [Run(level, seed, 0.0, "finished", {}, {"device": [job.device], "process": [os.getpid()]})]


def slowly(job: Job, asked: dict) -> list[Run]:
    time.sleep(0.5)
    return found(job)


def deadly_at_1(job: Job, asked: dict) -> list[Run]:
    """Seed 1 kills its process each time, seed 2 the first time."""
    seed = job.members[0][2]
    died = Path(os.environ["CNNLAB_TEST_FOLDER"], str(seed))
    if seed == 1 or seed == 2 and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return found(job)


def endless(job: Job, asked: dict) -> list[Run]:
    if job.members[0][2]:
        time.sleep(600)
    return found(job)


def without_seconds(runs: list[Run]) -> list[Run]:
    return [replace(run, seconds=0.0) for run in runs]


def told_and_waiting(job: Job, asked: dict) -> list[Run]:
    _, level, seed = job.members[0]
    for accuracy in (0.25, 0.5):
        news.tell(level, seed, SimpleNamespace(valid_accuracy=accuracy))
    time.sleep(600 if seed else 0)
    return found(job)


def test_the_curves_of_runs_in_training_are_known():
    first, second = work(range(2))
    with pytest.raises(KeyboardInterrupt), Processes(1) as pool:
        pool.submit(told_and_waiting, first, {}).result()
        pool.submit(told_and_waiting, second, {})
        while pool.curves() != {("tiny", 1): [25.0, 50.0]}:  # and nothing of the run that is done
            time.sleep(0.01)
        raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOTH, ids=["threads", "our processes", "spawned processes"])
def test_any_executor_gives_the_runs_that_one_thread_gives(kind):
    dropping = TINY.with_fields(
        model="workbench", head="16F_clf", dropout=0.5
    )  # draws the global random numbers of its process
    alone = {job.members[0][2]: without_seconds(run_job(job)) for job in work(range(4), dropping)}
    with kind(2) as pool:
        together = list(measure(work(range(4), dropping), pool))
    assert {runs[0].seed: without_seconds(runs) for runs in together} == alone


@pytest.mark.slow
def test_on_gpus_each_process_has_one_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(workers, "run_there", slowly)
    jobs = [job._replace(device="cuda") for job in work(range(6))]
    runs = [run for finished in measure(jobs) for run in finished]
    assert len(runs) == 6
    places = {(run.curves["device"][0], run.curves["process"][0]) for run in runs}
    assert sorted(device for device, _ in places) == ["cuda:0", "cuda:1"] and len({pid for _, pid in places}) == 2


@pytest.mark.slow
def test_a_named_gpu_is_the_only_one(monkeypatch):
    monkeypatch.setattr(workers, "run_there", slowly)
    runs = [run for finished in measure([job._replace(device="cuda:5") for job in work(range(3))]) for run in finished]
    assert {run.curves["device"][0] for run in runs} == {"cuda:5"}
    assert len({run.curves["process"][0] for run in runs}) == 1


@pytest.mark.slow
def test_workers_limits_the_processes(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(workers, "run_there", slowly)
    with executor("local", 2) as pool:
        runs = [run for finished in measure(work(range(6)), pool) for run in finished]
    assert len(runs) == 6 and len({run.curves["process"][0] for run in runs}) == 2


@pytest.mark.slow
def test_a_deadly_job_is_named_after_three_tries_and_costs_no_other(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_TEST_FOLDER", str(tmp_path))
    monkeypatch.setattr(workers, "run_there", deadly_at_1)
    done = []
    with pytest.raises(RuntimeError, match="1 runs failed, the first at tiny, seed 1: its worker died each of 3 times"):
        for runs in measure(work(range(4))):
            done += runs
    assert {run.seed for run in done} == {0, 2, 3} and (tmp_path / "2").exists()


@pytest.mark.slow
def test_a_measurement_that_is_left_ends_its_processes_at_once():
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Processes(2) as pool:
        futures = [pool.submit(endless, job, {}) for job in work(range(4))]
        process = futures[0].result()[0].curves["process"][0]
        raise KeyboardInterrupt
    assert time.monotonic() - before < 120
    with pytest.raises(ProcessLookupError):
        for _ in range(300):  # on a busy machine the system takes its time
            os.kill(process, 0)
            time.sleep(0.1)


@pytest.mark.slow
def test_a_broken_pool_of_the_caller_costs_only_what_was_left(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_TEST_FOLDER", str(tmp_path))
    monkeypatch.setattr(workers, "run_there", deadly_at_1)
    done = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, pytest.raises(RuntimeError) as raised:
        for runs in measure(work(range(3)), pool):
            done += runs
    assert {run.seed for run in done} == {0}
    assert "2 runs failed, the first at tiny, seed" in str(raised.value) and "terminated abruptly" in str(raised.value)


@pytest.mark.slow
def test_a_process_that_ends_as_it_starts_stops_the_measurement_with_one_line(monkeypatch, capfd):
    monkeypatch.setattr(
        processes, "_obey", os._exit
    )  # called with the leash, which is no status: an error as it starts
    with pytest.raises(RuntimeError, match=r"a worker process ends as it starts, and what it said stands above"):
        list(measure(work(range(20))))
    capfd.readouterr()


def test_a_worker_with_other_versions_or_code_stops_the_measurement(monkeypatch):
    for name in ("torch", "cnnlab", "the code of cnnlab"):
        other = conditions() | {name: "0.0.1"}
        monkeypatch.setattr(workers, "conditions", lambda other=other: other)
        with (
            ThreadPoolExecutor(1) as pool,
            pytest.raises(RuntimeError, match=f"has {name} .* measures has 0.0.1: install"),
        ):
            list(measure(work(range(3)), pool))


def test_a_data_set_that_a_worker_lacks_stops_the_measurement():
    jobs = [*work(range(1)), *work(range(2, 5), TINY.with_fields(dataset="nowhere"))]
    done = []
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError) as raised:
        for runs in measure(jobs, pool):
            done += runs
    assert [run.seed for run in done] == [0]
    assert 'cannot load the data: data set "nowhere" is unknown' in str(raised.value)
    assert str(raised.value).count("\n") == 0 and "The others are kept" in str(raised.value)


def test_the_digest_of_the_code_follows_what_computes_and_not_what_draws(monkeypatch, tmp_path):
    def digest(**files: str) -> str:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        conditions.cache_clear()
        return conditions()["the code of cnnlab"]

    (tmp_path / "plots").mkdir()
    monkeypatch.setattr("cnnlab.__file__", str(tmp_path / "__init__.py"))
    try:
        first = digest(training="1")
        assert digest(**{"plots/curves": "2"}) == first != digest(training="2")
    finally:
        conditions.cache_clear()


def test_jobs_that_the_executor_calls_off_are_not_taken_for_done():
    class Gone(Executor):
        def submit(self, *_) -> Future:
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(
        RuntimeError, match="3 jobs were called off, as all are where the scheduler of a cluster is gone"
    ):
        list(measure(work(range(3)), Gone()))


@pytest.mark.parametrize(
    "spec", ["dask", "slurm", "", "127.0.0.1:8786", "tcp://", "tcp://host", "tcp://host:", "http://host:8786"]
)
def test_an_unknown_executor_names_what_there_is(spec):
    with pytest.raises(
        ValueError, match=f'executor "{spec}" is unknown; give "local", or the address .* tcp://host:8786'
    ):
        executor(spec)


def test_workers_are_at_least_one_and_of_this_machine():
    with pytest.raises(ValueError, match="workers must be at least 1; got 0"):
        executor("local", 0)
    with pytest.raises(ValueError, match="workers limits local processes; a cluster has as many as have joined it"):
        executor("tcp://127.0.0.1:8786", 4)
