"""A Sphinx extension of this book: `{quality}`, how good the exercises' tests are, from the records in `exercises/quality`.

`cnnlab grade check NAME --record` writes them; a test compares each with its exercise.
"""

import json
from itertools import groupby
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

RECORDS = Path(__file__).resolve().parents[1] / "exercises/quality"
ROWS = ["Solution full", "Blank zero", "Right kept", "Wrong caught", "Mutants caught", "Modes disagree"]
ROWS += ["Tests that draw", "Failures", "Nearest threshold"]


def page(records: list[dict]) -> str:
    """A table with a column for each exercise, what was measured where, and why some mutants survive."""
    head = ["", *map(_title, records)]
    lines = zip(ROWS, *map(_column, records), strict=True)
    table = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
    why = f":::{{admonition}} The mutants that survive\n:class: dropdown\n{survivors(records)}\n:::"
    return f"{table}\n\n:::{{div}} conditions\n{_conditions(records)}\n:::\n\n{why}"


def _title(record: dict) -> str:
    return record["slug"].replace("-", " ").capitalize()


def _column(record: dict) -> list[str]:
    verdicts, drawn = record["verdicts"], record["luck"]["tests"].values()
    tries = [each for answers in drawn for each in answers.values()]
    margin = min(each["margin"] for each in tries)
    return [
        *(_share(*both) for both in verdicts["counts"].values()),
        str(len(verdicts["disagree"])),
        str(len(drawn)),
        str(sum(each["failures"] for each in tries)),
        f"{margin} s.d." if margin < 100 else "over 100 s.d.",
    ]


def _share(apart: int, together: int, most: int) -> str:
    return f"{apart} of {most}" if apart == together else f"{apart} and {together} of {most}"


def _conditions(records: list[dict]) -> str:
    seeds, where = min(record["luck"]["seeds"] for record in records), set()
    for verdicts in (record["verdicts"] for record in records):
        versions = verdicts["conditions"]
        where.add(f"{verdicts['isolation']}, Python {versions['python']}, PyTorch {versions['torch']}")
    return (
        "Shares hold in both modes, in the sandbox and in one kernel, unless two are given. Failures are over "
        f"{seeds} seeds for each answer; s.d. are standard deviations. Measured with {'; '.join(sorted(where))}."
    )


def survivors(records: list[dict]) -> str:
    """Why mutants survive, a line for each question and reason."""
    lines = []
    for record in records:
        names = record["verdicts"]["survivors"]
        whys = sorted((name.partition(",")[0], why) for name, why in names.items())
        for (question, why), same in groupby(whys):
            lines.append(f"- {_title(record)}, `{question}`, {len(list(same))}: {why}.")
    return "\n".join(lines)


class Quality(SphinxDirective):
    """`{quality}`: all exercises with a record, in the order of their names."""

    def run(self):
        paths = sorted(RECORDS.glob("*.json"))
        for path in paths:
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(page([json.loads(path.read_text("utf8")) for path in paths]))


def setup(app) -> dict:
    app.add_directive("quality", Quality)
    return {"version": "1", "parallel_read_safe": True}
