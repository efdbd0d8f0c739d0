"""`cnnlab list`: every experiment of the book and the state of its record, and the records measured here."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cnnlab import experiment
from cnnlab import record as records
from cnnlab.cli.output import console
from cnnlab.cli.table import standing
from cnnlab.experiment import Experiment
from cnnlab.record import Record

HERE = Path("records")  # where `cnnlab run` writes unless told otherwise


@dataclass(frozen=True)
class Entry:
    """One line: `state` is missing, unreadable, smoke, stale, outdated, no instrument, or measured."""

    slug: str
    question: str
    state: str
    path: str | None = None
    runs: int = 0
    data: str = ""
    device: str = ""
    processor: str = ""
    date: str = ""
    outdated: list[str] | None = None  # levels, by their canary; None: not replayed


def entries(*, check: bool = False) -> Iterator[Entry]:
    """What ships with the package, then what lies in `./records`. `check` replays canaries, which takes seconds each."""
    return (_entry(slug, name, check) for slug, name in _names())


def _names() -> list[tuple[str, str]]:
    """Slug, and slug or path, of every entry."""
    here = [(path.name.partition(".")[0], str(path)) for path in sorted(HERE.glob("*.json"))]
    return [(slug, slug) for slug in experiment.slugs()] + here


def _entry(slug: str, name: str, check: bool) -> Entry:
    asked = experiment.load(slug) if slug in experiment.slugs() else None
    question = asked.question if asked else ""
    path = name if name.endswith(".json") else None
    try:
        found = records.load(name)
    except FileNotFoundError:
        return Entry(slug, question, "missing")
    except ValueError:
        return Entry(slug, question, "unreadable", path)
    state = standing(found, asked)
    outdated = _outdated(found, asked) if check and asked and state in ("measured", "no instrument") else None
    machine = {key: found.machine.get(key, "") for key in ("device", "processor")}
    state = "outdated" if outdated else state
    measured = {"runs": len(found.runs), "data": found.data["name"], "date": found.date, "outdated": outdated}
    return Entry(slug, question, state, path, **measured, **machine)


def _outdated(found: Record, asked: Experiment) -> list[str]:
    """The levels whose first losses are not the record's any more: the code has changed under them."""
    from cnnlab.sweep.canary import canary  # torch is not needed to list

    now = canary(asked, found.size)
    return [level for level, losses in found.canary.items() if not _same(now.get(level, []), losses)]


def _same(now: list[float], then: list[float]) -> bool:
    return len(now) == len(then) and all(abs(a - b) <= 1e-6 * abs(b) for a, b in zip(now, then, strict=True))


def show(*, check: bool = False) -> None:
    """Print a line an experiment with its question under it, then the records of `./records`, as soon as each is known."""
    screen = console()
    width = max(len(name) for _, name in _names())
    for entry in entries(check=check):
        line = f"{entry.path or entry.slug:{width}}  {entry.state:13}  {_measured(entry)}"
        screen.print(line.rstrip(), soft_wrap=True)
        if entry.question and not entry.path:
            screen.print(f"  {entry.question}", style="dim", no_wrap=True, overflow="ellipsis")


def _measured(entry: Entry) -> str:
    if not entry.runs:
        return ""
    place = f"{entry.device} ({entry.processor})"
    return f"{entry.runs} runs, {entry.data}, {place}, {entry.date}" + _checked(entry.outdated)


def _checked(outdated: list[str] | None) -> str:
    if outdated is None:
        return ""
    return f"; the code has changed under: {', '.join(outdated)}" if outdated else "; same code"


def as_json(*, check: bool = False) -> None:
    """Print the same as JSON, a table an entry."""
    print(json.dumps([asdict(entry) for entry in entries(check=check)], indent=1, ensure_ascii=False))
