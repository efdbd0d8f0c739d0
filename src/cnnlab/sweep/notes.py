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
def locked(path: Path) -> Iterator[None]:
    """Alone on these notes inside; a `ValueError` if another process is. The lock ends with the process."""
    with path.with_suffix(".lock").open("a") as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another command is measuring into {path.name} in {path.parent}: wait for it, or name another folder"
            ) from None
        yield


def append(path: Path, key: str, run: Run) -> None:
    """Add a finished run, on disk when this returns. A line that a crash cut off is closed first."""
    with path.open("ab+") as file:
        if file.tell() and not _ends_well(file):
            file.write(b"\n")
        file.write(json.dumps({"key": key, **asdict(run)}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _ends_well(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def read(path: Path, key: str) -> dict[tuple, Run]:
    """The runs noted under this key, by name; lines that cannot be read are not runs."""
    done = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            note = json.loads(line)
            if note.pop("key") == key:
                done[name(note["level"], note["seed"])] = Run(**note)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return done
