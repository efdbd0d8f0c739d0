"""Reads a notebook that somebody else wrote: no link is followed, nothing is unbounded, every cell comes back as text."""

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

BYTES = 64 << 20  # of a file; pictures in the outputs are what makes a notebook large
MARKS = 2_000_000  # commas and brackets: what a file of this size can unfold into
CELLS = 2000
PROSE = 200_000  # characters of one cell of prose; the rest is dropped
CODE = 1_000_000  # characters of all code: more is not written by hand, and takes minutes to read
NAME = 200  # characters of an id


class Unreadable(ValueError):
    """The file is no notebook that can be graded; the message says why, for its author."""


@dataclass(frozen=True)
class RawCell:
    """A cell as it was handed in; `names` are the ids it goes by: of nbgrader's metadata first, then of the format."""

    code: bool
    source: str
    grade_id: str = ""
    ids: tuple[str, ...] = ()


def read_cells(path: Path, root: Path | None = None) -> list[RawCell]:
    """The cells of a notebook of format 4, whatever state its metadata is in; `Unreadable` says what is wrong with it.

    With `root`, no folder between it and the file may be a link either.
    """
    return parse_cells(read_bytes(path, root))


def read_bytes(path: Path, root: Path | None = None, limit: int = BYTES) -> bytes:
    """The bytes of a plain file of at most `limit`; a link, a device or a larger file is `Unreadable`."""
    for parent in path.relative_to(root).parents if root else ():
        if (root / parent).is_symlink():
            raise Unreadable(f"the folder {parent.name} is a link, and links are not followed")
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        says = "is a link, and links are not followed" if path.is_symlink() else f"cannot be opened: {error.strerror}"
        raise Unreadable(f"{path.name} {says}") from None
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        os.close(file)
        raise Unreadable(f"{path.name} is not a plain file")
    with os.fdopen(file, "rb") as opened:
        if about.st_size > limit:
            raise Unreadable(
                f"{path.name} has {about.st_size >> 20} MB; at most {limit >> 20} are read. Clear the outputs."
            )
        return opened.read(limit + 1)


def parse_cells(data: bytes) -> list[RawCell]:
    """As `read_cells`, of the bytes of a file."""
    found = _json(data)
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON, but no notebook of format 4: it has no list of cells")
    if len(cells) > CELLS:
        raise Unreadable(f"the notebook has {len(cells)} cells; at most {CELLS} are read")
    found = [_cell(cell) for cell in cells if isinstance(cell, dict)]
    if (size := sum(len(cell.source) for cell in found if cell.code)) > CODE:
        raise Unreadable(f"the notebook has {size:,} characters of code; at most {CODE:,} are read")
    return found


def _json(data: bytes):
    if sum(map(data.count, (b",", b"[", b"{"))) > MARKS:
        raise Unreadable("the file unfolds into millions of values; a notebook does not")
    try:
        return json.loads(_text(data))
    except RecursionError:
        raise Unreadable("the file is nested thousands of levels deep; a notebook is not") from None
    except ValueError as error:
        raise Unreadable(f"the file is no notebook: {_amiss(data, error)}") from None


def _amiss(data: bytes, error: ValueError) -> str:
    """What a file is instead of JSON, in words for its author."""
    kinds = {
        b"%PDF": "it is a PDF",
        b"PK\x03\x04": "it is an archive",
        b"<!DOCTYPE": "it is a web page",
        b"<html": "it is a web page",
    }
    for start, says in kinds.items():
        if data.lstrip().startswith((start, start.lower())):
            return says
    if b"\n<<<<<<<" in data:
        return "a merge left its marks in it"
    return f"it breaks off or is damaged ({error})" if data.strip() else "it is empty"


def _text(data: bytes) -> str:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # some editors on Windows
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def _cell(cell: dict) -> RawCell:
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    mark = metadata.get("nbgrader")
    grade_id = _name(mark.get("grade_id")) if isinstance(mark, dict) else ""
    ids = (_name(cell.get("id")), _name(metadata.get("id")))  # Colab writes the second
    code, source = cell.get("cell_type") == "code", _source(cell.get("source"))
    return RawCell(code, source if code else source[:PROSE], grade_id, tuple(filter(None, ids)))


def _name(value: object) -> str:
    return clean(value) if isinstance(value, str) and len(value) <= NAME else ""


def _source(value: object) -> str:
    lines = value if isinstance(value, list) else [value]
    text = "".join(line for line in lines if isinstance(line, str))
    return clean(text).replace("\r\n", "\n").replace("\r", "\n")


def clean(text: str) -> str:
    """The text without what no file can hold: halves of surrogate pairs, zero characters."""
    return re.sub("[\ud800-\udfff\0]", "\ufffd", text)
