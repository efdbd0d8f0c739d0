"""A Dask cluster as an executor."""

import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future

from cnnlab.sweep.conditions import check_conditions, conditions
from cnnlab.sweep.machine import machine

PATIENCE = 60  # seconds for the first worker to join


class Cluster(Executor):
    """The Dask cluster whose scheduler listens at `address`, as "tcp://host:8786".

    Dask tries a job again where its worker dies, on four workers in all (`distributed.scheduler.allowed-failures`).
    Raises `ValueError` where nothing answers, no worker has joined, or Dask is not installed, and `RuntimeError` where a
    worker has not what the runs need.
    """

    def __init__(self, address: str, patience: float = PATIENCE):
        try:
            from distributed import Client
        except ImportError:
            raise ValueError("an executor with an address needs Dask: pip install 'cnnlab[cluster]'") from None
        try:
            self._client = Client(address, timeout=min(10, patience), set_as_default=False)
        except OSError:
            raise ValueError(f"no Dask scheduler answers at {address}: start one, or correct the address") from None
        self._executor = self._client.get_executor(pure=False)
        try:
            self._wait_for_worker(address, patience)
            self._ask(check_conditions, conditions())
        except BaseException:
            self._client.close()
            raise

    def _wait_for_worker(self, address: str, patience: float) -> None:
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise ValueError(
                f"the cluster at {address} has no worker after {patience:.0f} s: start one, as dask worker {address}"
            ) from None

    def _ask(self, function: Callable, *args) -> list:
        answers = self._client.run(function, *args, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, Exception):
                raise RuntimeError(f"the worker at {worker} cannot work: {answer}")
        return list(answers.values())

    def machine(self, device: str) -> dict:
        """What `sweep.machine.machine` says, of the workers: their processors, each named once."""
        return {
            "executor": "dask",
            "processor": "; ".join(sorted({each["processor"] for each in self._ask(machine, device)})),
        }

    def submit(self, function: Callable, *args) -> Future:
        return self._executor.submit(function, *args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait and not cancel_futures)
        self._client.close()

    def __exit__(self, kind, error, trace) -> None:
        self.shutdown(cancel_futures=kind is not None)


def check_wanted() -> None:
    """In a Dask worker, a `CancelledError` where the job at hand was called off; Dask itself lets it go on to its end."""
    if "distributed" not in sys.modules:
        return
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:  # this is none
        return
    task = worker.state.tasks.get(worker.get_current_task())
    if task is None or task.state == "cancelled":
        raise CancelledError("the job was called off")
