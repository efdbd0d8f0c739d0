"""The index of techniques, book/techniques.csv: what the code, the tests and the notebooks say of each row of the sheet.

    python book/techniques.py            write it anew
    python book/techniques.py --check    only say whether it is up to date

By hand are the columns `id` and `name` alone. A docstring that ends in "(row A05)" or "(rows A05, T05)" makes its symbol
a row's; `@pytest.mark.rows("A05")` makes a test one; the metadata of a chapter or an exercise, `"rows": ["A05"]`, and
the line `rows = ["A05"]` of an experiment's .toml do the same. A cell with several entries separates them by spaces.
"""

import ast
import csv
import io
import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INDEX = ROOT / "book/techniques.csv"
COLUMNS = ("id", "name", "symbol", "test", "chapter", "experiment", "exercise")
NAMED = re.compile(r"\(rows? ([A-Z]\d\d(?:(?:, | and )[A-Z]\d\d)*)\)")
Found = Iterator[tuple[str, str]]


def symbols() -> Found:
    """(row, dotted name) for every public function, class and method of the package whose docstring names rows."""
    for path in sorted((ROOT / "src/cnnlab").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for name, node in public(ast.parse(path.read_text("utf8")), module):
            for ids in NAMED.findall(ast.get_docstring(node) or ""):
                yield from ((row, name) for row in re.findall(r"[A-Z]\d\d", ids))


def public(parent: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for node in parent.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{prefix}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{prefix}.{node.name}")


def tests() -> Found:
    """(row, file::test) for every test with the mark `rows`, its own or its file's."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree, file = ast.parse(path.read_text("utf8")), path.relative_to(ROOT).as_posix()
        everywhere = [row for node in tree.body if _is_pytestmark(node) for row in _marked(node.value)]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [row for mark in node.decorator_list for row in _marked(mark)]
                yield from ((row, f"{file}::{node.name}") for row in dict.fromkeys(everywhere + own))


def _is_pytestmark(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _marked(node: ast.AST) -> list[str]:
    """The rows that calls of `pytest.mark.rows` in an expression name; they must be written out."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and ast.unparse(n.func) == "pytest.mark.rows"]
    arguments = [argument for call in calls for argument in call.args]
    if computed := [ast.unparse(each) for each in arguments if not isinstance(each, ast.Constant)]:
        raise ValueError(f"pytest.mark.rows({', '.join(computed)}): write the rows out, so that they can be read here")
    return [argument.value for argument in arguments]


def notebooks(pattern: str) -> Found:
    """(row, slug) for every notebook whose metadata name rows."""
    for path in sorted(ROOT.glob(pattern)):
        yield from ((row, path.stem) for row in json.loads(path.read_text("utf8"))["metadata"].get("rows", []))


def experiments() -> Found:
    """(row, slug) for every experiment whose `.toml` names rows."""
    for path in sorted((ROOT / "src/cnnlab/experiments").glob("*.toml")):
        yield from ((row, path.stem) for row in tomllib.loads(path.read_text("utf8")).get("rows", []))


def read() -> list[dict[str, str]]:
    with INDEX.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def index() -> str:
    """The text of the index as it should be; a row that is not listed there raises a `ValueError`."""
    sources = {
        "symbol": symbols(),
        "test": tests(),
        "chapter": notebooks("chapters/*.ipynb"),
        "experiment": experiments(),
        "exercise": notebooks("exercises/source/*/*.ipynb"),
    }
    cells, rows = defaultdict(list), read()
    for column, found in sources.items():
        for row, entry in found:
            cells[row, column].append(entry)
    known = {row["id"] for row in rows}
    if unknown := [f"{row} ({entries[0]})" for (row, _), entries in cells.items() if row not in known]:
        raise ValueError(f"no such row in {INDEX.name}: {', '.join(unknown)}. Mend the mark, or list the row there.")
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {column: " ".join(dict.fromkeys(cells[row["id"], column])) for column in sources})
    return text.getvalue()


if __name__ == "__main__":
    current, check = INDEX.read_text("utf8"), "--check" in sys.argv[1:]
    if (new := index()) != current:
        if check:
            sys.exit("book/techniques.csv is not what the code says; run: python book/techniques.py")
        INDEX.write_text(new, "utf8")
