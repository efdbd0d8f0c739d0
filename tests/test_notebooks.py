"""The notebooks as they are committed, the form of every chapter, and the repository's address wherever it stands."""

import ast
import os
import re
import statistics
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import ROOT, book_script

CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
RELEASES = sorted(ROOT.glob("exercises/release/*/*.ipynb"))
PARTS = ["Predict first", "Then and now", "What you can do now", "Check yourself", "Exercise", "References"]
# Not part of the repository, or not text.
SKIPPED = {".git", ".venv", "_build", "build", "dist", "records", ".cache", "__pycache__"}
TEXT = {".cff", ".css", ".csv", ".html", ".ipynb", ".js", ".json", ".md", ".py", ".svg", ".toml", ".txt", ".yml", ""}
OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|work|mnt|Users|tmp|content)/\w|\b[A-Z]:\\\w+\\")
FETCHES = re.compile(
    r"\burllib|\brequests\b|\bhttpx\b|\bwget\b|\bcurl\b|torch\.hub|https?://|^[!%]\s*pip", re.MULTILINE
)

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
code_cell, markdown_cell = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


@pytest.fixture
def tool():
    return book_script("notebooks")


@pytest.fixture
def elsewhere(tool, tmp_path, monkeypatch):
    """`call("--check")`: the tool on a small repository in a temporary folder; its exit status."""
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    (tmp_path / "_config.yml").write_text("repository: {url: https://example.org/someone/cnnlab}\n", "utf8")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["notebooks.py", *arguments])
        return tool.main()

    return call


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def section(path: Path, title: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", prose(path), re.MULTILINE | re.DOTALL)
    assert found, f"{path.name}: no section ## {title}"
    return found[1]


def bullets(text: str) -> list[str]:
    return re.findall(r"^- .+", text, re.MULTILINE)


def drawn(*tags: str) -> nbformat.NotebookNode:
    """A code cell that was run and said something."""
    said = [nbformat.v4.new_output("execute_result", {"text/plain": "42"}, execution_count=7)]
    return code_cell("6 * 7", execution_count=7, outputs=said, metadata={"tags": list(tags)})


def tidied(tool, cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return tool.tidy(nbformat.v4.new_notebook(cells=[cell])).cells[0]


# The tool


def test_every_notebook_is_in_order(tool, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "--check"])
    assert tool.main() == 0, capsys.readouterr().out


def test_tidying_twice_changes_nothing(tool):
    notebook = nbformat.v4.new_notebook(
        cells=[markdown_cell("# T"), code_cell("", metadata={"tags": ["install"]}), drawn(), drawn("keep_output")],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python", "version": "3.11"},
            "rows": ["I04"],
        },
    )
    once = tool.tidy(notebook)
    assert once != notebook and tool.tidy(once) == once
    assert set(once.metadata) == {"kernelspec", "rows"}


def test_a_notebook_is_copied_and_not_changed(tool):
    notebook = nbformat.v4.new_notebook(cells=[drawn()])
    tool.tidy(notebook)
    assert notebook.cells[0].outputs and notebook.cells[0].execution_count == 7


def test_outputs_are_dropped_and_not_compared(tool):
    cell = tidied(tool, drawn("hide-input"))
    assert cell.outputs == [] and cell.execution_count is None
    assert cell.metadata.tags == ["hide-input", "nbval-ignore-output"]


def test_kept_outputs_stay_and_are_numbered_by_their_place(tool):
    cell = tidied(tool, drawn("keep_output"))
    assert (
        cell.outputs[0]["data"] == {"text/plain": "42"} and cell.outputs[0].execution_count == 1 == cell.execution_count
    )
    assert cell.metadata.tags == ["keep_output"]


def test_a_cell_whose_output_is_kept_from_now_on_is_compared(tool):
    assert tidied(tool, drawn("nbval-ignore-output", "keep_output")).metadata.tags == ["keep_output"]


def test_the_install_cell_is_written_from_the_address_of_the_book(elsewhere, tool, tmp_path):
    paths = [tmp_path / "chapters/joins.ipynb", tmp_path / "exercises/source/joins/joins.ipynb"]
    for path in paths:
        path.parent.mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[code_cell("old", metadata={"tags": ["install"]})]), path)
    assert elsewhere() == 0
    for path in paths:
        cell = nbformat.read(path, as_version=4).cells[0]
        assert "cnnlab @ git+https://example.org/someone/cnnlab@v" in cell.source
        assert cell.metadata.tags == ["install", "hide-input", "nbval-ignore-output"]


def test_check_names_what_is_not_in_order_and_changes_nothing(elsewhere, tmp_path, capsys):
    path = tmp_path / "chapters/joins.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[drawn()]), path)
    before = path.read_bytes()
    assert elsewhere("--check") == 1
    assert capsys.readouterr().out == "chapters/joins.ipynb: not in order; run python book/notebooks.py\n"
    assert path.read_bytes() == before
    assert elsewhere() == 0 and elsewhere("--check") == 0


@pytest.mark.slow
def test_running_renews_what_is_kept(elsewhere, tmp_path):
    path = tmp_path / "chapters/joins.ipynb"
    path.parent.mkdir()
    cell = drawn("keep_output")
    cell.source = "6 * 9"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert elsewhere("--run") == 0
    assert nbformat.read(path, as_version=4).cells[0].outputs[0]["data"] == {"text/plain": "54"}


# The form of a chapter


def test_there_are_chapters():
    assert CHAPTERS


@every_chapter
def test_a_chapter_is_named_by_its_topic(path):
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", path.stem)


@every_chapter
def test_a_chapter_opens_with_title_question_and_three_things(path):
    opening = read(path).cells[0].source
    assert re.match(r"# \w", opening) and re.findall(r"^# ", prose(path), re.MULTILINE) == ["# "]
    assert re.search(r"^\*\*The question\.\*\* .*\?", opening, re.MULTILINE | re.DOTALL)
    promise = opening.partition("After this chapter you will be able to")[2]
    assert len(bullets(promise)) == 3
    assert len(bullets(section(path, "What you can do now"))) == 3


@every_chapter
def test_a_chapter_has_its_parts_in_order(path):
    titles = re.findall(r"^## (.+)$", prose(path), re.MULTILINE)
    assert [title for title in titles if title in PARTS] == PARTS


@every_chapter
def test_a_chapter_installs_first(path, tool):
    first, *rest = cells(path, "code")
    assert "install" in first.metadata.get("tags", []) and first.source == tool.install_source()
    assert not any("install" in cell.metadata.get("tags", []) for cell in rest)


@every_chapter
def test_code_cells_are_few_and_short(path):
    lines = [len(cell.source.splitlines()) for cell in cells(path, "code")[1:]]
    assert 20 <= len(lines) + 1 <= 40
    assert statistics.median(lines) <= 5 and max(lines) <= 15


def draws(source: str, plots: set[str]) -> bool:
    """Whether a cell calls, outside of a function it defines, one of the functions imported from `cnnlab.plots`."""
    parts = [part for part in ast.parse(source).body if not isinstance(part, ast.FunctionDef)]
    calls = [node for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]
    return any(ast.unparse(call.func) in plots for call in calls)


@every_chapter
def test_every_figure_has_alternative_text(path):
    code = cells(path, "code")
    imports = [node for cell in code for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
    plots = {name.asname or name.name for node in imports if "cnnlab.plots" in node.module for name in node.names}
    figures = [cell for cell in code if draws(cell.source, plots)]
    assert figures
    alts = {cell.source: cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "") for cell in figures}
    assert [source for source, alt in alts.items() if len(alt.split()) < 8] == []
    assert len(set(alts.values())) == len(alts), "two figures share one text"


@every_chapter
def test_a_chapter_fetches_nothing_but_its_installation(path):
    found = {cell.source: FETCHES.findall(cell.source) for cell in cells(path, "code")[1:]}
    assert {source: names for source, names in found.items() if names} == {}


@every_chapter
def test_a_chapter_names_no_folder_of_a_machine(path):
    said = [str(output) for cell in cells(path, "code") for output in cell.outputs]
    assert OF_A_MACHINE.findall("\n".join([*(cell.source for cell in read(path).cells), *said])) == []


@every_chapter
def test_a_chapter_is_in_the_table_of_contents(path):
    assert f"file: chapters/{path.stem}\n" in (ROOT / "_toc.yml").read_text("utf8")


@every_chapter
def test_the_exercise_is_linked_in_the_repository_and_in_colab(path):
    linked = set(
        re.findall(
            r"(github\.com|colab\.research\.google\.com)/\S*?(exercises/release/\S+?)[)\s]", section(path, "Exercise")
        )
    )
    files = [p.relative_to(ROOT).as_posix() for p in RELEASES if p.parent.name == path.stem]
    assert files, "release it: exercises/release/ is committed"
    assert linked == {(host, file) for host in ("github.com", "colab.research.google.com") for file in files}


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_a_released_exercise_installs_first(path, tool):
    assert cells(path, "code")[0].source == tool.install_source()


# The repository's address


@cache
def texts() -> dict[Path, str]:
    """Every text file of the repository, by its path."""
    found = {}
    for folder, below, names in os.walk(ROOT):
        below[:] = set(below) - SKIPPED
        for path in (Path(folder, name) for name in names if Path(name).suffix in TEXT):
            found[path.relative_to(ROOT)] = path.read_text("utf8", errors="ignore")
    return found


def repository() -> dict[str, str]:
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["repository"]


def mentions(pattern: str) -> dict[str, set[Path]]:
    """What the pattern finds in the files of the repository, and where; the tests speak of made-up addresses."""
    found = {}
    for path, text in texts().items():
        for match in re.findall(pattern, text) if path.parts[0] != "tests" else ():
            found.setdefault(match, set()).add(path)
    return found


def test_the_address_is_the_same_everywhere():
    url = repository()["url"]
    assert re.fullmatch(r"https://github\.com/[\w-]+/[\w-]+", url), "no slash or .git at the end: it is compared"
    _, owner, name = url.rsplit("/", 2)
    found = mentions(rf"github\.com/[\w-]+/{name}\b") | mentions(rf"google\.com/github/[\w-]+/{name}\b")
    found |= mentions(rf"[\w-]+\.github\.io/{name}\b")
    allowed = {f"github.com/{owner}/{name}", f"google.com/github/{owner}/{name}", f"{owner}.github.io/{name}"}
    assert {address: paths for address, paths in found.items() if address not in allowed} == {}
    assert f"github.com/{owner}/{name}" in found


def test_links_into_the_repository_lead_to_a_file_on_the_published_branch():
    links = mentions(rf"{repository()['url'].partition('//')[2]}/(?:blob|tree|raw|edit)/([\w.-]+/[^\s)\"'#<>\\]+)")
    links |= mentions(r"google\.com/github/[\w-]+/[\w-]+/blob/([\w.-]+/[^\s)\"'#<>\\]+)")
    assert links
    for link, paths in links.items():
        branch, _, file = link.partition("/")
        assert branch == repository()["branch"], f"{paths}: {link}"
        assert (ROOT / file).exists(), f"{paths}: {link}"


def test_links_to_colab_open_a_notebook():
    pattern = r"colab\.research\.google\.com/github/[^\s)\"'<>\\]+"
    assert [link for link in mentions(pattern) if not link.endswith(".ipynb")] == []
