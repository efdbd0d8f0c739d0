"""The record explorer in Chromium: its numbers against `Record`, its page against pointer, keyboard and a file."""

import csv
import dataclasses
import io
import json
import math

import model_page
import pytest
from traitlets import TraitError

from cnnlab import experiment as experiments
from cnnlab import record as records
from cnnlab.record import Record, Run, interval, spread
from cnnlab.widgets import RecordExplorer
from cnnlab.widgets.assemble import esm

pytestmark = pytest.mark.browser

RECORDED = sorted(entry.name[:-5] for entry in experiments.folder().iterdir() if entry.name.endswith(".json"))


def page_of(folder, record="activations", views=1, theme="light", **traits):
    return model_page.page_of(folder, RecordExplorer(record, **traits), "record", views, theme)


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown("depth", views=2)`: a page with the widget, drawn."""

    def open_page(record="activations", *, views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, record, views, theme, **traits), width=width)
        page.locator(".cnnlab-card svg").first.wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """`lab("(lab, table, given) => ...", table, given)`: what that function of the module returns."""
    with model_page.page_to_ask(chromium, page_of(tmp_path_factory.mktemp("lab"), views=0)) as page:
        yield lambda code, table, given=None: page.evaluate(
            f"([table, given]) => ({code})(lab, table, given)", [table, given]
        )


def number(value):
    return math.nan if value is None else value


def four(value: float) -> str:
    return f"{value:.4g}"


# Its numbers

ROWS = """(lab, table, measures) => measures.map((measure) => table.levels.map((_, home) =>
  lab.rowsOf(table, measure, home).map(({ mean, deviation, against }) =>
    [mean, deviation, against?.interval.mean, against?.interval.half, against?.interval.sees,
      against && lab.intervalWords(against.interval)])))"""


@pytest.mark.parametrize("slug", RECORDED)
def test_every_difference_of_every_record_is_that_of_record_difference(lab, slug):
    found, widget = records.load(slug), RecordExplorer(slug)
    table = widget.table
    levels = [
        {each["name"]: each["levels"][place] for each, place in zip(table["factors"], places, strict=True)}
        for places in table["levels"]
    ]
    assert {tuple(level.items()) for level in levels} == {tuple(run.level.items()) for run in found.runs}
    pages = lab(ROWS, table, table["measures"])
    for measure, page in zip(table["measures"], pages, strict=True):
        for home, rows in zip(levels, page, strict=True):
            for level, (mean, deviation, difference, half, sees, words) in zip(levels, rows, strict=True):
                want = spread(found.values(measure, **level))
                assert [four(number(mean)), four(number(deviation))] == [four(one) for one in want]
                if level != home:
                    want = found.difference(measure, level, home)
                    assert (four(number(difference)), four(number(half))) == (four(want.mean), four(want.half))
                    assert sees == want.sees
                    assert words.replace("−", "-").replace("NaN", "nan") == str(want)


@pytest.mark.parametrize("slug", ["initialization", "batch_size", "augmentation"])
def test_final_values_of_curves_are_compared_as_measures_are(lab, slug):
    found, table = records.load(slug), RecordExplorer(slug).table
    assert lab("(lab, table) => Object.keys(lab.measuresOf(table))", table) == table["measures"] + table["curves"]
    pages = lab(ROWS, table, table["curves"])
    levels = [
        {each["name"]: each["levels"][place] for each, place in zip(table["factors"], places, strict=True)}
        for places in table["levels"]
    ]
    for curve, page in zip(table["curves"], pages, strict=True):
        last = [[number(run.curves[curve][-1]) for run in found.at(**level)] for level in levels]
        for values, (_, _, difference, half, *_) in zip(last[1:], page[0][1:], strict=True):
            want = interval([a - b for a, b in zip(values, last[0], strict=True)])
            assert (four(number(difference)), four(number(half))) == (four(want.mean), four(want.half))


CROSSED = [slug for slug in RECORDED if len(records.load(slug).factors) == 2]


@pytest.mark.parametrize("slug", CROSSED)
def test_every_interaction_of_crossed_factors_is_that_of_record_contrast(lab, slug):
    found, table = records.load(slug), RecordExplorer(slug).table
    (outer, firsts), (inner, seconds) = found.factors.items()
    code = """(lab, table) => table.levels.map((_, home) => lab.rowsOf(table, "test_accuracy", home, "interaction")
      .map(({ against }) => against && [against.interval.mean, against.interval.half]))"""
    for (c, d), rows in zip(table["levels"], lab(code, table), strict=True):
        for (a, b), got in zip(table["levels"], rows, strict=True):
            assert (got is None) == (a == c or b == d)
            if got is not None:
                level = lambda i, j: {outer: firsts[i], inner: seconds[j]}  # noqa: E731
                terms = [(1, level(a, b)), (-1, level(a, d)), (-1, level(c, b)), (1, level(c, d))]
                want = found.contrast("test_accuracy", terms)
                assert [four(one) for one in got] == [four(want.mean), four(want.half)]


def made(values: dict[str, list[float | None]], *, seeds=None, **fields) -> Record:
    """A record of one factor from values by level and seed; None is a diverged run."""
    base = records.load("activations")
    runs = [
        Run({"kind": level}, seed, 1.0, "finished" if value is not None else "diverged at step 7",
            {"test_accuracy": value}, {"step": [5], "valid_loss": [value]})
        for level, column in values.items()
        for seed, value in zip(seeds or range(len(column)), column, strict=False)
    ]  # fmt: skip
    changed = {"slug": "made", "factors": {"kind": list(values)}, "seeds": list(range(40)), "runs": runs} | fields
    return dataclasses.replace(base, **changed)


@pytest.mark.parametrize("count", [2, 3, 31, 40])
def test_the_quantile_is_that_of_the_number_of_seeds(lab, count):
    values = [((seed * 7919) % 101) / 10 for seed in range(count)]
    found = made({"a": values, "b": [value**1.5 / 3 for value in values]})
    table = RecordExplorer(found).table
    got = lab("(lab, table) => lab.contrastOf(table, 'test_accuracy', [[1, 1], [-1, 0]]).interval", table)
    want = found.difference("test_accuracy", {"kind": "b"}, {"kind": "a"})
    assert (got["mean"], got["half"], got["n"]) == pytest.approx((want.mean, want.half, count), rel=1e-9)


def test_only_the_seeds_that_both_levels_have_are_compared(lab):
    found = made({"a": [40.0, 42.0, 45.0], "b": [41.0, 44.0]})
    got = lab("(lab, table) => lab.contrastOf(table, 'test_accuracy', [[1, 1], [-1, 0]])", RecordExplorer(found).table)
    assert [one["value"] for one in got["seeds"]] == [1.0, 2.0] and got["interval"]["n"] == 2


def test_the_mean_curve_leaves_diverged_runs_out(lab):
    table = RecordExplorer("initialization").table
    found = records.load("initialization")
    level = {"initialization": "lsuv", "activation": "very_leaky_relu"}  # seed 0 diverged
    place = table["levels"].index([5, 2])
    got = lab("(lab, table, place) => lab.curvesOf(table, 'train_loss', place)", table, place)
    whole = [run.curves["train_loss"] for run in found.at(**level) if not run.diverged]
    assert got["diverged"] == 1 and len(got["seeds"]) == 5
    assert got["mean"]["values"] == pytest.approx(
        [sum(each) / len(each) for each in zip(*whole, strict=True)], rel=1e-12
    )


@pytest.mark.parametrize("slug", RECORDED)
def test_the_state_of_every_record_stays_small(slug):
    assert len(json.dumps(model_page.state_of(RecordExplorer(slug))).encode()) < 60_000


def test_the_module_text_stays_small():
    assert len(esm("record").encode()) < 50_000


# The page


def test_every_seed_of_every_level_is_a_dot_and_the_conditions_are_in_sight(shown):
    page, found = shown("depth"), records.load("depth")
    assert page.locator(".chart").nth(0).locator(".seed").count() == len(found.runs)
    assert page.locator(".chart").nth(1).locator(".seed").count() == len(found.runs) - len(found.seeds)
    assert found.conditions() in page.locator(".conditions").inner_text()
    assert page.locator(".question").inner_text() == experiments.load("depth").question
    assert page.problems == []


def test_a_difference_whose_interval_contains_zero_is_called_cannot_tell(shown):
    page, found = shown("pooling", reference={"pooling": "max"}), records.load("pooling")
    levels = [name for name in found.factors["pooling"] if name != "max"]
    all_found = [found.difference("test_accuracy", {"pooling": name}, {"pooling": "max"}) for name in levels]
    unseen = sum(not one.sees for one in all_found)
    assert unseen  # else this record shows nothing here
    assert page.locator(".chart").nth(1).locator("text", has_text="cannot tell").count() == unseen
    assert f"{unseen} where we cannot tell" in page.locator(".verdict").inner_text()
    whose = "The widest interval where we cannot tell" if unseen > 1 else "Its interval"
    assert f"{whose}: ± " in page.locator(".verdict").inner_text()


def test_another_reference_and_another_measure_change_the_numbers(shown):
    page, found = shown("depth"), records.load("depth")
    page.get_by_role("combobox", name="Compare with").select_option("3")
    page.get_by_role("combobox", name="Measure").select_option("test_loss")
    home, first = ({"net": found.factors["net"][i]} for i in (3, 0))
    page.wait_for_function("document.querySelector('.verdict').textContent.includes('in test loss')")
    assert page.evaluate("[model.get('reference'), model.get('measure')]") == [home, "test_loss"]
    text = page.locator(".chart").nth(1).locator("text").all_text_contents()
    assert found.difference("test_loss", first, home).numbers.replace("-", "−") in text


def test_crossed_factors_can_be_asked_whether_one_depends_on_the_other(shown):
    page, found = shown("augmentation"), records.load("augmentation")
    page.get_by_role("combobox", name="Compare as").select_option("interaction")
    asked = "Does what augmentation does to test accuracy depend on length?"
    page.wait_for_function("(asked) => document.querySelector('.verdict').textContent.startsWith(asked)", arg=asked)
    home, other = {"augmentation": "crop+flip", "length": "long"}, {"augmentation": "none", "length": "short"}
    terms = [(1, other), (-1, {**other, "length": "long"}), (-1, {**home, "length": "short"}), (1, home)]
    words = found.contrast("test_accuracy", terms).numbers.replace("-", "−")
    label = page.locator(".chart").nth(1).get_attribute("aria-label")
    assert f"none instead of crop+flip, at short minus at long: {words} points over 5 seeds" in label
    assert page.locator(".chart").nth(1).locator("text", has_text="0 by itself").count() == 6
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download as CSV").click()
    assert saved.value.suggested_filename == "augmentation-test_accuracy-interaction.csv"


def test_one_factor_has_no_choice_of_contrast(shown):
    assert shown("depth").get_by_role("combobox", name="Compare as").count() == 0


def test_a_record_without_curves_shows_the_rest(shown):
    found = made({"a": [40.0, 41.0], "b": [41.0, 42.5]})
    found = dataclasses.replace(found, runs=[dataclasses.replace(run, curves={}) for run in found.runs])
    page = shown(found)
    assert page.locator(".chart").count() == 2 and page.locator(".seed").count() == 6
    assert page.problems == []


def test_a_diverged_level_says_so_and_has_no_loss(shown):
    page = shown("initialization", measure="test_loss")
    words = page.locator(".chart").nth(0).get_attribute("aria-label")
    assert "He · maxout: no number; 5 of 5 runs diverged" in words
    texts = page.locator(".chart").nth(0).locator("text").all_text_contents()
    assert "all diverged" in texts and "1 diverged" in texts and not any("NaN" in text for text in texts)
    assert "2 without a number" in page.locator(".verdict").inner_text()
    page.evaluate("model.set('measure', 'test_accuracy')")
    page.wait_for_function("document.querySelector('.chart').ariaLabel.includes('counted as chance')")
    assert page.locator(".chart").nth(0).locator(".cross").count() == 6


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"smoke": True}, "A smoke run"),
        ({"fingerprint": "0" * 16}, "Stale: the question has changed"),
        ({"data": {**records.load("activations").data, "linear_accuracy": 99.0}}, "No instrument"),
        ({"slug": "mine"}, "not at hand"),
    ],
)
def test_a_record_that_proves_nothing_says_so_first(shown, fields, words):
    page = shown(dataclasses.replace(records.load("activations"), **fields))
    assert words in page.locator(".warning").inner_text()
    doubt = words.startswith(("A smoke", "Stale"))
    assert page.locator(".verdict").inner_text().startswith("Conclude nothing") == doubt


def test_a_measured_record_has_no_warning(shown):
    assert not shown("activations").locator(".warning").is_visible()


def test_a_record_of_one_seed_has_no_interval(shown):
    page = shown(made({"a": [40.0], "b": [41.0]}, seeds=[0]))
    assert "needs two seeds" in page.locator(".chart").nth(1).get_attribute("aria-label")
    assert page.problems == []


def test_names_of_levels_are_text_and_never_markup(shown):
    page = shown(made({"<img src=x onerror=alert(1)>": [40.0, 41.0], "b&b": [41.0, 42.0]}))
    assert page.locator(".cnnlab-card img").count() == 0
    assert page.locator(".chart").nth(0).locator("text", has_text="<img src=x").count() == 1
    assert page.problems == []


def reach(page, locator, presses=40):
    """Reach an element by the Tab key alone."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if locator.evaluate("(one) => one === document.activeElement"):
            return locator
    raise AssertionError("not reached by Tab")


def test_arrow_keys_read_points_in_words(shown):
    page, found = shown("activations"), records.load("activations")
    names = found.factors["activation"]
    chart, reading = page.locator(".chart").nth(0), page.locator(".reading").nth(0)
    reach(page, chart)
    page.keyboard.press("ArrowDown")
    mean, deviation = spread(found.values("test_accuracy", activation=names[0]))
    assert (
        f"mean {float(four(mean)):g} %" in reading.inner_text()
        and f"{float(four(deviation)):g} over 5" in reading.inner_text()
    )
    page.keyboard.press("ArrowRight")
    first = found.values("test_accuracy", activation=names[0])[0]
    assert reading.inner_text().endswith(f"seed 0: {first:g} %")
    page.keyboard.press("ArrowDown")
    second = found.values("test_accuracy", activation=names[1])[0]
    assert reading.inner_text().endswith(f"seed 0: {second:g} %") and chart.locator(".ring").count() == 1
    page.keyboard.press("Escape")
    assert reading.inner_text().startswith("Hover") and chart.locator(".ring").count() == 0


def test_hover_and_tap_read_the_nearest_point(shown, chromium):
    page = shown("activations")
    dot = page.locator(".chart").nth(1).locator(".seed").nth(2)
    dot.hover(force=True)
    assert (
        "minus" in page.locator(".reading").nth(1).inner_text()
        and "seed 2" in page.locator(".reading").nth(1).inner_text()
    )
    page.locator(".lines .dot").last.click(force=True)
    assert "mean of the runs that finished, step" in page.locator(".reading").nth(2).inner_text()


def test_a_level_s_curves_come_and_go_and_a_seventh_replaces_the_first(shown):
    page = shown("batch_size", shown=[])
    assert page.locator(".lines path.whole").count() == 0
    buttons = page.locator("button.chip")
    for i in range(7):
        buttons.nth(i).click()
    page.wait_for_function(
        "model.get('shown').length === 6 && document.querySelectorAll('.lines path.whole').length === 6"
    )
    names = records.load("batch_size").factors["batch"]
    assert [level["batch"] for level in page.evaluate("model.get('shown')")] == names[1:7]
    assert page.locator(".lines path.thin").count() == 30
    assert [one.get_attribute("aria-pressed") for one in buttons.all()[:8]] == ["false"] + ["true"] * 6 + ["false"]
    buttons.nth(3).press("Space")
    page.wait_for_function("document.querySelectorAll('.lines path.whole').length === 5")


def columns(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_table_and_file_hold_the_same_numbers_as_the_record(shown):
    page, found = shown("label_noise"), records.load("label_noise")
    reach(page, page.locator("summary"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("region", name="Table of these numbers"), 2)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download as CSV").click()
    assert saved.value.suggested_filename == "label_noise-test_accuracy.csv"
    rows, home = columns(saved.value.path().read_text("utf8")), page.evaluate("model.get('reference')")
    shown_cells = [row.locator("th,td").all_inner_texts() for row in page.locator("tbody tr").all()]
    assert len(rows) == len(shown_cells) == 6
    for row, cells in zip(rows, shown_cells, strict=True):
        level = {name: row[name] for name in found.factors}
        mean, deviation = spread(found.values("test_accuracy", **level))
        assert (float(row["mean"]), float(row["sd"])) == pytest.approx((mean, deviation), rel=1e-12)
        assert [float(row[f"seed_{seed}"]) for seed in found.seeds] == found.values("test_accuracy", **level)
        if level != home:
            want = found.difference("test_accuracy", level, home)
            assert (float(row["difference"]), float(row["half_width"])) == pytest.approx(
                (want.mean, want.half), rel=1e-9
            )
            assert row["shows"] == (("higher" if want.mean > 0 else "lower") if want.sees else "cannot tell")
        for full, cell in zip(row.values(), cells, strict=True):
            assert cell in (full, "no number") or float(cell.replace("−", "-")) == float(four(float(full)))


def test_all_curves_are_saved_as_a_file(shown):
    page, found = shown("initialization"), records.load("initialization")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download all curves as CSV").click()
    rows = columns(saved.value.path().read_text("utf8"))
    assert len(rows) == sum(len(run.curves["step"]) for run in found.runs)
    run = found.at(initialization="he", activation="relu")[3]
    mine = [row for row in rows if (row["initialization"], row["activation"], row["seed"]) == ("he", "relu", "3")]
    assert [float(row["valid_accuracy"]) for row in mine] == run.curves["valid_accuracy"]
    lost = next(row for row in rows if row["ended"] == "diverged at step 3")
    assert lost["train_loss"] == "" and lost["step"] == "3"


def test_every_control_is_reached_by_tab(shown):
    page = shown("depth")
    for wanted in [
        page.get_by_role("combobox", name="Measure"),
        page.get_by_role("combobox", name="Compare with"),
        page.locator(".chart").nth(0),
        page.locator(".chart").nth(1),
        page.get_by_role("combobox", name="Curve"),
        page.locator("button.chip").last,
        page.locator(".chart").nth(2),
        page.locator("summary"),
        page.get_by_role("link", name="Download as CSV"),
    ]:
        reach(page, wanted, 12)


def test_two_views_of_one_model_show_the_same_and_leave_nothing_behind(shown):
    page = shown("depth", views=2)
    page.get_by_role("combobox", name="Measure").nth(1).select_option("valid_loss")
    page.wait_for_function(
        "[...document.querySelectorAll('.verdict')].every((p) => p.textContent.includes('in final valid loss'))"
    )
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = shown("augmentation", theme=theme)
    page.locator("summary").click()
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(
    ("slug", "width"), [("initialization", 1100), ("initialization", 380), ("classifier", 380), ("classifier", 320)]
)
def test_the_widget_fits_the_page(shown, slug, width):
    page = shown(slug, width=width)
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in page.locator(".chart svg").all():
        box, edges = (
            chart.bounding_box(),
            chart.locator("text").evaluate_all(
                "(all) => all.map((t) => t.getBoundingClientRect()).map((r) => [r.left, r.right])"
            ),
        )
        assert (
            min(left for left, _ in edges) >= box["x"] - 2
            and max(right for _, right in edges) <= box["x"] + box["width"] + 2
        )


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    page = visit(model_page.mounted_page(tmp_path, RecordExplorer("pool_window")))
    page.get_by_role("combobox", name="Measure").select_option("test_loss")
    page.wait_for_function("document.querySelector('.verdict').textContent.includes('in test loss')")
    assert page.problems == []


# Python's side


@pytest.mark.parametrize(
    ("record", "traits", "message"),
    [
        ("activation", {}, 'there is no record "activation" in the package'),
        (3, {}, "record must be a slug, the path of a .json, or a cnnlab.record.Record; got 3"),
        ("depth", {"measure": "accuracy"}, 'measure "accuracy" is unknown; choose one of: test_accuracy, test_loss'),
        ("depth", {"curve": "test_loss"}, 'curve "test_loss" is unknown; choose one of: train_accuracy'),
        (
            "depth",
            {"reference": {"net": "5"}},
            r"reference must be a measured level of each factor .*; got {'net': '5'}",
        ),
        ("depth", {"contrast": "interaction"}, "needs two crossed factors; this record has one"),
        ("depth", {"contrast": "sum"}, "contrast"),
        ("depth", {"reference": {}}, "reference must be a measured level"),
        ("initialization", {"shown": [{"initialization": "he"}]}, "each of shown must be a measured level"),
        ("depth", {"shown": [{"net": "4 layers"}] * 7}, "at most 6 levels; got 7"),
    ],
)
def test_what_cannot_be_shown_says_what_can(record, traits, message):
    with pytest.raises(TraitError, match=message):
        RecordExplorer(record, **traits)


def test_a_path_is_read_with_the_question_beside_it(tmp_path):
    for ending in ("json", "toml"):
        (tmp_path / f"mine.{ending}").write_text((experiments.folder() / f"depth.{ending}").read_text("utf8"), "utf8")
    assert RecordExplorer(tmp_path / "mine.json").table["standing"] == "measured"
    assert RecordExplorer(str(tmp_path / "mine.json")).table == RecordExplorer("depth").table


@pytest.mark.parametrize("slug", RECORDED)
def test_the_default_reference_changes_nothing_of_the_baseline(slug):
    want = records.load(slug).baseline_level(experiments.load(slug))
    assert RecordExplorer(slug).reference == want
