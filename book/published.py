"""A Sphinx extension of this book: the page *Published and ours*, written anew from the experiments and their records."""

import re
from pathlib import Path

from measured import Found, draw, find
from sphinx.util.docutils import SphinxDirective

from cnnlab import experiment as experiments
from cnnlab.claims import Claim, Verdict
from cnnlab.experiment import Level
from cnnlab.plots import label
from cnnlab.record import spread

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "_build/published"
SYMBOLS = {"held": "✓", "contradicted": "✗", "cannot tell": "?", "not counted": "–", "not measured": "–"}
# How to read a figure of one factor, and of two crossed.
READING = {
    1: "small dots are seeds, the bar is the 95 % interval of the difference to {home}, the dashed line: where it "
    "crosses the line, we cannot tell.",
    2: "mean and standard deviation over the seeds, which are small dots; × marks a level at which every seed diverged.",
}
# What a section says first, in the order in which the page has its sections.
STANDING = {
    "measured": "",
    "no instrument": "The baseline, {baseline}, scores {mean:.1f} %, and a linear model on the same pixels {linear:.1f} %. "
    "With less than 15 points between them this is [no instrument](#claims-and-instruments): "
    "the verdicts are shown and not counted.",
    "missing": "Not measured yet.",
    "smoke": "There is only a smoke run, made to see that the machinery works. It says nothing.",
    "stale": "The question was changed after it was measured. It has to be measured again.",
}


def page(found: list[Found], pictures: dict[str, dict[str, str]]) -> str:
    """The generated part of the page; `pictures` holds the addresses of each experiment's figures."""
    found = sorted(found, key=lambda each: list(STANDING).index(each.standing))
    sections = [section(each, pictures.get(each.experiment.slug, {})) for each in found]
    return "\n\n".join(["## All claims", counts(found), summary(found), *sections])


def counts(found: list[Found]) -> str:
    """How many claims there are, how many held, and how many false alarms to expect."""
    every = [verdict for each in found for _, verdict in each.verdicts]
    counted = [verdict.word for each in found if each.standing == "measured" for _, verdict in each.verdicts]
    measured = sum(each.standing == "measured" for each in found)
    words = ", ".join(f"**{counted.count(word)} {word}**" for word in ("held", "contradicted", "cannot tell"))
    asked = f"The sources make {len(every)} claims in {len(found)} experiments"
    if not counted:
        return f"{asked}; none is judged so far."
    return (
        f"{asked}, of which {measured} are measured well enough to judge {len(counted)} claims: {words}. The intervals are "
        f"not corrected for the number of comparisons: if nothing made a difference in any of these {len(counted)}, about "
        f"{0.05 * len(counted):.1f} would still be called held or contradicted."
    )


def summary(found: list[Found]) -> str:
    """A table with a line for each claim."""
    head = ["Claim", "Published", "Ours", "Verdict", "Experiment"]
    lines = [_summary_line(each, *pair) for each in found for pair in each.verdicts]
    return _table([head, *lines], "claims-summary", "46 12 15 15 12")


def _summary_line(each: Found, claim: Claim, verdict: Verdict | None) -> list[str]:
    link = f"[{_title(each)}](#published-{each.experiment.slug})"
    ours = _minus(verdict.interval.numbers) if verdict else "–"
    return [claim.says, _published(each, claim), ours, _badge(_word(each, verdict)), link]


def _word(each: Found, verdict: Verdict | None) -> str:
    if verdict is None:
        return "not measured"
    return verdict.word if each.standing == "measured" else "not counted"


def _badge(word: str) -> str:
    return f'<span class="verdict {word.replace(" ", "-")}">{SYMBOLS[word]} {word}</span>'


def _published(each: Found, claim: Claim) -> str:
    value = claim.published(each.rows)
    return "–" if value is None else _minus(f"{value:+.1f}" if abs(value) >= 1 else f"{value:+.2f}")


def section(each: Found, pictures: dict[str, str]) -> str:
    """All about one experiment."""
    asked = each.experiment
    rows = ", ".join(f'<a href="techniques.html#{row.lower()}">{row}</a>' for row in each.techniques)
    parts = [
        f"(published-{asked.slug})=\n## {_title(each)}",
        asked.question,
        f"Source: {'; '.join(map(_source, asked.sources))}."
        + f" Rows of the [index](techniques.md): {rows}." * bool(rows),
        _state(each),
        "\n".join(_sentence(each, *pair) for pair in each.verdicts),
        asked.reading,
        *(_evidence(each, pictures) if each.is_drawn else []),
    ]
    return "\n\n".join(part for part in parts if part)


def _evidence(each: Found, pictures: dict[str, str]) -> list[str]:
    sources = "; ".join(dict.fromkeys(row["source"] for row in each.rows))
    read = READING[len(each.experiment.factors)].format(home=_home(each))
    caption = f"Published: {sources or 'nothing'}. Ours: {read} {each.record.conditions()}"
    return [_figures(each, pictures), f":::{{div}} conditions\n{caption}\n:::", _levels_table(each)]


def _title(each: Found) -> str:
    return each.experiment.slug.replace("_", " ").capitalize()


def _source(text: str) -> str:
    key, comma, rest = text.partition(",")
    known = re.search(rf"^@\w+{{{re.escape(key)},", (ROOT / "book/references.bib").read_text("utf8"), re.MULTILINE)
    return f"{{cite:t}}`{key}`{comma}{rest}" if known else text


def _state(each: Found) -> str:
    if each.standing == "measured":
        return ""
    fill = {}
    if each.standing == "no instrument":
        level = each.record.baseline_level(each.experiment)
        mean, _ = spread(each.record.values("test_accuracy", **level))
        fill = {"baseline": _name(level), "mean": mean, "linear": each.record.data["linear_accuracy"]}
    return f":::{{div}} standing\n{STANDING[each.standing].format(**fill)}\n:::"


def _name(level: Level) -> str:
    return ", ".join(map(label, level.values()))


def _figures(each: Found, pictures: dict[str, str]) -> str:
    values = {
        "published": lambda level: each.published(level).get("test_accuracy"),
        "ours": lambda level: _mean(each, level),
    }
    images = [
        f"```{{image}} {path}\n:alt: {_order(each, who, values[who])}\n:loading: lazy\n```"
        for who, path in pictures.items()
    ]
    kind = "published-figures crossed" if len(each.experiment.factors) == 2 else "published-figures"
    return "\n".join([f"::::{{div}} {kind}", *images, "::::"])


def _order(each: Found, who: str, value) -> str:
    """The alternative text of a figure: its levels from the best to the last, with their numbers."""
    pairs = [(value(level), _name(level)) for level in each.levels() if value(level) is not None]
    listed = "; ".join(f"{name} {number:.1f}" for number, name in sorted(pairs, reverse=True))
    return f"Test accuracy in percent, {who}, from the best level to the last. {listed}."


def _mean(each: Found, level: Level) -> float:
    return spread(each.record.values("test_accuracy", **level))[0]


def _levels_table(each: Found) -> str:
    seeds = f"{len(each.record.seeds)} seeds"
    head = ["Level", "Published, %", f"Ours, %, {seeds}", f"To {_home(each)}, points", "Place, published → ours"]
    return _table([head, *(_level_line(each, level) for level in each.levels())], "levels-table", "28 14 20 22 16")


def _level_line(each: Found, level: Level) -> list[str]:
    runs, home = each.record.at(**level), each.record.baseline_level(each.experiment)
    mean, deviation = spread(each.record.values("test_accuracy", **level))
    ours, diverged = _minus(f"{mean:.1f} ± {deviation:.1f}"), sum(run.diverged for run in runs)
    ours += f" ({diverged} of {len(runs)} diverged)" if diverged else ""
    to_home = _home(each).partition(" ")[2] if level == home else "–"
    if level != home and len(each.record.seeds) > 1:
        to_home = _minus(str(each.record.difference("test_accuracy", level, home)))
    return [_name(level), _told(each.published(level)), ours, to_home, _place(each, level)]


def _home(each: Found) -> str:
    """What the levels are compared with: the level that changes nothing of the baseline, or else the best one."""
    home = each.experiment.config(each.record.baseline_level(each.experiment), each.record.size)
    return "the baseline" if home == each.experiment.baseline_at(each.record.size) else "the best level"


def _told(row: dict) -> str:
    """A published number with its note, or the note that stands for it."""
    note, value = row.get("note", ""), row.get("test_accuracy")
    return note or "–" if value is None else f"{value:g}" + f" ({note})" * bool(note)


def _place(each: Found, level: Level) -> str:
    """The level's place among those with a published number, there and here."""
    both = [(each.published(other).get("test_accuracy"), _mean(each, other)) for other in each.levels()]
    both = [pair for pair in both if pair[0] is not None]
    told, ours = each.published(level).get("test_accuracy"), _mean(each, level)
    places = (
        [1 + sum(pair[i] > value for pair in both) for i, value in enumerate((told, ours))] if told is not None else []
    )
    return " → ".join(map(str, places)) or "–"


def _sentence(each: Found, claim: Claim, verdict: Verdict | None) -> str:
    word = verdict.word if verdict else "not measured"
    told = "" if claim.published(each.rows) is None else f" Published: {_published(each, claim)}."
    return f"- {_badge(word)} {claim.says}{told} {_minus(verdict.measured) if verdict else ''}"


def _minus(text: str) -> str:
    """A true minus, and no line break within mean and interval."""
    return re.sub(r"-(?=\d)", "−", text).replace(" ± ", "\u00a0±\u00a0").replace("± ", "±\u00a0")


def _table(rows: list[list[str]], name: str, widths: str) -> str:
    lines = [f"{'*' if i == 0 else ' '} - {cell}" for row in rows for i, cell in enumerate(row)]
    return "\n".join(["```{list-table}", ":header-rows: 1", f":class: {name}", f":widths: {widths}", "", *lines, "```"])


class Published(SphinxDirective):
    """`{published}`: the page of all experiments."""

    def run(self):
        for path in Path(experiments.folder()).rglob("*.*"):
            self.env.note_dependency(str(path))
        found = [find(slug) for slug in experiments.slugs()]
        drawn = {each.experiment.slug: draw(each, FIGURES) for each in found if each.is_drawn}
        pictures = {
            slug: {who: f"/{path.relative_to(ROOT)}" for who, path in paths.items()} for slug, paths in drawn.items()
        }
        return self.parse_text_to_nodes(page(found, pictures), allow_section_headings=True)


def setup(app) -> dict:
    app.add_directive("published", Published)
    return {"version": "1", "parallel_read_safe": True}
