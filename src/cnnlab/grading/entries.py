"""The notebooks in a folder, or in an archive that is never unpacked: their paths, their times, how to read them."""

import io
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

from cnnlab.grading.reading import BYTES, Unreadable, read_bytes

NOTEBOOKS = 5000  # in one collection
UNFOLDED = 4 << 30  # bytes of all notebooks in an archive
NESTED = 16 << 20  # bytes of an archive in the archive
NESTED_NOTEBOOKS, NESTED_UNFOLDED = 20, 512 << 20  # in it, and their bytes: no single student stops a collection
ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")  # the last two come from browsers


@dataclass(frozen=True)
class Entry:
    """A notebook that was found: its path inside, when it was last written (UTC), how to read it."""

    path: PurePosixPath
    when: datetime
    read: Callable[[], bytes]


@dataclass
class Found:
    """The notebooks, and what else is there: path, and why it is left out."""

    entries: list[Entry] = field(default_factory=list)
    others: list[tuple[PurePosixPath, str]] = field(default_factory=list)


def look(source: Path) -> Found:
    """What is in a folder or an archive; a `ValueError` where it is neither, or more than a class can hand in."""
    found = _archive(source) if source.is_file() else _folder(source)
    if len(found.entries) > NOTEBOOKS:
        raise ValueError(f"{len(found.entries)} notebooks are more than the {NOTEBOOKS} that one collection takes")
    return found


def stamp(notebook: Path) -> str:
    """What nbgrader's exchange, or `collect`, has noted beside a notebook of when it was handed in; perhaps nothing."""
    try:
        return read_bytes(notebook.parent / "timestamp.txt", limit=200).decode().strip()
    except (ValueError, OSError):
        return ""


def noted(notebook: Path) -> datetime | None:
    """The time of the stamp, in UTC."""
    try:
        return datetime.fromisoformat(stamp(notebook).removesuffix(" UTC")).replace(tzinfo=None)
    except ValueError:
        return None


def written(path: Path) -> datetime:
    """When a notebook was handed in, or else last written, in UTC."""
    return noted(path) or datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _folder(source: Path) -> Found:
    if not source.is_dir():
        raise ValueError(f"{source} is neither a folder nor a zip archive: name what the students handed in")
    found = Found()
    for path in sorted(source.rglob("*")):
        inside = PurePosixPath(path.relative_to(source))
        if ".ipynb_checkpoints" in inside.parts or path.name == "timestamp.txt":
            continue
        if path.is_symlink() or any((source / each).is_symlink() for each in inside.parents):
            found.others.append((inside, "a link"))
        elif not is_notebook(path) and path.is_file():
            found.others.append((inside, "no notebook"))
        elif path.is_file():
            found.entries.append(Entry(inside, written(path), lambda path=path: read_bytes(path, source)))
    return found


def _archive(source: Path) -> Found:
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile:
        raise ValueError(f"{source} is no zip archive: give what Moodle or Canvas let you download") from None
    found, size = Found(), 0
    for info, path, why in _inside(archive):
        if path.suffix.lower() == ".zip" and not why:
            size += _nested(archive, info, path, found)
        elif why or not is_notebook(path):
            found.others.append((path, why or "no notebook"))
        else:
            found.entries.append(Entry(path, _time(info), lambda info=info: _unpacked(archive, info)))
            size += info.file_size
    if size > UNFOLDED:
        raise ValueError(
            f"{source} unfolds into more than {UNFOLDED >> 30} GB of notebooks: no class hands in that much"
        )
    return found


def _nested(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: PurePosixPath, found: Found) -> int:
    """The notebooks in an archive that a student handed in; gives their bytes. One inside that one stays shut.

    Whatever is wrong with it, or too much in it, concerns this one alone.
    """

    def opened() -> zipfile.ZipFile:  # again for each notebook: a class of these is not held in memory
        return zipfile.ZipFile(io.BytesIO(_unpacked(archive, info)))

    try:
        inside = list(_inside(opened())) if info.file_size <= NESTED else []
    except Exception:  # whatever Python's reader trips over in bytes that a student chose
        inside = []
    notebooks = [(each, where) for each, where, why in inside if not why and is_notebook(where)]
    size = sum(each.file_size for each, _ in notebooks)
    if len(notebooks) > NESTED_NOTEBOOKS or size > NESTED_UNFOLDED:
        most = f"at most {NESTED_NOTEBOOKS} and {NESTED_UNFOLDED >> 20} MB are looked at"
        found.others.append((path, f"an archive of {len(notebooks)} notebooks, {size >> 20} MB: {most}"))
        return 0
    for each, where in notebooks:
        found.entries.append(Entry(path / where, _time(each), lambda each=each: _unpacked(opened(), each)))
    if not notebooks:
        found.others.append((path, "an archive with no notebook in it, or one that cannot be opened"))
    return size


def is_notebook(path: Path | PurePosixPath) -> bool:
    return path.name.lower().endswith(ENDINGS)


def _inside(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath, str]]:
    """Each file of an archive, its path, and what is wrong with that."""
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if info.is_dir() or "__MACOSX" in path.parts:
            continue
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(info.filename).drive:
            yield info, path, "whose name leads out of the archive"
        else:
            yield info, path, "a link" if stat.S_ISLNK(info.external_attr >> 16) else ""


def _time(info: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*info.date_time)
    except ValueError:
        return datetime(1980, 1, 1)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > BYTES:
        raise Unreadable(f"it unfolds into {info.file_size >> 20} MB; at most {BYTES >> 20} are read")
    try:
        with archive.open(info) as file:
            return file.read(BYTES)
    except Exception as error:  # zlib and lzma, too, raise errors of their own
        raise Unreadable(f"it cannot be unpacked: {error}") from None
