"""Who grades: threads of this process with a grader each, or the workers of a Dask cluster."""

import os
import re
import threading
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields

from cnnlab.choices import choose, demand
from cnnlab.grading.assignment import Assignment, Outcome
from cnnlab.grading.outcomes import code_version

MEMORY = 2 << 30  # bytes that a grader with its two warm servers may need
PATIENCE = 60  # seconds for the first worker of a cluster to join


@dataclass(frozen=True)
class Settings:
    """What every grader is told: `trust` lets it work without a sandbox, `limits` replace the usual ones by name."""

    trust: bool = False
    limits: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Job:
    """Some tests of one submission."""

    assignment: Assignment
    answers: Mapping[str, str]
    tests: tuple[str, ...]


def new_grader(settings: Settings, level=None):
    """A grader that is not started yet; a `PermissionError` where there is no sandbox and nobody has said to go on."""
    from cnnlab.grading.engine import Grader, Limits

    known = {each.name: each.name for each in fields(Limits)}
    for name, _ in settings.limits:
        choose(known, name, "limit")
    return Grader(level, Limits(**dict(settings.limits)), settings.trust)


def level_here(settings: Settings) -> str:
    """What keeps students' code apart on this machine, in a sentence."""
    return _says(new_grader(settings).level)


def _says(level) -> str:
    return f"{level.name}: {level.covers}"


class Threads(ThreadPoolExecutor):
    """Threads with a grader each, closed at the end, at once where it is left by an exception."""

    def __init__(self, settings: Settings, workers: int | None = None):
        demand(workers is None or workers >= 1, "workers", workers, "at least 1")
        self.settings, self.workers = settings, workers or usual()
        self._level = new_grader(settings).level  # here, so that a refusal comes before anything is begun
        self._own, self._graders = threading.local(), ExitStack()
        super().__init__(self.workers)

    def grade(self, job: Job) -> Future:
        return self.submit(self._grade, job)

    def _grade(self, job: Job) -> list[Outcome]:
        if not hasattr(self._own, "grader"):
            self._own.grader = self._graders.enter_context(new_grader(self.settings, self._level))
        return self._own.grader.grade(job.assignment, job.answers, job.tests)

    def level(self) -> str:
        return _says(self._level)

    def __exit__(self, kind, error, trace) -> None:
        if kind:
            self.shutdown(wait=False, cancel_futures=True)
            self._graders.close()  # what a thread waits for ends with its grader
        self.shutdown()
        self._graders.close()


def usual() -> int:
    """As many as there are cores, and as the free memory holds."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        free = MEMORY
    return max(1, min(os.cpu_count() or 1, free // MEMORY))


class Cluster:
    """The Dask cluster whose scheduler listens at `address`; a job whose worker dies is done again by another.

    Raises `ValueError` where nothing answers, no worker joins, or Dask is missing, `RuntimeError` where a worker runs
    other code than this process.
    """

    workers = None

    def __init__(self, address: str, settings: Settings, patience: float = PATIENCE):
        try:
            from distributed import Client
        except ImportError:
            raise ValueError("an executor with an address needs Dask: pip install 'cnnlab[cluster]'") from None
        self.settings = settings
        try:
            self._client = Client(address, timeout=min(10, patience), set_as_default=False)
        except OSError:
            raise ValueError(f"no Dask scheduler answers at {address}: start one, or correct the address") from None
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            self._client.close()
            raise ValueError(
                f"the cluster at {address} has no worker after {patience:.0f} s: start one, as dask worker {address}"
            ) from None
        self._executor = self._client.get_executor(pure=False)

    def grade(self, job: Job) -> Future:
        return self._executor.submit(grade_there, job, self.settings, code_version())

    def level(self) -> str:
        found = self._client.run(level_here, self.settings, on_error="return").values()
        return "; ".join(sorted({str(each) for each in found}))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._executor.shutdown(wait=kind is None)
        self._client.close()


_THERE: dict[Settings, object] = {}
_ALONE = threading.Lock()


def grade_there(job: Job, settings: Settings, asked: str) -> list[Outcome]:
    """Grade in this process with the one grader it keeps; for workers elsewhere."""
    if code_version() != asked:
        raise RuntimeError("a worker runs another version of cnnlab than this command: update it and start it again")
    with _ALONE:
        if settings not in _THERE:
            _THERE[settings] = new_grader(settings).__enter__()
        return _THERE[settings].grade(job.assignment, job.answers, job.tests)


def executor(spec: str, settings: Settings, workers: int | None = None) -> Threads | Cluster | Executor:
    """What a command names: "local", or the address of a Dask scheduler, "tcp://host:8786"."""
    if spec == "local":
        return Threads(settings, workers)
    if not re.fullmatch(r"(tcp|tls)://[^/]+:\d+/?", spec):
        raise ValueError(
            f'executor "{spec}" is unknown; give "local", or the address of a Dask scheduler, as tcp://host:8786'
        )
    if workers is not None:
        raise ValueError("workers limits local graders; a cluster has as many as have joined it: leave workers out")
    return Cluster(spec, settings)
