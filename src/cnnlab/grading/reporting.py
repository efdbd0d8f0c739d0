"""The instructor's page for an exercise: grades, their spread, each question's success, what to look at, times."""

from collections import Counter
from pathlib import Path
from statistics import mean, median

from cnnlab.grading import gradebook
from cnnlab.grading.charts import histogram, shares
from cnnlab.grading.course import Course, write
from cnnlab.grading.dealing import record
from cnnlab.grading.feedback import titles
from cnnlab.grading.flags import ROUTINE, Marks, dealt, flags, student
from cnnlab.grading.gradebook import Mark, Person
from cnnlab.grading.pages import Html, page, points, table, tag
from cnnlab.grading.running import load


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
        *flags(course, slug, run, marks, people, names),
        *_dealt(course, slug, names),
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


def _dealt(course: Course, slug: str, names: dict[str, str]) -> list[Html]:
    """What differs from the published questions, by the course's seed."""
    rows = [[names.get(f"test-{question}", question), each["says"]] for question, each in dealt(course, slug).items()]
    if not rows:
        return []
    says = f"Seed {record(course.root)['seed']}. The published solutions lose these questions."
    return [
        tag("h2", "Dealt"),
        tag("p", says, class_="soft"),
        table(["question", "differs from the published one"], rows),
    ]


def _grades(slug: str, marks: Marks, names: dict[str, str], people: dict[str, Person]) -> Html:
    who = {one: people.get(one, Person(one)) for one in marks}
    rows = [
        [student(slug, who[one], True), *(_cell(each.get(test)) for test in names), points(_total(each))]
        for one, each in sorted(marks.items(), key=lambda pair: who[pair[0]].name.casefold())
    ]
    head = ["student", *(f"{number}" for number in range(1, len(names) + 1)), "total"]
    return table(head, rows, numbers=tuple(range(1, len(head))))


def _cell(mark: Mark | None) -> Html:
    if mark is None:
        return tag("span", "-")
    kind = "good" if mark.points >= mark.most else "part" if mark.points > 0 or mark.open else "bad"
    return tag("span", points(mark.points) + ("?" if mark.open else ""), class_=kind)
