"""Deals a course its own version of an exercise: another convention, constant or order for each question, drawn by a seed.

The *twists* of an exercise are data, in `exercises/twists/<slug>.toml`. Each question has a few; one is drawn. So the
published solution loses there, and what a question teaches stays.

    [elu.leaky]                                     # the question, by the name of its answer; the twist
    says = "leak * z is added below 0, leak {leak}" # for the instructor: `init` and `report` print it
    draw = [{ leak = "0.1" }, { leak = "0.05" }]    # rows of constants, each row a twist of its own; may be missing
    without = ["wrong_x"]                           # variants that are no mistake any more; may be missing
    adapt = "..."                                   # Python: makes a variant's answer, of the published form, one of this

    [elu.leaky.edits]                               # by the cell's grade id: what is found there, and what it becomes
    task-elu = [["...", "... {leak} ..."]]
    test-elu = [["...", "..."], ["...", "...", 3]]

What is found must stand in the cell exactly once, or as often as a third entry says; else the edit is refused, so that no
later change of the source undoes a twist unseen. `{leak}` is replaced in every text but the one to be found. Edits are made
one after the other. `adapt` is put behind the answer in each file of `variants`: both the mistake and what it loses stay.
"""

import hashlib
import json
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.grading.course import write, write_json

RECORD = "dealt.json"  # in the course's folder: the seed, and what was dealt
KEYS = {"says", "draw", "without", "adapt", "edits"}


@dataclass(frozen=True)
class Edit:
    """In the cell of this grade id, `find`, which stands there `times` times, becomes `become`."""

    cell: str
    find: str
    become: str
    times: int = 1


@dataclass(frozen=True)
class Twist:
    """One version of a question; `says` tells an instructor what differs from the published one."""

    question: str
    name: str
    says: str
    edits: tuple[Edit, ...]
    adapt: str
    without: tuple[str, ...]


Table = dict[str, dict[str, Twist]]


def read_twists(exercises: Path, slug: str) -> Table:
    """The twists of an exercise by question and name, each row of constants one; none where there is no file."""
    path = exercises / "twists" / f"{slug}.toml"
    if not path.exists():
        return {}
    found: Table = {}
    for question, twists in tomllib.loads(path.read_text("utf8")).items():
        for name, said in twists.items():
            if odd := (set(said) - KEYS) or (KEYS - {"draw", "without"} - set(said)):
                raise ValueError(
                    f"{path}: {question}.{name} has odd or missing keys {sorted(odd)}; it takes {sorted(KEYS)}"
                )
            for row in said.get("draw", [{}]):
                twist = _twist(question, "-".join([name, *list(row.values())[:1]]), said, row)
                found.setdefault(question, {})[twist.name] = twist
    return found


def _twist(question: str, name: str, said: dict, row: dict[str, str]) -> Twist:
    def filled(text: str) -> str:
        for key, value in row.items():
            text = text.replace(f"{{{key}}}", value)
        return text

    edits = tuple(
        Edit(cell, find, filled(become), *times)
        for cell, several in said["edits"].items()
        for find, become, *times in several
    )
    return Twist(question, name, filled(said["says"]), edits, filled(said["adapt"]), tuple(said.get("without", ())))


def named(table: Table, names: dict[str, str]) -> list[Twist]:
    """The twists of these names, by question; an unknown question or name is a `ValueError` that lists the known."""
    return [choose(choose(table, question, "question"), name, "twist") for question, name in names.items()]


def drawn(table: Table, slug: str, seed: int) -> list[Twist]:
    """A twist for each question: the same for a seed on every machine, whatever other questions and exercises there are."""
    return [list(twists.values())[_number(seed, slug, question) % len(twists)] for question, twists in table.items()]


def _number(*words: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, words)).encode()).digest()[:8], "big")


def deal(exercises: Path, slug: str, twists: list[Twist], folder: Path) -> None:
    """Write the notebook and the variants of an exercise into `folder`, a course's, with these twists.

    A `ValueError` names the twist, the cell and the text where an edit does not fit; nothing is written then.
    """
    source = exercises / "source" / slug
    notebook = _edited(source / f"{slug}.ipynb", twists)
    shutil.copytree(source, folder / "source" / slug)
    write(folder / "source" / slug / f"{slug}.ipynb", notebook)
    gone = {name for twist in twists for name in twist.without}
    for path in sorted((exercises / "variants" / slug).glob("*.py")):
        if path.stem not in gone:
            write(folder / "variants" / slug / path.name, adapted(path.read_text("utf8"), twists))


def _edited(path: Path, twists: list[Twist]) -> str:
    """The text of a notebook after the edits, in the form in which notebooks are committed."""
    notebook = json.loads(path.read_text("utf8"))
    cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]}
    for twist in twists:
        for edit in twist.edits:
            text = "".join(cells[edit.cell]["source"]) if edit.cell in cells else ""
            if text.count(edit.find) != edit.times:
                raise ValueError(
                    f"{path}, cell {edit.cell}: {edit.find!r} stands there {text.count(edit.find)} times, and the twist "
                    f"{twist.question}.{twist.name} expects {edit.times}; mend it in twists/{path.stem}.toml"
                )
            cells[edit.cell]["source"] = text.replace(edit.find, edit.become).splitlines(keepends=True)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def adapted(variant: str, twists: list[Twist]) -> str:
    """The text of a variant in whose answers to twisted questions the published form is turned into the one dealt."""
    head, *parts = re.split(r"^(# answer: \S+\n)", variant, flags=re.MULTILINE)
    tails = {f"# answer: {twist.question}\n": twist.adapt.strip("\n") for twist in twists}
    for i, mark in enumerate(parts[::2]):
        if mark in tails:
            parts[2 * i + 1] = f"{parts[2 * i + 1].rstrip()}\n\n\n{tails[mark]}\n\n"
    return f"{(head + ''.join(parts)).rstrip()}\n"


def record(folder: Path) -> dict:
    """What a course was dealt: its seed, and by exercise and question the twist and the published answer; or nothing."""
    path = folder / RECORD
    return json.loads(path.read_text("utf8")) if path.exists() else {}


def note(folder: Path, seed: int, slug: str, twists: list[Twist], published: dict[str, str]) -> None:
    """Add an exercise to what the course was dealt."""
    known = record(folder) or {"seed": seed, "exercises": {}}
    known["exercises"][slug] = {
        twist.question: {"twist": twist.name, "says": twist.says, "published": published[twist.question]}
        for twist in twists
    }
    write_json(folder / RECORD, known)


def seed_of(folder: Path, seed: int | None, *, exists: bool) -> int | None:
    """The seed of the course in `folder`: the one it has, or this one for a new course; another is a `ValueError`."""
    known = record(folder).get("seed")
    if exists and seed is not None and seed != known:
        has = "the published exercises, without a seed" if known is None else f"the seed {known}"
        raise ValueError(f"{folder} has {has}, and seed {seed} was given: leave --seed away, or make another course")
    return known if exists else seed


def told(folder: Path) -> list[str]:
    """What a course was dealt, in lines for its instructor; none for a course without a seed."""
    known = record(folder)
    lines = [f"dealt by seed {known['seed']}, which only you should know:"] if known else []
    for slug, dealt in known.get("exercises", {}).items():
        lines += [f"  {slug}, {question}: {each['says']}" for question, each in dealt.items()]
        lines += [] if dealt else [f"  {slug}: as published, for it has no twists"]
    return lines
