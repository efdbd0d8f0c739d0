"""One page for each student: what each question came to, what failed with its hint, and the answer as it was graded."""

import json
import re
from pathlib import Path

from cnnlab.grading import gradebook
from cnnlab.grading.course import Course, write
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
    names, answered = titles(course.notebook("release", slug)), _answered(course, slug)
    written = []
    for student, each in run["students"].items():
        if student not in marks:
            continue
        cards = [
            _card(names.get(test, test), mark, each, test, answered.get(test, ()), comments.get(student, {}))
            for test, mark in sorted(marks[student].items(), key=lambda pair: list(names).index(pair[0]))
        ]
        path = course.root / "feedback" / student / slug / f"{slug}.html"
        write(path, _page(slug, people.get(student, Person(student)), marks[student], each, cards))
        written.append(path)
    return written


def _answered(course: Course, slug: str) -> dict[str, tuple[str, ...]]:
    """The answers that stand between each test and the one before it."""
    found, before = {}, ()
    for cell in course.assignment(slug).cells:
        if cell.kind == "answer":
            before = (*before, cell.name)
        elif cell.kind == "test":
            found[cell.name], before = before, ()
    return found


def _page(slug: str, who: Person, marks: dict[str, Mark], each: dict, cards: list[Html]) -> str:
    have, most = sum(mark.points for mark in marks.values()), sum(mark.most for mark in marks.values())
    title = slug.replace("-", " ").capitalize()
    total = tag("p", tag("strong", f"{points(have)} of {points(most)} points"), f" · {who.name}")
    notes = [tag("li", finding["says"]) for finding in each["findings"]]
    seen = [tag("h2", "About your file"), tag("ul", *notes)] if notes else []
    return page(f"{title}: feedback", tag("h1", f"{title}: feedback"), total, *cards, *seen)


def _card(title: str, mark: Mark, each: dict, test: str, answers: tuple[str, ...], comments: dict[str, str]) -> Html:
    outcome = each["outcomes"].get(test)
    parts = [tag("p", _said(mark, outcome))]
    if mark.manual is None and outcome and outcome["message"] and outcome["points"] < outcome["max_points"]:
        parts.append(tag("pre", outcome["message"]))
    if mark.open and mark.manual is None:
        parts.append(tag("p", "A person will look at this.", class_="part"))
    parts += [tag("p", tag("strong", "Comment: "), comments[name]) for name in (test, *answers) if name in comments]
    for name in answers:
        if source := each["answers"].get(name):
            parts.append(tag("details", tag("summary", "Your answer"), tag("pre", source)))
    waits = mark.auto is None and mark.manual is None
    kind = "good" if mark.points >= mark.most else "part" if mark.points > 0 or waits else "bad"
    score = tag("strong", f"{'?' if waits else points(mark.points)} of {points(mark.most)}", class_=kind)
    return tag("section", tag("h2", tag("span", title), score), *parts, class_="card")


def _said(mark: Mark, outcome: dict | None) -> str:
    if mark.manual is not None:
        return "Graded by hand."
    if outcome is None:
        return "Not graded yet." if mark.auto is None else "There is no answer." if mark.auto == 0 else ""
    said = SAID[outcome["verdict"]]
    if outcome["verdict"] == "failed" and outcome["hidden"]:
        said += " It was one on inputs that the notebook does not show."
    return said
