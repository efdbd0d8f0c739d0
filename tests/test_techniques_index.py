"""The index of techniques says what is there, and what it says is there; the reference reads our docstrings."""

import ast
import csv
import importlib
import importlib.util
import json
import re
import subprocess
import sys

import pytest
from conftest import ROOT, book_script

# Rows of the sheet that no code stands for, each with the reason. Whatever is not here has a symbol and a test.
WITHOUT_CODE: dict[str, str] = {}
SHEET = ROOT.parent / "shared/reference/techniques.json"


@pytest.fixture(scope="module")
def tool():
    return book_script("techniques")


@pytest.fixture(scope="module")
def reference():
    pytest.importorskip("sphinx", reason="the book's tools are not installed: pip install -e '.[book]'")
    return book_script("reference")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (ROOT / "book/techniques.csv").open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_index_is_what_code_tests_and_notebooks_say(tool):
    assert tool.index() == tool.INDEX.read_text("utf8"), "run: python book/techniques.py"


def test_every_symbol_of_the_index_imports(rows):
    for name in sorted({name for row in rows for name in row["symbol"].split()}):
        parts = name.split(".")
        module = next(".".join(parts[:n]) for n in range(len(parts), 0, -1) if _is_module(parts[:n]))
        found = importlib.import_module(module)
        for part in name.removeprefix(f"{module}.").split("."):
            found = getattr(found, part)


def _is_module(parts: list[str]) -> bool:
    path = ROOT.joinpath("src", *parts)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.slow
def test_every_test_of_the_index_is_collected(rows):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    collected = {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}
    named = {test for row in rows for test in row["test"].split()}
    assert sorted(named - collected) == []


def test_every_row_of_the_sheet_is_in_the_index(rows):
    if not SHEET.exists():
        pytest.skip(f"the technique sheet is not beside this checkout: {SHEET}")
    assert [row["id"] for row in rows] == [row["id"] for row in json.loads(SHEET.read_text("utf8"))]


def test_every_row_has_a_symbol_and_a_test(rows):
    empty = [row["id"] for row in rows if not (row["symbol"] and row["test"])]
    assert sorted(empty) == sorted(WITHOUT_CODE)


def test_a_mark_with_an_unknown_row_is_refused(tool, monkeypatch):
    monkeypatch.setattr(tool, "symbols", lambda: iter([("Y99", "cnnlab.nothing")]))
    with pytest.raises(ValueError, match=r"no such row in techniques.csv: Y99 \(cnnlab.nothing\). Mend the mark"):
        tool.index()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Says (row A05).", ["A05"]),
        ("Says (rows A05, T05 and N01).", ["A05", "T05", "N01"]),
        ("A row of 3 A05 numbers.", []),
    ],
)
def test_rows_are_read_from_a_docstring(tool, text, ids):
    assert [row for found in tool.NAMED.findall(text) for row in re.findall(r"[A-Z]\d\d", found)] == ids


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("`he_` of $x_i^2$", "``he_`` of :math:`x_i^2`"),
        ("see {cite:t}`he2015delving`.", "see :cite:t:`he2015delving`."),
        ("2$k$x and |kernel|", r"2\ :math:`k`\ x and \|kernel\|"),
        ("of shape N*H and he_", r"of shape N\*H and he\_"),
        ("**bold** stays", "**bold** stays"),
        ("``as is_``", "``as is_``"),
    ],
)
def test_markdown_becomes_what_autodoc_reads(reference, ours, theirs):
    assert reference.restructured(ours) == theirs


def test_a_page_of_reference_lists_the_names_of_a_table(reference):
    names = "`none`, `flip`, `crop+flip`, `rotate`, `scale`, `crop+flip+rotate`"
    assert reference.tables("techniques.augmentation") == [f"**AUGMENTATIONS**: {names}"]


def test_every_public_function_with_a_page_says_what_it_computes(reference):
    silent = []
    for name in reference.modules():
        for node in ast.parse(reference.path_of(name).read_text("utf8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                silent.append(f"{name}.{node.name}")
    assert silent == []
