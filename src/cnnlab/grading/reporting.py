"""The instructor's page for an exercise: grades, their spread, each question's success, what to look at, times."""

from collections import Counter
from pathlib import Path
from statistics import mean, median

from cnnlab.grading import gradebook
from cnnlab.grading.assignment import VERDICTS
from cnnlab.grading.charts import histogram, shares
from cnnlab.grading.collecting import absent, noted
from cnnlab.grading.copies import alike
from cnnlab.grading.course import Course, write
from cnnlab.grading.dealing import record
from cnnlab.grading.feedback import titles
from cnnlab.grading.gradebook import Mark, Person
from cnnlab.grading.pages import Html, page, points, table, tag
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
            f"{len(marks)} submissions, graded {run['date']}. Isolation: {run['level'] or 'unknown'}.",
            class_="soft",
        ),
        *_spread(marks),
        tag("h2", "Questions"),
        _questions(run, marks, names),
        tag("h2", "To look at"),
        *_flags(course, slug, run, marks, people),
        *_dealt(course, slug, names),
        tag("h2", "Grades"),
        tag("p", "Points by question; ? stands where a human is to look.", class_="soft"),
        _grades(marks, names, people),
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
        "failed in hiding",
        "ended otherwise",
        "seconds, median / most",
    ]
    return table(head, rows, numbers=(2, 3, 4, 6))


def _flags(course: Course, slug: str, run: dict, marks: Marks, people: dict[str, Person]) -> list[Html]:
    """What a human should see, the weightiest first; a section each that is not empty."""
    students, due = run["students"], gradebook.due(course, slug)
    reference = {cell.name: cell.source for cell in course.assignment(slug).of_kind("answer")}
    edited = {
        who: {name: source for name, source in each["answers"].items() if name not in each["unedited"]}
        for who, each in students.items()
    }
    open_ = [[who, test] for who, each in marks.items() for test, mark in each.items() if mark.open]
    findings = [[who, each["says"], each["confidence"]] for who, one in students.items() for each in one["findings"]]
    stopped = [
        [who, test, outcome["verdict"], _known(outcome)]
        for who, each in students.items()
        for test, outcome in each["outcomes"].items()
        if outcome["verdict"] not in ROUTINE
    ]
    same = _same(course, slug, reference, edited)
    late = [
        [who, when]
        for who in students
        if due and (when := noted(course.notebook("submitted", slug, who))) and when > due
    ]
    gone = [[who, people[who].name] for who in absent(people.values(), course, slug)]
    parts = [
        _flag("Wait for a human", ["student", "test"], open_),
        _flag("Ended in another way than right or wrong", ["student", "test", "verdict", "what is known"], stopped),
        _flag("Equal answers, names aside", ["answer", "equal to", "students"], same),
        _flag("Files that were mended", ["student", "what was found", "confidence"], findings),
        _flag("Handed in late", ["student", f"when (due {due:%Y-%m-%d %H:%M} UTC)" if due else "when"], late),
        _flag("In the course, and handed in nothing", ["student", "name"], gone),
    ]
    found = [part for part in parts if part]
    return found or [tag("p", "Nothing.")]


def _same(
    course: Course, slug: str, reference: dict[str, str], edited: dict[str, dict[str, str]]
) -> list[list[object]]:
    """Answers that equal a solution or one another; where a course was dealt its own, the published one counts as well."""
    dealt = _of(course, slug)
    solution = "the solution of this course" if dealt else "the published solution"
    found = [
        [each.answer, solution if each.published else "one another", _few(each.students)]
        for each in alike(reference, edited)
    ]
    published = {question: each["published"] for question, each in dealt.items()}
    copied = [each for each in alike(published, edited) if each.published]
    return found + [[each.answer, "the published solution", _few(each.students)] for each in copied]


def _of(course: Course, slug: str) -> dict[str, dict[str, str]]:
    return record(course.root).get("exercises", {}).get(slug, {})


def _dealt(course: Course, slug: str, names: dict[str, str]) -> list[Html]:
    """What differs from the published questions, by the course's seed."""
    rows = [[names.get(f"test-{question}", question), each["says"]] for question, each in _of(course, slug).items()]
    if not rows:
        return []
    says = f"Seed {record(course.root)['seed']}. The published solutions lose these questions."
    return [
        tag("h2", "Dealt"),
        tag("p", says, class_="soft"),
        table(["question", "differs from the published one"], rows),
    ]


def _known(outcome: dict) -> str:
    """What the student is told, and what only the instructor is."""
    said = [outcome["message"] or VERDICTS[outcome["verdict"]], *outcome["notes"]]
    return " / ".join(each.strip()[:LONG] for each in said)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _flag(title: str, head: list[str], rows: list[list[object]]) -> Html | None:
    if not rows:
        return None
    many = len(rows) > FEW
    inner = table(head, rows)
    return tag("details", tag("summary", f"{title}: {len(rows)}"), inner, **({} if many else {"open": "open"}))


def _grades(marks: Marks, names: dict[str, str], people: dict[str, Person]) -> Html:
    rows = [
        [people.get(who, Person(who)).name, who, *(_cell(each.get(test)) for test in names), points(_total(each))]
        for who, each in sorted(marks.items(), key=lambda pair: people.get(pair[0], Person(pair[0])).name.casefold())
    ]
    head = ["name", "student", *(f"{number}" for number in range(1, len(names) + 1)), "total"]
    return table(head, rows, numbers=tuple(range(2, len(head))))


def _cell(mark: Mark | None) -> Html:
    if mark is None:
        return tag("span", "-")
    kind = "good" if mark.points >= mark.most else "part" if mark.points > 0 or mark.open else "bad"
    return tag("span", points(mark.points) + ("?" if mark.open else ""), class_=kind)
