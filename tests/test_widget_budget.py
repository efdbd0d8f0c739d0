"""The budget explorer in Chromium: its numbers and fronts against Python, its page against pointer, keyboard and a file."""

import csv
import io
import json
import random

import numpy as np
import pytest
from conftest import ROOT
from model_page import focus, page_of, page_to_ask
from traitlets import TraitError

from cnnlab import budgets
from cnnlab import record as records
from cnnlab.arithmetic.pareto import best_within, pareto_front
from cnnlab.record import spread
from cnnlab.widgets import Budget
from cnnlab.widgets.assemble import esm

pytestmark = pytest.mark.browser

SLUGS = ("width", "depth", "small_kernels", "separable_kernels", "input_size", "classifier")


def model(name, parameters, multiply_adds, accuracy=None, milliseconds=None, **more):
    costs = {"parameters": parameters, "multiply_adds": multiply_adds, "milliseconds": milliseconds}
    return {"name": name, **costs, "accuracy": accuracy, **more}


SMALL = [
    model("a", 1000, 900_000, [50.0, 52.0, 51.0], 2.0),
    model("b", 2000, 500_000, [60.0, 61.0, 62.5], 4.0),
    model("c", 4000, 800_000, [60.2, 61.1, 62.4], 3.0),
    model("d", 8000, 4_000_000, [55.0, 54.0, 56.0], 9.0),
]


@pytest.fixture(scope="module")
def measured():
    """The six records, with made times: other numbers a machine would give."""
    found = budgets.of_records(*SLUGS, batch=None)
    rows = [
        {**row, "milliseconds": 3 + row["multiply_adds"] / 1e6 * (1 + i % 4)} for i, row in enumerate(found["rows"])
    ]
    return {"rows": rows, "conditions": found["conditions"] | {"milliseconds": "Made for a test."}}


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(rows, views=2)`: a page with the widget, drawn."""

    def open_page(rows=SMALL, *, views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, Budget(rows, **traits), "budget", views, theme), width=width)
        page.locator(".cnnlab-card .verdict").first.wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """`lab("(lab, given) => ...", given)`: what that function of the module returns."""
    with page_to_ask(chromium, page_of(tmp_path_factory.mktemp("lab"), Budget(SMALL), "budget", 0)) as page:
        yield lambda code, given: page.evaluate(f"(given) => ({code})(lab, given)", given)


def settle(page, words):
    page.wait_for_function("(words) => document.querySelector('.verdict').textContent.includes(words)", arg=words)
    return page.locator(".verdict").first.inner_text()


# Its numbers


def drawn_set(seed, unknown=0.0):
    """Few values and many models, so that ties, duplicates and unknown numbers come up."""
    draw = random.Random(seed)
    values = draw.choice([4, 12, 1000])
    one = lambda: draw.randint(1, values)  # noqa: E731
    rows = []
    for i in range(draw.randint(1, 30)):
        accuracy = None if draw.random() < unknown else one() / values * 100
        rows.append(model(f"m{i}", one(), one(), accuracy, None if draw.random() < unknown else one() / 8))
    return rows


@pytest.mark.rows("P01")
def test_the_front_is_that_of_every_pair_compared_on_200_drawn_sets(lab):
    sets = [[[random.Random(seed * 100 + i).randint(0, 5 + seed % 9) for _ in range(2 + seed % 2)]
             for i, _ in enumerate(range(1 + seed % 40))] for seed in range(200)]  # fmt: skip
    got = lab("(lab, sets) => sets.map(lab.paretoFront)", sets)
    for points, front in zip(sets, got, strict=True):
        brute = [
            i
            for i, p in enumerate(points)
            if all(q == p or any(y > x for x, y in zip(p, q, strict=True)) for q in points)
        ]
        assert front == brute == pareto_front(points)
    assert any(len(front) > len({tuple(points[i]) for i in front}) for points, front in zip(sets, got, strict=True))


@pytest.mark.rows("P01", "M02")
@pytest.mark.parametrize(
    "axes", [("multiply_adds", "accuracy"), ("accuracy", "milliseconds"), ("parameters", "milliseconds")]
)
def test_the_front_over_any_two_axes_is_that_of_python_on_200_drawn_sets(lab, axes):
    sets = [Budget(drawn_set(seed, 0.2)).rows for seed in range(200)]
    got = lab("(lab, { sets, axes }) => sets.map((rows) => lab.frontOf(rows, axes))", {"sets": sets, "axes": axes})
    for rows, groups in zip(sets, got, strict=True):
        value = lambda row, name: row[name] if name != "accuracy" else (row["accuracy"] or [None])[0]  # noqa: E731
        points = {i: tuple(value(row, name) for name in axes) for i, row in enumerate(rows)}
        points = {i: point for i, point in points.items() if None not in point}
        sign = [-1 if name == "accuracy" else 1 for name in axes]
        costs = [[s * x for s, x in zip(sign, point, strict=True)] for point in points.values()]
        want = {list(points)[i] for i in pareto_front(costs)}
        assert {i for group in groups for i in group} == want
        firsts = [points[group[0]][0] for group in groups]
        assert firsts == sorted(firsts) and len(set(firsts)) == len(firsts)
        assert all(len({points[i] for i in group}) == 1 for group in groups)


@pytest.mark.rows("P01")
def test_the_best_within_a_budget_is_that_of_python_on_200_drawn_sets(lab):
    code = """(lab, given) => given.map(([rows, limits]) => {
      const allowed = rows.filter((row) => !lab.broken(row, limits).length);
      return lab.bestOf(allowed).map((i) => allowed[i].name);
    })"""
    given = []
    for seed in range(200):
        rows, draw = drawn_set(seed), random.Random(seed)
        costs = draw.sample(("parameters", "multiply_adds", "milliseconds"), draw.randint(0, 3))
        given.append((Budget(rows).rows, {cost: draw.choice(rows)[cost] for cost in costs}))
    nothing = 0
    for (rows, limits), names in zip(given, lab(code, given), strict=True):
        networks = {row["name"]: {**row, "accuracy": row["accuracy"][0]} for row in rows}
        if not names:
            nothing += 1
            with pytest.raises(ValueError, match="met by at least one"):
                best_within(networks, limits, gain="accuracy")
        else:
            assert names[0] == best_within(networks, limits, gain="accuracy")
    assert 0 < nothing < 100


def test_a_cost_that_is_not_known_meets_no_limit(lab):
    rows = Budget([model("a", 10, 10, 50.0), model("b", 10, 10, 60.0, 5.0)]).rows
    assert lab("(lab, rows) => rows.map((row) => lab.broken(row, { milliseconds: 9 }))", rows) == [["milliseconds"], []]
    assert lab("(lab, rows) => rows.map((row) => lab.broken(row, {}))", rows) == [[], []]


def test_each_step_of_a_slider_lets_one_more_value_in(lab, measured):
    code = """(lab, rows) => { const { scale, count } = lab.stopsOf(rows, "parameters");
      return Array.from({ length: count }, (_, i) => [scale.value(i), scale.position(scale.value(i))]); }"""
    got = lab(code, Budget(**measured).rows)
    want = sorted({row["parameters"] for row in measured["rows"]})
    assert [value for value, _ in got[:-1]] == want[:-1] and got[-1][0] == float("inf")
    assert [place for _, place in got] == list(range(len(want)))


def columns(page):
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download as CSV").click()
    assert saved.value.suggested_filename == "budget.csv"
    return list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf8"))))


@pytest.mark.rows("M02")
def test_table_and_file_hold_what_was_counted_and_what_the_records_say(shown, measured):
    page = shown(**measured, limits={"parameters": 60_000})
    page.locator("summary").first.click()
    rows = columns(page)
    cells = [row.locator("th,td").all_inner_texts() for row in page.locator("tbody tr").all()]
    assert len(rows) == len(cells) == len(measured["rows"]) == 36
    for row, given, seen in zip(rows, measured["rows"], cells, strict=True):
        assert (row["name"], row["source"]) == (given["name"], given["source"])
        assert [int(row["parameters"]), int(row["multiply_adds"])] == [given["parameters"], given["multiply_adds"]]
        assert float(row["milliseconds"]) == given["milliseconds"]
        assert (float(row["accuracy"]), float(row["sd"])) == pytest.approx(spread(given["accuracy"]), rel=1e-12)
        assert row["admissible"] == ("yes" if given["parameters"] <= 60_000 else "no: parameters")
        assert seen[2] == f"{given['parameters']:,}" and seen[3] == f"{given['multiply_adds']:,}"
        assert float(seen[5]) == float(f"{spread(given['accuracy'])[0]:.4g}")
    inside = [row for row in rows if row["admissible"] == "yes"]
    front = pareto_front([(int(row["multiply_adds"]), -float(row["accuracy"])) for row in inside])
    assert [row["name"] for row in inside if row["front"]] == [inside[i]["name"] for i in front]
    assert all(not row["front"] for row in rows if row["admissible"] != "yes")


# What it says


@pytest.mark.rows("P01")
def test_the_verdict_counts_names_the_best_and_says_what_the_seeds_cannot_tell(shown):
    page = shown()
    verdict = page.locator(".verdict").inner_text()
    assert verdict.startswith(
        "4 of 4 models are admissible. Best admissible: c, 61.2 ± 1.1 % over 3 seeds, with 4,000 "
    )
    assert "4,000 parameters, 800,000 multiply-adds and 3 milliseconds." in verdict
    assert verdict.endswith("These seeds cannot tell it from b.")
    page.evaluate("model.set('limits', { parameters: 2000 })")
    verdict = settle(page, "2 of 4")
    assert "admissible; 2 do not meet the limit on parameters. Best admissible: b," in verdict


def test_the_difference_to_the_next_is_that_of_the_record(shown):
    found, record = budgets.of_records("width", batch=None), records.load("width")
    page = shown(**found)
    want = record.difference("test_accuracy", {"width": "2"}, {"width": "1.4"})
    assert want.sees
    verdict = page.locator(".verdict").inner_text()
    assert "Best admissible: width 2," in verdict
    assert f"The next, width 1.4, is behind: the difference is {want.numbers} points." in verdict


def test_equal_nets_of_several_records_are_named_together(shown, measured):
    rows = [{**row, "milliseconds": None} for row in measured["rows"] if row["source"] in ("width", "input size")]
    limit = next(row["multiply_adds"] for row in rows if row["name"] == "width 1")
    page = shown(rows, limits={"multiply_adds": limit})
    assert "Best admissible: width 1 (the same net: side 1)," in page.locator(".verdict").inner_text()
    assert "width 1 = side 1" in page.locator(".named").inner_text()


def test_where_nothing_fits_it_says_which_limit_to_give_up(shown):
    page = shown(limits={"parameters": 1000, "multiply_adds": 500_000})
    verdict = page.locator(".verdict").inner_text()
    assert verdict.startswith("0 of 4 models are admissible; of the 4 outside, 3 do not meet the limit on parameters")
    assert verdict.endswith("Without the limit on parameters, 1 would be.")
    assert "no admissible model" in page.locator(".named").inner_text() and page.locator(".best").count() == 0
    page.get_by_role("button", name="Lift all limits").click()
    settle(page, "4 of 4")
    assert page.get_by_role("button", name="Lift all limits").is_disabled()


def test_without_any_accuracy_nothing_is_called_the_best(shown):
    page = shown([model("a", 10, 400), model("b", 20, 300), model("c", 30, 500)])
    assert (
        page.locator(".verdict")
        .inner_text()
        .endswith("Of none of them is the accuracy known, so none can be called the best.")
    )
    assert "from left to right: 1 b; 2 a." in page.locator(".named").inner_text()
    assert page.get_by_role("slider").count() == 2 and page.problems == []
    assert page.get_by_role("combobox").first.locator("option").all_inner_texts() == ["Parameters", "Multiply-adds"]


def test_a_model_without_both_numbers_is_counted_and_not_drawn(shown):
    page = shown([*SMALL, model("e", 500, 100)])
    assert page.locator(".model").count() == 4
    assert "1 without both numbers is not drawn" in page.locator("figcaption").inner_text()


def test_one_model_is_shown_with_no_slider_that_does_nothing(shown):
    page = shown([model("only", 10, 20, 50.0)])
    assert page.get_by_role("slider").count() == 0 and page.locator(".model").count() == 1
    assert (
        page.locator(".verdict")
        .inner_text()
        .startswith("1 of 1 models is admissible. Best admissible: only, 50 %, with")
    )
    assert page.problems == []


def test_the_conditions_of_every_source_are_on_the_page(shown, measured):
    page = shown(**measured)
    said = page.locator(".conditions").first.inner_text()
    assert said.startswith(budgets.COUNTED + " Made for a test. Accuracy: mean ± standard deviation over seeds.")
    page.get_by_text("Conditions of these numbers").click()
    for slug in SLUGS:
        assert page.locator("details .conditions", has_text=records.load(slug).conditions()).is_visible()


def test_names_are_text_and_never_markup(shown):
    rows = [model("<img src=x onerror=alert(1)>", 10, 20, 50.0, source="<b>s"), model("b&b", 20, 30, 60.0, source="t")]
    page = shown(rows)
    assert page.locator(".cnnlab-card img, .cnnlab-card button b").count() == 0
    assert "<img src=x" in page.locator(".named").inner_text() and page.problems == []


# The page


def test_points_outside_are_dimmed_and_the_front_is_numbered(shown, measured):
    page = shown(**measured, limits={"multiply_adds": 2_000_000})
    outside = sum(row["multiply_adds"] > 2_000_000 for row in measured["rows"])
    assert page.locator(".model").count() == 36 and page.locator(".outside").count() == outside
    numbers = page.locator("text.place").all_text_contents()
    named = page.locator(".named").inner_text().partition("left to right: ")[2]
    assert numbers == [str(i + 1) for i in range(len(named.split("; ")))] and len(numbers) > 2
    assert page.locator("path.theory").count() == 1  # the limit, where it is an axis


def test_the_points_stay_where_they_are_when_a_limit_moves(shown):
    page = shown()
    places = "[...document.querySelectorAll('.model path')].map((one) => one.getAttribute('d')).sort()"
    before = page.evaluate(places)
    page.evaluate("model.set('limits', { milliseconds: 3 })")
    settle(page, "2 of 4")
    assert page.evaluate(places) == before


def test_a_limit_beyond_the_axis_stands_at_its_edge(shown):
    edges = [shown(limits={"multiply_adds": most}).locator("path.theory").bounding_box()["x"] for most in (1, 10**9)]
    box = shown().locator(".chart svg").bounding_box()
    assert box["x"] + 40 < edges[0] < box["x"] + 60 and edges[1] < box["x"] + box["width"]


def test_costs_that_span_far_stand_on_a_logarithmic_axis(shown):
    page = shown([model(str(i), 10**i, 100 + i, 50.0 + i) for i in range(1, 7)], axes=["parameters", "accuracy"])
    paths = "(all) => all.map((one) => one.getAttribute('d'))"
    xs = sorted(float(d[1:].split()[0]) for d in page.locator(".model path").evaluate_all(paths))
    steps = [b - a for a, b in zip(xs, xs[1:], strict=False)]
    assert max(steps) - min(steps) < 0.5
    assert "(logarithmic)" in page.locator(".chart").inner_text()
    page.get_by_role("combobox", name="Horizontal axis").select_option("multiply_adds")
    page.wait_for_function("!document.querySelector('.chart').textContent.includes('(logarithmic)')")


def test_choosing_the_axis_of_the_other_swaps_them(shown):
    page = shown()
    page.get_by_role("combobox", name="Horizontal axis").select_option("accuracy")
    page.wait_for_function("model.get('axes').join() === 'accuracy,multiply_adds'")
    assert page.get_by_role("combobox", name="Vertical axis").input_value() == "multiply_adds"
    assert "Pareto front of the admissible in accuracy and multiply-adds" in page.locator(".named").inner_text()
    page.get_by_role("combobox", name="Vertical axis").select_option("milliseconds")
    page.wait_for_function("document.querySelector('figcaption').textContent.startsWith('Milliseconds, over accuracy')")


def test_a_source_goes_out_of_sight_and_comes_back(shown, measured):
    page = shown(**measured)
    chip = page.get_by_role("button", name="classifier")
    chip.click()
    settle(page, "29 of 29")
    assert chip.get_attribute("aria-pressed") == "false" and page.locator(".model").count() == 29
    for slug in SLUGS[:-1]:
        page.get_by_role("button", name=slug.replace("_", " "), exact=True).click()
    assert settle(page, "No source is in sight") and page.problems == []
    chip.press("Space")
    settle(page, "7 of 7")


def test_limits_are_set_from_the_keyboard_alone(shown):
    page = shown()
    wanted = focus(page, "slider", "Most multiply-adds")
    assert wanted.get_attribute("aria-valuetext") == "any"
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("model.get('limits').multiply_adds === 900000")
    page.wait_for_function("document.activeElement.ariaValueText === '900,000'")
    page.keyboard.press("Home")
    assert "Best admissible: b," in settle(page, "1 of 4 models is admissible")
    page.keyboard.press("End")
    page.wait_for_function("JSON.stringify(model.get('limits')) === '{}'")


def test_every_control_is_reached_by_tab(shown):
    page = shown(limits={"parameters": 4000}, conditions={"models": "Made for a test."})
    for role, name in [
        *(("combobox", f"{way} axis") for way in ("Horizontal", "Vertical")),
        *(("slider", f"Most {cost}") for cost in ("parameters", "multiply-adds", "milliseconds")),
        *(("button", "Lift all limits"), ("button", "models"), ("link", "Download as CSV")),
    ]:
        focus(page, role, name)


def test_arrow_keys_read_the_front_then_the_others_then_those_outside(shown):
    page = shown(limits={"milliseconds": 4})
    page.locator(".chart").focus()
    reading = page.locator(".reading")
    page.keyboard.press("ArrowRight")
    assert reading.inner_text() == (
        "b (models): 61.2 ± 1.3 % over 3 seeds; 2,000 parameters, 500,000 multiply-adds and 4 milliseconds; "
        "number 1 on the front"
    )
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("c (models)") and page.locator(".ring").count() == 1
    page.keyboard.press("ArrowDown")
    assert reading.inner_text().endswith("admissible, off the front")
    page.keyboard.press("ArrowDown")
    assert reading.inner_text().endswith("outside the limit on milliseconds")
    page.keyboard.press("Escape")
    assert reading.inner_text().startswith("Hover") and page.locator(".ring").count() == 0


def test_hover_and_tap_read_the_nearest_model(shown, tmp_path, chromium):
    page = shown()
    page.locator(".model").first.hover(force=True)
    assert "parameters" in page.locator(".reading").inner_text()
    context = chromium.new_context(viewport={"width": 380, "height": 800}, has_touch=True)
    touched = context.new_page()
    touched.goto(page_of(tmp_path, Budget(SMALL), "budget"))
    touched.locator(".model").last.tap(force=True)
    assert "milliseconds" in touched.locator(".reading").inner_text()
    context.close()


def test_two_views_of_one_model_show_the_same_and_leave_nothing_behind(shown):
    page = shown(views=2)
    page.get_by_role("slider", name="Most parameters").nth(1).press("Home")
    page.wait_for_function(
        "[...document.querySelectorAll('.verdict')].every((p) => p.textContent.startsWith('1 of 4'))"
    )
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, measured, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = shown(**measured, theme=theme, limits={"parameters": 30_000}, shown=["width", "depth", "input size"])
    for part in page.locator("summary").all():
        part.click()
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 380, 320])
def test_the_widget_fits_the_page_and_its_labels_the_chart(shown, measured, width):
    page = shown(**measured, width=width)
    for part in page.locator("summary").all():
        part.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator(".chart svg").bounding_box()
    edges = "(all) => all.map((t) => t.getBoundingClientRect()).map((r) => [r.left, r.right, r.top, r.bottom])"
    for name in ("text", "text.place"):
        for left, right, top, bottom in page.locator(f".chart {name}").evaluate_all(edges):
            assert box["x"] - 2 <= left and right <= box["x"] + box["width"] + 2
            assert box["y"] - 2 <= top and bottom <= box["y"] + box["height"] + 2
    numbers = page.locator("text.place").evaluate_all(edges)
    pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[:i]]
    apart = [a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] + 4 or b[3] <= a[2] + 4 for a, b in pairs]
    assert all(apart) and len(numbers) > 3


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit, measured):
    state = Budget(**measured).get_state()
    saved = {"state": {name: state[name] for name in state if name != "layout"}}
    text = json.dumps({"version_major": 2, "version_minor": 0, "state": {"a": saved}}).replace("</", "<\\/")
    tag = '<script type="application/vnd.jupyter.widget-{}+json">{}</script>'
    (tmp_path / "page.html").write_text(
        f"<!doctype html><meta charset='utf-8'><body>{tag.format('state', text)}"
        f'<script src="{(ROOT / "book/site/widgets/mount.js").as_uri()}"></script>'
        f"{tag.format('view', json.dumps({'model_id': 'a'}))}",
        "utf8",
    )
    page = visit((tmp_path / "page.html").as_uri())
    page.get_by_role("slider", name="Most parameters").press("Home")
    settle(page, "not meet the limit on parameters")
    assert page.problems == []


def test_state_and_module_stay_small(measured):
    state = Budget(**measured).get_state()
    traits = {name: state[name] for name in state if not name.startswith("_") and name != "layout"}
    assert len(json.dumps(traits).encode()) < 20_000 and len(esm("budget").encode()) < 48_000


# Python's side

GOOD = {"name": "a", "parameters": 10, "multiply_adds": 20}


@pytest.mark.parametrize(
    ("rows", "traits", "message"),
    [
        ([], {}, r"rows must be a list of at least one dict; got \[\]"),
        ("abc", {}, "rows must be a list of at least one dict; got 'abc'"),
        ([3], {}, r"rows must be a list of at least one dict; got \[3\]"),
        ([{"parameters": 3}], {}, "name of row 0 must be text; got None"),
        ([{**GOOD, "flops": 3}], {}, '"a" has flops; it may have only: name, source, parameters'),
        ([{**GOOD, "parameters": 0}], {}, 'parameters of "a" must be a number above 0; got 0'),
        ([{**GOOD, "parameters": True}], {}, 'parameters of "a" must be a number above 0; got True'),
        ([{**GOOD, "multiply_adds": None}], {}, 'multiply_adds of "a" must be a number above 0; got None'),
        ([{**GOOD, "milliseconds": float("nan")}], {}, 'milliseconds of "a" must be a number above 0 or None; got nan'),
        ([{**GOOD, "accuracy": 101}], {}, 'accuracy of "a" must be percent from 0 to 100, .*; got 101'),
        ([{**GOOD, "accuracy": [50, None]}], {}, 'accuracy of "a" must be percent'),
        ([{**GOOD, "accuracy": "50"}], {}, 'accuracy of "a" must be percent'),
        ([{**GOOD, "source": ""}], {}, "source of \"a\" must be text; got ''"),
        ([{**GOOD, "source": str(i)} for i in range(7)], {}, "the sources must be at most 6"),
        (SMALL, {"axes": ["accuracy", "accuracy"]}, "axes must be two different measures; got"),
        (SMALL, {"axes": ["accuracy"]}, "axes must be two different measures; got"),
        (SMALL, {"axes": ["accuracy", "flops"]}, 'axis "flops" is unknown; choose one of: accuracy, milliseconds'),
        (
            [GOOD],
            {"axes": ["accuracy", "parameters"]},
            'axis "accuracy" is unknown; choose one of: multiply_adds, param',
        ),
        (SMALL, {"limits": {"accuracy": 3}}, 'limit "accuracy" is unknown; choose one of: milliseconds, multiply_adds'),
        (
            SMALL,
            {"limits": {"parameters": 0}},
            "the limit on parameters must be a number above 0; leave it out for none",
        ),
        (SMALL, {"shown": ["width"]}, 'source "width" is unknown; choose one of: models'),
        (SMALL, {"conditions": {"models": 3}}, "conditions must be a sentence for each source or measure"),
    ],
)
def test_what_cannot_be_shown_says_what_can(rows, traits, message):
    with pytest.raises(TraitError, match=message):
        Budget(rows, **traits)


def test_what_is_refused_later_leaves_the_widget_as_it_was():
    widget = Budget(SMALL)
    for name, value in [("axes", ["accuracy"]), ("limits", {"flops": 3}), ("shown", ["none"])]:
        before = getattr(widget, name)
        with pytest.raises(TraitError):
            setattr(widget, name, value)
        assert getattr(widget, name) == before


def test_numbers_of_numpy_are_carried_as_json():
    (row,) = Budget([model("a", np.int64(10), np.float32(2.5), list(np.array([50.0, 51.5])), np.float64(0.5))]).rows
    assert json.loads(json.dumps(row)) == model("a", 10, 2.5, [50.0, 51.5], 0.5, source="models")
