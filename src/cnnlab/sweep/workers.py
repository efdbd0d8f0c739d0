"""Many runs at once: local processes, a Dask cluster, or any executor of the standard library's kind."""

import platform
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, as_completed

from cnnlab.record import Run
from cnnlab.sweep.cluster import Cluster
from cnnlab.sweep.conditions import CannotWork, check_conditions, conditions
from cnnlab.sweep.jobs import Job
from cnnlab.sweep.network import dataset_of
from cnnlab.sweep.one import run_job
from cnnlab.sweep.processes import Processes

_ALONE = threading.Lock()  # torch's global random numbers, which dropout draws, are those of the process


def executor(spec: str | None = None, workers: int | None = None) -> Executor:
    """The executor that a command names: "local" (also None), or the address of a Dask scheduler, "tcp://host:8786".

    `workers` limits the local processes. Raises `ValueError` for anything else.
    """
    if spec in (None, "local"):
        return Processes(workers)
    if not re.fullmatch(r"(tcp|tls)://[^/]+:\d+/?", spec):
        raise ValueError(
            f'executor "{spec}" is unknown; give "local", or the address of a Dask scheduler, as tcp://host:8786'
        )
    if workers is not None:
        raise ValueError("workers limits local processes; a cluster has as many as have joined it: leave workers out")
    return Cluster(spec)


def measure(jobs: list[Job], executor: Executor | None = None) -> Iterator[list[Run]]:
    """The runs of every job as it finishes, measured by `executor`, or else by local processes.

    A job that fails does not stop the rest, and at the end a `RuntimeError` counts such runs and names the first. A worker
    that cannot work at all ends it earlier: jobs that have not begun are left out.
    """
    if executor is None:
        with Processes() as own:
            yield from measure(jobs, own)
        return
    futures = {executor.submit(run_there, job, conditions()): job for job in jobs}
    failed, dropped = [], 0
    try:
        for future in as_completed(futures):
            if future.cancelled():
                dropped += 1
            elif (error := future.exception()) is None:
                yield future.result()
            else:
                failed.append((futures[future], error))
                if isinstance(error, CannotWork | ImportError):
                    _cancel(futures)
    finally:
        _cancel(futures)
    if failed or dropped:
        raise RuntimeError(_report(failed, dropped))


def elsewhere(executor: Executor | None, device: str) -> dict:
    """What the `machine` of a record says otherwise where the runs were not trained on this one."""
    return executor.machine(device) if isinstance(executor, Cluster) else {}


def run_there(job: Job, asked: dict[str, str]) -> list[Run]:
    """`run_job` on whatever machine this is, after a look whether it gives the numbers it gives where it was asked for."""
    with _ALONE:
        check_conditions(asked)
        try:
            dataset_of(job.members[0][0])
        except (ValueError, OSError) as error:
            raise CannotWork(f"the worker on {platform.node()} cannot load the data: {error}") from None
        return run_job(job)


def _cancel(futures: Iterable[Future]) -> None:
    for future in futures:
        future.cancel()


def _report(failed: list[tuple[Job, BaseException]], dropped: int) -> str:
    says = f"{dropped} jobs were called off"
    if not failed:
        says += ", as all are where the scheduler of a cluster is gone"
    else:
        job, error = failed[0]
        _, level, seed = job.members[0]
        count, where = sum(len(job.members) for job, _ in failed), " · ".join(level.values())
        rest = f". {says}" if dropped else ""
        says = f"{count} runs failed, the first at {where}, seed {seed}: {error}{rest}"
    return f"{says}. The others are kept: mend the cause and run the same command again."
