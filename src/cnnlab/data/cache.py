"""Decoded images kept as `.npy` files, read without pickle: a folder per source, there as a whole or not at all.

A cache is `<folder>/<name>-<hash of source and size>/`: one `.npy` an array and `about.json`, which holds each array's
CRC-32 and the source's stamp (its size and time). What does not match is built again.
"""

import contextlib
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
import warnings
import zlib
from functools import cache
from pathlib import Path

import numpy as np

VERSION = 1
ABOUT = "about.json"
DAY = 86400  # seconds


def folder() -> Path:
    """CNNLAB_CACHE if set, else `cnnlab` in the platform's usual place for caches."""
    if chosen := os.environ.get("CNNLAB_CACHE"):
        return Path(chosen).expanduser()
    usual = {
        "win32": os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local",
        "darwin": Path.home() / "Library" / "Caches",
    }
    return Path(usual.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")) / "cnnlab"


def place(source: Path, size: tuple[int, int] | None) -> Path:
    """Where `source` resized to `size` is kept."""
    key = hashlib.sha256(repr((str(source.resolve()), size, VERSION)).encode()).hexdigest()[:16]
    return folder() / f"{source.name[:64]}-{key}"


def read(where: Path, stamp: str) -> tuple[dict[str, np.ndarray], dict] | None:
    """(arrays, facts) as written, or None where they are missing, of another stamp, or damaged in any way."""
    try:
        about = json.loads((where / ABOUT).read_text(encoding="utf-8"))
        if about["stamp"] != stamp:
            return None
        arrays = {name: np.load(where / f"{name}.npy", allow_pickle=False) for name in about["crc"]}
        return (arrays, about["facts"]) if _checksums(arrays) == about["crc"] else None
    except Exception:  # a damaged header can raise nearly anything, and all of it means: build again
        return None


def write(where: Path, stamp: str, arrays: dict[str, np.ndarray], facts: dict) -> None:
    """Keep `arrays` for next time. Where the disk does not let us, warn once and go on."""
    partial = None
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        _sweep(where.parent)
        partial = Path(tempfile.mkdtemp(prefix=f"{_prefix()}{os.getpid()}-", dir=where.parent))
        for name, array in arrays.items():
            np.save(partial / f"{name}.npy", array, allow_pickle=False)
        about = {"stamp": stamp, "crc": _checksums(arrays), "facts": facts}
        (partial / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        _put(partial, where)
    except OSError as error:
        _warn_once(str(where.parent), str(error))
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _checksums(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: zlib.crc32(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _put(partial: Path, where: Path) -> None:
    """Give the finished folder its name. An older one steps aside first: no system replaces a folder that has files."""
    for attempt in range(5):
        try:
            partial.replace(where)
            return
        except OSError:
            if attempt == 4 or not where.exists():
                raise
        aside = partial.with_name(f"{partial.name}-{attempt}")
        try:
            where.replace(aside)
        except FileNotFoundError:
            continue  # another process has just done the same
        shutil.rmtree(aside, ignore_errors=True)


def _prefix() -> str:
    return f".partial-{platform.node()}-"


def _sweep(parent: Path) -> None:
    """Remove what killed processes left half written: a process cannot clean up after its own kill."""
    for path in parent.glob(".partial-*"):
        process = path.name.removeprefix(_prefix()).partition("-")[0]
        here = path.name.startswith(_prefix()) and process.isdigit() and os.name == "posix"
        with contextlib.suppress(FileNotFoundError):  # another process sweeps too
            if (here and not _alive(int(process))) or path.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(path, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _warn_once(parent: str, reason: str) -> None:
    warnings.warn(
        f"the decoded images could not be kept in {parent} ({reason}); they stay in memory and are decoded again next "
        "time. Set CNNLAB_CACHE to a folder with room",
        stacklevel=2,
    )
