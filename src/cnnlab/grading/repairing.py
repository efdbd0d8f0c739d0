"""Mends one notebook: the released one with the student's answers in it, and with what they need of other cells."""

import json
from pathlib import Path

from cnnlab.grading.course import Course, write
from cnnlab.grading.matching import match
from cnnlab.grading.reading import read_cells
from cnnlab.grading.slots import Finding, Submission


def repair(course: Course, file: Path, slug: str | None = None, out: Path | None = None) -> tuple[Path, Submission]:
    """Write FILE.repaired.ipynb, or `out`; gives the path and what was found. The exercise is guessed where not named."""
    cells = read_cells(file)
    slug = slug or _likeliest(course, file, cells)
    found = match(course.slots(slug), cells)
    notebook = json.loads(course.notebook("release", slug).read_text("utf8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name in found.answers or name in found.texts:
            cell["source"] = (found.answers | found.texts)[name]
    target = out or file.with_suffix(".repaired.ipynb")
    write(target, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
    return target, found


def _likeliest(course: Course, file: Path, cells: list) -> str:
    """The exercise of which most answers are in the file, and of several the one it is named after."""
    scores = {}
    for slug in course.slugs():
        if course.notebook("release", slug).exists():
            found = match(course.slots(slug), cells)
            scores[slug] = sum(_weight(each, found.findings) for each in found.answers), slug in file.name
    best = max(scores, key=scores.get, default=None)
    if best is None or scores[best][0] == 0:
        raise ValueError(f"{file} holds no answer of any exercise here: name the exercise with --exercise")
    return best


def _weight(name: str, findings: tuple[Finding, ...]) -> float:
    return min((each.confidence for each in findings if each.cell == name), default=1.0)
