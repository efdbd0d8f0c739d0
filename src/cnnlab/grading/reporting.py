"""The instructor's page for an exercise: grades, their spread, each question's success, what to look at, times."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from statistics import mean, median
from urllib.parse import quote

from cnnlab.grading import gradebook
from cnnlab.grading.assignment import VERDICTS
from cnnlab.grading.charts import histogram, shares
from cnnlab.grading.collecting import absent, remembered
from cnnlab.grading.copies import alike
from cnnlab.grading.course import Course, write
from cnnlab.grading.entries import noted
from cnnlab.grading.feedback import RECOGNIZED, titles
from cnnlab.grading.gradebook import Mark, Person
from cnnlab.grading.matching import DOUBTFUL
from cnnlab.grading.pages import Html, page, points, table, tag, text
from cnnlab.grading.running import load

Marks = dict[str, dict[str, Mark]]
ROUTINE = ("passed", "failed")  # verdicts that nobody need look at
FEW = 12
LONG = 200  # characters of a message


def report(course: Course, slug: str) -> Path:
    """Write `reports/SLUG.html`."""
    run, marks = load(course, slug), gradebook.marks(course, slug)
    people = {each.id: each for each in gradebook.people(course)}
    names = titles(course.notebook("release", slug))
    body = [
        tag("h1", f"{slug}: report"),
        tag(
            "p",
            f"{len(marks)} submissions, {len(people)} people in the course. Graded {run['date']}. "
            f"Isolation: {run['level'] or 'unknown'}.",
            class_="soft",
        ),
        *_spread(marks),
        tag("h2", "Questions"),
        _questions(run, marks, names),
        tag("h2", "To look at"),
        *_flags(course, slug, run, marks, people, names),
        tag("h2", "Grades"),
        tag("p", "Points by question; ? stands where a human is to look.", class_="soft"),
        _grades(slug, marks, names, people),
    ]
    path = course.root / "reports" / f"{slug}.html"
    write(path, page(f"{slug}: report", *body))
    return path


def _total(marks: dict[str, Mark]) -> float:
    return sum(mark.points for mark in marks.values())


def _spread(marks: Marks) -> list[Html]:
    if not marks:
        return [tag("p", "Nobody was graded yet.")]
    totals, most = [_total(each) for each in marks.values()], max(_most(each) for each in marks.values())
    says = f"Mean {points(mean(totals))}, median {points(median(totals))} of {points(most)} points."
    legend = "Submissions by their points: 4+ stands for 4 and more, below the next."
    return [tag("p", says), histogram(totals, most), tag("p", legend, class_="soft")]


def _most(marks: dict[str, Mark]) -> float:
    return sum(mark.most for mark in marks.values())


def _questions(run: dict, marks: Marks, names: dict[str, str]) -> Html:
    rows = []
    for test, title in names.items():
        here = [each[test] for each in marks.values() if test in each]
        outcomes = [each["outcomes"][test] for each in run["students"].values() if test in each["outcomes"]]
        counts = Counter(outcome["verdict"] for outcome in outcomes)
        full = sum(mark.points >= mark.most for mark in here)
        some = sum(0 < mark.points < mark.most for mark in here)
        seconds = sorted(outcome["seconds"] for outcome in outcomes) or [0.0]
        rare = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if verdict not in ROUTINE)
        hidden = sum(outcome["hidden"] for outcome in outcomes)
        rows.append([
            title, shares(full, some, len(here)), f"{100 * full / max(1, len(here)):.0f} %",
            points(mean(mark.points for mark in here) if here else 0.0), hidden or "", rare,
            f"{median(seconds):.2f} / {seconds[-1]:.2f}",
        ])  # fmt: skip
    head = [
        "question",
        "full, some, none",
        "full",
        "mean points",
        "failed in the hidden part",
        "ended otherwise",
        "seconds, median / most",
    ]
    return table(head, rows, numbers=(2, 3, 4, 6))


def _flags(course: Course, slug: str, run: dict, marks: Marks, people: dict[str, Person], names: dict) -> list[Html]:
    """What a human should see, the weightiest first; a section each that is not empty."""
    students, due = run["students"], gradebook.due(course, slug)
    reference = {cell.name: cell.source for cell in course.assignment(slug).of_kind("answer")}
    edited = {
        who: {name: source for name, source in each["answers"].items() if name not in each["unedited"]}
        for who, each in students.items()
    }
    name = {who: _student(slug, people.get(who, Person(who)), who in students) for who in {*students, *people}}
    open_ = [
        [name[who], *_open(tests, names, students.get(who))]
        for who, each in marks.items()
        if (tests := [test for test, mark in each.items() if mark.open])
    ]
    seen = [[name[who], *_found(one["findings"])] for who, one in students.items() if one["findings"]]
    same = [
        [each.answer, "the published solution" if each.published else "one another", _few(each.students)]
        for each in alike(reference, edited)
    ]
    senders, without = remembered(course, slug)
    late = [[name[who], when or "by Canvas's mark"] for who, when in _late(course, slug, students, senders)]
    nothing = [[name.get(who, who), ", ".join(files)] for who, files in without.items()]
    gone = [[name[who]] for who in absent(people.values(), course, slug)]
    parts = [
        _flag("Wait for a human", ["student", "questions", "why"], open_),
        _flag(
            "Ended in another way than right or wrong",
            ["student", "question", "verdict", "what is known"],
            _stopped(students, names, name),
        ),
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


def _student(slug: str, who: Person, graded: bool) -> Html:
    """A name that leads to the student's page, and the id."""
    name = (
        tag("a", who.name, href=f"../feedback/{quote(who.id)}/{slug}/{slug}.html")
        if graded
        else Html(escape(text(who.name)))
    )
    return tag("span", name, " ", tag("span", who.id, class_="soft"))


def _stopped(students: dict, names: dict[str, str], name: dict[str, Html]) -> list[list[object]]:
    """The tests that were neither passed nor failed."""
    outcomes = [(who, test, each) for who, one in students.items() for test, each in one["outcomes"].items()]
    usual = {note for _, _, each in outcomes if each["verdict"] == "passed" for note in each["notes"]}
    return [
        [name[who], names.get(test, test), each["verdict"], _known(each, usual)]
        for who, test, each in outcomes
        if each["verdict"] not in ROUTINE
    ]


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


def _grades(slug: str, marks: Marks, names: dict[str, str], people: dict[str, Person]) -> Html:
    who = {student: people.get(student, Person(student)) for student in marks}
    rows = [
        [_student(slug, who[student], True), *(_cell(each.get(test)) for test in names), points(_total(each))]
        for student, each in sorted(marks.items(), key=lambda pair: who[pair[0]].name.casefold())
    ]
    head = ["student", *(f"{number}" for number in range(1, len(names) + 1)), "total"]
    return table(head, rows, numbers=tuple(range(1, len(head))))


def _cell(mark: Mark | None) -> Html:
    if mark is None:
        return tag("span", "-")
    kind = "good" if mark.points >= mark.most else "part" if mark.points > 0 or mark.open else "bad"
    return tag("span", points(mark.points) + ("?" if mark.open else ""), class_=kind)
