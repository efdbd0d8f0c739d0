"""Where image folders and archives are looked for: the folders of CNNLAB_DATA."""

import os
from pathlib import Path

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tar.xz")


def data_folders(root: Path | None = None) -> list[Path]:
    """The folder given, or those of the environment variable CNNLAB_DATA, separated as in PATH."""
    if root is not None:
        return [root]
    return [Path(part).expanduser() for part in os.environ.get("CNNLAB_DATA", "").split(os.pathsep) if part]


def stem(path: Path) -> str:
    """A set's name: the file's or folder's, without an archive's ending."""
    ending = archive_ending(path)
    return path.name.removesuffix(path.name[-len(ending) :]) if ending and not path.is_dir() else path.name


def archive_ending(path: Path) -> str | None:
    """Which of ARCHIVES the name ends in, or None."""
    return next((ending for ending in ARCHIVES if path.name.lower().endswith(ending)), None)


def find(name: str, root: Path | None = None) -> Path | None:
    """The first folder, else archive, called `name` in the folders searched."""
    for folder in data_folders(root):
        for path in (folder / name, *(folder / f"{name}{ending}" for ending in ARCHIVES)):
            if path.exists() and (path.is_dir() or archive_ending(path)):
                return path
    return None


def found(root: Path | None = None) -> list[str]:
    """Names of all sets in the folders searched: archives, and folders that hold folders."""
    paths = [path for folder in data_folders(root) if folder.is_dir() for path in folder.iterdir()]
    return sorted({stem(path) for path in paths if not path.name.startswith(".") and _is_set(path)})


def _is_set(path: Path) -> bool:
    try:
        return any(p.is_dir() for p in path.iterdir()) if path.is_dir() else archive_ending(path) is not None
    except OSError:  # a folder that may not be read is no reason to hide the others
        return False
