"""Colab, rehearsed: what it asks of a widget, and what it makes of a notebook. Nobody here can open Colab itself."""

import ast
import copy
import importlib.util
import io
import json
import re
import sys
import types

import ipywidgets
import nbformat
import pytest
from anywidget._util import enable_custom_widget_manager_once
from conftest import ROOT

import cnnlab.widgets
from cnnlab import live

STATE, VIEW = "application/vnd.jupyter.widget-state+json", "application/vnd.jupyter.widget-view+json"
MANAGER = "https://widgets.example.org/manager.min.js"
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))
NOTEBOOKS = [*CHAPTERS, *sorted(ROOT.glob("exercises/source/*/*.ipynb")), *ROOT.glob("book/*.ipynb")]
BUDGET = [{"name": "small", "accuracy": 60.0, "parameters": 1000, "multiply_adds": 10**6}]
NEEDED = {"RecordExplorer": ("initialization",), "Budget": (BUDGET,)}  # what a widget must be given
OWN = [name for name in cnnlab.widgets.__all__ if name != "Panel"]
# They have a history of bugs in Colab, or leave a page that was saved dead; `display(Javascript)` runs in one cell only.
MISSING = {"jslink", "jsdlink", "interact", "interactive", "interactive_output", "interact_manual", "Output"}
MISSING |= {"Javascript", "%%javascript"}

every_widget = pytest.mark.parametrize("name", OWN)


def made(name: str):
    return getattr(cnnlab.widgets, name)(*NEEDED.get(name, ()))


@pytest.fixture
def colab(monkeypatch):
    """`google.colab.output` as Colab's kernel has loaded it; `asked` counts the calls for a custom widget manager."""
    output, widgets = types.ModuleType("google.colab.output"), types.SimpleNamespace(_installed_url=None)
    output._widgets, output.asked = widgets, 0

    def enable_custom_widget_manager():
        output.asked += 1
        widgets._installed_url = MANAGER

    output.enable_custom_widget_manager = enable_custom_widget_manager
    for module in (types.ModuleType("google"), types.ModuleType("google.colab"), output):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    enable_custom_widget_manager_once.cache_clear()
    yield output
    enable_custom_widget_manager_once.cache_clear()


# The custom widget manager


@every_widget
def test_a_widget_asks_for_the_custom_manager_by_being_made(colab, name):
    made(name)
    assert colab.asked == 1


def test_many_widgets_ask_once(colab):
    cnnlab.widgets.Signal(), cnnlab.widgets.Signal(), cnnlab.widgets.Schedules()
    live.lab()
    assert colab.asked == 1


@every_widget
def test_what_is_displayed_names_the_manager_that_was_installed(colab, name):
    widget = made(name)
    data, metadata = widget._repr_mimebundle_()
    assert data[VIEW]["model_id"] == widget.model_id
    assert metadata == {VIEW: {"colab": {"custom_widget_manager": {"url": MANAGER}}}}


def test_the_panel_needs_no_custom_manager(colab):
    live.panel("lr", "activation")
    assert colab.asked == 0


# What must be in no file


def names_used(text: str) -> set[str]:
    """Every name, attribute and imported name of some Python; cell magics by their word."""
    lines = [line for line in text.splitlines() if not re.match(r"\s*[%!]", line)]
    nodes = list(ast.walk(ast.parse("\n".join(lines))))
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    found |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    found |= {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    return found | set(re.findall(r"^%%\w+", text, re.MULTILINE))


@pytest.mark.parametrize(
    "text", ["import ipywidgets as w\nw.jslink(a, b)", "from ipywidgets import interact", "%%javascript\n"]
)
def test_the_scan_finds_what_it_looks_for(text):
    assert names_used(text) & MISSING


def test_no_module_links_in_the_page_or_writes_into_an_output():
    sources = {path: path.read_text("utf8") for path in (ROOT / "src").rglob("*.py")}
    assert {path.name: found for path, text in sources.items() if (found := names_used(text) & MISSING)} == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_does_either(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert {cell.id: found for cell in cells if (found := names_used(cell.source) & MISSING)} == {}


# What goes to the page and back


@every_widget
def test_the_state_survives_json_and_fits_another_of_its_kind(name):
    widget, other = made(name), made(name)
    state = {key: value for key, value in widget.get_state().items() if not key.startswith("_") and key != "layout"}
    sent = json.loads(json.dumps(state, allow_nan=False))
    assert sent == state, "a tuple, a key that is no text, or bytes"
    other.set_state({key: value for key, value in sent.items() if not widget.traits()[key].read_only})
    assert {key: other.get_state()[key] for key in sent} == sent


def test_the_state_of_the_panel_survives_json():
    from ipywidgets.widgets.widget import _remove_buffers

    panel = live.panel("lr", "activation", "seed")
    for part in (panel.button, panel.picture, panel.words, *panel.controls.values()):
        state, _, buffers = _remove_buffers(part.get_state(drop_defaults=True))
        state = {key: value for key, value in state.items() if not isinstance(value, ipywidgets.Widget)}
        assert json.loads(json.dumps(state, allow_nan=False, default=list)) and not buffers


@pytest.mark.parametrize("change", [{}, {"activation": "identity", "lr": 0.3}], ids=["learns", "diverges"])
def test_every_answer_of_the_kernel_survives_json(change):
    member = {"depth": 3, "width": 4, "steps": 50, "batch_size": 32, **change}
    answers = list(live.train([member]))
    assert json.loads(json.dumps(answers, allow_nan=False)) == answers
    assert any("divergedAt" in point for answer in answers for point in answer.get("points", ())) == bool(change)


@every_widget
def test_a_module_text_brings_all_it_needs(name):
    texts = [made(name)._esm, *(cnnlab.widgets.Lab().trainer,) * (name == "Lab")]
    for text in texts:
        static = re.findall(r"^\s*(?:import\b(?!\s*\().*|export .* from .*)", text, re.MULTILINE)
        late = re.findall(r"\bimport\s*\(.*|\bimportScripts\b.*|\brequire\s*\(.*", text)
        remote = [one for one in re.findall(r"https?://[^\"'`\s)]+", text) if "www.w3.org" not in one]
        assert (static, late, remote) == ([], [], [])
        assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|google\.colab", text)


# A notebook that Colab saved


def saved_by_colab(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """As Colab writes it: metadata of its own, the state of widgets without the level `state`, a widget in an output."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata |= {"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    model = {"model_module": "anywidget", "model_name": "AnyModel", "model_module_version": "~0.9.*", "state": {"x": 1}}
    notebook.metadata["widgets"] = {STATE: {"0123abcd": model}}
    for cell in notebook.cells:
        cell.metadata |= {"id": cell.id, "outputId": f"out-{cell.id}", "colab": {"base_uri": "https://localhost:8080/"}}
        if cell.cell_type == "code" and "cnnlab.widgets" in cell.source:
            view = {"text/plain": "Widget()", VIEW: {"version_major": 2, "version_minor": 1, "model_id": "0123abcd"}}
            told = {VIEW: {"colab": {"custom_widget_manager": {"url": MANAGER}}}}
            cell.outputs = [nbformat.v4.new_output("display_data", view, metadata=told)]
    return nbformat.from_dict(notebook)


@pytest.fixture(scope="module")
def tidy():
    spec = importlib.util.spec_from_file_location("book_notebooks", ROOT / "book" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.tidy


def converted(notebook: nbformat.NotebookNode) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter()
    exporter.embed_images = False
    return exporter.from_notebook_node(notebook)[0]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_tidying_what_colab_saved_gives_the_chapter_back_and_it_converts(path, tidy):
    chapter = nbformat.read(path, 4)
    saved = saved_by_colab(chapter)
    with pytest.raises(KeyError, match="state"):
        converted(saved)  # so the rehearsal has the fault that makes nbconvert and GitHub fail
    assert tidy(saved) == chapter
    assert "Try it" in converted(tidy(saved))


@pytest.mark.slow
def test_a_chapter_that_colab_saved_runs_whole_and_then_converts(tmp_path):
    from nbclient import NotebookClient

    notebook = saved_by_colab(nbformat.read(ROOT / "chapters/initialization.ipynb", 4))
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=60, resources=where, skip_cells_with_tag="").execute()  # Colab knows no tags
    assert "Press Train, or move a control." in json.dumps(notebook.metadata.widgets[STATE]["state"])
    assert "cnnlab-card" in converted(notebook)


def test_a_page_of_the_book_is_built_from_what_colab_saved(tmp_path):
    from sphinx.application import Sphinx

    cells = [nbformat.v4.new_markdown_cell("# A title"), nbformat.v4.new_code_cell("from cnnlab.widgets import Lab")]
    nbformat.write(saved_by_colab(nbformat.v4.new_notebook(cells=cells)), tmp_path / "index.ipynb")
    settings = {"extensions": ["myst_nb"], "nb_execution_mode": "off"}
    said, folders = io.StringIO(), (tmp_path / "html", tmp_path / "trees")
    app = Sphinx(tmp_path, None, *folders, "html", confoverrides=settings, status=None, warning=said)
    app.build()
    assert app.statuscode == 0 and said.getvalue() == ""
    page = (tmp_path / "html/index.html").read_text("utf8")
    assert "A title" in page and "widget-state+json" not in page
