"""Takes in what was handed in: a folder, nbgrader's own layout, or the zip of a learning platform."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from cnnlab.grading.course import STUDENT, Course, read_json, write, write_json
from cnnlab.grading.entries import Entry, look, written
from cnnlab.grading.gradebook import Person
from cnnlab.grading.matching import match
from cnnlab.grading.pages import text
from cnnlab.grading.reading import Unreadable, parse_cells
from cnnlab.grading.roster import NAME, Sender, as_id, find, namesakes, owner
from cnnlab.grading.slots import Slot

STAMP = "%Y-%m-%d %H:%M:%S UTC"  # as nbgrader writes it into timestamp.txt
AT_ONCE = timedelta(hours=1)
Group = list[tuple[Sender, Entry]]


@dataclass
class Collected:
    """What came of a collection; `told` has a line for everything somebody should know.

    `senders` has the names under which the platform knows those who were taken; `nothing` who handed in files, and no
    notebook among them.
    """

    taken: dict[str, Entry] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)
    new: list[Person] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    nothing: dict[str, list[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def collect(course: Course, slug: str, source: Path, people: list[Person], due: datetime | None = None) -> Collected:
    """Put each student's newest notebook into `submitted`, and say what was doubled, late, unknown or left out.

    Only notebooks are taken, under the exercise's own name, so that nothing else a student hands in lies beside it.
    """
    slots, done, found = course.slots(slug), Collected(), look(source)
    done.told += [f"left out: {path}, {why}" for path, why in found.others]
    others = set(course.slugs()) - {slug}
    entries = [entry for entry in found.entries if not others & set(entry.path.parts[:-1])]
    depth = _shared([entry.path for entry in entries])
    groups = _grouped(entries, depth, slug, people, done)
    timeless = _made_at_once([each for group in groups.values() for each in group])
    if timeless and due:
        done.told.append(
            "the archive does not say when each was handed in: late are those whom Canvas marks; Moodle lists them itself"
        )
    for student, group in groups.items():
        best = _newest(group, slots, student, done.told)
        if best is None:
            done.nothing[student] = [str(entry.path) for _, entry in group]
            continue
        who, entry, data = best
        _keep(course, slug, student, (replace(who, timeless=timeless), entry, data), done)
        if who.late or (due and not timeless and entry.when > due):
            done.late.append(student)
    for path, _ in found.others:
        who = owner(path.parts[depth:], slug, people)
        person, _ = find(who, people)
        if person and person.id not in groups:
            done.nothing.setdefault(person.id, []).append(str(path))
    _remember(course, slug, done)
    return done


def _made_at_once(handed: Group) -> bool:
    """Whether the times in a platform's archive are those of its making: Canvas, and Moodle since 3.10, write no others."""
    times = [entry.when for _, entry in handed]
    return bool(times) and all(who.platform for who, _ in handed) and max(times) - min(times) < AT_ONCE


def _remember(course: Course, slug: str, done: Collected) -> None:
    """Keep what else is to be known of who handed in: for tables and archives that go back to the platform."""
    senders, nothing = remembered(course, slug)
    senders |= done.senders
    nothing = {student: files for student, files in (nothing | done.nothing).items() if student not in senders}
    said = {student: asdict(who) for student, who in sorted(senders.items())}
    write_json(course.own(f"{slug}.collected.json"), {"senders": said, "nothing": nothing})


def remembered(course: Course, slug: str) -> tuple[dict[str, Sender], dict[str, list[str]]]:
    """Of what was collected so far: whom the platform knows how, and who handed in files and no notebook."""
    said = read_json(course.own(f"{slug}.collected.json"), {})
    return {student: Sender(**who) for student, who in said.get("senders", {}).items()}, said.get("nothing", {})


def _grouped(entries: list[Entry], depth: int, slug: str, people: list[Person], done: Collected) -> dict[str, Group]:
    """The notebooks of each student, by the id in the gradebook or one made of the name."""
    groups: dict[str, Group] = {}
    unknown: dict[str, Group] = {}
    senders = [owner(entry.path.parts[depth:], slug, people) for entry in entries]
    twins = _twins(senders)
    for who, entry in zip(senders, entries, strict=True):
        person, how = find(who, people)
        if person is None or (as_id(who.name) in twins and person.lms != who.lms):
            unknown.setdefault(f"{who.name}\0{who.lms}", []).append((who, entry))
            continue
        if how == "likeness" or (how == "number" and person not in namesakes(who, people)):
            why = "name is nearest" if how == "likeness" else f"number {who.lms} is"
            done.told.append(f"{entry.path}: taken for {person.name} ({person.id}), whose {why}")
        groups.setdefault(person.id, []).append((who, entry))
    for found in unknown.values():
        who = found[0][0]
        student = _new_id(who, [each[0][0] for each in unknown.values()], {*groups, *(p.id for p in people)})
        groups[student] = found
        name = text(who.name)[:NAME]
        first, _, last = name.rpartition(" ")
        done.new.append(Person(student, first, last, lms=who.lms))
        if as_id(who.name) in twins:
            done.told.append(f"{name}: two numbers of Moodle's have this name; {who.lms} is entered as {student}")
        elif people:
            done.told.append(f"{name}: {_unknown(who, people)}; entered as {student}")
    return dict(sorted(groups.items()))


def _twins(senders: list[Sender]) -> set[str]:
    """Names that stand for several people in one archive of Moodle's: each participant has one number in it."""
    numbers: dict[str, set[str]] = {}
    for who in senders:
        if who.platform == "moodle":
            numbers.setdefault(as_id(who.name), set()).add(who.lms)
    return {name for name, several in numbers.items() if len(several) > 1}


def _unknown(who: Sender, people: list[Person]) -> str:
    """Why a name is nobody's, and where two have it, how to say whose it is."""
    same = [each.id for each in namesakes(who, people)]
    if not same:
        return "nobody in the course has this name"
    remedy = f"to say who it is, unpack the archive, write {same[0]} for the name there, and collect the folder"
    return f"{' and '.join(same)} are called so ({remedy})"


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
    best, rank = None, (-2, 0, datetime.min)
    for who, entry in found:
        try:
            data = entry.read()
        except Unreadable as error:
            told.append(f"left out: {entry.path}, {error}")
            continue
        now = (_answers(data, slots, entry.path, told), who.version, entry.when)
        if best is None or now > rank:
            best, rank = (who, entry, data), now
    if len(found) > 1 and best:
        others = ", ".join(str(entry.path) for _, entry in found if entry is not best[1])
        told.append(f"{student} handed in {len(found)} notebooks: {best[1].path} is taken, not {others}")
    return best


def _answers(data: bytes, slots: list[Slot], path: PurePosixPath, told: list[str]) -> int:
    try:
        found = match(slots, parse_cells(data))
    except Unreadable as error:
        told.append(f"{path}: {error}")
        return -1  # taken all the same where there is no other: the student reads what is wrong with it
    return len(found.answers) + len(found.texts)


def _keep(course: Course, slug: str, student: str, best: tuple[Sender, Entry, bytes], done: Collected) -> None:
    who, entry, data = best
    target = course.notebook("submitted", slug, student)
    for folder in (target.parent.parent, target.parent):
        if folder.is_symlink():
            done.told.append(f"left out: {entry.path}, since {folder} is a link")
            return
    if target.exists() and not target.is_symlink():
        if target.read_bytes() != data and not who.timeless and written(target) > entry.when:
            done.told.append(f"left out: {entry.path}, older than what {student} handed in before")
            return
        if target.read_bytes() != data:
            done.told.append(f"{student}: replaces what was handed in before")
    write(target, data)
    if who.timeless:
        (target.parent / "timestamp.txt").unlink(missing_ok=True)
    else:
        write(target.parent / "timestamp.txt", entry.when.strftime(STAMP))
    done.taken[student], done.senders[student] = entry, who


def absent(people: Iterable[Person], course: Course, slug: str) -> list[str]:
    """Whom the gradebook knows and who has handed in nothing."""
    there = {*course.students(slug), *remembered(course, slug)[1]}
    return [each.id for each in people if each.id not in there]
