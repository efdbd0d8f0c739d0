"""The course that is attacked: nbgrader's folders with one exercise, and what a row hands in."""

import json
from pathlib import Path

from cnnlab.grading.collecting import collect
from cnnlab.grading.course import Course
from cnnlab.grading.running import read
from hostile.rows import ASSIGNMENT, SLUG, TOTAL, Attack

STUB = "# your answer"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SENTINEL = b"SQLite format 3, the hidden 31337"  # where no real gradebook is needed


def notebook(sources: dict[str, str]) -> dict:
    """The exercise as nbgrader writes it, with these sources in its cells."""
    cells = [_cell(cell, sources.get(cell.name, cell.source)) for cell in ASSIGNMENT.cells]
    return {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


def _cell(cell, source: str) -> dict:
    mark = {"grade_id": cell.name, "schema_version": 3, "task": False, "locked": cell.kind != "answer"}
    mark |= {"grade": cell.kind == "test", "solution": cell.kind == "answer"}
    mark |= {"points": cell.points} if cell.kind == "test" else {}
    about = {"id": cell.name, "cell_type": "code", "metadata": {"nbgrader": mark}}
    return about | {"source": source, "outputs": [], "execution_count": None}


def make(root: Path) -> Course:
    """A course with one submission, ada's, and a file in the gradebook's place; nothing of nbgrader is needed for it."""
    hidden = {cell.name: cell.source.partition("### BEGIN")[0] for cell in ASSIGNMENT.of_kind("test")}
    put(root / "source" / SLUG, notebook({}))
    put(root / "release" / SLUG, notebook(hidden | {cell.name: STUB for cell in ASSIGNMENT.of_kind("answer")}))
    put(root / "submitted/ada" / SLUG, notebook(hidden))
    (root / "gradebook.db").write_bytes(SENTINEL)
    return Course(root)


def put(folder: Path, found: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SLUG}.ipynb").write_text(json.dumps(found))


def answers(attack: Attack, course: str, port: int) -> dict[str, str]:
    return {"double": attack.code.replace("COURSE", course).replace("PORT", str(port)), "total": TOTAL}


def hand_in(attack: Attack, release: dict, folder: Path, course: str, port: int = 0) -> None:
    """Put into `folder` what the student of this row hands in. `course` is where the instructor's folder seems to be."""
    said, found = answers(attack, course, port), json.loads(json.dumps(release))
    for each in found["cells"]:
        each["source"] = said.get(each["metadata"]["nbgrader"]["grade_id"], each["source"])
    folder.mkdir(parents=True, exist_ok=True)
    if attack.file is None:
        return (folder / f"{SLUG}.ipynb").write_text(json.dumps(found)) and None
    attack.file(folder, found)
    for path in folder.rglob("*"):
        if path.is_symlink():
            target = str(path.readlink()).replace("COURSE", course)
            path.unlink()
            path.symlink_to(target)
    return None


def collected(attack: Attack, course: Course, inbox: Path) -> tuple[dict[str, str] | None, str]:
    """What our commands make of it: the answers to grade, or None where the file is refused; and what they tell."""
    release = json.loads(course.notebook("release", SLUG).read_text())
    hand_in(attack, release, inbox / "eve" / SLUG, str(course.root))
    done = collect(course, SLUG, inbox, [])
    if "eve" not in done.taken:
        return None, " / ".join(done.told)
    handed = read(course, SLUG, "eve", course.slots(SLUG))
    told = [*done.told, handed.wrong, *(each.says for each in handed.submission.findings)]
    return None if handed.wrong else handed.submission.answers, " / ".join(told)
