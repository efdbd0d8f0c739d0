"""`cnnlab run`, `cnnlab list`, `cnnlab show`: their arguments, and what each calls."""

import argparse
import sys
from pathlib import Path

from cnnlab import experiment, record
from cnnlab.choices import choose
from cnnlab.claims import claims
from cnnlab.cli import listing, showing
from cnnlab.experiment import Experiment
from cnnlab.record import Record

RUN = """examples:
  cnnlab run initialization --smoke          a few steps of each run: is all in place?
  cnnlab run initialization                  measure it, or go on where it was interrupted
  cnnlab run my.toml --data cifar10-jpeg     your own question, on another data set
"""
LIST = """states:
  missing         not measured yet
  unreadable      the file is no record
  smoke           a short trial run, no result
  stale           the question has changed since it was measured
  outdated        the code has changed since (only --check can tell)
  no instrument   the baseline is less than 15 points above a linear model
  measured        none of these; of a question that is not the book's only "smoke" can be told

examples:
  cnnlab list
  cnnlab list --check            replay the first steps of each level with today's code
  cnnlab list --json | jq '.[] | select(.state != "measured") | .slug'
"""
SHOW = """examples:
  cnnlab show initialization                     the book's record
  cnnlab show records/initialization.json        what `cnnlab run` measured here
  cnnlab show my.toml                            records/my.json, with differences to your baseline
  cnnlab show initialization --measure test_loss --csv > losses.csv
"""


def add(commands) -> None:
    """Add this group's commands to the parser."""
    _add_run(_command(commands, "run", _run, "measure an experiment, or go on with one that was interrupted", RUN))
    listed = _command(commands, "list", _list, "every experiment and the state of its record", LIST)
    listed.add_argument(
        "--check", action="store_true", help="say of each record whether the code has changed under it; slow"
    )
    listed.add_argument("--json", action="store_true", help="print it as JSON")
    shown = _command(commands, "show", _show, "the table of a record: each level with its spread", SHOW)
    shown.add_argument("slug", help="an experiment of the book, the path of a record (.json), or of your own .toml")
    shown.add_argument("--measure", default="test_accuracy", help="which measure (default: test_accuracy)")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print it as CSV, a row a level")
    form.add_argument("--json", action="store_true", help="print it as JSON")


def _command(commands, name: str, call, about: str, epilog: str) -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        name, help=about, description=f"{about}.".capitalize(), epilog=epilog, formatter_class=form
    )
    parser.set_defaults(call=call)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("slug", help="an experiment of the book (see `cnnlab list`), or the path of your own .toml")
    run.add_argument("--size", default="cpu", help="which of the experiment's sizes (default: cpu)")
    run.add_argument("--data", help="another data set than the experiment's, e.g. cifar10-jpeg; the record names it")
    run.add_argument("--device", default="cpu", help="where to train: cpu, or cuda (default: cpu)")
    run.add_argument(
        "--executor",
        default="local",
        metavar="SPEC",
        help="local processes (default), or the address of a Dask scheduler, tcp://host:8786",
    )
    run.add_argument("--workers", type=int, help="how many local processes at most (default: one a core, or one a GPU)")
    run.add_argument("--out", type=Path, default=listing.HERE, help="where runs and record go (default: records)")
    run.add_argument("--smoke", action="store_true", help="two seeds and four steps, to see that all is in place")


def _run(arguments: argparse.Namespace) -> int:
    from cnnlab.cli.progress import Progress, watch
    from cnnlab.sweep.jobs import jobs  # torch is not needed to list or show
    from cnnlab.sweep.run import run, smoked
    from cnnlab.sweep.workers import executor

    asked, out = experiment.load(arguments.slug), arguments.out
    claims(asked)  # a slip in these shows now, and not hours later
    if asked.published:
        record.published(asked.published)
    trained, size = (smoked(asked, arguments.size), "smoke") if arguments.smoke else (asked, arguments.size)
    work = [[(level, seed) for _, level, seed in job.members] for job in jobs(trained, size)]
    progress = Progress(f"{asked.slug}, size {size}", work, _workers(arguments))
    options = {"size": arguments.size, "dataset": arguments.data, "smoke": arguments.smoke, "device": arguments.device}
    try:
        with executor(arguments.executor, arguments.workers) as pool:
            progress.news = getattr(pool, "curves", dict)  # a cluster keeps them to itself
            found = watch(run(asked, out, executor=pool, **options), progress)
    except KeyboardInterrupt:
        kept = f"{len(progress.runs)} finished runs" if progress.runs else "finished runs"
        print(f"interrupted: {kept} are kept in {out}, and the same command goes on", file=sys.stderr)
        return 130
    showing.show(found, "test_accuracy", asked)
    print(f"record: {out / asked.slug}{'.smoke' if arguments.smoke else ''}.json")
    return 0


def _workers(arguments: argparse.Namespace) -> int | None:
    """How many jobs are trained at once; None on a cluster, which workers join and leave."""
    from cnnlab.sweep.processes import places

    return len(places(arguments.device)[: arguments.workers]) if arguments.executor == "local" else None


def _list(arguments: argparse.Namespace) -> None:
    (listing.as_json if arguments.json else listing.show)(check=arguments.check)


def _show(arguments: argparse.Namespace) -> None:
    form = showing.as_csv if arguments.csv else showing.as_json if arguments.json else showing.show
    found, asked = _find(arguments.slug)
    form(found, arguments.measure, asked)


def _find(name: str) -> tuple[Record, Experiment | None]:
    """A record, and the experiment it answers where that is at hand."""
    if name.endswith(".toml"):
        asked = experiment.load(name)
        return record.load(listing.HERE / f"{asked.slug}.json"), asked
    slugs = {slug: slug for slug in experiment.slugs()}
    found = record.load(name if name.endswith(".json") else choose(slugs, name, "experiment"))
    return found, experiment.load(found.slug) if found.slug in slugs else None
