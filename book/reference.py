"""A Sphinx extension of this book: a page of reference for each module, and the index of techniques as a table.

Sphinx's autodoc reads the docstrings, which are written in MyST Markdown, where autodoc expects reStructuredText;
`restructured` translates the little that they use: code, math, roles.
"""

import ast
import csv
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
SOURCE, PAGES = ROOT / "src/cnnlab", ROOT / "book/api"
# Of these packages a reader calls only the modules that `CALLED` lists; of every other package, all of them.
INNER = {"cli", "data", "grading", "sweep", "widgets"}
WIDGETS = {
    f"widgets.{name}"
    for name in ("activations", "budget", "convolution", "lab", "panel", "paths", "record", "schedules", "signal")
}
CALLED = {"data", "data.dataset", "data.shapes", "sweep.run"} | WIDGETS
# `code`, {role}`text`, $math$ and ``code``, in the order in which they are looked for.
INLINE = re.compile(r"(\{[\w:]+\}`[^`]+`|``[^`]+``|`[^`]+`|\$\$[^$]+\$\$|\$[^$]+\$)")
ROWS, ROW = re.compile(r"\(rows? [^)]+\)"), re.compile(r"[A-Z]\d\d")


def restructured(text: str) -> str:
    """MyST Markdown to reStructuredText, as far as our docstrings go."""
    parts = INLINE.split(text)
    for i, part in enumerate(parts):
        glued = i + 1 < len(parts) and parts[i + 1][:1].isalnum()
        parts[i] = _inline(part) + ("\\ " if i % 2 and glued else "") if i % 2 else _plain(part, i + 1 < len(parts))
    return "".join(parts)


def _inline(part: str) -> str:
    if part.startswith("{"):
        role, content = part[1:].split("}", 1)
        return f":{role}:{content}"
    if part.startswith("$"):
        return f":math:`{part.strip('$')}`"
    return part if part.startswith("``") else f"`{part}`"


def _plain(part: str, more: bool) -> str:
    """Text between: what would be markup there and is not here, escaped; a glued letter kept apart from what follows."""
    part = re.sub(r"([|_]|(?<!\*)\*(?!\*))", r"\\\1", part)
    return part + "\\ " if more and part[-1:].isalnum() else part


def translate(app, what, name, obj, options, lines: list[str]) -> None:
    """autodoc's hook: the lines of a docstring, changed in place."""
    text = restructured("\n".join(lines))
    lines[:] = ROWS.sub(lambda rows: ROW.sub(_link, rows[0]), text).split("\n")


def _link(row: re.Match) -> str:
    return f"`{row[0]} <../techniques.html#{row[0].lower()}>`__"


def modules() -> list[str]:
    """The modules with a page, as dotted names under `cnnlab`: those with public functions or classes."""
    paths = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE or path.stem != "__init__"]
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in paths if _public(path)]
    names = [name.removesuffix(".__init__") for name in names]
    return [name for name in names if name in CALLED or name.split(".")[0] not in INNER]


def _public(path: Path) -> list[str]:
    body = ast.parse(path.read_text("utf8")).body
    kinds = ast.FunctionDef | ast.ClassDef
    return [node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def path_of(name: str) -> Path:
    """The file of a module or package that `modules` names."""
    path = SOURCE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def tables(name: str) -> list[str]:
    """A line for each table of a module, with the names that it knows."""
    found = []
    for node in ast.parse(path_of(name).read_text("utf8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and node.targets[0].id.isupper():
            keys = [f"`{key.value}`" for key in node.value.keys if isinstance(key, ast.Constant)]
            found += [f"**{node.targets[0].id}**: {', '.join(keys)}"] if keys else []
    return found


def page(name: str) -> str:
    """The page of a module."""
    automodule = f"```{{eval-rst}}\n.. automodule:: cnnlab.{name}\n   :members:\n   :member-order: bysource\n```"
    names = "\n\n".join(tables(name))
    return f"# {name}\n\n{automodule}\n" + (f"\n## Names\n\n{names}\n" if names else "")


def write_pages() -> None:
    """Every page that is not there as it should be; those of modules that are gone are taken away."""
    PAGES.mkdir(exist_ok=True)
    texts = {f"{name}.md": page(name) for name in modules()}
    for old in PAGES.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for file, text in texts.items():
        target = PAGES / file
        if not target.exists() or target.read_text("utf8") != text:
            target.write_text(text, "utf8")


class Techniques(SphinxDirective):
    """`{techniques}`: book/techniques.csv as a table, with links to what each row names."""

    def run(self):
        self.env.note_dependency(str(ROOT / "book/techniques.csv"))
        with (ROOT / "book/techniques.csv").open(encoding="utf8", newline="") as file:
            rows = [_row(row, self.config.html_theme_options["repository_url"]) for row in csv.DictReader(file)]
        head = [["Row", "Technique", "In the package", "Tests", "In the book"]]
        lines = [f"{'*' if i == 0 else ' '} - {cell}" for row in head + rows for i, cell in enumerate(row)]
        options = ["```{list-table}", ":header-rows: 1", ":class: techniques", ":widths: 6 30 34 15 15", ""]
        parsed = self.parse_text_to_nodes("\n".join([*options, *lines, "```"]))
        for row in list(parsed[0].findall(nodes.row))[1:]:
            row["ids"].append(row.astext()[:3].lower())  # so that techniques.html#a05 leads to the row
        return parsed


def _row(row: dict[str, str], repository: str) -> list[str]:
    symbols = [f"{{py:obj}}`~{name}`" for name in row["symbol"].split()]
    files = dict.fromkeys(test.split("::")[0] for test in row["test"].split())
    tests = [f"[{Path(file).stem.removeprefix('test_')}]({repository}/blob/main/{file})" for file in files]
    book = [f"[{slug}](../chapters/{slug}.ipynb)" for slug in row["chapter"].split()]
    book += [f"[experiment](#published-{slug}) `{slug}`" for slug in row["experiment"].split()]
    released = f"{repository}/blob/main/exercises/release"
    book += [f"[exercise]({released}/{slug}/{slug}.ipynb) `{slug}`" for slug in row["exercise"].split()]
    return [row["id"], row["name"], ", ".join(symbols), ", ".join(tests), ", ".join(book)]


def setup(app) -> dict:
    write_pages()
    app.connect("autodoc-process-docstring", translate)
    app.add_directive("techniques", Techniques)
    return {"version": "1", "parallel_read_safe": True}
