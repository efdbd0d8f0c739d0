"""Pages for instructors and students: every text is escaped, nothing in them runs, and they need no network."""

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #566070; --page: #fff; --card: #f4f6f9; --line: #d5dae2;
  --good: #1a7f4b; --part: #9a6200; --bad: #b3261e; --bar: #3b6ea8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #a3adba; --page: #14181e; --card: #1e242c;
  --line: #39424e; --good: #5ccb8f; --part: #e3b04b; --bad: #ff8a80; --bar: #7fb0e6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); } .good { color: var(--good); } .part { color: var(--part); }
.bad { color: var(--bad); } strong.good, strong.part, strong.bad { white-space: nowrap; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } .number { text-align: right; white-space: nowrap; }
td { min-width: 8rem; max-width: 32rem; overflow-wrap: anywhere; } a { color: inherit; }
td.number { min-width: 0; } td svg { max-width: none; } th.number { white-space: normal; } details { margin: .5rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; margin: 1rem 0;
  break-inside: avoid; }
.card h2 { margin: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; justify-content: space-between; }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
summary { cursor: pointer; color: var(--soft); } svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } .fill-bar { fill: var(--bar); }
.fill-good { fill: var(--good); } .fill-part { fill: var(--part); } .fill-bad { fill: var(--bad); }
.axis { stroke: var(--line); }
@media (max-width: 40rem) { td { min-width: 6rem; } .stack thead { display: none; } .stack tr, .stack td { display: block; }
  .stack tr { padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .stack td { padding: 0; border: 0; max-width: none; } }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } .wide { overflow: visible; } }
""".strip()


class Html(str):
    """Text that is markup already; everything else is escaped where it enters a page."""


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element; `class_` and `aria_label` lose their underscores, children that are no `Html` are escaped."""
    inner = "".join(each if isinstance(each, Html) else escape(text(each)) for each in children)
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(text(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return Html(f"<{name}{said}>{inner}</{name}>")


def text(value: object) -> str:
    """A value as text, without what a terminal or a browser would obey: control characters, turns of direction."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " * c.isspace() for c in str(value))


def page(title: str, *body: Html) -> str:
    """A whole page, in which no script, picture, frame, form or address outside can do anything."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = [
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="referrer" content="no-referrer">'),
        tag("title", title),
        Html(f"<style>{STYLE}</style>"),
    ]
    return f'<!doctype html>\n<html lang="en">\n{tag("head", *head)}\n{tag("body", tag("main", *body))}\n</html>\n'


def table(head: list[str], rows: list[list[object]], numbers: tuple[int, ...] = (), stacked: bool = False) -> Html:
    """A table that scrolls by itself where it is wider than the page; columns in `numbers` stand right.

    One that is `stacked` has its cells below each other on a narrow screen.
    """

    def row(kind: str, cells: list[object]) -> Html:
        return tag("tr", *(tag(kind, cell, class_="number" if i in numbers else "") for i, cell in enumerate(cells)))

    whole = tag("table", tag("thead", row("th", head)), tag("tbody", *(row("td", cells) for cells in rows)))
    return tag(
        "div",
        whole,
        class_="wide stack" if stacked else "wide",
        tabindex=0,
        role="region",
        aria_label=", ".join(head[:3]),
    )


def points(value: float) -> str:
    """`2`, `1.5`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
