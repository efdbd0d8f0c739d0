"""The runs finished so far, a line each, so that nothing is lost and nothing is done twice."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from cnnlab.experiment import Level
from cnnlab.record import Run

try:
    import fcntl
except ImportError:  # Windows: two commands at once are not told apart there
    fcntl = None


def name(level: Level, seed: int) -> tuple:
    """What tells one run of an experiment from another."""
    return (*sorted(level.items()), seed)


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Alone on this record inside; a `ValueError` if another process is. The lock ends with the process."""
    if target.parent.exists() and not target.parent.is_dir():
        raise ValueError(f"{target.parent} is a file, and runs and record go into a folder: name another one")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.with_suffix(".lock").open("a")
    with file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another command is measuring {target.name} in {target.parent}: wait for it, or name another folder"
            ) from None
        yield


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What is written inside and fails, on a full disk for one, gives one clear line."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cannot write {path.name} in {path.parent} ({error.strerror}). The runs noted before are kept: mend "
            "that, and run the same command again."
        ) from error


def append(path: Path, key: str, runs: list[Run]) -> None:
    """Add the runs of a finished job, on disk when this returns. A line that a crash cut off is closed first."""
    lines = "".join(json.dumps({"key": key, **asdict(run)}) + "\n" for run in runs).encode()
    with writing(path), path.open("ab+", buffering=0) as file:
        if file.seek(0, os.SEEK_END) and not _ends_well(file):
            lines = b"\n" + lines
        while lines:  # once, but where the disk takes a part only: the next time says why
            lines = lines[file.write(lines) :]
        os.fsync(file.fileno())


def _ends_well(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def read(path: Path) -> dict[str, dict[tuple, Run]]:
    """The runs noted under each key, by name; lines that cannot be read are not runs."""
    noted = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            note = json.loads(line)
            key, run = note.pop("key"), Run(**note)
            noted.setdefault(key, {})[name(run.level, run.seed)] = run
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return noted
