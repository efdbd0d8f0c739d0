"""One page for each student: what each question came to, what failed with its hint, and the answer as it was graded."""

import json
import re
from datetime import datetime
from pathlib import Path

from cnnlab.grading import gradebook
from cnnlab.grading.course import Course, write
from cnnlab.grading.entries import noted
from cnnlab.grading.gradebook import Mark, Person
from cnnlab.grading.pages import Html, page, points, tag
from cnnlab.grading.running import load

SAID = {
    "passed": "All checks held.",
    "failed": "A check did not hold.",
    "crashed": "Your code ended the process in which it ran, or broke the rules of it.",
    "out of time": "Your code took longer than the time there is.",
    "out of memory": "Your code asked for more memory than there is.",
    "not gradable": "This could not be graded by machine. A person will look at it; it has not cost you anything.",
}

RAISED = re.compile(r"^The answer raised |did not hold\. The answer raised |^The cell \S+: line", re.MULTILINE)
RECOGNIZED = {  # ways of finding an answer whose cell had lost its label
    "cell id": "their ids",
    "anchor": "what they define",
    "likeness": "their likeness to what was given out",
    "place": "their places",
}


def titles(release: Path) -> dict[str, str]:
    """The heading above each test of the students' version."""
    found, title = {}, ""
    for cell in json.loads(release.read_text("utf8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (heads := re.findall(r"^#+ +(.+)$", source, flags=re.MULTILINE)):
            title = re.sub(r"\s*\([\d.]+ points?\)$", "", heads[-1])
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade"):
            found[mark["grade_id"]] = title or mark["grade_id"]
    return found


def feedback(course: Course, slug: str) -> list[Path]:
    """Write the page of every student who was graded, where nbgrader keeps them; gives the paths."""
    run, marks, comments = load(course, slug), gradebook.marks(course, slug), gradebook.comments(course, slug)
    people = {each.id: each for each in gradebook.people(course)}
    names, answered = titles(course.notebook("release", slug)), answered_by(course, slug)
    due, written = gradebook.due(course, slug), []
    for student, each in run["students"].items():
        if student not in marks:
            continue
        cards = [
            _card(names.get(test, test), mark, each, test, answered.get(test, ()), comments.get(student, {}))
            for test, mark in sorted(marks[student].items(), key=lambda pair: list(names).index(pair[0]))
        ]
        path, when = (
            course.root / "feedback" / student / slug / f"{slug}.html",
            noted(course.notebook("submitted", slug, student)),
        )
        parts = [*_when(when, due), *_file(each), *cards, *_seen(each)]
        write(path, _page(slug, people.get(student, Person(student)), marks[student], each, parts))
        written.append(path)
    return written


def answered_by(course: Course, slug: str) -> dict[str, tuple[str, ...]]:
    """The answers that stand between each test and the one before it."""
    found, before = {}, ()
    for cell in course.assignment(slug).cells:
        if cell.kind == "answer":
            before = (*before, cell.name)
        elif cell.kind == "test":
            found[cell.name], before = before, ()
    return found


def _page(slug: str, who: Person, marks: dict[str, Mark], each: dict, parts: list[Html]) -> str:
    have, most = sum(mark.points for mark in marks.values()), sum(mark.most for mark in marks.values())
    title = f"{slug.replace('-', ' ').capitalize()}: feedback"
    so_far = " so far" if any(waits(mark, each) for mark in marks.values()) else ""
    total = tag("p", tag("strong", f"{points(have)} of {points(most)} points{so_far}"), f" · {who.name}")
    return page(title, tag("h1", title), total, *parts)


def _when(when: datetime | None, due: datetime | None) -> list[Html]:
    if not when:
        return []
    late = f", after it was due ({due:%Y-%m-%d %H:%M})" if due and when > due else ""
    return [tag("p", f"Handed in {when:%Y-%m-%d %H:%M} UTC{late}.", class_="soft")]


def _file(each: dict) -> list[Html]:
    says = f"Your file could not be read: {each['wrong']}. Hand it in again."
    return [tag("section", tag("p", tag("strong", says)), class_="card")] if each["wrong"] else []


def _seen(each: dict) -> list[Html]:
    """What was found about the file, in a student's words."""
    notes = [finding["says"] for finding in each["findings"] if finding["how"] not in {*RECOGNIZED, "unreadable"}]
    for how, words in RECOGNIZED.items():
        if cells := [finding["cell"] for finding in each["findings"] if finding["how"] == how]:
            notes.append(
                f"Labels of cells were lost, as Colab and some editors drop them: {', '.join(cells)} found by {words}."
            )
    return [tag("h2", "About your file"), tag("ul", *(tag("li", note) for note in notes))] if notes else []


def _card(title: str, mark: Mark, each: dict, test: str, answers: tuple[str, ...], comments: dict[str, str]) -> Html:
    says, message = told(mark, each, test, answers)
    parts = [tag("p", says)]
    if message:
        parts.append(tag("pre", message))
    if mark.open and mark.manual is None:
        parts.append(tag("p", "A person will look at this.", class_="part"))
    parts += [tag("p", tag("strong", "Comment: "), comments[name]) for name in (test, *answers) if name in comments]
    for name in answers:
        if (source := each["answers"].get(name)) and name not in each["unedited"]:
            lost = {"open": "open"} if mark.points < mark.most else {}
            parts.append(tag("details", tag("summary", "Your answer"), tag("pre", source), **lost))
    open_ = waits(mark, each)
    kind = "good" if mark.points >= mark.most else "part" if mark.points > 0 or open_ else "bad"
    score = tag("strong", f"{'?' if open_ else points(mark.points)} of {points(mark.most)}", class_=kind)
    return tag("section", tag("h2", tag("span", title), score), *parts, class_="card")


def waits(mark: Mark, each: dict) -> bool:
    """Whether the points are not known yet."""
    return mark.manual is None and (mark.auto is None or (mark.open and bool(each["wrong"])))


def told(mark: Mark, each: dict, test: str, answers: tuple[str, ...]) -> tuple[str, str]:
    """A sentence on what a test came to, and what the check that failed has said."""
    outcome = each["outcomes"].get(test)
    if mark.manual is not None:
        return "Graded by hand.", ""
    if each["wrong"]:
        return "Not graded: your file could not be read.", ""
    if outcome is None:
        return "Not graded yet." if mark.auto is None else "There is no answer." if mark.auto == 0 else "", ""
    if answers and set(answers) <= set(each["unedited"]) and not outcome["points"]:
        return "This is still as it was given out.", ""
    says = SAID[outcome["verdict"]]
    if outcome["verdict"] == "failed" and RAISED.search(outcome["message"]):
        says = "Your code raised an error."
    if outcome["verdict"] == "failed" and outcome["hidden"]:
        says += " It was on inputs that the notebook does not show."
    return says, outcome["message"] if outcome["points"] < outcome["max_points"] else ""
