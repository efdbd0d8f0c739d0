"""Local processes as an executor: a process that dies costs its job one try, and nobody else anything."""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

import torch

from cnnlab.choices import demand
from cnnlab.sweep import news
from cnnlab.sweep.conditions import CannotWork
from cnnlab.sweep.jobs import Job

TRIES = 3
SPAWN = multiprocessing.get_context("spawn")  # a fork after a tensor operation on two threads hangs


def places(device: str) -> list[str]:
    """Where jobs for this device run at once: on the CPU a place for each core, on "cuda" one for each GPU."""
    if device == "cpu":
        return ["cpu"] * (os.cpu_count() or 1)
    return [f"cuda:{k}" for k in range(torch.cuda.device_count())] if device == "cuda" else [device]


class Processes(ThreadPoolExecutor):
    """Local processes that take jobs, each in a place of its own; at most `workers` of them.

    `submit(function, job, ...)` hands the function the job with the device of its place. A process that dies is replaced
    and its job tried again, three times in all; then it fails with a `RuntimeError`. Left by an exception, all processes
    end at once; they end too where this process is killed. `curves()` are those of the runs that are being trained.
    """

    def __init__(self, workers: int | None = None):
        demand(workers is None or workers >= 1, "workers", workers, "at least 1")
        self._workers = workers
        self._idle = queue.LifoQueue()
        self._lanes: list[_Lane] = []
        self._leash, self._hand = SPAWN.Pipe(duplex=False)
        super().__init__(workers or max(len(places("cpu")), len(places("cuda"))))

    def submit(self, function: Callable, job: Job, *args) -> Future:
        if not self._lanes:
            self._lanes = [_Lane(place, self._leash) for place in places(job.device)[: self._workers]]
            for lane in self._lanes:
                self._idle.put(lane)
        return super().submit(self._in_process, function, job, *args)

    def curves(self) -> dict[tuple[str, int], list[float]]:
        """The valid accuracies, in %, of each epoch so far, under the level and the seed of each run in training."""
        return {run: list(curve) for lane in self._lanes for run, curve in list(lane.curves.items())}

    def _in_process(self, function: Callable, job: Job, *args):
        lane = self._idle.get()
        try:
            return lane.run(function, job._replace(device=lane.device), *args)
        finally:
            self._idle.put(lane)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        for lane in self._lanes:
            lane.shutdown(wait)
        self._hand.close()
        self._leash.close()

    def __exit__(self, kind, error, trace) -> None:
        if kind:  # nobody will note down what is still being trained
            self._hand.close()
            self._leash.close()
        self.shutdown(cancel_futures=kind is not None)


class _Lane:
    """A place and the process that works in it: a pool of one, so that a death is the fault of one job."""

    def __init__(self, device: str, leash: Connection):
        self.device = device
        self.leash = leash
        self.pool: ProcessPoolExecutor | None = None
        self.curves: dict[tuple[str, int], list[float]] = {}

    def run(self, function: Callable, *args):
        for _ in range(TRIES):
            self.pool = self.pool or self._started()
            try:
                return self.pool.submit(function, *args).result()
            except BrokenProcessPool:
                self.pool = None
            finally:
                self.curves = {}
        raise RuntimeError(f"its worker died each of {TRIES} times")

    def shutdown(self, wait: bool) -> None:
        if self.pool:
            self.pool.shutdown(wait)

    def _started(self) -> ProcessPoolExecutor:
        ear, mouth = SPAWN.Pipe(duplex=False)
        pool = ProcessPoolExecutor(1, SPAWN, initializer=_obey, initargs=(self.leash, mouth))
        try:
            pool.submit(int).result()
        except BrokenProcessPool:
            raise CannotWork(
                "a worker process ends as it starts, and what it said stands above; "
                'a script of your own has to measure under `if __name__ == "__main__":`'
            ) from None
        finally:
            mouth.close()
        threading.Thread(target=self._listen, args=(ear,), daemon=True).start()
        return pool

    def _listen(self, ear: Connection) -> None:
        """Note what the process tells, until it ends."""
        with contextlib.suppress(EOFError), ear:
            while True:
                run, accuracy = ear.recv()
                self.curves.setdefault(run, []).append(accuracy)


def _obey(leash: Connection, mouth: Connection) -> None:
    """Leave interruptions to the parent and tell it of every epoch; end when it closes its end of the leash, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    news.listener = mouth.send
    torch.set_num_threads(1)

    def watch():
        leash.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
