"""The schedule designer in Chromium: its rates against cnnlab and torch, its page against pointer and keyboard."""

import inspect
import itertools
import math
import random

import model_page
import pytest
from traitlets import TraitError

from cnnlab.techniques import schedules as techniques
from cnnlab.techniques.cycles import range_of, warm_up
from cnnlab.widgets import Schedules
from cnnlab.widgets.assemble import esm
from cnnlab.widgets.schedules import PARAMETERS

pytestmark = pytest.mark.browser


def page_of(folder, views=1, theme="light", **traits):
    return model_page.page_of(folder, Schedules(**traits), "schedules", views, theme)


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(schedule="step", views=2)`: a page with the widget, drawn."""

    def open_page(views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, views, theme, **traits), width=width)
        page.locator(".cnnlab-card svg").first.wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """`lab("(lab, given) => ...", given)`: what that function of the module returns."""
    with model_page.page_to_ask(chromium, page_of(tmp_path_factory.mktemp("lab"), views=0)) as page:
        yield lambda code, given: page.evaluate(f"(given) => ({code})(lab, given)", given)


OTHERS = {
    "linear_cosine": {"periods": 2, "alpha": 0.25, "beta": 0.01},
    "step_every": {"size": 0.2, "gamma": 0.5},
    "triangular": {"cycles": 3, "base": 0.1},
    "triangular2": {"cycles": 4.5, "base": 0.05},
    "exp_range": {"cycles": 2.5, "base": 0.3, "end": 0.02},
}


def settings(lengths, shares=(0.0, 0.05, 0.3)):
    """Every schedule with its defaults and with other parameters, of several lengths and warm-ups."""
    for name, steps, share in itertools.product(PARAMETERS, lengths, shares):
        usual = {key: value[0] for key, value in PARAMETERS[name].items()}
        for own in [{}, OTHERS.get(name)]:
            if own is not None:
                setting = {"schedule": name, "lr": 0.35, "steps": steps, "warm_up": share}
                yield {**setting, "parameters": usual | own}, own


def rates_of(setting, own):
    schedule = techniques.schedule(setting["schedule"])
    rate = (lambda t: schedule(t, **own)) if own else schedule
    rate = warm_up(rate, setting["warm_up"]) if setting["warm_up"] else rate
    return [setting["lr"] * rate(step / setting["steps"]) for step in range(setting["steps"])]


# Its rates


def test_every_schedule_has_the_rates_of_its_technique(lab):
    cases = list(settings([10, 97, 640]))
    pages = lab("(lab, all) => all.map(lab.ratesOf)", [setting for setting, _ in cases])
    for (setting, own), page in zip(cases, pages, strict=True):
        want = rates_of(setting, own)
        assert len(page) == len(want)
        assert max(abs(a - b) for a, b in zip(page, want, strict=True)) < 1e-15, setting


def test_the_schedules_and_their_parameters_are_those_of_the_techniques():
    assert list(PARAMETERS) == list(techniques.SCHEDULES)
    for name, function in techniques.SCHEDULES.items():
        signature = inspect.signature(function).parameters.values()
        defaults = {each.name: each.default for each in signature if each.kind is each.KEYWORD_ONLY}
        if name == "step":  # its places are a constant there
            defaults = dict(zip(("first", "second"), techniques.STEPS, strict=True))
        assert {key: value[0] for key, value in PARAMETERS[name].items()} == defaults


def test_the_sum_and_the_step_by_which_half_of_it_is_spent(lab):
    cases = list(settings([10, 1000], shares=(0.0, 0.3)))
    pages = lab("(lab, all) => all.map((one) => lab.spent(lab.ratesOf(one)))", [setting for setting, _ in cases])
    for (setting, own), page in zip(cases, pages, strict=True):
        rates = rates_of(setting, own)
        assert page["sum"] == pytest.approx(math.fsum(rates), rel=1e-12)
        assert sum(rates[: page["half"]]) >= page["sum"] / 2 * (1 - 1e-12)
        assert sum(rates[: page["half"] - 1]) < page["sum"] / 2 * (1 + 1e-12)


@pytest.mark.parametrize("count", [10, 20, 30, 50, 70, 131])  # 30, 50 and 70 times 0.05 lie between two whole numbers
def test_the_limits_of_a_range_test_are_those_of_range_of(lab, count):
    draw, given = random.Random(count), []
    for _ in range(40):
        rates = [(i + 1) * draw.uniform(0.9, 1.0) / count for i in range(count)]
        top = draw.uniform(0.2, 1.2)
        clean = [0.1 + 0.6 * min(rate, top) - 0.9 * max(0, rate - top) for rate in sorted(rates)]
        given.append({"rates": sorted(rates), "accuracies": [round(each + draw.gauss(0, 0.05), 3) for each in clean]})
    for one, page in zip(given, lab("(lab, all) => all.map((one) => lab.rangeOf(one))", given), strict=True):
        try:
            want = range_of(one["rates"], one["accuracies"])
        except ValueError:
            want = None  # ten noisy points may well fall from the first on
        assert (None if page.get("why") else (page["base"], page["max"])) == want


@pytest.mark.parametrize(
    ("rates", "accuracies", "why"),
    [
        ([i / 9 for i in range(9)], [0.1] * 9, "needs 10 rates or more; here are 9"),
        ([0.1] * 12, [0.1] * 12, "the rates of a range test rise"),
        ([i / 12 for i in range(12)], [0.9 - i / 20 for i in range(12)], "rises nowhere"),
    ],
)
def test_a_range_test_without_limits_says_why_where_range_of_refuses(shown, rates, accuracies, why):
    with pytest.raises(ValueError):
        range_of(rates, accuracies)
    page = shown(rates=rates, accuracies=accuracies)
    assert why in page.locator("figcaption").nth(1).inner_text()
    assert not page.get_by_role("button", name="Use these limits").is_visible()
    assert page.problems == []


@pytest.mark.parametrize("library", ["cnnlab", "torch"])
def test_the_code_that_is_exported_makes_the_same_rates(lab, library):
    cases = list(settings([97], shares=(0.0, 0.1)))
    for first, second in [(0.3, 0.9), (0.8, 0.2)]:
        moved = {"schedule": "step", "lr": 0.02, "steps": 90, "parameters": {"first": first, "second": second}}
        cases += [({**moved, "warm_up": share}, None) for share in (0.0, 0.2)]
    code = """(lab, { all, usual, library }) => all.map((one) => [lab.ratesOf(one),
      library === "torch" ? lab.torchCode(one) : lab.cnnlabCode(one, usual[one.schedule])])"""
    usual = {name: {key: value[0] for key, value in each.items()} for name, each in PARAMETERS.items()}
    pages = lab(code, {"all": [setting for setting, _ in cases], "usual": usual, "library": library})
    for (setting, _), (rates, text) in zip(cases, pages, strict=True):
        made: dict = {}
        exec(compile(text, "cell", "exec"), made)
        assert len(made["rates"]) == setting["steps"]
        assert made["rates"] == pytest.approx(rates, rel=1e-6, abs=1e-9), text
        assert ("cnnlab" in text) == (library == "cnnlab")


def test_the_module_text_stays_small():
    assert len(esm("schedules").encode()) < 55_000


# The page


def handle(page, name):
    return page.locator(".handle").and_(page.get_by_role("slider", name=name, exact=True))


def drag(page, name, right, down):
    box = handle(page, name).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.wait_for_timeout(60)
    page.mouse.up()
    page.wait_for_timeout(60)


def trait(page, name):
    return page.evaluate("(name) => model.get(name)", name)


def test_a_dragged_peak_stays_under_the_pointer_because_the_axis_stands_still(shown):
    page = shown(schedule="cosine")
    box = handle(page, "Peak learning rate").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for far in (60, 110):
        page.mouse.move(x, y + far)
        page.wait_for_timeout(80)
        box = handle(page, "Peak learning rate").bounding_box()
        assert box["y"] + box["height"] / 2 == pytest.approx(y + far, abs=3)
    page.mouse.up()
    assert 0.01 < trait(page, "lr") < 0.099
    assert handle(page, "Peak learning rate").get_attribute("aria-valuetext") == str(trait(page, "lr"))


def test_the_end_of_the_warm_up_and_the_drops_are_dragged(shown):
    page = shown(schedule="step")
    width = page.locator(".chart").first.bounding_box()["width"]
    drag(page, "End of the warm-up", 0.2 * width, 0)
    share = trait(page, "warm_up")
    assert 0.15 < share < 0.3
    drag(page, "First drop", -0.1 * width, 0)
    assert 0.3 < trait(page, "parameters")["first"] < 0.49
    drag(page, "Second drop", 3 * width, 0)
    assert trait(page, "parameters")["second"] == 0.99
    assert page.problems == []


def test_a_finger_drags_a_handle(chromium, tmp_path):
    context = chromium.new_context(has_touch=True, viewport={"width": 380, "height": 900})
    page = context.new_page()
    page.goto(page_of(tmp_path, schedule="step"))
    handle(page, "First drop").scroll_into_view_if_needed()
    box = handle(page, "First drop").bounding_box()
    assert min(box["width"], box["height"]) >= 24
    finger, x, y = context.new_cdp_session(page), box["x"] + 16, box["y"] + 16
    for kind, at in [("touchStart", [x]), ("touchMove", [x - 30]), ("touchMove", [x - 60]), ("touchEnd", [])]:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": one, "y": y} for one in at]})
    page.wait_for_function("model.get('parameters').first < 0.4")
    context.close()


@pytest.mark.parametrize(
    ("schedule", "name", "key", "want"),
    [
        ("cosine", "Peak learning rate", "ArrowUp", ("lr", 0.105)),
        ("cosine", "End of the warm-up", "ArrowRight", ("warm_up", 0.01)),
        ("cosine", "End of the warm-up", "End", ("warm_up", 0.5)),
        ("step", "Second drop", "ArrowLeft", ("parameters", {"second": 0.74})),
        ("step_every", "Distance of the drops", "PageUp", ("parameters", {"size": 0.41})),
        ("triangular", "End of the first cycle", "ArrowUp", ("parameters", {"cycles": 2.1})),
        ("exp_range", "Lowest rate", "ArrowDown", ("parameters", {"base": 0.24})),
    ],
)
def test_a_handle_moves_with_the_arrow_keys_and_keeps_the_focus(shown, schedule, name, key, want):
    page = shown(schedule=schedule)
    handle(page, name).focus()
    page.keyboard.press(key)
    page.wait_for_timeout(60)
    assert trait(page, want[0]) == want[1]
    assert handle(page, name).evaluate("(one) => one === document.activeElement")


def test_handles_and_controls_are_reached_by_tab(shown):
    page = shown(schedule="triangular")
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText.split('\\n')[0]")
        )
    for name in ["Steps", "Cycles", "Peak learning rate", "End of the warm-up", "Lowest rate", "Pin this curve"]:
        assert name in seen
    assert "Code for these rates" in seen and any(name.startswith("Line chart") for name in seen)


def test_each_schedule_has_the_sliders_of_its_own_parameters_and_none_is_dead(shown):
    page = shown()
    for name, ranges in PARAMETERS.items():
        page.get_by_role("combobox", name="Schedule").select_option(name)
        page.wait_for_function("(name) => document.querySelector('.own').dataset.schedule === name", arg=name)
        sliders = page.locator(".own input")
        assert sliders.count() == len(ranges)
        for i, parameter in enumerate(ranges):
            before = page.locator("path.whole").first.get_attribute("d")
            sliders.nth(i).focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function(
                "(old) => document.querySelector('.chart path.whole').getAttribute('d') !== old", arg=before
            )
            assert trait(page, "parameters")[parameter] > ranges[parameter][0]


def test_up_to_three_curves_are_pinned_and_taken_away(shown):
    page = shown(schedule="cosine")
    for name in ["linear", "square", "sqrt", "step"]:
        page.get_by_role("combobox", name="Schedule").select_option(name)
        page.get_by_role("button", name="Pin this curve").click()
        page.wait_for_function(
            "(name) => document.querySelector('.pins').textContent.includes(`${name}, peak 0.1`)", arg=name
        )
    assert [one["schedule"] for one in trait(page, "pinned")] == ["square", "sqrt", "step"]
    page.wait_for_function("document.querySelectorAll('.chart path.pinned').length === 3")
    assert page.locator("tbody th").all_inner_texts() == ["step", "square", "sqrt", "step"]
    page.get_by_role("button", name="Remove sqrt, peak 0.1, 1000 steps").click()
    page.wait_for_function("document.querySelectorAll('.chart path.pinned').length === 2")
    assert [one["schedule"] for one in trait(page, "pinned")] == ["square", "step"]


def test_the_page_says_the_sum_and_where_half_is_spent(shown):
    page = shown(schedule="cosine", lr=0.1, steps=1000)
    words = page.locator(".verdict").inner_text()
    assert words.startswith(
        "Cosine, peak 0.1, 1000 steps: the rates add up to 50.05, as much as 500.5 steps at the peak"
    )
    rates = [0.1 * techniques.cosine(step / 1000) for step in range(1000)]
    half = next(n for n in range(1000) if sum(rates[:n]) >= sum(rates) / 2)
    assert f"half of that is spent after {half} steps" in words
    assert page.locator(".verdict").get_attribute("aria-live") == "polite"


def test_points_of_a_curve_are_read_with_the_arrow_keys(shown):
    page = shown(schedule="linear", steps=80)
    page.locator(".chart").first.focus()
    for key in ["ArrowRight", "ArrowRight", "ArrowRight"]:
        page.keyboard.press(key)
    assert (
        page.locator(".reading").first.inner_text() == "linear, peak 0.1, 80 steps: step 2 of 80, learning rate 0.0975"
    )


RANGE = {"rates": [i / 20 for i in range(1, 21)], "accuracies": [0.1, 0.1, 0.2, 0.3, 0.4, 0.5] + [0.55] * 8 + [0.3] * 6}


def test_the_limits_of_the_range_test_become_a_schedule(shown):
    page = shown(**RANGE)
    base, highest = range_of(**RANGE)
    assert (
        f"starts to rise at {base:g} and stops rising at {highest:g}" in page.locator("figcaption").nth(1).inner_text()
    )
    assert page.locator("text.limit").all_text_contents() == [f"base {base:g}", f"max {highest:g}"]
    page.get_by_role("button", name="Use these limits").click()
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('Triangular')")
    assert trait(page, "lr") == highest
    assert trait(page, "parameters")["base"] * highest == pytest.approx(base, rel=1e-3)


def test_without_a_range_test_its_part_is_absent(shown):
    assert not shown().locator(".test").is_visible()


def test_code_follows_the_settings_and_is_copied(shown):
    page = shown(schedule="sqrt")
    page.locator("summary").click()
    area = page.get_by_role("textbox", name="Python code")
    assert 'schedules.scheduler(optimizer, "sqrt", 1000)' in area.input_value()
    page.get_by_role("combobox", name="Written with").select_option("torch")
    page.wait_for_function("document.querySelector('textarea').value.includes('PolynomialLR')")
    page.get_by_role("button", name="Copy").click()
    assert page.get_by_role("status").inner_text() == "Copied."
    chosen = area.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen == area.input_value()


def test_a_setting_from_python_moves_every_view_and_nothing_is_left_behind(shown):
    page = shown(views=2)
    page.evaluate("model.set('steps', 250)")
    page.wait_for_function(
        "[...document.querySelectorAll('.verdict')].every((p) => p.textContent.includes('250 steps'))"
    )
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = shown(theme=theme, schedule="exp_range", pinned=[{"schedule": "linear"}], **RANGE)
    page.locator("summary").click()
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 380, 320])
def test_the_widget_fits_the_page(shown, width):
    page = shown(width=width, schedule="linear_cosine", pinned=[{"schedule": "triangular"}] * 3, **RANGE)
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    page = visit(model_page.mounted_page(tmp_path, Schedules("linear")))
    page.get_by_role("combobox", name="Schedule").select_option("one_cycle")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('One cycle')")
    assert page.problems == []


# Python's side


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schedule": "cosin"}, 'schedule "cosin" is unknown; choose one of: constant, cosine'),
        ({"lr": 0.0}, r"lr 0.0 is out of range; give 1e-05 to 10 \(the peak learning rate\)"),
        ({"steps": 5}, "steps 5 is out of range; give 10 to 100000"),
        ({"warm_up": 0.6}, "warm_up 0.6 is out of range; give 0 to 0.5"),
        ({"parameters": {"cycles": 3}}, 'schedule "cosine" has no cycles; it has no parameters'),
        ({"schedule": "triangular", "parameters": {"size": 3}}, "its parameters are: cycles, base"),
        ({"schedule": "triangular", "parameters": {"base": 2}}, "base 2 is out of range; give 0 to 1"),
        ({"pinned": [{"schedule": "step"}] * 4}, "at most 3 settings; got 4"),
        ({"pinned": [{"lr": 0.1}]}, "each of pinned has a schedule, and may have schedule, lr"),
        ({"pinned": [{"schedule": "step", "lr": "x"}]}, "lr 'x' is out of range"),
        ({"rates": [0.1]}, "rates and accuracies come together; got only rates"),
        ({"rates": [0.1, 0.2], "accuracies": [0.5]}, "one accuracy for each rate; got 1 for 2"),
        ({"rates": [0.1], "accuracies": [math.nan]}, "must be finite"),
    ],
)
def test_a_setting_that_cannot_be_says_what_can(given, message):
    with pytest.raises(TraitError, match=message):
        Schedules(**given)


def test_another_schedule_forgets_parameters_that_it_does_not_have():
    widget = Schedules("triangular", parameters={"cycles": 3})
    widget.schedule = "triangular2"
    assert widget.parameters == {"cycles": 3}
    widget.schedule = "step"
    assert widget.parameters == {}


def test_what_a_page_sends_arrives_in_python():
    widget = Schedules("cosine")
    widget.set_state({"parameters": {"base": 0.2}, "schedule": "triangular", "lr": 1, "steps": 500})
    assert (widget.schedule, widget.parameters, widget.lr, widget.steps) == ("triangular", {"base": 0.2}, 1.0, 500)
