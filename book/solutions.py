"""A Sphinx extension of this book: `{solutions}`, the reference solution of every exercise, folded; `show_solutions` in
_config.yml switches them off for a class that is graded."""

import json
import re
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "exercises/source"
NOT_SHOWN = "The solutions are switched off in this copy of the book."


def solutions(path: Path) -> list[tuple[str, str]]:
    """The questions of a source notebook, each with its heading and the cell that answers it, whole."""
    found, heading = [], ""
    for cell in json.loads(path.read_text("utf8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (title := re.search(r"^## (.+)$", source, re.MULTILINE)):
            heading = title[1]
        elif cell["metadata"].get("nbgrader", {}).get("solution"):
            found.append((heading, re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", source, flags=re.MULTILINE).rstrip()))
    return found


def text(path: Path) -> str:
    """The section of one exercise, in MyST Markdown."""
    slug = path.stem
    lines = [
        f"## {slug.replace('-', ' ').capitalize()}",
        "",
        f"[The exercise](../exercises/release/{slug}/{slug}.ipynb).",
    ]
    for heading, code in solutions(path):
        lines += ["", f":::{{admonition}} {heading}", ":class: dropdown", "```python", code, "```", ":::"]
    return "\n".join(lines)


class Solutions(SphinxDirective):
    """`{solutions}`: all exercises, in the order of their names."""

    def run(self):
        paths = sorted(SOURCE.glob("*/*.ipynb"))
        for path in paths:
            self.env.note_dependency(str(path))
        shown = "\n\n".join(map(text, paths)) if self.config.show_solutions else NOT_SHOWN
        return self.parse_text_to_nodes(shown, allow_section_headings=True)


def setup(app) -> dict:
    app.add_config_value("show_solutions", True, "env")
    app.add_directive("solutions", Solutions)
    return {"version": "1", "parallel_read_safe": True}
