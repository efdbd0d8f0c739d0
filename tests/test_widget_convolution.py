"""The Convolution widget in Chromium: its numbers against torch and `cnnlab.arithmetic`, its page against a keyboard."""

import json
import math
import random
import re

import pytest
import torch
from conftest import ROOT
from model_page import focus, page_of, page_to_ask
from torch import nn
from traitlets import TraitError

from cnnlab.arithmetic.budgets import conv_parameters, layer_weights
from cnnlab.arithmetic.costs import count_macs, count_parameters
from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.arithmetic.sizes import out_size
from cnnlab.widgets import Convolution
from cnnlab.widgets.convolution import KERNELS, RANGES
from cnnlab.widgets.signal import digits

pytestmark = pytest.mark.browser
DEFAULTS = {name: getattr(Convolution(), name) for name in [*RANGES, "kernel"]}

# Sets each of the settings on the page, waits for the frame that draws it, and reads what stands there.
READ = """async (list) => {
  const texts = (where) => [...document.querySelectorAll(where)].map((one) => one.textContent), found = [];
  const digits = Uint8Array.from(atob(model.get("images")), (character) => character.charCodeAt(0));
  for (const settings of list) {
    Object.entries(settings).forEach(([name, value]) => model.set(name, value));
    await new Promise(requestAnimationFrame);
    const { picture, map, kernel } = lab.computed(settings, digits);
    found.push({ picture, map, kernel, numbers: model.get("numbers"), shown: texts(".numbers b"), formulas: texts(".formula"),
      cells: texts("[role=application] .place").length, status: texts(".status")[0], sum: texts(".sum span").at(-1),
      crossed: document.querySelectorAll(".stage path.unread").length, verdict: texts(".verdict")[0],
      disabled: document.querySelectorAll(".buttons :disabled").length });
  }
  return found;
}"""


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(stride=2)`: a page with the widget, drawn."""

    def open_page(views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, Convolution(**traits), "convolution", views, theme), width=width)
        page.wait_for_function("window.lab")
        return page

    return open_page


@pytest.fixture(scope="module")
def read(chromium, tmp_path_factory):
    """`read([settings, ...])`: what the page shows for each."""
    address = page_of(tmp_path_factory.mktemp("lab"), Convolution(), "convolution")
    small = {"width": 400, "height": 600}  # small cells, drawn fast
    with page_to_ask(chromium, address, viewport=small) as page:
        yield lambda settings: page.evaluate(READ, [DEFAULTS | each for each in settings])


def drawn(seed: int) -> dict:
    """Settings from the whole range of every control; three in four have groups that divide the channels."""
    pick = random.Random(seed)
    settings = {name: pick.randint(low, high) for name, (low, high, _) in RANGES.items()}
    settings["kernel"] = pick.choice(KERNELS)
    if seed % 4:
        common = math.gcd(settings["in_channels"], settings["out_channels"])
        settings["groups"] = pick.choice([g for g in range(1, 17) if common % g == 0])
    return settings


def fits(settings):
    return settings["size"] + 2 * settings["padding"] > settings["dilation"] * (settings["kernel_size"] - 1)


def divides(settings):
    return settings["in_channels"] % settings["groups"] == settings["out_channels"] % settings["groups"] == 0


def geometry(settings):
    return {name: settings[name] for name in ("stride", "padding", "dilation")}


def conv(settings, into=None, out=None, groups=None):
    into, out = into or settings["in_channels"], out or settings["out_channels"]
    groups = groups or settings["groups"]
    return nn.Conv2d(into, out, settings["kernel_size"], groups=groups, device="meta", **geometry(settings))


def one_channel(found, settings):
    """torch's map of the page's picture and kernel."""
    k, n = settings["kernel_size"], settings["size"]
    weights = (
        torch.tensor(found["kernel"]["weights"], dtype=torch.float64).view(1, 1, k, k) / found["kernel"]["divisor"]
    )
    picture = torch.tensor(found["picture"], dtype=torch.float64).view(1, 1, n, n)
    return nn.functional.conv2d(picture, weights, **geometry(settings))


def unread(settings):
    """Pixels without a gradient from a convolution whose weights are all 1."""
    x = torch.zeros(1, 1, settings["size"], settings["size"], requires_grad=True)
    ones = torch.ones(1, 1, settings["kernel_size"], settings["kernel_size"])
    nn.functional.conv2d(x, ones, **geometry(settings)).sum().backward()
    return int((x.grad == 0).sum())


def figure(value):
    return f"{math.floor(value * 10 + 0.5) / 10:g}".replace("-", "−")


def grouped(value):
    return "—" if value is None else f"{value:,}"


@pytest.mark.rows("C02", "C05", "C06", "C07", "K06", "K08")
def test_the_numbers_of_200_drawn_layers_are_those_of_torch_and_of_arithmetic(read):
    every = [drawn(seed) for seed in range(200)]
    for settings, found in zip(every, read(every), strict=True):
        numbers, side, macs = found["numbers"], None, None
        into, out, k = settings["in_channels"], settings["out_channels"], settings["kernel_size"]
        image = (1, into, settings["size"], settings["size"])
        if fits(settings):
            map_ = one_channel(found, settings)
            side = map_.shape[-1]
            assert side == out_size(settings["size"], k, **geometry(settings))
            torch.testing.assert_close(
                torch.tensor(found["map"], dtype=torch.float64), map_.flatten(), rtol=0, atol=1e-9
            )
            assert found["cells"] == side**2 and numbers["unread"] == found["crossed"] == unread(settings)
            pair = nn.Sequential(conv(settings, into, into, into), nn.Conv2d(into, out, 1, device="meta"))
            assert numbers["separable_multiply_adds"] == count_macs(pair, image)
        assert numbers["output_size"] == side
        assert numbers["separable_weights"] == layer_weights("depthwise_separable", into, out, k)
        parameters = None
        if divides(settings):
            layer = conv(settings)
            parameters = count_parameters(layer)
            assert parameters == conv_parameters(into, out, k, groups=settings["groups"])
            macs = count_macs(layer, image) if side else None
        assert (numbers["parameters"], numbers["multiply_adds"]) == (parameters, macs)
        sees = numbers["receptive_field"]
        assert found["shown"] == [
            *(grouped(side), grouped(numbers["unread"] if side else None), f"{sees} × {sees}"),
            *(grouped(parameters), grouped(macs)),
            *(grouped(numbers["separable_weights"]), grouped(numbers["separable_multiply_adds"])),
        ]


@pytest.mark.rows("C05")
def test_the_receptive_field_of_a_stack_is_that_of_the_traced_network(read):
    every = [drawn(seed) for seed in range(200, 240)]
    for settings, found in zip(every, read(every), strict=True):
        stack = nn.Sequential(*(conv(settings, 1, 1, 1) for _ in range(settings["layers"])))
        field = receptive_field(stack, (1, 1, 60_000, 60_000))
        assert (found["numbers"]["receptive_field"], found["numbers"]["jump"]) == (field.size[0], field.jump[0])


def test_the_maps_of_a_stack_are_named_until_a_layer_no_longer_fits(read):
    fits_twice = {"size": 16, "kernel_size": 5, "stride": 2, "padding": 0, "layers": 2}
    first, second = read([fits_twice, fits_twice | {"layers": 4}])
    assert "maps 16 → 6 → 1" in first["formulas"][2] and "fits" not in first["formulas"][2]
    assert "maps 16 → 6 → 1; layer 3 no longer fits" in second["formulas"][2]


@pytest.mark.rows("C02", "K08")
def test_what_the_page_says_must_change_is_enough_and_no_more_than_needed(read):
    every = [settings for settings in map(drawn, range(200)) if not (fits(settings) and divides(settings))]
    changes = {"padding of at least": "padding", "dilation of at most": "dilation", "kernel of at most": "kernel_size"}
    changes["input of at least"] = "size"
    offered = 0
    for settings, found in zip(every, read(every), strict=True):
        said = dict(re.findall(r"((?:padding|dilation|kernel|input) of at \w+) (\d+)", found["verdict"]))
        assert bool(said) == (not fits(settings)) == (found["disabled"] == 3)
        for words, value in said.items():
            beyond = int(value) + (1 if "most" in words else -1)
            assert fits(settings | {changes[words]: int(value)}) and not fits(settings | {changes[words]: beyond})
            assert RANGES[changes[words]][0] <= int(value) <= RANGES[changes[words]][1]
            offered += 1
        if not divides(settings):
            common = math.gcd(settings["in_channels"], settings["out_channels"])
            listed = re.search(r"Take ([\d, or]+) group", found["verdict"])[1]
            assert [int(g) for g in re.findall(r"\d+", listed)] == [g for g in range(1, 17) if common % g == 0]
            with pytest.raises(ValueError, match="divisible by groups"):
                conv(settings)
    assert offered > 30


@pytest.mark.rows("C02")
def test_the_formula_is_written_with_its_numbers(read):
    (found,) = read([{"size": 16, "kernel_size": 3, "stride": 3, "padding": 2, "dilation": 2}])
    assert found["formulas"][0] == "⌊(16 + 2·2 − 2·(3 − 1) − 1) / 3⌋ + 1 = ⌊15 / 3⌋ + 1"
    assert found["shown"][0] == "6" and found["formulas"][3] == "3²·4·8 + 8 biases"


@pytest.mark.rows("C01")
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_sum_written_out_is_the_output_cell_at_every_place(shown, kernel):
    page = shown(kernel=kernel, size=6, kernel_size=3, stride=2, padding=2, dilation=2, digit=5)
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    for i in range(9):  # 3 x 3 outputs
        lines = page.locator(".sum span").all_inner_texts()
        terms = " ".join(lines[:-1]).replace("−", "-").replace(" ", "")
        pairs = re.findall(r"([+-]?\d+)·(\d+)", terms)
        total, divisor = sum(int(w) * int(x) for w, x in pairs), 9 if kernel == "blur" else 1
        cell = page.locator("[role=application] .place text").nth(i).text_content()
        assert len(pairs) == 9 and cell == figure(total / divisor) == re.split("[=≈] ", lines[-1])[-1]
        assert page.locator(".status").inner_text() == f"Output row {i // 3 + 1}, column {i % 3 + 1}: {cell}"
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("name", KERNELS)
def test_blur_and_the_like_keep_a_flat_picture_and_edges_are_gone(read, name):
    for k, found in zip(range(1, 8), read([{"kernel": name, "kernel_size": k} for k in range(1, 8)]), strict=True):
        assert sum(found["kernel"]["weights"]) == found["kernel"]["divisor"] * (name != "edge")
        assert len(found["kernel"]["weights"]) == k * k


def test_the_edge_kernel_of_three_is_sobels(read):
    (found,) = read([{"kernel": "edge"}])
    assert found["kernel"]["weights"] == [-1, 0, 1, -2, 0, 2, -1, 0, 1]


def test_the_picture_is_the_digit_cropped_or_enlarged(read):
    digit = torch.tensor(list(digits(10)[0]), dtype=torch.float64)[7 * 64 : 8 * 64].view(1, 1, 8, 8)
    for n, found in zip(range(4, 17), read([{"size": n, "digit": 7} for n in range(4, 17)]), strict=True):
        start = (8 - n) // 2 if n < 8 else 0
        want = digit[..., start : start + n, start : start + n]
        if n > 8:
            want = nn.functional.interpolate(digit, size=(n, n), mode="bilinear", align_corners=False)
        got = torch.tensor(found["picture"], dtype=torch.float64)
        torch.testing.assert_close(got, want.flatten(), rtol=0, atol=0.5 + 1e-9 if n > 8 else 0)
        assert (got == got.round()).all()


# The page


def at(page):
    """(row, column) of the output whose window is shown, from 1."""
    return tuple(map(int, re.search(r"row (\d+), column (\d+)", page.locator(".status").inner_text()).groups()))


def test_arrow_keys_move_the_window_to_the_ends_and_buttons_past_them(shown):
    page = shown(size=5, padding=0)  # 3 x 3 outputs
    focus(page, "application", re.compile("Output of 3 × 3"))
    seen = [at(page)]
    for key in ["Home", "ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp", "End", "ArrowRight", "ArrowDown"]:
        page.keyboard.press(key)
        seen.append(at(page))
    assert seen == [(2, 2), (1, 1), (1, 1), (1, 2), (2, 2), (1, 2), (3, 3), (3, 3), (3, 3)]
    page.get_by_role("button", name="Back").click()
    assert at(page) == (3, 2)
    page.keyboard.press("ArrowUp")  # from the button too
    page.get_by_role("button", name="Step").click()
    assert at(page) == (2, 3)
    focus(page, "application", re.compile("Output of 3 × 3"))
    page.keyboard.press("End")
    for name, place in [("Step", (1, 1)), ("Back", (3, 3))]:
        page.get_by_role("button", name=name).click()
        assert at(page) == place


def test_pointing_at_or_tapping_an_output_puts_the_window_there(shown, chromium, tmp_path):
    page = shown(size=8, stride=2, padding=1)
    cells = page.locator("[role=application] .place")
    cells.nth(6).hover()
    assert at(page) == (2, 3)
    moved = page.locator(".stage .window").first.evaluate("(one) => one.style.transform")
    assert moved == "translate(104px, 52px)"  # 2 x stride and 1 x stride cells of 26
    context = chromium.new_context(has_touch=True, viewport={"width": 380, "height": 800})
    phone = context.new_page()
    phone.goto(page_of(tmp_path, Convolution(stride=2), "convolution"))
    phone.locator("[role=application] .place").nth(13).tap()
    assert at(phone) == (4, 2)
    context.close()


# Presses Play in the page, and gives what the status says at once, then, and how many milliseconds later.
PLAY = """async () => {
  const status = document.querySelector(".status");
  document.querySelector("button.main").click();
  const first = status.textContent, start = performance.now();
  await new Promise((done) => new MutationObserver(done).observe(status, { childList: true }));
  return { first, next: status.textContent, later: performance.now() - start };
}"""


def test_play_runs_over_the_outputs_pauses_and_starts_anew(chromium, tmp_path):
    context = chromium.new_context(reduced_motion="no-preference")
    page = context.new_page()
    page.goto(page_of(tmp_path, Convolution(size=16, padding=4), "convolution"))  # 484 outputs, one each 60 ms
    page.wait_for_function("window.lab")
    found = page.evaluate(PLAY)
    assert "row 2, column 2:" in found["first"] and "row 2, column 3:" in found["next"] and found["later"] > 55
    assert page.locator(".status").get_attribute("aria-live") == "off"
    row, column = page.evaluate("document.querySelector('button.main').click()") or at(page)
    assert page.get_by_role("button", name="Play").is_visible()
    page.wait_for_timeout(250)
    assert at(page) == (row, column) and page.locator(".later").count() == 0
    page.get_by_role("application").focus()
    page.keyboard.press("End")
    found = page.evaluate(PLAY)
    assert "row 1, column 1:" in found["first"] and "row 1, column 2:" in found["next"]
    assert page.locator("[role=application] .later").count() > 100
    page.get_by_role("slider", name="Stride").fill("2")
    page.get_by_role("button", name="Play").wait_for()  # a new setting ends it
    context.close()


def test_play_stops_by_itself_at_the_last_output(shown):
    page = shown(size=4, kernel_size=4, padding=0, stride=4)
    page.get_by_role("button", name="Play").click()  # one output: it stands on it, and a second later is done
    page.wait_for_function("document.querySelector('button.main').textContent === 'Play'")
    assert at(page) == (1, 1)


def test_with_reduced_motion_the_window_jumps_and_waits_a_second(shown):
    page = shown()
    assert page.locator(".stage .window").first.evaluate("(one) => getComputedStyle(one).transitionDuration") == "0s"
    assert page.evaluate(PLAY)["later"] > 950


def test_every_control_moves_its_setting_from_the_keyboard(shown):
    page = shown()
    names = {"Input size": "size", "Kernel size": "kernel_size", "Stride": "stride", "Padding": "padding"}
    names |= {"Dilation": "dilation", "In channels": "in_channels", "Out channels": "out_channels", "Groups": "groups"}
    for label, name in names.items():
        field = focus(page, "slider", label)
        assert (int(field.get_attribute("min")), int(field.get_attribute("max"))) == RANGES[name][:2]
        page.keyboard.press("ArrowRight")
    focus(page, "combobox", "Weights")
    page.keyboard.press("b")
    focus(page, "combobox", "Picture")
    page.keyboard.press("7")
    focus(page, "slider", "Such layers in a row")
    page.keyboard.press("ArrowRight")
    found = page.evaluate(
        "(names) => names.map((name) => model.get(name))", [*names.values(), "layers", "kernel", "digit"]
    )
    assert found == [9, 4, 2, 2, 2, 5, 9, 2, 2, "blur", 7]
    page.locator(".verdict.trouble").wait_for()
    assert "2 groups cannot share out 5 in channels and 9 out channels" in page.locator(".verdict").inner_text()
    assert page.problems == []


def test_two_views_of_one_model_share_settings_and_keep_their_own_windows(shown):
    page = shown(views=2)
    page.get_by_role("slider", name="Stride").nth(1).fill("2")
    page.wait_for_function(
        "[...document.querySelectorAll('.verdict')].every((p) => p.textContent.includes('stride 2'))"
    )
    page.get_by_role("button", name="Step").nth(1).click()
    assert page.locator(".status").all_inner_texts()[0].startswith("Output row 2, column 2")
    assert page.locator(".status").all_inner_texts()[1].startswith("Output row 2, column 3")


def test_a_view_taken_away_leaves_nothing_behind(shown):
    page = shown()
    assert page.evaluate("model.listening()") > 0
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("traits", [{"stride": 3, "padding": 0}, {"size": 4, "kernel_size": 7, "padding": 0}])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme, traits):
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(shown(theme=theme, **traits)).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 380, 320])
@pytest.mark.parametrize(
    "kernel", [{"kernel_size": 1}, {"kernel_size": 7, "dilation": 4}]
)  # a map of 24 x 24, and none
def test_the_largest_layer_fits_the_page(shown, width, kernel):
    page = shown(width=width, size=16, padding=4, in_channels=16, out_channels=16, layers=6, **kernel)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widths = "[...document.querySelectorAll('.stage svg')].map((one) => [one.clientWidth, Number(one.getAttribute('width'))])"
    assert all(found >= wanted - 1 for found, wanted in page.evaluate(widths))  # drawn to fit, not shrunk


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    state = Convolution(stride=2).get_state()
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
    page.get_by_role("slider", name="Padding").fill("0")
    page.wait_for_function(
        "document.querySelector('.verdict').textContent.startsWith('A 3 × 3 kernel with stride 2 makes')"
    )
    assert page.problems == []


# From Python


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 3}, r"size 3 is out of range; give 4 to 16 \(pixels a side\)"),
        ({"groups": 0}, "groups 0 is out of range; give 1 to 16"),
        ({"kernel": "sobel"}, 'kernel "sobel" is unknown; choose one of: blur, edge, identity, sharpen'),
        ({"stride": 1.5}, "stride"),
    ],
)
def test_a_setting_out_of_range_says_what_is_allowed(given, message):
    with pytest.raises(TraitError, match=message):
        Convolution(**given)
    widget = Convolution()
    ((name, value),) = given.items()
    with pytest.raises(TraitError, match=message):
        setattr(widget, name, value)
    assert getattr(widget, name) == DEFAULTS[name]


def test_the_ten_pictures_are_the_ten_digits():
    assert digits(10)[1] == "0123456789"
