"""book/site/widgets/mount.js keeps anywidget's promises on a page with no kernel, opened as a file."""

import base64
import json

import pytest
from conftest import ROOT, book_script

from cnnlab.widgets.assemble import esm, esm_parts

pytestmark = pytest.mark.browser
shared = book_script("sharing").shared
MOUNT = ROOT / "book/site/widgets/mount.js"
NEEDS_KERNEL = "This control needs a running kernel: open the chapter in Colab or Jupyter."
LATE = """export default { render({ model }) {
    model.on("change:a", () => { throw Error("late"); }); model.set("a", 1); } }"""
SHOW = "export default { render({ model, el }) { el.textContent = %s; } }"


@pytest.fixture
def mounted(tmp_path, visit):
    """`page = mounted({"a": {"state": {...}}}, views=["a", "a"])`: a page as myst-nb writes it; or its state as text."""

    def open_page(models, views):
        whole = {"version_major": 2, "version_minor": 0, "state": models}
        state = models if isinstance(models, str) else json.dumps(whole)
        tags = [f'<script type="application/vnd.jupyter.widget-state+json">{state}</script>']
        tags += [f'<script src="{MOUNT.as_uri()}"></script>']
        tags += [f'<div><script type="application/vnd.jupyter.widget-view+json">{json.dumps({"model_id": view})}'
                 "</script></div>" for view in views]  # fmt: skip
        (tmp_path / "page.html").write_text("<!doctype html><meta charset='utf-8'>" + "\n".join(tags), "utf8")
        return visit((tmp_path / "page.html").as_uri())

    return open_page


def widget(esm, **traits):
    return {"state": {"_esm": esm, **traits}}


def texts(page):
    return page.locator(".cnnlab-widget").all_inner_texts()


def mounted_text(page):
    page.wait_for_function("[...document.querySelectorAll('.cnnlab-widget')].every((el) => el.textContent)")
    return texts(page)


def test_traits_reach_the_widget(mounted):
    page = mounted(
        {"a": widget(SHOW % "model.get('depth') + model.get('names').join()", depth=3, names=["x", "y"])}, ["a"]
    )
    assert mounted_text(page) == ["3x,y"]
    assert page.problems == []


def test_a_nested_binary_trait_arrives_as_a_data_view(mounted):
    data = base64.b64encode(bytes([7, 200])).decode()
    model = widget(SHOW % "(v => `${v.constructor.name} ${v.getUint8(1)}`)(model.get('image').pixels)", image={})
    model["buffers"] = [{"encoding": "base64", "path": ["image", "pixels"], "data": data}]
    assert mounted_text(mounted({"a": model}, ["a"])) == ["DataView 200"]


def test_two_views_share_one_model_and_it_is_initialized_once(mounted):
    esm = """export default {
        initialize({ model }) { model.set("starts", model.get("starts") + 1); },
        render({ model, el }) {
            const draw = () => { el.textContent = `${model.get("starts")}:${model.get("x")}`; };
            model.on("change:x", draw); draw();
            el.onclick = () => { model.set("x", model.get("x") + 1); model.save_changes(); };
        } }"""
    page = mounted({"a": widget(esm, starts=0, x=0), "b": widget(esm, starts=0, x=5)}, ["a", "a", "b"])
    assert mounted_text(page) == ["1:0", "1:0", "1:5"]
    page.locator(".cnnlab-widget").first.click()
    assert texts(page) == ["1:1", "1:1", "1:5"]


def test_a_text_that_the_page_keeps_once_arrives_whole(mounted):
    """As book/sharing.py writes it: places in a list, joined line by line; with a closing tag in it, too."""
    saved = {
        "a": widget(SHOW % "model.get('x') + model.get('y')", x="long </script> " * 100, y="z"),
        "b": widget(SHOW % 2),
    }
    saved["b"]["state"]["_esm"] = esm("signal")
    state = shared(json.dumps({"version_major": 2, "version_minor": 0, "state": saved}))
    assert shared(state) == state and "</script>" not in state
    assert len(json.loads(state)["texts"]) == 1 + len(esm_parts("signal"))
    page = mounted(state, ["a"])
    assert mounted_text(page) == ["long </script> " * 100 + "z"]


@pytest.mark.parametrize("name", ["lab", "schedules"])
def test_two_widgets_keep_their_common_files_once(name):
    alone, both = ({each: widget(esm(each)) for each in names} for names in (["signal"], ["signal", name]))
    sizes = [len(shared(json.dumps({"state": saved}))) for saved in (alone, both)]
    common = set(esm_parts("signal")) & set(esm_parts(name))
    assert sum(map(len, common)) > 5000
    assert sizes[1] - sizes[0] < 1.2 * len(esm(name)) - sum(map(len, common))


def test_one_source_is_imported_once(mounted):
    esm = "globalThis.imports = (globalThis.imports ?? 0) + 1; " + SHOW % "'drawn'"
    page = mounted({name: widget(esm) for name in "abc"}, ["a", "b", "c"])
    assert mounted_text(page) == ["drawn"] * 3
    assert page.evaluate("globalThis.imports") == 1


def test_a_style_shared_by_two_widgets_is_added_once(mounted):
    css = ".cnnlab-widget { color: rgb(1, 2, 3); }"
    page = mounted({name: widget(SHOW % "'x'", _css=css) for name in "ab"}, ["a", "b"])
    assert page.locator("style").count() == 1
    assert page.locator(".cnnlab-widget").first.evaluate("(el) => getComputedStyle(el).color") == "rgb(1, 2, 3)"


def test_events_follow_backbone(mounted):
    esm = """export default { render({ model, el }) {
        const seen = [];
        const note = (_, value) => seen.push(value);
        const silent = () => seen.push("silent");
        model.on("change:a change:b", note);
        model.on("change", () => seen.push("any"));
        model.on("change:a", silent); model.off("change:a", silent);
        model.set("a", 1); model.set("a", 1);       // equal: no event
        model.set("list", [1, 2]);                  // equal by value: no event
        model.set({ a: 2, b: 3 }); model.off(); model.set("a", 9);
        el.textContent = JSON.stringify(seen);
    } }"""
    page = mounted({"a": widget(esm, a=0, b=0, list=[1, 2])}, ["a"])
    assert json.loads(mounted_text(page)[0]) == [1, "any", 2, 3, "any"]


def test_a_module_may_export_a_function(mounted):
    esm = "export default async () => ({ render({ el }) { el.textContent = 'made'; return () => {}; } })"
    assert mounted_text(mounted({"a": widget(esm)}, ["a"])) == ["made"]


def test_cleanups_run_when_the_page_is_left(mounted):
    esm = """export default {
        initialize() { return () => localStorage.setItem("log", localStorage.getItem("log") + " model"); },
        render({ el }) { el.textContent = "x"; return () => localStorage.setItem("log", "view"); } }"""
    page = mounted({"a": widget(esm)}, ["a"])
    mounted_text(page)
    page.evaluate("localStorage.clear(); dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert page.evaluate("localStorage.getItem('log')") is None
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert "view" in page.evaluate("localStorage.getItem('log')")


@pytest.mark.parametrize(
    ("esm", "message"),
    [
        ("export default { render() { throw new Error('no such layer'); } }", "no such layer"),
        ("export default { initialize() { throw new Error('bad trait'); } }", "bad trait"),
        ("export default {{{", "Unexpected token"),
        (LATE, "late"),
    ],
)
def test_an_error_is_shown_in_its_place_and_the_others_live_on(mounted, esm, message):
    page = mounted({"bad": widget(esm), "good": widget(SHOW % "'fine'")}, ["bad", "good"])
    bad, good = mounted_text(page)
    assert good == "fine"
    assert bad.startswith("This widget failed: ")
    assert message in bad
    assert page.get_by_role("alert").count() == 1
    assert [problem for problem in page.problems if message in problem] != []


def test_what_needs_python_says_so_in_one_line(mounted):
    slider = {"model_module": "@jupyter-widgets/controls", "state": {"value": 3}}
    sends = widget("export default { render({ model, el }) { model.send({}); model.send({}); } }")
    page = mounted({"slider": slider, "sends": sends}, ["slider", "sends", "absent"])
    assert mounted_text(page) == [NEEDS_KERNEL] * 3


def test_a_widget_can_ask_whether_its_page_is_static(mounted):
    assert mounted_text(mounted({"a": widget(SHOW % "model.get('_static')")}, ["a"])) == ["true"]
