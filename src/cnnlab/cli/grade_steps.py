"""What each step of `cnnlab grade` calls and says. nbgrader, which takes seconds to import, is left until it is needed."""

import argparse
import sys

from cnnlab.cli.output import clock


def _course(arguments: argparse.Namespace):
    from cnnlab.grading.course import Course

    return Course.here(arguments.course)


def init(arguments: argparse.Namespace) -> None:
    from cnnlab.grading.creating import create, shelf
    from cnnlab.grading.dealing import told

    where = shelf(arguments.exercises)
    course = create(arguments.folder, arguments.slugs, exercises=where, database=arguments.db, seed=arguments.seed)
    print(f"course: {course.root}, with {', '.join(course.slugs())}")
    for line in told(course.root):
        print(line)
    print(f"next: cd {arguments.folder} && cnnlab grade release")


def release(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import creating
    from cnnlab.grading.quality import disagreements

    course = _course(arguments)
    slugs = arguments.slugs or course.slugs()
    for slug in slugs:
        if found := disagreements(course, slug):
            raise ValueError(
                f"{slug} is not released: in the sandbox and in an ordinary kernel {', '.join(found)} come out otherwise. "
                f"Mend the tests, then `cnnlab grade check {slug}`."
            )
    print(f"students' versions: {', '.join(slugs)}\nto give out: {creating.release(course, slugs)}")


def check(arguments: argparse.Namespace) -> int:
    from cnnlab.grading import quality, quality_record
    from cnnlab.grading.workers import Settings, executor

    course, tried = _course(arguments), []
    if arguments.seeds:
        return _luck(arguments, course)
    with course.locked(), executor("local", Settings(limits=quality.LIMITS), arguments.workers) as pool:
        level = pool.level()
        print(f"isolation: {level}")
        for each in quality.check(course, arguments.slug, pool, arguments.mutants):
            tried.append(each)
            if not each.agrees or not each.good():
                print(_told(each), flush=True)
    for kind, good in quality_record.KINDS.items():
        *both, most = quality_record.counts(tried, kind)
        print(
            f"{kind}: {', '.join(f'{n} of {most} {good} {mode}' for n, mode in zip(both, quality.MODES, strict=True))}"
        )
    print(f"both ways agree on {sum(each.agrees for each in tried)} of {len(tried)}")
    if path := arguments.record:
        found = quality_record.verdicts(tried, quality_record.read(path)) | {"isolation": level.partition(":")[0]}
        quality_record.write(path, course, arguments.slug, verdicts=found)
    return int(not all(each.agrees and (each.good() or each.trial.kind == "mutant") for each in tried))


def _luck(arguments: argparse.Namespace, course) -> int:
    from cnnlab.grading import quality_record

    with course.locked():
        found = quality_record.luck(course, arguments.slug, arguments.seeds, arguments.workers)
    for test, answers in found["tests"].items():
        print(f"{test}: {quality_record.sentence(arguments.seeds, answers)}")
    if arguments.record:
        quality_record.write(arguments.record, course, arguments.slug, luck=found)
    return int(any(each["failures"] for answers in found["tests"].values() for each in answers.values()))


def _told(each) -> str:
    """A trial that did not come out as it should, in a line."""
    apart, together = (", ".join(sorted(lost)) or "nothing" for lost in each.lost)
    differs = "" if each.agrees else f"; in one kernel {together}"
    return f"{each.trial.kind} {each.trial.name}: lost {apart}{differs}"


def collect(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import collecting, gradebook
    from cnnlab.grading.pages import text
    from cnnlab.grading.roster import read_roster

    course = _course(arguments)
    if arguments.roster:
        gradebook.enter(course, read_roster(arguments.roster))
    course.slots(arguments.slug)
    if arguments.due:
        gradebook.set_due(course, arguments.slug, arguments.due)
    people, due = gradebook.people(course), gradebook.due(course, arguments.slug)
    done = collecting.collect(course, arguments.slug, arguments.source, people, due)
    gradebook.enter(course, done.new)
    for line in done.told:
        print(text(line))  # names of files and people may hold what a terminal obeys
    if done.late:
        print(f"late: {', '.join(done.late)}")
    if done.nothing:
        print(f"handed in no notebook: {', '.join(done.nothing)}")
    if people and (gone := collecting.absent(people, course, arguments.slug)):
        print(f"handed in nothing: {', '.join(gone)}")
    print(f"collected: {len(done.taken)} submissions of {arguments.slug}, {len(done.late)} late")
    print(f"next: cnnlab grade run {arguments.slug}")


def run(arguments: argparse.Namespace) -> int:
    from cnnlab.cli.marking import Marking
    from cnnlab.cli.progress import watch
    from cnnlab.grading import running
    from cnnlab.grading.workers import Settings, executor

    course, settings = _course(arguments), Settings(arguments.trust, tuple(map(_limit, arguments.limit)))
    with course.locked():
        grading = running.prepare(course, arguments.slug, settings, students=arguments.student, fresh=arguments.fresh)
        if not grading.handed:
            raise ValueError(
                f"nobody has handed in {arguments.slug}: run `cnnlab grade collect {arguments.slug} ...` first"
            )
        try:
            with executor(arguments.executor, settings, arguments.workers) as pool:
                print(f"isolation: {pool.level()}")
                watch(running.grade(course, grading, pool), Marking(grading, pool.workers))
        except KeyboardInterrupt:
            print("interrupted: what was graded is kept, and the same command goes on", file=sys.stderr)
            return 130
        return _written(arguments, course, grading)


def _limit(said: str) -> tuple[str, float]:
    name, _, value = said.partition("=")
    try:
        return name, float(value) if "." in value else int(value)
    except ValueError:
        raise ValueError(f'limit "{said}" is no NAME=NUMBER; say test_seconds=40 for one') from None


def _written(arguments: argparse.Namespace, course, grading) -> int:
    """Say what would change in the gradebook, and write it if that is wanted."""
    from cnnlab.grading import gradebook, running

    found = running.changes(gradebook.marks(course, grading.slug), grading)
    students = list(dict.fromkeys(each.student for each in found))
    if found:
        print(f"grades of {len(students)} students would change:")
    for student in students:
        own = (f"{each.test} from {each.before:g} to {each.after:g}" for each in found if each.student == student)
        print(f"  {student}: {', '.join(own)}")
    failed = _failed(grading)
    if arguments.dry_run:
        print("nothing was written" if found else "no grade in the gradebook would change; nothing was written")
    elif found and not (arguments.yes or _agreed()):
        raise ValueError("nothing was written: give --yes to change these grades")
    else:
        running.save(course, grading)
        print(f"graded: {len(grading.handed) - len(grading.failed)} submissions in {clock(grading.seconds)}")
        _slow(grading)
        print(f"next: cnnlab grade report {grading.slug}; cnnlab grade feedback {grading.slug}")
    return failed


def _slow(grading) -> None:
    """A right answer can run out of time where other work had the cores: say how to let it run again."""
    found = [
        who for who, each in grading.handed.items() if "out of time" in {o.verdict for o in each.outcomes.values()}
    ]
    if found:
        again = " ".join(f"--student {who}" for who in found)
        print(f"out of time: {', '.join(found)}. If the machine was busy, try them again when it is not:")
        print(f"  cnnlab grade run {grading.slug} --fresh {again}")


def _agreed() -> bool:
    return sys.stdin.isatty() and input("change them? [y/N] ").strip().lower() in ("y", "yes")


def _failed(grading) -> int:
    from cnnlab.grading.pages import text

    for student, why in grading.failed.items():
        print(text(f"not graded: {student}: {' '.join(why.split())}"), file=sys.stderr)
    return 1 if grading.failed else 0


def _done(arguments: argparse.Namespace, course) -> list[str]:
    """The exercises named, or else those that were graded."""
    graded = [slug for slug in course.slugs() if (course.root / ".cnnlab" / f"{slug}.json").exists()]
    if not arguments.slugs and not graded:
        raise ValueError("nothing was graded yet: run `cnnlab grade run SLUG` first")
    return arguments.slugs or graded


def report(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import reporting

    course = _course(arguments)
    for slug in _done(arguments, course):
        print(f"report: {reporting.report(course, slug)}")


def feedback(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import handback
    from cnnlab.grading.feedback import feedback as pages

    course = _course(arguments)
    for slug in _done(arguments, course):
        print(f"feedback: {len(pages(course, slug))} pages, {course.root / 'feedback'}/STUDENT/{slug}/{slug}.html")
        if arguments.zip:
            path, there, others = handback.archive(course, slug, arguments.zip)
            print(f"to hand back: {path}, {len(there)} students\nin {handback.PLATFORMS[arguments.zip]}")
            if others:
                print(f"not in it, since their files did not come from there: {', '.join(others)}")


def export(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import exporting
    from cnnlab.grading.course import write

    course = _course(arguments)
    table, strangers, waiting = exporting.export(course, _done(arguments, course), arguments.to)
    if strangers:
        says = "Moodle passes over these, whose number in this assignment its archive did not tell"
        print(f"{says}: {', '.join(strangers)}", file=sys.stderr)
    if waiting:
        print(f"waiting for a person, and not final: {', '.join(waiting)}", file=sys.stderr)
    if arguments.out:
        write(arguments.out, table)
        print(f"grades: {arguments.out}")
    else:
        print(table, end="")


def repair(arguments: argparse.Namespace) -> None:
    from cnnlab.grading import repairing

    path, found = repairing.repair(_course(arguments), arguments.file, arguments.exercise, arguments.out)
    for each in found.findings:
        print(f"{each.says} (confidence {each.confidence:.2f})")
    if not found.findings:
        print("nothing was amiss")
    blank = f", {len(found.unedited)} of them as given out" if found.unedited else ""
    print(f"mended: {path}, with {len(found.answers) + len(found.texts)} answers{blank}")
