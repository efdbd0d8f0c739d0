"""`cnnlab show`: a record as a table to read, as JSON, or as CSV."""

import csv
import json
import math
import sys

from cnnlab.claims import verdicts
from cnnlab.cli.output import console, label
from cnnlab.cli.table import Row, reference, rows, standing
from cnnlab.experiment import Experiment, Level
from cnnlab.record import Record

STANDING = {
    "smoke": "A smoke run: it shows that the machinery turns, and nothing else.",
    "stale": "Stale: the question has changed since. Measure it again.",
    "no instrument": "No instrument: the baseline is less than 15 points above a linear model on the same pixels.",
}


def show(found: Record, measure: str, asked: Experiment | None = None) -> None:
    """Print the table of a record, what it says of each claim, and the conditions under which it stands."""
    screen = console()
    lines, home = rows(found, measure, asked), reference(found, asked)
    sources = list(dict.fromkeys(cell["source"] for row in lines for cell in row.published))
    notes = _notes(standing(found, asked), lines, home)
    claims = [f"- {verdict}" for verdict in (verdicts(asked, found) if asked else ())]
    screen.print(
        f"{found.slug}: {measure}, mean ± standard deviation over {len(found.seeds)} seeds, {found.data['name']}"
    )
    if asked:
        screen.print(asked.question, style="bold")
    screen.print("", _table(lines, home, sources), "", sep="\n")
    for text in [*notes, *_cite(sources), *claims]:
        screen.print(text)
    screen.print(found.conditions(), style="dim")


def as_json(found: Record, measure: str, asked: Experiment | None = None) -> None:
    """Print the table as JSON, with its conditions in words."""
    table = {
        "slug": found.slug,
        "measure": measure,
        "conditions": found.conditions(),
        "standing": standing(found, asked),
        "compared_with": reference(found, asked),
        "levels": [row.plain(measure) for row in rows(found, measure, asked)],
        "claims": [
            {"says": each.claim.says, "verdict": each.word, "measured": each.measured}
            for each in (verdicts(asked, found) if asked else ())
        ],
    }
    print(json.dumps(table, indent=1, ensure_ascii=False))


def as_csv(found: Record, measure: str, asked: Experiment | None = None) -> None:
    """Print the table as CSV, a row a level."""
    table = [row.flat(measure) for row in rows(found, measure, asked)]
    writer = csv.DictWriter(sys.stdout, table[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)


def _table(lines: list[Row], home: Level | None, sources: list[str]):
    from rich.table import Table

    columns = {factor.replace("_", " "): [row.level[factor] for row in lines] for factor in lines[0].level} | {
        "mean ± sd": [f"{row.mean:.2f} ± {row.deviation:.2f}" for row in lines],
        "n": [str(row.n) for row in lines],
        "diverged": [str(row.diverged or "") for row in lines],
        "difference": ["reference" if row.level == home else _difference(row) for row in lines],
        "published": [_published(row, sources) for row in lines],
    }
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in columns:
        right = name in ("mean ± sd", "n", "diverged")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "published")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _difference(row: Row) -> str:
    return str(row.difference) if row.difference and math.isfinite(row.difference.half) else ""


def _published(row: Row, sources: list[str]) -> str:
    """Values, or the note that stands for one, each with the number of its source where there are several."""
    values = (cell["note"] if cell["test_accuracy"] is None else f"{cell['test_accuracy']:g}" for cell in row.published)
    marks = (f" [{sources.index(cell['source']) + 1}]" if len(sources) > 1 else "" for cell in row.published)
    return ", ".join(f"{value}{mark}" for value, mark in zip(values, marks, strict=True))


def _notes(state: str, lines: list[Row], home: Level | None) -> list[str]:
    notes = [STANDING[state]] if state in STANDING else []
    if home:
        notes.append(
            f"difference: to {label(home)}, seed by seed, with the half-width of its 95 % interval. "
            '"cannot tell": zero lies inside; an effect larger than the half-width would probably have been seen.'
        )
    if any(row.diverged for row in lines):
        notes.append("diverged: runs that count at the accuracy of chance.")
    return notes


def _cite(sources: list[str]) -> list[str]:
    marks = [f"[{number}] " for number in range(1, len(sources) + 1)] if len(sources) > 1 else [""] * len(sources)
    return [f"published: {mark}{source}" for mark, source in zip(marks, sources, strict=True)]
