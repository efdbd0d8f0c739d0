"""Keep the notebooks as they are committed: install cell, no outputs but the kept ones, tags for nbval.

    python book/notebooks.py            put every chapter and exercise in order
    python book/notebooks.py --check    only say which are not, and fail if any
    python book/notebooks.py --run      execute the chapters first, to renew the kept outputs

Cells tagged `keep_output` keep theirs, and `pytest --nbval` compares them; all other outputs are dropped, and their
cells tagged `nbval-ignore-output`. The install cell is written from the repository address in `_config.yml`, which is
the only place where that address is stated. What Colab adds to a notebook is dropped.
"""

import argparse
import copy
import sys
from pathlib import Path

import nbformat
import yaml

import cnnlab

ROOT = Path(__file__).parents[1]
OF_COLAB = ("cellView", "colab", "executionInfo", "id", "outputId")  # in the metadata of its cells
INSTALL = """\
# In Colab, or wherever cnnlab is missing: install it. PyTorch and NumPy stay as they are.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("cnnlab") is None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "anywidget>=0.9.13"], check=True)
    subprocess.run([*pip, "--no-deps", "cnnlab @ git+{address}@v{version}"], check=True)"""


def address() -> str:
    """The repository's address, from the book's configuration."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def install_source() -> str:
    return INSTALL.format(address=address(), version=cnnlab.__version__)


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy in the form in which notebooks are committed."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict({k: v for k, v in notebook.metadata.items() if k in {"kernelspec", "rows"}})
    for cell in notebook.cells:
        for name in OF_COLAB:
            cell.metadata.pop(name, None)
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    for number, cell in enumerate(code, start=1):
        _tidy(cell, number)
    return notebook


def _tidy(cell: nbformat.NotebookNode, number: int) -> None:
    tags = cell.metadata.get("tags", [])
    cell.execution_count = None
    if "install" in tags:
        cell.source = install_source()
        tags = [*tags, "hide-input"]
    if "keep_output" in tags:
        tags = [tag for tag in tags if tag != "nbval-ignore-output"]  # left from when its output was not kept
        cell.execution_count = number  # nbval refuses outputs of a cell that says it was never run
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    else:
        cell.outputs = []
        tags = [*tags, "nbval-ignore-output"]
    cell.metadata["tags"] = list(dict.fromkeys(tags))
    cell.metadata.pop("execution", None)


def notebooks() -> list[Path]:
    """Every chapter, and the source of every exercise."""
    return sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("exercises/source/*/*.ipynb")])


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    from nbclient import NotebookClient

    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()


def main() -> int:
    """Put the notebooks in order, or say which are not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a notebook is not in order")
    parser.add_argument("--run", action="store_true", help="execute the chapters first")
    arguments = parser.parse_args()
    untidy = 0
    for path in notebooks():
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
        if arguments.run and path.parent.name == "chapters":
            execute(notebook, path.parent)
        wanted = nbformat.writes(tidy(notebook)) + "\n"
        if wanted != text:
            untidy += 1
            state = "not in order; run python book/notebooks.py" if arguments.check else "done"
            print(f"{path.relative_to(ROOT)}: {state}")
            if not arguments.check:
                path.write_text(wanted, encoding="utf-8")
    return int(arguments.check and untidy > 0)


if __name__ == "__main__":
    sys.exit(main())
