"""The Paths widget in Chromium: its counts against `cnnlab.arithmetic.paths`, its net against mouse and keyboard."""

import json
import math
import random
import re

import networkx
import pytest
from conftest import ROOT
from model_page import focus, page_of
from traitlets import TraitError

from cnnlab.arithmetic.paths import count_paths, length_histogram, residual_wiring
from cnnlab.widgets import Paths
from cnnlab.widgets.paths import KINDS, RANGES, ways

pytestmark = pytest.mark.browser

# Sets each of the settings on the page, waits for the frame that draws it, and reads what stands there.
READ = """async (list) => {
  const found = [];
  for (const settings of list) {
    Object.entries(settings).forEach(([name, value]) => model.set(name, value));
    await new Promise(requestAnimationFrame);
    const texts = (where) => [...document.querySelectorAll(where)].map((one) => one.textContent);
    found.push({ numbers: model.get("numbers"), facts: texts(".facts b"), verdict: texts(".verdict")[0],
      on: texts(".switch[aria-checked=true]").length, switches: texts(".switch").length, bars: texts("rect.bar").length });
  }
  return found;
}"""


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(blocks=3)`: a page with the widget, drawn."""

    def open_page(views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, Paths(**traits), "paths", views, theme), width=width)
        page.wait_for_function("window.lab")
        return page

    return open_page


def drawn(seed: int) -> dict:
    """A net with up to a third of its ways taken away, and some pairs that it does not have."""
    pick = random.Random(seed)
    settings = {
        "kind": pick.choice(KINDS),
        **{name: pick.randint(low, high) for name, (low, high, _) in RANGES.items()},
    }
    net = [
        [i, layers] for i in range(1, settings["blocks"] + 1) for layers in ways(settings["kind"], settings["branches"])
    ]
    absent = [[10, 4], [10, 0]] if settings["blocks"] < 10 else []
    return settings | {"removed": [*pick.sample(net, pick.randint(0, len(net) // 3)), *absent]}


def is_branch(node):
    return node.startswith("branch")


def wanted(settings):
    """Lengths by `cnnlab.arithmetic.paths`, or {} where input and output are apart."""
    edges = Paths(**settings).wiring()
    graph = networkx.DiGraph(edges)
    graph.add_nodes_from(["input", f"join{settings['blocks']}"])
    if not networkx.has_path(graph, "input", f"join{settings['blocks']}"):
        return {}
    lengths = length_histogram(edges, is_branch)
    assert sum(lengths.values()) == count_paths(edges)
    return lengths


@pytest.mark.rows("P02")
def test_the_counts_of_200_drawn_nets_are_those_of_arithmetic(shown):
    every = [drawn(seed) for seed in range(200)]
    cut = 0
    for settings, found in zip(every, shown().evaluate(READ, every), strict=True):
        lengths = wanted(settings)
        numbers, paths = found["numbers"], sum(lengths.values())
        assert dict(numbers["lengths"]) == lengths and numbers["paths"] == paths and found["bars"] == len(lengths)
        total = len(ways(settings["kind"], settings["branches"])) * settings["blocks"]
        gone = [pair for pair in settings["removed"] if pair[0] <= settings["blocks"]]
        assert (found["switches"], found["on"]) == (total, total - len(gone))
        if not lengths:
            cut += 1
            assert found["facts"] == ["0", "—", "—", "—"] and found["verdict"].startswith("No path is left: block ")
            continue
        mean = sum(length * count for length, count in lengths.items()) / paths
        assert (numbers["shortest"], numbers["longest"]) == (min(lengths), max(lengths))
        assert numbers["mean"] == pytest.approx(mean, rel=1e-12)
        assert found["facts"][:3] == [f"{paths:,}", str(min(lengths)), str(max(lengths))]
        assert float(found["facts"][3]) == pytest.approx(mean, abs=0.005 + 1e-9)
    assert 5 < cut < 100


@pytest.mark.rows("P02")
def test_n_residual_blocks_have_binomial_lengths_and_the_wiring_of_arithmetic(shown):
    every = [{"blocks": n, "removed": []} for n in range(1, 11)]
    for n, found in enumerate(shown().evaluate(READ, every), 1):
        assert dict(found["numbers"]["lengths"]) == {k: math.comb(n, k) for k in range(n + 1)}
        ours, theirs = networkx.DiGraph(Paths(blocks=n).wiring()), networkx.DiGraph(residual_wiring(n))
        assert networkx.is_isomorphic(ours, theirs)


def counts(page):
    return page.evaluate("new Promise((done) => requestAnimationFrame(() => done(model.get('numbers').paths)))")


def test_clicking_a_way_takes_it_away_and_puts_it_back(shown):
    page = shown(blocks=4)
    skip = page.get_by_role("switch", name="Block 2: skip")
    skip.locator(".reach").click(force=True)
    assert counts(page) == 8 and skip.get_attribute("aria-checked") == "false"
    assert page.evaluate("model.get('removed')") == [[2, 0]]
    assert page.locator(".verdict").inner_text().startswith("2 · 1 · 2 · 2 = 8 paths, 50.0 % of the whole net's 16.")
    assert page.locator("text.count").all_text_contents() == ["1", "3", "3", "1"]
    skip.locator(".reach").click(force=True)
    assert counts(page) == 16 and page.evaluate("model.get('removed')") == []


def test_every_way_lies_under_the_pointer_where_it_is_drawn(shown):
    page = shown(kind="branched", branches=4, blocks=5, width=380)
    hit = """() => [...document.querySelectorAll(".switch")].map((one) => {
      const { left, top, width } = one.querySelector(".layer").getBoundingClientRect();
      scrollTo(0, top + scrollY - 300);
      const now = one.querySelector(".layer").getBoundingClientRect();
      return document.elementFromPoint(left - 8, now.top + now.height / 2)?.closest(".switch") === one && width > 0;
    })"""
    assert page.evaluate(hit) == [True] * 20


def test_a_way_is_reached_by_tab_toggled_by_enter_and_space_and_keeps_the_focus(shown):
    page = shown(blocks=3)
    way = focus(page, "switch", "Block 2: branch")
    page.keyboard.press("Enter")
    assert counts(page) == 4
    page.keyboard.press("Space")
    assert counts(page) == 8
    page.keyboard.press("Space")
    assert counts(page) == 4
    assert way.evaluate("(one) => one === document.activeElement") and page.evaluate("scrollY") == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("model.get('removed')") == [[2, 1], [3, 0]]


@pytest.mark.rows("P02")
def test_a_plain_chain_has_one_path_and_loses_it_with_one_layer(shown):
    page = shown(kind="branched", blocks=4, branches=3)
    focus(page, "button", "Plain chain")
    page.keyboard.press("Enter")
    assert counts(page) == 1
    assert (
        "1 path," in page.locator(".verdict").inner_text()
        and "Each passes 12 layers." in page.locator(".verdict").inner_text()
    )
    focus(page, "switch", "Block 3: branch of 3 layers")
    page.keyboard.press("Enter")
    assert counts(page) == 0
    assert page.locator(".verdict").inner_text().startswith("No path is left: block 3 has no way through it.")
    page.get_by_role("button", name="Put all back").click()
    assert counts(page) == 81


def test_every_control_works_from_the_keyboard_and_the_branches_are_hidden_where_nothing_reads_them(shown):
    page = shown(removed=[[1, 0]])
    assert page.get_by_role("slider", name="Branches a block").count() == 0
    focus(page, "combobox", "Net")
    page.keyboard.press("p")
    page.get_by_role("slider", name="Branches a block").wait_for()
    for name, trait in [("Blocks in a row", "blocks"), ("Branches a block", "branches")]:
        field = focus(page, "slider", name)
        assert (int(field.get_attribute("min")), int(field.get_attribute("max"))) == RANGES[trait][:2]
        page.keyboard.press("ArrowRight")
    assert counts(page) == 4**7
    found = page.evaluate("['kind', 'blocks', 'branches', 'removed'].map((name) => model.get(name))")
    assert found == ["branched", 7, 4, []]
    assert page.problems == []


def test_two_views_of_one_model_show_the_same(shown):
    page = shown(views=2, blocks=3)
    page.get_by_role("switch", name="Block 1: skip").nth(1).focus()
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('.switch[aria-checked=false]').length === 2")
    assert len(set(page.locator(".verdict").all_inner_texts())) == 1


def test_the_picture_is_told_in_words(shown):
    page = shown(blocks=2, removed=[[1, 1]])
    assert (
        page.get_by_role("img").get_attribute("aria-label")
        == "Bar chart of 2 paths by length: 1 of length 0, 1 of length 1."
    )
    assert "2 residual blocks" in page.get_by_role("group").get_attribute("aria-label")
    assert re.search(r"n blocks have 2ⁿ", page.locator(".meaning").inner_text())


def test_a_view_taken_away_leaves_nothing_behind(shown):
    page = shown()
    assert page.evaluate("model.listening()") > 0
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme):
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(shown(theme=theme, kind="branched", removed=[[1, 1]])).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 380, 320])
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_net_fits_the_page(shown, width, kind):
    page = shown(width=width, kind=kind, blocks=10, branches=4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn_, wide = page.evaluate(
        "(({ clientWidth, viewBox }) => [clientWidth, viewBox.baseVal.width])(document.querySelector('.net-chart svg'))"
    )
    assert drawn_ >= wide - 1  # drawn to fit, not shrunk


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    state = Paths(blocks=5).get_state()
    model = {"state": {name: state[name] for name in state if name != "layout"}}
    saved = json.dumps({"version_major": 2, "version_minor": 0, "state": {"a": model}}).replace("</", "<\\/")
    tag = '<script type="application/vnd.jupyter.widget-{}+json">{}</script>'
    (tmp_path / "page.html").write_text(
        f"<!doctype html><meta charset='utf-8'><body>{tag.format('state', saved)}"
        f'<script src="{(ROOT / "book/site/widgets/mount.js").as_uri()}"></script>'
        f"{tag.format('view', json.dumps({'model_id': 'a'}))}",
        "utf8",
    )
    page = visit((tmp_path / "page.html").as_uri())
    page.get_by_role("switch", name="Block 5: skip").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.verdict').textContent.includes('= 16 paths')")
    assert page.problems == []


# From Python


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"blocks": 11}, r"blocks 11 is out of range; give 1 to 10 \(blocks in a row\)"),
        ({"branches": 1}, "branches 1 is out of range; give 2 to 4"),
        ({"kind": "dense"}, 'kind "dense" is unknown; choose one of: branched, residual'),
        ({"removed": [[0, 1]]}, r"removed holds \[0, 1\]; give pairs \(block, layers of the way\), block 1 to 10"),
        ({"removed": [[1, 5]]}, r"removed holds \[1, 5\]"),
        ({"removed": ["skip2"]}, "removed holds 'skip2'"),
        ({"removed": [[1, True]]}, r"removed holds \[1, True\]"),
    ],
)
def test_a_setting_out_of_range_says_what_is_allowed(given, message):
    with pytest.raises(TraitError, match=message):
        Paths(**given)
    widget = Paths()
    ((name, value),) = given.items()
    before = getattr(widget, name)
    with pytest.raises(TraitError, match=message):
        setattr(widget, name, value)
    assert getattr(widget, name) == before
