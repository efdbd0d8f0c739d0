"""What a report shows to a human first: what waits, what ended oddly, what looks copied, mended, late or missing."""

from collections.abc import Iterator
from datetime import datetime
from html import escape
from urllib.parse import quote

from cnnlab.grading import gradebook
from cnnlab.grading.assignment import VERDICTS
from cnnlab.grading.collecting import absent, remembered
from cnnlab.grading.copies import alike
from cnnlab.grading.course import Course
from cnnlab.grading.dealing import record
from cnnlab.grading.entries import noted
from cnnlab.grading.feedback import RECOGNIZED
from cnnlab.grading.gradebook import Mark, Person
from cnnlab.grading.pages import Html, table, tag, text
from cnnlab.grading.slots import DOUBTFUL

Marks = dict[str, dict[str, Mark]]
ROUTINE = ("passed", "failed")  # verdicts that nobody need look at
FEW = 12
LONG = 200  # characters of a message


def flags(course: Course, slug: str, run: dict, marks: Marks, people: dict[str, Person], names: dict) -> list[Html]:
    """What a human should see, the weightiest first; a section each that is not empty."""
    students, due = run["students"], gradebook.due(course, slug)
    reference = {cell.name: cell.source for cell in course.assignment(slug).of_kind("answer")}
    edited = {
        who: {name: source for name, source in each["answers"].items() if name not in each["unedited"]}
        for who, each in students.items()
    }
    name = {who: student(slug, people.get(who, Person(who)), who in students) for who in {*students, *people}}
    open_ = [
        [name[who], *_open(tests, names, students.get(who))]
        for who, each in marks.items()
        if (tests := [test for test, mark in each.items() if mark.open])
    ]
    seen = [[name[who], *_found(one["findings"])] for who, one in students.items() if one["findings"]]
    stopped = [[name[who], *row] for who, row in _stopped(students, names)]
    same = _same(course, slug, reference, edited)
    senders, without = remembered(course, slug)
    late = [[name[who], when or "by Canvas's mark"] for who, when in _late(course, slug, students, senders)]
    nothing = [[name.get(who, who), ", ".join(files)] for who, files in without.items()]
    gone = [[name[who]] for who in absent(people.values(), course, slug)]
    parts = [
        _flag("Wait for a human", ["student", "questions", "why"], open_),
        _flag("Ended in another way than right or wrong", ["student", "question", "verdict", "what is known"], stopped),
        _flag("Equal answers, names aside", ["answer", "equal to", "students"], same),
        _flag(
            "Files that were mended", ["student", "what was found", "confidence"], sorted(seen, key=lambda row: row[-1])
        ),
        _flag("Handed in late", ["student", f"when (due {due:%Y-%m-%d %H:%M} UTC)" if due else "when"], late),
        _flag("Handed in no notebook", ["student", "files"], nothing),
        _flag("In the course, and handed in nothing", ["student"], gone),
    ]
    found = [part for part in parts if part]
    return found or [tag("p", "Nothing.")]


def _stopped(students: dict, names: dict[str, str]) -> Iterator[tuple[str, list[object]]]:
    """Tests that ended in another way than right or wrong, by student, with what is known of them."""
    passed = [each for one in students.values() for each in one["outcomes"].values() if each["verdict"] == "passed"]
    usual = {note for each in passed for note in each["notes"]}  # what the exercise itself prints
    for who, each in students.items():
        for test, outcome in each["outcomes"].items():
            if outcome["verdict"] not in ROUTINE:
                yield who, [names.get(test, test), outcome["verdict"], _known(outcome, usual)]


def _same(
    course: Course, slug: str, reference: dict[str, str], edited: dict[str, dict[str, str]]
) -> list[list[object]]:
    """Answers that equal a solution or one another; where a course was dealt its own, the published one counts as well."""
    own = dealt(course, slug)
    solution = "the solution of this course" if own else "the published solution"
    found = [
        [each.answer, solution if each.published else "one another", _few(each.students)]
        for each in alike(reference, edited)
    ]
    published = {question: each["published"] for question, each in own.items()}
    copied = [each for each in alike(published, edited) if each.published]
    return found + [[each.answer, "the published solution", _few(each.students)] for each in copied]


def dealt(course: Course, slug: str) -> dict[str, dict[str, str]]:
    """The questions that this course was dealt in another form, by name: what differs, and the published answer."""
    return record(course.root).get("exercises", {}).get(slug, {})


def student(slug: str, who: Person, graded: bool) -> Html:
    """A name that leads to the student's page, and the id."""
    name = (
        tag("a", who.name, href=f"../feedback/{quote(who.id)}/{slug}/{slug}.html")
        if graded
        else Html(escape(text(who.name)))
    )
    return tag("span", name, " ", tag("span", who.id, class_="soft"))


def _late(course: Course, slug: str, students: dict, senders: dict) -> Iterator[tuple[str, datetime | None]]:
    """Who was late, and when it came, where that is known."""
    due = gradebook.due(course, slug)
    for who in students:
        when = noted(course.notebook("submitted", slug, who))
        if (due and when and when > due) or (who in senders and senders[who].late):
            yield who, when


def _open(tests: list[str], names: dict[str, str], each: dict | None) -> tuple[str, str]:
    """Which questions of a submission wait for a human, and why."""
    which = "all" if len(tests) == len(names) else ", ".join(names.get(test, test) for test in tests)
    if each is None:
        return which, "graded by nbgrader"
    said = [each["wrong"]] if each["wrong"] else []
    said += [each["outcomes"][test]["message"] for test in tests if _verdict(each, test) == "not gradable"]
    said += [one["says"] for one in each["findings"] if one["cell"] and one["confidence"] < DOUBTFUL]
    return which, "; ".join(dict.fromkeys(said))[:LONG] or "a grade given by hand, or an answer in prose"


def _verdict(each: dict, test: str) -> str:
    return each["outcomes"].get(test, {}).get("verdict", "")


def _found(findings: list[dict]) -> tuple[str, str]:
    """What was found in one file, in a sentence for each way, and the least confidence of it."""
    ways: dict[str, list[dict]] = {}
    for each in findings:
        ways.setdefault(each["how"], []).append(each)
    said = [
        f"{', '.join(each['cell'] for each in same)} found by {how}"
        if how in RECOGNIZED
        else "; ".join(e["says"] for e in same)
        for how, same in ways.items()
    ]
    return "; ".join(said), f"{min(each['confidence'] for each in findings):.2f}"


def _known(outcome: dict, usual: set[str]) -> Html:
    """What the student is told, and what only the instructor is, but for what the exercise says to everybody."""
    said = outcome["message"] or VERDICTS[outcome["verdict"]]
    notes = [tag("div", note.strip()[:LONG], class_="soft") for note in outcome["notes"] if note not in usual]
    return tag("div", said.strip()[:LONG], *notes)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _flag(title: str, head: list[str], rows: list[list[object]]) -> Html | None:
    if not rows:
        return None
    many = len(rows) > FEW
    inner = table(head, rows, stacked=True)
    return tag("details", tag("summary", f"{title}: {len(rows)}"), inner, **({} if many else {"open": "open"}))
