"""Takes in what was handed in: a folder, nbgrader's own layout, or the zip of a learning platform."""

import stat
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cnnlab.grading.course import STUDENT, Course, write
from cnnlab.grading.gradebook import Person
from cnnlab.grading.matching import Slot, match
from cnnlab.grading.pages import text
from cnnlab.grading.reading import BYTES, Unreadable, parse_cells, read_bytes
from cnnlab.grading.roster import NAME, Sender, as_id, find, owner

NOTEBOOKS = 5000  # in one collection
UNFOLDED = 4 << 30  # bytes of all notebooks in an archive
STAMP = "%Y-%m-%d %H:%M:%S UTC"  # as nbgrader writes it into timestamp.txt


@dataclass(frozen=True)
class Entry:
    """A notebook that was found: its path inside, when it was last written (UTC), how to read it."""

    path: PurePosixPath
    when: datetime
    read: Callable[[], bytes]


@dataclass
class Collected:
    """What came of a collection; `told` has a line for everything somebody should know."""

    taken: dict[str, Entry] = field(default_factory=dict)
    new: list[Person] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def collect(course: Course, slug: str, source: Path, people: list[Person], due: datetime | None = None) -> Collected:
    """Put each student's newest notebook into `submitted`, and say what was doubled, late, unknown or left out.

    Only notebooks are taken, under the exercise's own name, so that nothing else a student hands in lies beside it.
    """
    slots, done = course.slots(slug), Collected()
    entries = _archive(source, done.told) if source.is_file() else _folder(source, done.told)
    others = set(course.slugs()) - {slug}
    entries = [entry for entry in entries if not others & set(entry.path.parts[:-1])]
    for student, found in _grouped(entries, slug, people, done).items():
        best = _newest(found, slots, student, done.told)
        if best is None:
            continue
        who, entry, data = best
        _keep(course, slug, student, entry, data, done)
        if who.late or (due and entry.when > due):
            done.late.append(student)
    return done


def _folder(source: Path, told: list[str]) -> list[Entry]:
    if not source.is_dir():
        raise ValueError(f"{source} is neither a folder nor a zip archive: name what the students handed in")
    found = []
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if ".ipynb_checkpoints" in inside.parts or path.name == "timestamp.txt":
            continue
        if path.is_symlink() or any((source / each).is_symlink() for each in inside.parents):
            told.append(f"left out: {inside}, a link")
        elif path.suffix != ".ipynb" and path.is_file():
            told.append(f"left out: {inside}, no notebook")
        elif path.is_file():
            found.append(Entry(PurePosixPath(inside), _written(path), lambda path=path: read_bytes(path, source)))
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


def _written(path: Path) -> datetime:
    return noted(path) or datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _archive(source: Path, told: list[str]) -> list[Entry]:
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile:
        raise ValueError(f"{source} is no zip archive: give what Moodle or Canvas let you download") from None
    found = []
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if info.is_dir() or "__MACOSX" in path.parts:
            continue
        if path.is_absolute() or ".." in path.parts or ":" in info.filename:
            told.append(f"left out: {info.filename!r}, whose name leads out of the archive")
        elif stat.S_ISLNK(info.external_attr >> 16):
            told.append(f"left out: {path}, a link")
        elif path.suffix != ".ipynb":
            told.append(f"left out: {path}, no notebook" + ("; unpack it first" if path.suffix == ".zip" else ""))
        else:
            found.append(Entry(path, _time(info), lambda info=info: _unpacked(archive, info)))
    if sum(info.file_size for info in archive.infolist() if info.filename.endswith(".ipynb")) > UNFOLDED:
        raise ValueError(
            f"{source} unfolds into more than {UNFOLDED >> 30} GB of notebooks: no class hands in that much"
        )
    return found


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


def _grouped(
    entries: list[Entry], slug: str, people: list[Person], done: Collected
) -> dict[str, list[tuple[Sender, Entry]]]:
    """The notebooks of each student, by the id in the gradebook or one made of the name."""
    if len(entries) > NOTEBOOKS:
        raise ValueError(f"{len(entries)} notebooks are more than the {NOTEBOOKS} that one collection takes")
    depth = _shared([entry.path for entry in entries])
    groups: dict[str, list[tuple[Sender, Entry]]] = {}
    unknown: dict[str, list[tuple[Sender, Entry]]] = {}
    for entry in entries:
        who = owner(entry.path.parts[depth:], slug, people)
        person, how = find(who, people)
        if person is None:
            unknown.setdefault(f"{who.name}\0{who.lms}", []).append((who, entry))
            continue
        if how == "likeness":
            done.told.append(f"{entry.path}: taken for {person.name} ({person.id}), whose name is nearest")
        groups.setdefault(person.id, []).append((who, entry))
    for found in unknown.values():
        student = _new_id(found[0][0], [each[0][0] for each in unknown.values()], {*groups, *(p.id for p in people)})
        groups[student] = found
        name = text(found[0][0].name)[:NAME]
        first, _, last = name.rpartition(" ")
        done.new.append(Person(student, first, last, lms=found[0][0].lms))
        if people:
            done.told.append(f"{name}: nobody in the course has this name; entered as {student}")
    return dict(sorted(groups.items()))


def _shared(paths: list[PurePosixPath]) -> int:
    """How many folders all paths have in common: those say nothing of who handed in."""
    if len(paths) < 2:
        return 0
    columns = zip(*(path.parts[:-1] for path in paths), strict=False)
    return next((i for i, column in enumerate(columns) if len(set(column)) > 1), min(len(p.parts) for p in paths) - 1)


def _new_id(who: Sender, others: list[Sender], taken: set[str]) -> str:
    """An id for somebody new: the name as it is where a folder may be called that; numbered where two share it."""
    fit = STUDENT.fullmatch(who.name) and len(who.name) <= NAME and not who.lms
    plain = who.name if fit else as_id(who.name)
    if sum(as_id(other.name) == as_id(who.name) for other in others) > 1 or plain in taken:
        plain = f"{plain}-{who.lms}" if who.lms else plain
    number, found = 2, plain
    while found in taken:
        number, found = number + 1, f"{plain}-{number}"
    return found


def _newest(
    found: list[tuple[Sender, Entry]], slots: list[Slot], student: str, told: list[str]
) -> tuple[Sender, Entry, bytes] | None:
    """Of several notebooks the one that holds most of the answers, then the newest."""
    best, rank = None, (-1, 0, datetime.min)
    for who, entry in found:
        try:
            data = entry.read()
        except Unreadable as error:
            told.append(f"left out: {entry.path}, {error}")
            continue
        now = (_answers(data, slots), who.version, entry.when)
        if best is None or now > rank:
            best, rank = (who, entry, data), now
    if len(found) > 1 and best:
        others = ", ".join(str(entry.path) for _, entry in found if entry is not best[1])
        told.append(f"{student} handed in {len(found)} notebooks: {best[1].path} is taken, not {others}")
    return best


def _answers(data: bytes, slots: list[Slot]) -> int:
    try:
        found = match(slots, parse_cells(data))
    except Unreadable:
        return 0  # taken all the same: what is wrong with it is told when it is graded
    return len(found.answers) + len(found.texts)


def _keep(course: Course, slug: str, student: str, entry: Entry, data: bytes, done: Collected) -> None:
    target = course.notebook("submitted", slug, student)
    for folder in (target.parent.parent, target.parent):
        if folder.is_symlink():
            done.told.append(f"left out: {entry.path}, since {folder} is a link")
            return
    if target.exists() and not target.is_symlink():
        if target.read_bytes() != data and _written(target) > entry.when:
            done.told.append(f"left out: {entry.path}, older than what {student} handed in before")
            return
        if target.read_bytes() != data:
            done.told.append(f"{student}: replaces what was handed in before")
    write(target, data)
    write(target.parent / "timestamp.txt", entry.when.strftime(STAMP))
    done.taken[student] = entry


def absent(people: Iterable[Person], course: Course, slug: str) -> list[str]:
    """Whom the gradebook knows and who has handed in nothing."""
    there = set(course.students(slug))
    return [each.id for each in people if each.id not in there]
