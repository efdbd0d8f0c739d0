"""Outcomes by content: a test is run once for the same answers, given cells and test, whoever handed them in."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cnnlab.grading.assignment import Assignment, Outcome


@cache
def code_version() -> str:
    """A fingerprint of all that decides on an outcome beside the notebook: this package, and torch."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    for name in ("torch", "numpy"):
        try:
            digest.update(f"{name} {version(name)}".encode())
        except PackageNotFoundError:
            continue
    return digest.hexdigest()[:16]


def keys(assignment: Assignment, answers: Mapping[str, str], conditions: str) -> dict[str, str]:
    """A key for each test: of what runs before it, of itself, and of the conditions (code, limits).

    The tests before it do not count, since each starts from a copy of its own.
    """
    digest, found = hashlib.sha256(conditions.encode()), {}
    for cell in assignment.cells:
        source = answers.get(cell.name, "") if cell.kind == "answer" else cell.source
        part = json.dumps([cell.kind, cell.name, source, cell.points, cell.binds]).encode()
        if cell.kind == "test":
            own = digest.copy()
            own.update(part)
            found[cell.name] = own.hexdigest()
        else:
            digest.update(part)
    return found


class Known:
    """The outcomes on disk, a line each; what was noted is there after a crash, and a broken line is none."""

    def __init__(self, path: Path):
        self.path, self.outcomes = path, {}
        for line in path.read_text("utf8", errors="replace").splitlines() if path.exists() else ():
            try:
                note = json.loads(line)
                key, notes = note.pop("key"), tuple(note.pop("notes", ()))
                self.outcomes[key] = Outcome(**note, notes=notes)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def get(self, wanted: Mapping[str, str]) -> dict[str, Outcome]:
        """Test to outcome, of those whose key is known."""
        return {test: self.outcomes[key] for test, key in wanted.items() if key in self.outcomes}

    def note(self, wanted: Mapping[str, str], outcomes: Iterable[Outcome]) -> None:
        """Keep outcomes under the keys of their tests, on disk when this returns."""
        lines = ""
        for outcome in outcomes:
            self.outcomes[wanted[outcome.test]] = outcome
            lines += json.dumps({"key": wanted[outcome.test]} | asdict(outcome)) + "\n"
        with self.path.open("ab+", buffering=0) as file:
            torn = file.seek(0, os.SEEK_END) and not _ends_well(file)
            file.write((b"\n" if torn else b"") + lines.encode())
            os.fsync(file.fileno())


def _ends_well(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
