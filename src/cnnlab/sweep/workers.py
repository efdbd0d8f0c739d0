"""Many runs at once: local processes, or any executor of the standard library's kind."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from cnnlab.record import Run
from cnnlab.sweep.one import run_one


def measure(jobs: list[tuple], executor: Executor | None = None) -> Iterator[Run]:
    """`run_one` of every job as it finishes, in processes of one thread each unless another executor is given, on a GPU in
    one process.

    A worker that dies costs the runs it was at, and these are tried again as long as others get done. A run that raises
    does not stop the rest; at the end a `RuntimeError` counts such runs and names the first.
    """
    failed = []
    while jobs:
        lost, finished = [], 0
        with _pool(executor, len(jobs) if jobs[0][3] == "cpu" else 1) as pool:
            futures = {pool.submit(run_one, *job): job for job in jobs}
            for future in as_completed(futures):
                error = future.exception()
                if error is None:
                    finished += 1
                    yield future.result()
                elif isinstance(error, BrokenExecutor):
                    lost.append(futures[future])
                else:
                    failed.append((futures[future], error))
        if lost and not finished:
            failed += [(job, "its worker died") for job in lost]
            lost = []
        jobs = lost
    if failed:
        (_, level, seed, _), error = failed[0]
        where = " · ".join(level.values())
        raise RuntimeError(
            f"{len(failed)} runs failed, the first at {where}, seed {seed}: {error}. The others are kept: "
            "mend the cause and run the same command again."
        )


@contextmanager
def _pool(executor: Executor | None, jobs: int) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    others = set(multiprocessing.active_children())
    # Spawned: a fork after a tensor operation on two threads hangs.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, os.cpu_count() or 1, 61), mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:  # an interruption does not wait for runs that nobody will note down
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Leave interruptions to the parent, and end with it even where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
