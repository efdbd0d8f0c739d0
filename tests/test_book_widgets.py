"""Every widget on every built page: by keyboard, mouse and touch, by name, narrow, in the dark, twice, without JavaScript.

Nothing here knows what a widget shows. A control counts as working where the card around it looks otherwise afterwards.
"""

import ast
import json
import re
from itertools import chain

import pytest
from conftest import ROOT, axe, toc_pages, visiting

from cnnlab import widgets

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROBE = (ROOT / "tests/probe.js").read_text("utf8")
NAMED = "application|button|checkbox|combobox|img|link|radio|region|slider|switch|textbox"


def shown_widgets(page: str) -> list[str]:
    """The widgets that a page shows, from its notebook: cells that end with the call of one."""
    path = ROOT / f"{page}.ipynb"
    if not path.exists():
        return []
    cells = [cell for cell in json.loads(path.read_text("utf8"))["cells"] if cell["cell_type"] == "code"]
    bodies = [ast.parse(re.sub(r"(?m)^[%!].*", "", "".join(cell["source"]))).body for cell in cells]
    last = [ast.unparse(body[-1].value.func) for body in bodies if body and _is_call(body[-1])]
    return [name for name in last if name in widgets.__all__]


def _is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


SHOWN = {page: shown_widgets(page) for page in toc_pages()}
PAGES = [page for page, names in SHOWN.items() if names]
WIDGETS = [pytest.param(page, i, id=f"{page}-{name}") for page in PAGES for i, name in enumerate(SHOWN[page])]
FIRST = {name: page for page in reversed(PAGES) for name in SHOWN[page]}
# A page is opened once for each of these and serves all its widgets; so each place and each look is seen too.
SHORT_RUNS = "#lab=%7B%22steps%22%3A50%7D"  # the training lab takes its setting from a link
VISITS = {
    "keyboard": ("root", {}),
    "mouse": ("file", {"color_scheme": "dark"}),
    "touch": ("sub-path", {"color_scheme": "dark", "width": 380, "has_touch": True}),
    "twice": ("root", {}),
}


@pytest.fixture(scope="module")
def opened(chromium, site):
    """`page = opened("chapters/activations", "touch")`: a page with the probe in it."""
    pages = {}
    with visiting(chromium) as open_page:

        def get(name, how):
            place, options = VISITS[how]
            query = ("?twice" if how == "twice" else "") + SHORT_RUNS
            if (name, how) not in pages:
                pages[name, how] = open_page(f"{site[place]}/{name}.html{query}", script=PROBE, **options)
            return pages[name, how]

        yield get


@pytest.fixture
def card(opened):
    """`card(page, i, "mouse")`: the card of one widget, which draws itself once it is in sight."""

    def get(name, index, how):
        found = opened(name, how).locator(".cnnlab-widget").nth(index).locator(".cnnlab-card")
        found.scroll_into_view_if_needed()
        return found

    return get


def by_keyboard(page, control, kind):
    control.focus()
    keys = {"button": ["Enter"], "select": ["ArrowDown", "ArrowUp"], "chart": ["ArrowRight", "ArrowLeft", "ArrowDown"]}
    for key in keys.get(kind, ["Home" if _free_side(control) == "Left" else "ArrowRight"]):
        yield lambda key=key: page.keyboard.press(key)


def _free_side(control) -> str:
    """The side to which a slider has room, left where it has both: the least steps are the soonest trained."""
    at_start = "(one) => Number(one.value ?? one.ariaValueNow) <= Number(one.min || one.ariaValueMin)"
    return "Right" if control.evaluate(at_start) else "Left"


def by_mouse(page, control, kind):
    yield from _point(page, control, kind, press=page.mouse.click, drag=_drag)


def by_touch(page, control, kind):
    yield from _point(page, control, kind, press=page.touchscreen.tap, drag=_swipe)


def _point(page, control, kind, *, press, drag):
    """A list is chosen from, a button pressed, a chart pressed in two places, a slider or handle dragged."""
    control.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
    places = {"button": [0.5], "chart": [0.3, 0.7]}.get(kind, [])
    if kind == "select":
        yield lambda: _choose(control)
    elif not places:
        yield lambda: drag(page, control, kind)
    for share in places:
        yield lambda share=share: press(*control.evaluate("(one, share) => probe.spot(one, share)", share))


def _choose(control):
    """A native list opens outside the page: that the pointer meets it is all there is to see."""
    control.evaluate("(one) => probe.spot(one, 0.5)")
    values = control.evaluate(
        "(one) => [...one.options].filter((option) => !option.selected).map(({ value }) => value)"
    )
    control.select_option(values[0])


def _drag(page, control, kind):
    x, y, way = _grip(control, kind)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + way[0] / 2, y + way[1] / 2)
    page.mouse.move(x + way[0], y + way[1])
    page.mouse.up()


def _grip(control, kind):
    """Where one takes hold, a slider at its thumb, a handle in the middle; and how far to which side to drag."""
    box, side = control.bounding_box(), -1 if _free_side(control) == "Left" else 1
    share = control.evaluate("(one) => (one.valueAsNumber - one.min) / (one.max - one.min)") if kind == "range" else 0.5
    x, y = box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2
    far = side * (0.6 * box["width"] if kind == "range" else 40)  # one of two values has to be dragged far
    return x, y, (0, -far) if control.get_attribute("aria-orientation") == "vertical" else (far, 0)


def _swipe(page, control, kind):
    x, y, way = _grip(control, kind)
    session = page.context.new_cdp_session(page)
    for event, part in [
        ("touchStart", 0),
        ("touchMove", 0.3),
        ("touchMove", 0.6),
        ("touchMove", 1),
        ("touchEnd", None),
    ]:
        points = [] if part is None else [{"x": x + part * way[0], "y": y + part * way[1]}]
        session.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})
    session.detach()


def dead_controls(card, operate, most) -> list[str]:
    """Operate up to `most` controls of the card, also those that appear on the way; name those that change nothing."""
    page, dead = card.page, []
    for _ in range(most):
        found = card.evaluate("(card) => probe.next(card)")
        if not found:
            break
        control = card.locator("[data-probe]")
        twice = chain.from_iterable(
            operate(page, control, found["kind"]) for _ in range(2)
        )  # a busy page may miss a touch
        for attempt in twice:
            attempt()
            if card.evaluate("(card) => probe.changed(card)"):
                if found["toggles"]:  # back, or what is switched off hides what comes after
                    attempt()
                break
        else:
            dead.append(found["name"])
    return dead


@pytest.mark.parametrize("page", PAGES)
def test_every_widget_of_the_notebook_stands_on_its_page(opened, page):
    assert opened(page, "keyboard").locator(".cnnlab-widget > .cnnlab-card").count() == len(SHOWN[page])


@pytest.mark.parametrize(("page", "index"), WIDGETS)
def test_tab_reaches_every_control_in_order(card, page, index):
    widget = card(page, index, "keyboard")
    wanted = widget.evaluate("""(card) => {
        card.tabIndex = -1; card.focus(); window.reached = [];
        card.addEventListener("focusin", ({ target }) => reached.push(target));
        return probe.controls(card).length; }""")
    assert wanted > 3
    for _ in range(wanted):
        widget.page.keyboard.press("Tab")
    missed = "(card) => probe.controls(card).filter((one, i) => one !== reached[i]).map((one) => one.outerHTML)"
    assert widget.evaluate(missed) == []


@pytest.mark.parametrize("operate", [by_keyboard, by_mouse, by_touch])
@pytest.mark.parametrize(("page", "index"), WIDGETS)
def test_every_control_changes_the_picture(card, page, index, operate):
    how = operate.__name__.removeprefix("by_")
    widget = card(page, index, how)
    most = 99 if FIRST[SHOWN[page][index]] == page else 4  # a widget again: the page is new, the widget is not
    assert dead_controls(widget, operate, most) == []
    assert widget.page.problems == []
    assert_named(widget)
    widget.evaluate("(card) => { card.id = 'judged'; scrollTo(0, 0); }")
    assert axe(widget.page, "#judged") == []
    widget.evaluate("(card) => card.removeAttribute('id')")
    if how == "touch":
        assert widget.evaluate("(card) => probe.cut(card)") == []
        assert widget.page.evaluate("document.documentElement.scrollWidth") <= 380


def assert_named(widget):
    """Each control and each picture has a role and a name for a screen reader."""
    tree = widget.aria_snapshot().splitlines()
    assert [line for line in tree if re.match(rf"\s*- '?({NAMED})(?! ?\\?\")\b(?! \")", line)] == []
    assert widget.evaluate("(card) => [...probe.nameless(card), ...probe.roleless(card)]") == []


@pytest.mark.parametrize(("page", "index"), WIDGETS)
def test_a_widget_looks_the_same_alone_as_beside_the_others(card, page, index):
    alone, beside = (
        card(page, index, "keyboard").evaluate("(card, alone) => probe.styles(card, alone)", alone)
        for alone in (True, False)
    )
    assert [pair for pair in zip(alone, beside, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(("page", "index"), WIDGETS)
def test_two_of_a_widget_do_not_disturb_each_other(opened, page, index):
    of_view = 'script[data-view="{} {}"] + .cnnlab-widget > .cnnlab-card'
    names = ("first", "second", "copy")
    views = {name: opened(page, "twice").locator(of_view.format(index, name)) for name in names}
    for name, other in [("copy", "first"), ("first", "copy")]:
        views[other].scroll_into_view_if_needed()
        views[other].evaluate("(card) => probe.still(card)")
        before = views[other].evaluate("(card) => probe.look(card)")
        assert change_something(views[name])
        assert views[other].evaluate("(card) => probe.look(card)") == before
    ids = opened(page, "twice").evaluate("[...document.querySelectorAll('.cnnlab-widget [id]')].map(({ id }) => id)")
    assert len(ids) == len(set(ids))
    assert views["second"].is_visible()
    assert opened(page, "twice").problems == []


def change_something(card) -> bool:
    found = card.evaluate("(card) => probe.next(card)")
    return any(
        attempt() or card.evaluate("(card) => probe.changed(card)")
        for attempt in by_keyboard(card.page, card.locator("[data-probe]"), found["kind"])
    )


@pytest.mark.parametrize("page", PAGES)
def test_without_javascript_a_figure_and_a_sentence_stand_for_each_widget(chromium, site, page):
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{site['file']}/{page}.html")
    sentences = opened.locator("noscript > .widget-note")
    assert sentences.count() == len(SHOWN[page])
    assert all(sentence.is_visible() and "JavaScript" in sentence.inner_text() for sentence in sentences.all())
    # In the order of the page: each sentence comes after a picture with words, and no sentence lies between.
    kinds = opened.evaluate("""[...document.querySelectorAll("article img[alt], noscript > .widget-note")]
        .map((one) => (one.matches("img") ? "figure" : "sentence"))""")
    assert [kinds[i - 1] for i, kind in enumerate(kinds) if kind == "sentence"] == ["figure"] * len(SHOWN[page])
    context.close()
