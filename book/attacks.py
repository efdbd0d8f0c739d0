"""A Sphinx extension of this book: `{attacks}`, what hostile submissions came to, drawn from book/attacks.json."""

import json
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

RECORD = Path(__file__).resolve().parent / "attacks.json"
MOST = (2.0, 3.0)  # points of the question that is attacked, and of the other one, which is answered rightly
MUCH = 1500  # MB: more than a process that has only imported torch
SYMBOLS = {True: "✓", False: "✗", None: "–"}
# What may go wrong with plain nbgrader or with ours, and how the page counts it.
FAULTS = {
    "unearned": "points for an answer that had not earned them",
    "lost": "the whole submission lost, the other question included",
    "dear": "earned points taken, or left open for a person",
    "harm": "other harm: secrets, grades and files of others, scripts, processes that stay, the grader itself ended",
}


def page(record: dict) -> str:
    """The generated part of the page, in MyST Markdown."""
    families = dict.fromkeys(row["family"] for row in record["rows"])
    sections = [section(name, [row for row in record["rows"] if row["family"] == name]) for name in families]
    return "\n\n".join(["## In short", counts(record), *sections])


def counts(record: dict) -> str:
    rows, versions = record["rows"], record["versions"]
    tried = [row for row in rows if row["nbgrader"]]
    lines = [
        f"There are **{len(rows)}** attempts. Ours came to what it should in **{_right(rows, 'ours')}** of them. "
        f"Of the {len(tried)} that were tried on plain nbgrader, it came to what it should in "
        f"**{_right(tried, 'nbgrader')}**.",
        _table(
            ["What else happened", "Plain nbgrader", "Ours"],
            [
                [says, *(str(_count(rows, who, fault)) for who in ("nbgrader", "ours"))]
                for fault, says in FAULTS.items()
            ],
            "levels-table",
            "70 15 15",
        ),
        f":::{{div}} conditions\nMeasured {record['date']} with nbgrader {versions['nbgrader']} "
        f"({record['cell_seconds']} s a cell instead of its 30, because the machine was shared), ipykernel "
        f"{versions['ipykernel']}, PyTorch {versions['torch']}; ours at the level *{record['level']}*. "
        "One attempt may stand in several lines of this table.\n:::",
    ]
    return "\n\n".join(lines)


def _right(rows: list[dict], who: str) -> int:
    return sum(not faults(row, who) for row in rows)


def _count(rows: list[dict], who: str, fault: str) -> int:
    return sum(fault in faults(row, who) for row in rows if row[who])


def faults(row: dict, who: str) -> set[str]:
    """The keys of `FAULTS` that a row shows; none where the outcome is as it should be."""
    found = {"harm"} if row[who]["harm"] else set()
    refused = row["ours"]["verdict"] == "refused"  # then nobody can grade it, and no points are lost
    if row[who]["points"] is None:
        return found | (set() if refused else {"lost"})
    mine, other = (each or 0 for each in row[who]["points"])
    if mine > row["deserves"] or other > (0 if refused else MOST[1]):
        found.add("unearned")
    if not refused and (mine < row["deserves"] or other < MOST[1]):
        found.add("dear")
    return found


def section(name: str, rows: list[dict]) -> str:
    lines = [[row["name"], _said(row, "nbgrader"), _said(row, "ours")] for row in rows]
    return f"## {name}\n\n" + _table(["The submission ...", "Plain nbgrader", "Ours"], lines, "attacks", "44 28 28")


def _said(row: dict, who: str) -> str:
    """An outcome in words, with its mark."""
    if row[who] is None:
        return _badge(None, "not tried")
    words, good = [], not faults(row, who)
    if row[who].get("verdict") == "refused":
        words.append("not read; a person looks")
    elif row[who]["points"] is None:
        words.append("whole submission lost")
    else:
        (mine, other), most = row[who]["points"], MOST
        words.append(f"{row[who]['verdict']}, {_points(mine, most[0])}" if who == "ours" else _points(mine, most[0]))
        words += [f"{_points(other, most[1])} in the other question"] if other != most[1] else []
    words += row[who]["harm"]
    if (peak := row[who].get("peak_mb", 0)) > MUCH:
        words.append(f"took {peak / 1000:.1f} GB")
    return _badge(good, "; ".join(words))


def _points(have: float | None, most: float) -> str:
    return f"? of {most:g}, a person looks" if have is None else f"{have:g} of {most:g}"


def _badge(good: bool | None, words: str) -> str:
    kind = {True: "held", False: "contradicted", None: "not-measured"}[good]
    return f'<span class="outcome {kind}">{SYMBOLS[good]} {words}</span>'


def _table(head: list[str], rows: list[list[str]], name: str, widths: str) -> str:
    lines = [f"{'*' if i == 0 else ' '} - {cell}" for row in [head, *rows] for i, cell in enumerate(row)]
    return "\n".join(["```{list-table}", ":header-rows: 1", f":class: {name}", f":widths: {widths}", "", *lines, "```"])


class Attacks(SphinxDirective):
    """`{attacks}`: all of them, by what they try."""

    def run(self):
        self.env.note_dependency(str(RECORD))
        return self.parse_text_to_nodes(page(json.loads(RECORD.read_text("utf8"))), allow_section_headings=True)


def setup(app) -> dict:
    app.add_directive("attacks", Attacks)
    return {"version": "1", "parallel_read_safe": True}
