"""A Dask cluster of separate processes on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import distributed
import pytest

from cnnlab import experiment, record
from cnnlab.sweep.cluster import Cluster
from cnnlab.sweep.conditions import conditions
from cnnlab.sweep.jobs import jobs
from cnnlab.sweep.run import run
from cnnlab.sweep.workers import executor, measure

pytestmark = pytest.mark.slow

TOML = """
question = "Does a net learn digits?"
sources = ["none"]
[baseline]
dataset = "digits"
steps = 12
epochs = 2
width = 4
[factor.initialization]
fields = ["initialization"]
levels = { xavier = { initialization = "xavier" }, he = { initialization = "he" }, lsuv = { initialization = "lsuv" } }
[size.cpu]
seeds = [0, 1, 2, 3]
"""


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TOML)
    return experiment.load(path)


class Loopback:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(folder / "scheduler.json"))
        while not (folder / "scheduler.json").exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads((folder / "scheduler.json").read_text())["address"]

    def _start(self, kind: str, *options: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", kind, *options, "--host", "127.0.0.1", "--no-dashboard"]
        with (self.folder / f"{kind}.log").open("a") as log:
            return subprocess.Popen(command, cwd=self.folder, env=os.environ | environment, stdout=log, stderr=log)

    def add_worker(self, **environment: str) -> subprocess.Popen:
        self.workers.append(
            self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--death-timeout", "30", **environment)
        )
        return self.workers[-1]

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def loopback(tmp_path_factory):
    there = Loopback(tmp_path_factory.mktemp("loopback"))
    for _ in range(3):
        there.add_worker()
    with distributed.Client(there.address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=120)
    yield there
    there.stop()


@pytest.fixture
def client(loopback):
    with distributed.Client(loopback.address, set_as_default=False) as client:
        yield client


def until(what) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers(client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def busy(client) -> list[str]:
    return [worker for worker, tasks in client.processing().items() if tasks]


def comparable(measured: record.Record) -> record.Record:
    return replace(measured, date="", machine={}, runs=[replace(each, seconds=0.0) for each in measured.runs])


def test_a_cluster_that_loses_a_worker_leaves_the_record_of_one_process(asked, loopback, client, tmp_path):
    with ThreadPoolExecutor(1) as local:
        list(run(asked, tmp_path / "local", executor=local))
    with Cluster(loopback.address) as cluster:
        pids = client.run(os.getpid)
        measuring = run(asked, tmp_path / "cluster", executor=cluster)
        next(measuring)
        os.kill(pids[busy(client)[0]], signal.SIGKILL)
        until(lambda: workers(client) == 2)
        list(measuring)
    here, there = (record.load(tmp_path / folder / "tiny.json") for folder in ("local", "cluster"))
    assert len(there.runs) == 12 and comparable(there) == comparable(here)
    assert there.machine == here.machine | {"executor": "dask"}


def test_a_measurement_that_is_left_leaves_nothing_running_there(asked, loopback, client):
    long = jobs(asked, "cpu", steps=100_000, epochs=1000)
    short = jobs(asked, "cpu")[:1]
    with pytest.raises(KeyboardInterrupt), Cluster(loopback.address) as cluster:
        for _ in measure([*short, *long], cluster):
            until(lambda: busy(client))
            raise KeyboardInterrupt
    until(lambda: not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))
    until(lambda: not any(client.run(lambda dask_worker: len(dask_worker.state.tasks)).values()))


def test_a_data_set_that_the_workers_lack_is_one_line(asked, loopback):
    with pytest.raises(RuntimeError) as raised, Cluster(loopback.address) as cluster:
        list(measure(jobs(asked, "cpu", dataset="nowhere"), cluster))
    assert 'cannot load the data: data set "nowhere" is unknown' in str(raised.value)
    assert "The others are kept" in str(raised.value) and "\n" not in str(raised.value)


def test_a_worker_with_another_torch_is_named_with_what_it_has(loopback, monkeypatch):
    monkeypatch.setattr("cnnlab.sweep.cluster.conditions", lambda: conditions() | {"torch": "1.0"})
    with pytest.raises(RuntimeError, match=r"the worker at tcp://127.0.0.1:\d+ cannot work: .* has torch .* has 1.0"):
        Cluster(loopback.address)


def test_a_worker_without_cnnlab_is_named_with_the_cause(loopback, client, tmp_path):
    (tmp_path / "cnnlab.py").write_text("raise ImportError('libtorch is missing here')")
    before = workers(client)
    broken = loopback.add_worker(PYTHONPATH=str(tmp_path))
    until(lambda: workers(client) == before + 1)
    with pytest.raises(RuntimeError, match=r"worker at tcp://127.0.0.1:\d+ cannot work: .*libtorch is missing here"):
        Cluster(loopback.address)
    broken.kill()
    until(lambda: workers(client) == before)


def test_a_cluster_without_workers_and_an_address_without_a_scheduler_are_mistakes(tmp_path):
    empty = Loopback(tmp_path)
    try:
        with pytest.raises(
            ValueError, match=r"the cluster at tcp://\S+ has no worker after 1 s: start one, as dask worker"
        ):
            Cluster(empty.address, patience=1)
    finally:
        empty.stop()
    with pytest.raises(
        ValueError, match=f"no Dask scheduler answers at {empty.address}: start one, or correct the address"
    ):
        Cluster(empty.address, patience=1)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"an executor with an address needs Dask: pip install 'cnnlab\[cluster\]'"):
        executor("tcp://127.0.0.1:8786")
