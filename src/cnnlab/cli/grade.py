"""`cnnlab grade ...`: the instructor's day, a command a step."""

import argparse
from datetime import datetime
from pathlib import Path

from cnnlab.cli import grade_steps as steps

GRADE = """the day:
  cnnlab grade init course initialization activations     a course from the book's exercises
  cnnlab grade init course --seed 7                       its own version of them: the published solutions lose
  cd course
  cnnlab grade release                                    the students' versions, and one zip of them
  cnnlab grade collect activations submissions.zip        what Moodle or Canvas gives out, or a folder
  cnnlab grade run activations                            grade, or go on where it was interrupted
  cnnlab grade report activations                         a page: grades, questions, what to look at
  cnnlab grade feedback activations                       a page for each student
  cnnlab grade export activations --to canvas             the grades as a table
now and then:
  cnnlab grade check activations                          are its tests good? before you release your own exercise
  cnnlab grade repair mine.ipynb                          mend a notebook whose cells have lost their marks
"""
RUN = """A test is run once for the same answers: the same command again, after a crash or after one test was changed, runs
what is new. Where grades that stand in the gradebook would change, it lists them and asks; --yes answers for you.
"""
ALL = "which exercises (default: all)"
DONE = "which exercises (default: all that were graded)"
SAFE = "grade without a sandbox where there is none: students' code then runs as you, with your files and your network"


def add(commands) -> None:
    """Add this group's commands to the parser."""
    form = argparse.RawDescriptionHelpFormatter
    about = "make a course, collect, grade, report"
    group = commands.add_parser(
        "grade", help=about, description=f"{about}.".capitalize(), epilog=GRADE, formatter_class=form
    )
    group.set_defaults(call=lambda arguments: group.print_help())
    parsers = group.add_subparsers(dest="step", metavar="step")

    def step(name: str, call, says: str, **more) -> argparse.ArgumentParser:
        parser = parsers.add_parser(name, help=says, description=f"{says}.".capitalize(), formatter_class=form, **more)
        parser.set_defaults(call=call)
        if name != "init":
            parser.add_argument("--course", type=Path, default=Path(), help="the course's folder (default: this one)")
        return parser

    _add_init(step("init", steps.init, "make a course from the book's exercises"))
    step("release", steps.release, "make the students' versions and one zip of them").add_argument(
        "slugs", nargs="*", help=ALL
    )
    _add_collect(step("collect", steps.collect, "take in what students handed in"))
    _add_run(step("run", steps.run, "grade what was handed in", epilog=RUN))
    step("report", steps.report, "write a page with grades and what to look at").add_argument(
        "slugs", nargs="*", help=DONE
    )
    _add_feedback(step("feedback", steps.feedback, "write a page for each student"))
    _add_export(step("export", steps.export, "write the grades as a table"))
    _add_check(
        step("check", steps.check, "say how good an exercise's tests are, in the sandbox and in an ordinary kernel")
    )
    repair = step("repair", steps.repair, "mend one notebook whose cells have lost their marks")
    repair.add_argument("file", type=Path)
    repair.add_argument("--exercise", help="which exercise it answers (default: the likeliest)")
    repair.add_argument("--out", type=Path, help="where the mended notebook goes (default: FILE.repaired.ipynb)")


def _add_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("folder", type=Path, help="where the course goes; exercises are added to one that exists")
    init.add_argument("slugs", nargs="*", help="which exercises of the book (default: all)")
    init.add_argument("--seed", type=int, metavar="N", help="deal the course its own version of each exercise")
    init.add_argument("--from", dest="exercises", type=Path, help="the folder `exercises` of a clone of the book")
    init.add_argument("--db", help="the gradebook's address, as postgresql+psycopg://... (default: gradebook.db)")


def _add_collect(collect: argparse.ArgumentParser) -> None:
    collect.add_argument("slug", help="the exercise")
    collect.add_argument("source", type=Path, help="a zip of Moodle's or Canvas's, or a folder")
    collect.add_argument(
        "--roster", type=Path, help="who is in the course: a CSV of nbgrader's, Moodle's or Canvas's columns"
    )
    collect.add_argument("--due", type=datetime.fromisoformat, help='when it was due, in UTC, as "2026-11-20 23:59"')


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("slug", help="the exercise")
    run.add_argument("--student", action="append", help="only this one; may be given again")
    run.add_argument("--workers", type=int, help="how many graders at once (default: one a core, as memory allows)")
    run.add_argument("--executor", default="local", metavar="SPEC", help="local, or a Dask scheduler, tcp://host:8786")
    run.add_argument("--limit", action="append", default=[], metavar="NAME=N", help="another limit, as test_seconds=40")
    run.add_argument("--fresh", action="store_true", help="run all tests again, known or not")
    run.add_argument("--dry-run", action="store_true", help="grade and say what would change; write no grade")
    run.add_argument("--yes", action="store_true", help="change grades without asking")
    run.add_argument("--i-trust-these-submissions", dest="trust", action="store_true", help=SAFE)


def _add_feedback(feedback: argparse.ArgumentParser) -> None:
    feedback.add_argument("slugs", nargs="*", help=DONE)
    feedback.add_argument("--zip", choices=("moodle", "canvas"), help="an archive to hand back there, too")


def _add_check(check: argparse.ArgumentParser) -> None:
    check.add_argument("slug", help="the exercise")
    check.add_argument("--mutants", type=int, default=10, help="at most so many for each answer (default: 10)")
    check.add_argument("--seeds", type=int, help="instead run the tests that draw numbers with so many seeds")
    check.add_argument("--record", type=Path, metavar="FILE", help="keep the outcome, as in quality/NAME.json")
    check.add_argument("--workers", type=int, help="how many graders at once")


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("slugs", nargs="*", help=DONE)
    export.add_argument("--to", default="nbgrader", metavar="FORM", help="nbgrader (default), moodle or canvas")
    export.add_argument("--out", type=Path, help="the file (default: standard output)")
