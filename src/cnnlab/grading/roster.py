"""Who handed in: from the file names of a learning platform, or of folders, to the people of the course."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

from cnnlab.grading.course import STUDENT
from cnnlab.grading.gradebook import Person

NAME = 100  # characters of a name; the gradebook holds 128
NOBODY = {"Student, Test"}  # whom Canvas lists in every course
LIKE, LEAD = 0.85, 0.1  # a name is taken for another from here on, and only if no third is as near
# Moodle leaves no underscore in a name; of several numbers in a file's name for Canvas the first are Canvas's own.
MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<lms>\d+)_assignsubmission_\w+?(_|$)")
CANVAS = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<lms>\d+)_\d+_.*?(-(?P<version>\d+))?\.\w+")
COLUMNS = {
    "id": ("id", "student_id", "username", "sis login id", "login", "student id"),
    "first": ("first_name", "first name", "firstname", "given name"),
    "last": ("last_name", "last name", "surname", "lastname", "family name"),
    "email": ("email", "email address", "e-mail"),
    "lms": ("lms_user_id", "lms", "moodle id", "canvas id"),
    "full": ("student", "full name", "name"),
}


@dataclass(frozen=True)
class Sender:
    """Whoever a file name says has handed it in; `version` counts the tries that Canvas numbers.

    `platform` is "moodle" or "canvas" where `file`, a part of the path, has its form. Canvas's number is the person's;
    Moodle's is the participant's, another for each assignment. `timeless` says that it is not known when it was handed in.
    """

    name: str
    lms: str = ""
    late: bool = False
    version: int = 0
    platform: str = ""
    file: str = ""
    timeless: bool = False


def sender(parts: tuple[str, ...], slug: str) -> Sender:
    """Read it off a path: Moodle's or Canvas's form, nbgrader's `student/slug/`, a folder or a file for each."""
    parts = _outside(parts)
    for part in parts:
        if found := MOODLE.match(part):
            return Sender(found["name"], found["lms"], platform="moodle", file=part)
    for part in parts:
        if found := CANVAS.fullmatch(part):
            return Sender(found["name"], found["lms"], bool(found["late"]), int(found["version"] or 0), "canvas", part)
    if slug in parts[1:-1]:
        return Sender(parts[parts.index(slug, 1) - 1])
    if len(parts) > 1:
        return Sender(parts[-2])
    stem = re.sub(r"(\.ipynb(\.txt|\.json)?|\.zip)$", "", parts[-1], flags=re.IGNORECASE)
    return Sender(re.sub(rf"^{re.escape(slug)}[ _-]+|[ _-]+{re.escape(slug)}$", "", stem) or stem)


def owner(parts: tuple[str, ...], slug: str, people: Iterable[Person]) -> Sender:
    """As `sender`; but inside a folder that is surely somebody's, no name of another counts."""
    for part in _outside(parts)[:-1]:
        if find(Sender(part), people)[1] in ("id", "name"):
            return Sender(part)
    return sender(parts, slug)


def _outside(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A path as far as the first archive in it: what is in an archive of a student's own says nothing."""
    boxed = next((i for i, part in enumerate(parts) if part.lower().endswith(".zip")), len(parts))
    return parts[: boxed + 1]


def read_roster(path: Path) -> list[Person]:
    """The people in a table: nbgrader's columns, or what Canvas and Moodle export. A `ValueError` names what is missing."""
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    head = {name.strip().lower(): name for name in (rows[0] if rows else {})}
    canvas = "sis login id" in head  # there the column ID is Canvas's own number
    column = {
        key: head[next(name for name in names if name in head)]
        for key, names in COLUMNS.items()
        if any(name in head for name in names)
    }
    if canvas:
        column |= {"id": head["sis login id"], "lms": head["id"]}
    if "id" not in column and "email" not in column:
        raise ValueError(f"{path} names nobody: give a column id (or email) beside first_name, last_name, lms_user_id")
    said = [{key: (row[name] or "").strip() for key, name in column.items()} for row in rows]
    there = [row for row in said if (row.get("id") or row.get("email")) and row.get("full") not in NOBODY]
    return _apart([_person(row) for row in there])


def _apart(people: list[Person]) -> list[Person]:
    """Everybody under an id of their own: who shares the first part of an address with another goes by the whole of it."""
    found: dict[str, Person] = {}
    for each in people:
        other = found.setdefault(each.id, each)
        if (other.email, other.name) != (each.email, each.name):
            if other.email == each.email or not STUDENT.fullmatch(each.email):
                raise ValueError(
                    f"the id {each.id} stands for both {other.name} and {each.name}: give each one of their own"
                )
            found[each.email] = replace(each, id=each.email)
    return list(found.values())


def _person(row: dict[str, str]) -> Person:
    first, last = row.get("first", ""), row.get("last", "")
    if full := row.get("full", "") if not last else "":
        last, _, first = full.partition(", ") if ", " in full else full[::-1].partition(" ")
        last, first = (last, first) if ", " in full else (last[::-1], first[::-1])
    name = row.get("id") or row.get("email", "").partition("@")[0]
    return Person(
        name if STUDENT.fullmatch(name) else as_id(name), first, last, row.get("email", ""), row.get("lms", "")
    )


def find(who: Sender, people: Iterable[Person]) -> tuple[Person | None, str]:
    """The person meant, and how that is known: "number", "id", "name", or "likeness"; nobody if two are meant equally."""
    people = list(people)
    named = namesakes(who, people)
    numbered = [each for each in people if who.lms and each.lms == who.lms]
    if who.platform == "moodle" and named:  # a number of Moodle's may be another person's in another assignment
        numbered = [each for each in numbered if each in named]
    exact = {"number": numbered, "id": [each for each in people if each.id == who.name], "name": named}
    for how, found in exact.items():
        if len(found) == 1:
            return found[0], how
    if named:
        return None, ""
    scored = sorted(((_likeness(who.name, each), i) for i, each in enumerate(people)), reverse=True)[:2]
    if scored and scored[0][0] >= LIKE and (len(scored) < 2 or scored[0][0] - scored[1][0] >= LEAD):
        return people[scored[0][1]], "likeness"
    return None, ""


def namesakes(who: Sender, people: Iterable[Person]) -> list[Person]:
    """Everybody of this name."""
    return [each for each in people if _key(who.name) in _keys(each)]


def _likeness(name: str, person: Person) -> float:
    return max(SequenceMatcher(None, _key(name), key, autojunk=False).ratio() for key in _keys(person))


def _keys(person: Person) -> set[str]:
    both = (person.first + person.last, person.last + person.first, person.id, person.email.partition("@")[0])
    return {key for key in map(_key, both) if key} or {""}


def _key(name: str) -> str:
    """Letters and digits alone, without accents and capitals."""
    plain = unicodedata.normalize("NFKD", name[: 3 * NAME]).casefold()
    return "".join(letter for letter in plain if letter.isalnum())[:NAME]


def as_id(name: str) -> str:
    """A name as the name of a folder: `Zoë Müller` gives `zoe-muller`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name[:NAME]).casefold() if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "-", plain).strip("-") or "nameless"
