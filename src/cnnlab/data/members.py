"""The files of an image folder or archive, one by one, as bytes: nothing is ever extracted to disk.

An archive may come from anyone. Refused are members that point outside, links, devices, encrypted members, and archives
that grow beyond reason when decompressed, which is counted while reading, not believed from a header.
"""

import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cnnlab.data.places import ARCHIVES, archive_ending

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MAX_MEMBER = 2**28  # bytes: no image file is larger
FREE = 2**30  # bytes an archive may always grow to
MAX_RATIO = 100  # and beyond that, to so many times its own size: images hardly compress

Member = tuple[tuple[str, ...], bytes | None]  # parts of the path; None for a folder, or a file that is no image
BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, RuntimeError)


def members(path: Path) -> Iterator[Member]:
    """Every member of `path`. Raises `ValueError`, naming archive and member, on anything refused or broken."""
    if path.is_dir():
        yield from _folder(path)
        return
    ending = archive_ending(path)
    if ending is None or not path.is_file():
        raise ValueError(f"{path} is neither a folder nor an archive; give a folder of images or one of {ARCHIVES}")
    names: set[str] = set()
    try:
        for name, data in (_zip if ending == ".zip" else _tar)(path):
            if data is not None and name in names:
                raise ValueError(f'{path} holds "{name}" twice; make the archive again')
            names.add(name)
            yield PurePosixPath(name).parts, data
    except BROKEN as error:
        raise ValueError(f"{path} cannot be read as {ending}, damaged or cut short: {error}; get it again") from error


def is_image(name: str) -> bool:
    """By its ending; hidden files, and what macOS adds to archives, are none."""
    parts = PurePosixPath(name).parts
    return name.lower().endswith(IMAGES) and not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def stamp(path: Path) -> str:
    """Size and time of an archive, or of every file of a folder: what changes when the images do."""
    if path.is_file():
        return _stamp(path)
    lines = (f"{file.relative_to(path).as_posix()} {_stamp(file)}" for file in sorted(_walk(path)))
    return f"{zlib.crc32(chr(10).join(lines).encode(errors='surrogateescape'))} {path.stat().st_mtime_ns}"


def _stamp(file: Path) -> str:
    facts = file.stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _walk(folder: Path) -> Iterator[Path]:
    """All files and folders below `folder`, through links, each folder once."""
    seen = set()
    for where, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        yield from (Path(where, name) for name in (*folders, *files) if Path(where, name).exists())


def _folder(folder: Path) -> Iterator[Member]:
    for file in sorted(_walk(folder)):
        name = file.relative_to(folder)
        image = is_image(name.as_posix()) and file.is_file()
        if image:
            _check_size(folder, str(name), file.stat().st_size)
        # A file that is no image still shows that its folder exists.
        yield (name.parts if image or file.is_dir() else name.parts[:-1]), file.read_bytes() if image else None


def _zip(path: Path) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _check_growth(path, sum(entry.file_size for entry in entries))
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            _check_name(path, entry.filename)
            _check_kind(path, entry.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            _check_size(path, entry.filename, entry.file_size)
            yield from _named(entry.filename, entry.is_dir(), lambda entry=entry: archive.read(entry))


def _tar(path: Path) -> Iterator[tuple[str, bytes | None]]:
    opener = {".tar": Path.open, ".tar.gz": gzip.open, ".tar.xz": lzma.open}[archive_ending(path)]
    with opener(path, "rb") as stream, tarfile.open(fileobj=_Counted(stream, path), mode="r|") as archive:
        for entry in archive:
            _check_name(path, entry.name)
            _check_kind(path, entry.name, (entry.isreg() and not entry.issparse()) or entry.isdir())
            _check_size(path, entry.name, entry.size)
            yield from _named(entry.name, entry.isdir(), lambda entry=entry: archive.extractfile(entry).read())
            archive.members = []  # a stream is read once; kept headers would only fill the memory


def _named(name: str, folder: bool, data) -> Iterator[tuple[str, bytes | None]]:
    if folder:
        yield name, None
    elif is_image(name):
        yield name, data()
    else:
        yield str(PurePosixPath(name).parent), None


class _Counted(io.RawIOBase):
    """A stream that raises once it has given more bytes than its archive can reasonably hold."""

    def __init__(self, stream, path: Path):
        self.stream, self.path, self.given = stream, path, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.given += len(data)
        _check_growth(self.path, self.given)
        return data


def _check_growth(path: Path, size: int) -> None:
    packed = path.stat().st_size
    if size > max(FREE, MAX_RATIO * packed):
        raise ValueError(
            f"{path} is refused: its {packed:,} bytes grow beyond {max(FREE, MAX_RATIO * packed):,} when decompressed, "
            "which no images do; unpack it yourself if you trust it, and give the folder"
        )


def _check_name(path: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or (parts and parts[0].endswith(":")) or not name:
        raise ValueError(f'{path} is refused: its member "{name}" points outside; names have to be relative')


def _check_kind(path: Path, name: str, allowed: bool) -> None:
    if not allowed:
        raise ValueError(f'{path} is refused: its member "{name}" is a link or a device; only files and folders may be')


def _check_size(path: Path, name: str, size: int) -> None:
    if size > MAX_MEMBER:
        raise ValueError(f'{path} is refused: its member "{name}" has {size:,} bytes; at most {MAX_MEMBER:,} may be')
