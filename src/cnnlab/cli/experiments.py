"""`cnnlab run`, `cnnlab list`, `cnnlab show`."""

import argparse
from pathlib import Path

from cnnlab import experiment, record
from cnnlab.choices import choose


def add(commands) -> None:
    """Add this group's commands to the parser."""
    run = commands.add_parser("run", help="measure an experiment, or go on with one that was interrupted")
    run.add_argument("slug", help="an experiment of the book (see `cnnlab list`), or the path of your own .toml")
    run.add_argument("--size", default="cpu", help="which of the experiment's sizes (default: cpu)")
    run.add_argument("--data", help="another data set than the experiment's, e.g. cifar10-jpeg; the record names it")
    run.add_argument("--device", default="cpu", help="where to train (default: cpu, in one process a core)")
    run.add_argument("--out", type=Path, default=Path("records"), help="where runs and record go (default: records)")
    run.add_argument("--smoke", action="store_true", help="a few steps of each run, to see that all is in place")
    run.set_defaults(call=_run)
    commands.add_parser("list", help="every experiment and the state of its record").set_defaults(call=_list)
    show = commands.add_parser("show", help="the table of a record: mean and spread of each level")
    show.add_argument("slug", help="an experiment of the book, or the path of a record (.json)")
    show.add_argument("--measure", default="test_accuracy", help="which measure (default: test_accuracy)")
    show.set_defaults(call=_show)


def _run(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm  # torch and tqdm are not needed to list or show

    from cnnlab.sweep.run import run

    asked = experiment.load(arguments.slug)
    options = {"size": arguments.size, "dataset": arguments.data, "smoke": arguments.smoke, "device": arguments.device}
    with tqdm(desc=asked.slug, unit="run") as bar:
        for state in run(asked, arguments.out, **options):
            bar.total = len(state.seeds) * len(list(asked.levels()))
            bar.update(len(state.runs) - bar.n)
    print(f"record: {arguments.out / asked.slug}{'.smoke' if arguments.smoke else ''}.json")


def _list(_arguments: argparse.Namespace) -> None:
    for slug in experiment.slugs():
        print(f"{slug:28} {_state(slug)}")


def _state(slug: str) -> str:
    try:
        found = record.load(slug)
    except FileNotFoundError:
        return "missing"
    except ValueError:
        return "unreadable"
    if found.smoke:
        return "smoke only"
    state = "stale" if found.is_stale(experiment.load(slug)) else "measured"
    return f"{state}, {len(found.runs)} runs on {found.data['name']}, {found.machine['processor']}, {found.date}"


def _show(arguments: argparse.Namespace) -> None:
    found = record.load(arguments.slug)
    measures = {name: name for run in found.runs for name in run.measures}
    measure = choose(measures, arguments.measure, "measure")
    print(f"{found.slug}: {measure}, mean ± standard deviation over {len(found.seeds)} seeds, {found.data['name']}")
    for level in {tuple(run.level.items()): run.level for run in found.runs}.values():
        values = found.values(measure, **level)
        diverged = sum(run.diverged for run in found.at(**level))
        note = f"   {diverged} of {len(values)} diverged" if diverged else ""
        mean, deviation = record.spread(values)
        print(f"  {' · '.join(level.values()):36} {mean:8.2f} ± {deviation:.2f}{note}")
