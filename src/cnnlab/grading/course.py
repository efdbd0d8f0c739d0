"""A course on disk: nbgrader's own folders, and one of ours for what is derived and may be deleted."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.grading.assignment import Assignment, read_assignment
from cnnlab.grading.slots import Slot, slots

CONFIG = "nbgrader_config.py"
STUDENT = re.compile(r"[\w@+-][\w.@+-]*")  # what may name a folder of a student

try:
    import fcntl
except ImportError:  # Windows: two commands at once are not told apart there
    fcntl = None


@dataclass(frozen=True)
class Course:
    """The folder that holds `nbgrader_config.py`."""

    root: Path

    @classmethod
    def here(cls, start: Path) -> "Course":
        """The course in this folder or the nearest one above; a `ValueError` where there is none."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                return cls(folder)
        raise ValueError(
            f"{start} is in no course: make one with `cnnlab grade init FOLDER`, or name one with --course"
        )

    def slugs(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob("source/*/*.ipynb") if path.stem == path.parent.name)

    def notebook(self, step: str, slug: str, student: str = ".") -> Path:
        """Where a notebook stands at nbgrader's steps: source, release, submitted, autograded."""
        return self.root / step / student / slug / f"{slug}.ipynb"

    def assignment(self, slug: str) -> Assignment:
        choose({each: each for each in self.slugs()}, slug, "exercise")
        return read_assignment(self.notebook("source", slug))

    def slots(self, slug: str) -> list[Slot]:
        """The cells of the students' version; a `ValueError` where it was not made yet."""
        assignment, release = self.assignment(slug), self.notebook("release", slug)
        if not release.exists():
            raise ValueError(f"{slug} has no students' version yet: run `cnnlab grade release {slug}` first")
        return slots(release, assignment)

    def students(self, slug: str) -> list[str]:
        """Who has handed in: the folders in `submitted` that hold one for this exercise."""
        found = sorted(path.parent.name for path in self.root.glob(f"submitted/*/{slug}"))
        if odd := [name for name in found if not name.isprintable()]:
            raise ValueError(f"a folder in submitted has a name that is no text, {odd[0]!r}: rename it")
        return found

    def own(self, name: str) -> Path:
        """A file of ours; its folder is made where it is missing."""
        folder = self.root / ".cnnlab"
        folder.mkdir(exist_ok=True)
        return folder / name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone on this course inside; a `ValueError` if another command is. The lock ends with the process."""
        with self.own("lock").open("a") as file:
            try:
                if fcntl:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(f"another command is grading in {self.root}: wait for it") from None
            yield


def write(path: Path, data: str | bytes) -> None:
    """Write a file in one step: who reads it sees the old one or the new one. A link in its place is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.write_bytes(data.encode("utf-8", "replace") if isinstance(data, str) else data)
    part.replace(path)


def write_json(path: Path, value: object) -> None:
    write(path, json.dumps(value, ensure_ascii=False, indent=1))


def read_json(path: Path, otherwise: object) -> object:
    """What `write_json` wrote, or else `otherwise`."""
    return json.loads(path.read_text("utf8")) if path.exists() else otherwise
