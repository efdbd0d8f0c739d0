"""The Activations widget in Chromium: its formulas against torch's autograd, its moments against a fine grid, its page."""

import base64
import math

import model_page
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traitlets import TraitError

from cnnlab.data import shapes
from cnnlab.techniques.activations import ACTIVATIONS, activation, moments, selu_constants
from cnnlab.techniques.initialization import gain_of
from cnnlab.techniques.rectifiers import APL, RReLU, Shifted
from cnnlab.widgets import Activations
from cnnlab.widgets.activations import IMAGE, PARAMETERS, RANGES
from cnnlab.widgets.assemble import esm

pytestmark = pytest.mark.browser


def page_of(folder, views=1, theme="light", **traits):
    return model_page.page_of(folder, Activations(**traits), "activations", views, theme)


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown("elu", std=2.0, views=2)`: a page with the widget, drawn."""

    def open_page(name="relu", views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, views, theme, activation=name, **traits), width=width)
        page.locator(".cnnlab-card svg").first.wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """`lab("(lab, given) => ...", given)`: what that function of the module returns."""
    with model_page.page_to_ask(chromium, page_of(tmp_path_factory.mktemp("lab"), views=0)) as page:
        yield lambda code, *given: page.evaluate(f"(given) => ({code})(lab, ...given)", list(given))


def apl(a1=0.0, b1=-1 / 3, a2=0.0, b2=1 / 3):
    unit = APL(2).double()
    unit.slopes.data, unit.places.data = (
        torch.tensor(pair, dtype=torch.float64)[:, None] for pair in ((a1, a2), (b1, b2))
    )
    return unit


def shifted(function, shift):
    unit = Shifted(function).double()
    unit.shift.data.fill_(shift)
    return unit


# Every parameter the reader can move, as the package's own unit has it.
BUILT = {
    "leaky_relu": lambda a: nn.LeakyReLU(a),
    "very_leaky_relu": lambda a: nn.LeakyReLU(a),
    "prelu": lambda a: nn.PReLU(1, a),
    "rrelu": lambda lower, upper: RReLU(lower, upper).eval(),
    "elu": lambda alpha: nn.ELU(alpha),
    "softplus": lambda beta: nn.Softplus(beta),
    "frelu": lambda shift: shifted(nn.ReLU(), shift),
    "felu": lambda shift: shifted(nn.ELU(), shift),
    "apl": apl,
}
MOVED = {
    **dict.fromkeys(("leaky_relu", "very_leaky_relu", "prelu"), [{"a": a} for a in (-0.2, 0.0, 0.3, 1.0)]),
    "rrelu": [{"lower": 1.0, "upper": 1.0}, {"lower": 10.0, "upper": 30.0}],
    "elu": [{"alpha": alpha} for alpha in (0.05, 0.5, 2.0)],
    "softplus": [{"beta": beta} for beta in (0.5, 2.5, 5.0)],
    **dict.fromkeys(("frelu", "felu"), [{"shift": shift} for shift in (-1.0, 0.35)]),
    "apl": [
        {"a1": -0.5, "b1": -1.0, "a2": 0.3, "b2": 1.0},
        {"a1": 1.0, "b1": 3.0, "a2": -1.0, "b2": -3.0},
        {"a1": 0.4, "b1": 0.0, "a2": -0.2, "b2": 0.0},
        {"a2": 0.7},
    ],
}
CASES = [(name, given) for name in sorted(PARAMETERS) for given in ({}, *MOVED.get(name, []))]
every_case = pytest.mark.parametrize(("name", "given"), CASES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(CASES)])
GRID = torch.cat(
    [torch.linspace(-100, 100, 401), torch.linspace(-8, 8, 641), torch.tensor([-1 / 3, 1 / 3, 1e-9, -1e-9])]
)
GRID = GRID.double()


def torch_unit(name, given):
    return (BUILT[name](**given) if given else activation(name)).double().eval()


# The formulas


def test_every_activation_of_one_number_is_here_with_the_same_parameters_on_both_sides(lab):
    code = """(lab) => Object.fromEntries(Object.entries(lab.POINTWISE).map(([name, { parameters = {} }]) =>
      [name, Object.fromEntries(Object.entries(parameters).map(([key, { min, max }]) => [key, [min, max]]))]))"""
    assert set(PARAMETERS) == set(ACTIVATIONS) - {"maxout"}
    assert lab(code) == {
        name: {key: [low, high] for key, (low, high, _) in own.items()} for name, own in PARAMETERS.items()
    }
    assert {name for name, own in PARAMETERS.items() if own} == set(MOVED)


VALUES = """(lab, name, given, zs) => {
  const unit = lab.unitOf(name, given);
  return zs.map((z) => [unit.value(z), unit.slope(z)]);
}"""


@every_case
def test_value_and_derivative_are_those_of_torch(lab, name, given):
    z = GRID.clone().requires_grad_()
    y = torch_unit(name, given)(z[None, None]).flatten()
    (slope,) = torch.autograd.grad(y.sum(), z)
    found = torch.tensor(lab(VALUES, name, given, GRID.tolist()), dtype=torch.float64)
    torch.testing.assert_close(found[:, 0], y.detach(), rtol=1e-7, atol=1e-6)
    # apl starts with float32 hinges at ±1/3: on which side of one 1/3 itself lies is a question of rounding
    sure = (GRID.abs() - 1 / 3).abs() > (1e-6 if name == "apl" else -1)
    torch.testing.assert_close(found[sure, 1], slope[sure], rtol=0, atol=1e-6)


def test_the_starting_parameters_are_those_of_the_package(lab):
    starts = "(lab, name) => lab.unitOf(name).settled"
    assert lab(starts, "prelu")["a"] == nn.PReLU().weight.item()
    assert lab(starts, "elu")["alpha"] == nn.ELU().alpha
    assert lab(starts, "softplus")["beta"] == nn.Softplus().beta
    assert lab(starts, "rrelu") == {"lower": RReLU().lower, "upper": RReLU().upper}
    assert lab(starts, "leaky_relu")["a"] == activation("leaky_relu").negative_slope
    assert lab(starts, "very_leaky_relu")["a"] == activation("very_leaky_relu").negative_slope
    unit = APL()
    for key, values in (("a", unit.slopes), ("b", unit.places)):
        assert [lab(starts, "apl")[f"{key}{i}"] for i in (1, 2)] == pytest.approx(values.flatten().tolist(), abs=1e-7)


# The numbers

RESPOND = "(lab, name, given, mean, std) => lab.respond(lab.unitOf(name, given), mean, std)"
INPUTS = [(0.0, 1.0), (-1.3, 0.4), (3.0, 4.0)]


def by_grid(name, given, mean, std, points=100_000, reach=9.0):
    """The same five numbers by torch, on a fine grid; kinks make an error of the order of one step."""
    z = torch.linspace(-reach, reach, points, dtype=torch.float64)
    weight = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi) * (2 * reach / (points - 1))
    x = (mean + std * z).requires_grad_()
    y = torch_unit(name, given)(x[None, None]).flatten()
    (slope,) = torch.autograd.grad(y.sum(), x)
    y, center = y.detach(), (y.detach() * weight).sum()
    zeros = ((y == 0) & (slope == 0)).double()  # GELU far below zero underflows in torch, which is no zero of GELU
    sums = center, ((y - center).square() * weight).sum(), (y.square() * weight).sum(), (zeros * weight).sum()
    return dict(zip(("mean", "variance", "square", "zeros"), map(float, sums), strict=True)) | {
        "slope": (slope.square() * weight).sum().item()
    }


@every_case
def test_moments_are_those_of_a_fine_grid_in_torch(lab, name, given):
    for mean, std in INPUTS:
        found, want = lab(RESPOND, name, given, mean, std), by_grid(name, given, mean, std)
        for key in ("mean", "variance", "square"):
            assert found[key] == pytest.approx(want[key], rel=1e-6, abs=1e-6), (key, mean, std)
        for key in ("zeros", "slope"):  # they jump at a kink, by 3 at most; half a step is 4e-5 of the mass
            assert found[key] == pytest.approx(want[key], abs=1.5e-4), (key, mean, std)


def test_known_moments(lab):
    relu = lab(RESPOND, "relu", {}, 0, 1)
    assert relu["mean"] == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-10)
    assert [relu[key] for key in ("square", "zeros", "slope")] == pytest.approx([0.5, 0.5, 0.5], abs=1e-10)
    elu, selu, third = (lab(RESPOND, name, {}, 0, 1) for name in ("elu", "selu", "very_leaky_relu"))
    assert (elu["mean"], elu["variance"]) == pytest.approx(moments(F.elu), abs=1e-5)
    assert (elu["mean"], elu["variance"]) == pytest.approx((0.160, 0.619), abs=1e-3)
    assert selu_constants()[0] == pytest.approx(1.0507009873554805)
    assert (selu["mean"], selu["variance"]) == pytest.approx((0, 1), abs=1e-7)
    assert (third["mean"], third["variance"]) == pytest.approx((0.2660, 0.4848), abs=1e-4)
    assert lab(RESPOND, "relu", {}, -1, 0.5)["zeros"] == pytest.approx(0.9772498680518208, abs=1e-9)  # Φ(2)
    assert lab(RESPOND, "frelu", {"shift": 0.5}, 0, 1)["zeros"] == 0


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "gelu", "arcsinh"])
def test_the_mean_square_is_what_the_gain_makes_up_for(lab, name):
    assert 1 / math.sqrt(lab(RESPOND, name, {}, 0, 1)["square"]) == pytest.approx(gain_of(activation(name)), rel=1e-5)


def test_moments_are_those_of_random_numbers(lab):
    x = 0.5 + 1.5 * torch.randn(2_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for name in ("silu", "scaled_tanh", "centered_softplus"):
        found, y = lab(RESPOND, name, {}, 0.5, 1.5), activation(name)(x)
        assert found["mean"] == pytest.approx(y.mean().item(), abs=5 * y.std().item() / math.sqrt(len(y)))
        assert found["variance"] == pytest.approx(y.var().item(), rel=0.01)


CHAIN = "(lab, name, given, mean, std) => lab.chain(lab.unitOf(name, given), mean, std)"


def test_ten_layers_of_relu_keep_a_half_each_and_sigmoids_at_most_a_sixteenth_of_the_gradient(lab):
    relu, identity, sigmoid = (lab(CHAIN, name, {}, 0, 1) for name in ("relu", "identity", "sigmoid"))
    assert relu["signal"] == pytest.approx([0.5**i for i in range(11)], rel=1e-8)
    assert relu["gradient"] == pytest.approx([0.5 ** (10 - i) for i in range(11)], rel=1e-8)
    assert identity["signal"] == pytest.approx([1] * 11) and identity["gradient"] == pytest.approx([1] * 11)
    assert 0 < sigmoid["gradient"][0] < 16.0**-10


@pytest.mark.parametrize(("name", "mean", "std"), [("tanh", 0.0, 1.0), ("elu", 0.5, 2.0), ("silu", -1.0, 3.0)])
def test_ten_layers_are_what_a_wide_random_network_does(lab, name, mean, std):
    generator, width, unit = torch.Generator().manual_seed(1), 1500, activation(name)
    h = unit(x := (mean + std * torch.randn(width, 64, generator=generator)).requires_grad_())
    want = [1.0, (h.square().mean() / (mean**2 + std**2)).item()]
    for _ in range(9):
        h = unit(torch.randn(width, width, generator=generator) @ h / math.sqrt(width))
        want.append((h.square().mean() / (mean**2 + std**2)).item())
    (back,) = torch.autograd.grad(h, x, torch.randn(width, 64, generator=generator))
    found = lab(CHAIN, name, {}, mean, std)
    assert [math.log10(v) for v in found["signal"]] == pytest.approx([math.log10(v) for v in want], abs=0.12)
    assert math.log10(found["gradient"][0]) == pytest.approx(back.square().mean().log10().item(), abs=0.12)


@pytest.mark.parametrize("name", ["relu", "tanh", "leaky_relu", "identity"])
def test_the_histogram_holds_the_shares_of_a_sample(lab, name):
    bins = {"low": -6.1, "width": 0.2, "count": 61}
    code = "(lab, name, bins) => lab.shares(lab.unitOf(name).value, 0.3, 1.4, bins)"
    x = 0.3 + 1.4 * torch.randn(1_000_000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    want = torch.histc(activation(name)(x), bins=61, min=-6.1, max=6.1) / len(x)
    torch.testing.assert_close(torch.tensor(lab(code, name, bins), dtype=torch.float64), want, rtol=0, atol=2e-3)


# The image


def test_the_shipped_image_is_a_picture_of_the_shapes():
    red, green, blue = shapes.generate(8, seed=1, difficulty=0.7).images[7].int()
    gray = (299 * red + 587 * green + 114 * blue + 500) // 1000
    assert base64.b64decode(IMAGE) == bytes(gray.flatten().tolist())


@pytest.mark.parametrize("side", [32, 9])
def test_the_feature_map_is_that_of_conv2d_standardized(lab, side):
    pixels = torch.randint(256, (side, side), generator=torch.Generator().manual_seed(3))
    image = pixels.tolist() if side == 9 else None
    if image is None:
        pixels = torch.tensor(list(base64.b64decode(IMAGE))).view(32, 32)
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    want = F.conv2d(pixels.double()[None, None], kernel[None, None])
    want = F.batch_norm(want, None, None, training=True, eps=1e-12).flatten()
    found = lab("(lab, text) => Array.from(lab.edges(lab.decodeImage(text)))", Activations(image=image).image)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), want, rtol=0, atol=1e-9)


def test_an_image_of_one_color_has_a_map_of_zeros(lab):
    found = lab("(lab, text) => Array.from(lab.edges(lab.decodeImage(text)))", Activations(image=[[7] * 8] * 8).image)
    assert found == [0] * 36


def expected_blank(name, mean=0.0, std=1.0):
    pixels = torch.tensor(list(base64.b64decode(IMAGE)), dtype=torch.float64).view(1, 1, 32, 32)
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    z = F.batch_norm(F.conv2d(pixels, kernel[None, None]), None, None, training=True, eps=1e-12)
    return (activation(name).double().eval()(mean + std * z) == 0).double().mean().item()


COLORED = """[...document.querySelectorAll(".maps figure:last-child path")]
  .map((path) => path.getAttribute("d").split("M").length - 1)"""


def test_the_page_says_how_many_pixels_are_zero_and_colors_the_others(shown):
    page = shown()
    for name, mean in [("relu", 0.0), ("relu", -1.0), ("elu", 0.0)]:
        page.evaluate("([name, mean]) => { model.set('mean', mean); model.set('activation', name); }", [name, mean])
        share = expected_blank(name, mean=mean)
        words = f"{name.upper().replace('RELU', 'ReLU')}: {round(100 * share)} % of the pixels are exactly 0"
        page.locator(".maps figcaption").nth(2).get_by_text(words).wait_for()
        assert sum(page.evaluate(COLORED)) == round(900 * (1 - share))


# The page


def verdict(page):
    return page.locator(".verdict").inner_text()


def numbers(page):
    return page.evaluate("model.get('numbers')")


def test_relu_at_the_start_says_what_it_does(shown):
    page = shown()
    assert verdict(page) == (
        "ReLU at mean 0, std 1 gives out mean 0.40; half of the outputs are exactly 0; the signal keeps half of its "
        "mean square; half of the gradient's mean square comes back."
    )
    assert page.locator(".ten").inner_text() == (
        "Ten layers in a row leave 9.8 × 10⁻⁴ of the signal's mean square and 9.8 × 10⁻⁴ of the gradient's."
    )
    assert page.locator("tbody tr").all_inner_texts() == [
        "mean\t0.000\t0.399", "variance\t1.000\t0.341", "mean square\t1.000\t0.500", "exactly zero\t0 %\t50 %",
        "f′ squared, mean\t\t0.500",
    ]  # fmt: skip
    assert page.locator(".verdict").get_attribute("aria-live") == "polite"
    assert page.get_by_text("50 % exactly 0").count() == 1
    assert page.problems == []


VERDICTS = [
    ("identity", {}, "identity at mean 0, std 1 gives out mean 0.00; no output is exactly 0; the signal keeps its mean "
                     "square; the gradient comes back as strong as it went in."),
    ("relu", {"mean": -3, "std": 0.1}, "every output is exactly 0; nothing is left of the signal; no gradient comes back."),
    ("leaky_relu", {"parameters": {"a": 0}}, "half of the outputs are exactly 0"),
    ("apl", {"parameters": {"a1": -1, "b1": 3, "a2": -1, "b2": 3}}, "the signal's mean square grows 37.71 times; "
     "the gradient's mean square grows 6.49 times"),
    ("tanh", {"std": 4}, "tanh at mean 0, std 4 gives out mean 0.00; no output is exactly 0; the signal keeps 5 % of"),
    ("softplus", {"mean": -1.5}, "softplus at mean −1.5, std 1 gives out"),
]  # fmt: skip


def test_the_verdict_follows_the_numbers(shown):
    page = shown("gelu")
    for name, traits, words in VERDICTS:
        settings = {"activation": name, "parameters": {}, "mean": 0, "std": 1} | traits
        page.evaluate("(all) => Object.entries(all).forEach(([name, value]) => model.set(name, value))", settings)
        page.locator(".verdict").get_by_text(words).wait_for()
    assert page.problems == []


def test_a_layer_that_is_all_zeros_says_so_on_the_chart(shown):
    page = shown("relu", mean=-3.0, std=0.1)
    assert page.get_by_text("100 % exactly 0").count() == 1
    assert page.locator("text.border").all_text_contents() == ["✕ 0: every value is exactly zero"]
    assert page.locator(".ten").inner_text().startswith("Ten layers in a row leave nothing of the signal's mean square")


def test_every_control_works_from_the_keyboard(shown):
    page = shown()
    model_page.focus(page, "combobox", "Activation")
    page.keyboard.press("e")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('ELU at')")
    for name, key in [("α", "ArrowLeft"), ("Input mean", "ArrowRight"), ("Input std", "ArrowLeft")]:
        model_page.focus(page, "slider", name, exact=True)
        page.keyboard.press(key)
    model_page.focus(page, "button", "Pin ELU")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Unpin ELU").wait_for()
    traits = "['activation', 'parameters', 'mean', 'std', 'pinned'].map((name) => model.get(name))"
    pinned = {"activation": "elu", "parameters": {"alpha": 0.95}}
    assert page.evaluate(traits) == ["elu", {"alpha": 0.95}, 0.1, 0.9, pinned]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pin ReLU").wait_for()
    assert page.evaluate(traits) == ["relu", {}, 0, 1, {}]


def test_every_parameter_s_slider_changes_the_numbers(shown):
    page = shown()
    for name in MOVED:
        page.get_by_role("combobox", name="Activation").select_option(name)
        page.wait_for_function(
            "(name) => document.querySelector('.verdict').textContent.startsWith(lab.unitOf(name).name)", arg=name
        )
        start = {"a1": 0.5, "a2": 0.5} if name == "apl" else {}  # with slopes of 0 its hinges do nothing
        page.evaluate("(given) => model.set('parameters', given)", start)
        for key in PARAMETERS[name]:
            before = page.evaluate("lab.respond(lab.unitOf(model.get('activation'), model.get('parameters')), 0, 1)")
            label = page.evaluate("([name, key]) => lab.POINTWISE[name].parameters[key].label", [name, key])
            page.get_by_role("slider", name=label, exact=True).press("ArrowRight")
            page.wait_for_function("(old) => Math.abs(model.get('numbers').square - old) > 1e-5", arg=before["square"])
            want = by_grid(name, page.evaluate("model.get('parameters')"), 0.0, 1.0)
            assert numbers(page)["square"] == pytest.approx(want["square"], abs=1e-6)


def test_two_sliders_moved_in_one_frame_both_count(shown):
    page = shown("apl")
    page.evaluate("""() => {
      const fields = [...document.querySelectorAll(".own input")];
      for (const [i, value] of [[0, 0.5], [3, 2]]) {
        fields[i].value = value;
        fields[i].dispatchEvent(new Event("input", { bubbles: true }));
      }
    }""")
    assert page.evaluate("[model.get('parameters').a1, model.get('parameters').b2]") == [0.5, 2]


def test_the_smallest_divisor_takes_the_largest_along(shown):
    page = shown("rrelu")
    page.get_by_role("slider", name="Smallest divisor").fill("12")
    assert page.evaluate("model.get('parameters')") == {"lower": 12, "upper": 12}
    page.get_by_role("slider", name="Largest divisor").fill("5")
    assert page.evaluate("model.get('parameters')") == {"lower": 5, "upper": 5}


def test_the_focused_chart_is_read_with_arrow_keys(shown):
    page = shown("elu")
    chart, readout = page.get_by_role("slider", name="Curve of ELU"), page.locator(".readout")
    assert readout.inner_text() == "x = −1.00:  f(x) = −0.632,  f′(x) = 0.368"
    chart.press("ArrowLeft")
    assert readout.inner_text().startswith("x = −1.10:  f(x) = −0.667")
    chart.press("End")
    assert readout.inner_text() == "x = 5.00:  f(x) = 5.000,  f′(x) = 1.000" == chart.get_attribute("aria-valuetext")
    chart.press("PageDown")
    assert chart.get_attribute("aria-valuenow") == "4"


def test_a_kink_reads_torch_s_choice_and_both_sides(shown):
    page = shown("relu")
    for _ in range(10):
        page.get_by_role("slider", name="Curve of ReLU").press("ArrowRight")
    words = "f′(x) = 0.000 (torch's choice at this kink: 0.00 on its left, 1.00 on its right)"
    assert page.locator(".readout").inner_text() == f"x = 0.00:  f(x) = 0.000,  {words}"
    # no line joins the two sides, and an open mark stands on the side torch does not take
    assert page.locator("path.slope").first.get_attribute("d").count("M") == 2
    assert page.locator("[role=slider] .mark.open").count() == 1


def test_elu_with_alpha_one_has_no_kink(shown):
    page = shown("elu")
    assert page.locator("path.slope").first.get_attribute("d").count("M") == 1
    assert shown("elu", parameters={"alpha": 0.5}).locator("path.slope").first.get_attribute("d").count("M") == 2


@pytest.mark.parametrize("touch", [False, True])
def test_pointing_at_the_chart_reads_it(chromium, tmp_path, touch):
    context = chromium.new_context(viewport={"width": 380, "height": 900}, has_touch=touch)
    page = context.new_page()
    page.goto(page_of(tmp_path, activation="tanh"))
    chart = page.get_by_role("slider", name="Curve of tanh")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    x = box["x"] + 46 + 0.7 * (box["width"] - 60)  # margins of the chart: 46 and 14; 0.7 of the way from -5 to 5 is 2
    (page.touchscreen.tap if touch else page.mouse.move)(x, box["y"] + 90)
    page.wait_for_function("document.querySelector('.readout').textContent.startsWith('x = 2.00:  f(x) = 0.964')")
    context.close()


def test_a_pinned_activation_stays_as_a_quiet_line_with_its_numbers(shown):
    page = shown("relu")
    page.get_by_role("button", name="Pin ReLU").click()
    page.get_by_role("combobox", name="Activation").select_option("elu")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('ELU')")
    assert page.locator("thead th").all_inner_texts() == ["input", "ELU", "ReLU, pinned"]
    assert page.locator("td.old").all_inner_texts() == ["0.399", "0.341", "0.500", "50 %", "0.500"]
    assert page.locator(".panels .chart path.quiet").count() == 5  # curve, derivative, outputs, signal, gradient
    page.get_by_role("slider", name="Input mean").fill("1")
    page.wait_for_function("document.querySelector('td.old').textContent === '1.083'")  # under the same input
    page.get_by_role("button", name="Unpin ReLU").click()
    page.get_by_role("button", name="Pin ELU").wait_for()
    assert page.locator("path.quiet").count() == 0


def test_settings_from_python_move_the_view(shown):
    page = shown()
    page.evaluate("model.set('parameters', { alpha: 0.5 }); model.set('activation', 'elu'); model.set('std', 2)")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('ELU at mean 0, std 2')")
    assert page.get_by_role("slider", name="α").input_value() == "0.5"
    assert page.get_by_role("slider", name="Input std").input_value() == "2"
    page.evaluate("(text) => model.set('image', text)", Activations(image=[[0, 255] * 5] * 10).image)
    page.wait_for_function("document.querySelector('.maps figcaption').textContent.includes('10 × 10')")


def test_two_views_of_one_model_show_the_same(shown):
    page = shown(views=2)
    page.get_by_role("combobox", name="Activation").nth(1).select_option("tanh")
    page.wait_for_function("[...document.querySelectorAll('.verdict')].every((p) => p.textContent.startsWith('tanh'))")


def test_a_view_taken_away_leaves_nothing_behind(shown):
    page = shown()
    assert page.evaluate("model.listening()") > 0
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme):
    from axe_playwright_python.sync_playwright import Axe

    page = shown("rrelu", theme=theme, pinned={"activation": "relu"})
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 380, 320])
def test_the_widget_fits_the_page(shown, width):
    page = shown("apl", width=width, pinned={"activation": "centered_softplus"})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    page = visit(model_page.mounted_page(tmp_path, Activations("elu")))
    page.get_by_role("slider", name="Input mean").fill("2")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('ELU at mean 2')")
    assert page.problems == []


# Python


def test_the_module_text_imports_nothing_and_stays_small():
    text = esm("activations")
    assert "import " not in text.replace("import(", "")
    assert len(text.encode()) < 52_000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "elux"}, 'activation "elux" is unknown; choose one of: apl, arcsinh'),
        ({"activation": "maxout"}, 'activation "maxout" is unknown'),
        ({"std": 0.0}, r"std 0.0 is out of range; give 0.1 to 4 \(standard deviation of the input\)"),
        ({"mean": 4.0}, "mean 4.0 is out of range; give -3 to 3"),
        ({"mean": math.nan}, "mean nan is out of range"),
        ({"parameters": {"slope": 0.1}}, 'relu has no parameter "slope"; it has: none'),
        ({"activation": "elu", "parameters": {"alpha": 0.0}}, "alpha of elu 0.0 is out of range; give 0.05 to 2"),
        ({"activation": "elu", "parameters": {"alpha": "1"}}, "alpha of elu '1' is out of range"),
        ({"activation": "rrelu", "parameters": {"lower": 9.0}}, "lower is at most upper .3 and 8.; got"),
        ({"pinned": {"name": "relu"}}, "pinned takes {} or"),
        ({"pinned": {"activation": "leaky"}}, 'activation "leaky" is unknown'),
        ({"pinned": {"activation": "elu", "parameters": {"a": 1}}}, 'elu has no parameter "a"; it has: alpha'),
    ],
)
def test_a_setting_out_of_range_says_what_is_allowed(given, message):
    with pytest.raises(TraitError, match=message):
        Activations(**given)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[0] * 7] * 7, r"8 to 64 pixels a side; got 7 rows of \[7\] pixels"),
        ([[0] * 8] * 9, r"square, 8 to 64 .* got 9 rows of \[8\] pixels"),
        ([[0.5] * 8] * 8, "whole numbers from 0 .black. to 255 .white."),
        ([[256] * 8] * 8, "whole numbers from 0"),
    ],
)
def test_a_wrong_image_says_what_is_wanted(image, message):
    with pytest.raises(ValueError, match=message):
        Activations(image=image)


def test_another_activation_drops_the_parameters_it_does_not_have():
    widget = Activations("elu", parameters={"alpha": 0.5})
    assert widget.parameters == {"alpha": 0.5}
    widget.activation = "tanh"
    assert widget.parameters == {}


def test_what_a_page_sends_arrives_in_python():
    widget = Activations("elu", parameters={"alpha": 0.5})
    pinned = {"activation": "elu", "parameters": {"alpha": 0.5}}
    widget.set_state({"activation": "leaky_relu", "parameters": {"a": 0.2}, "pinned": pinned, "numbers": {"mean": 0.4}})
    assert (widget.activation, widget.parameters, widget.pinned) == ("leaky_relu", {"a": 0.2}, pinned)
    assert widget.numbers["mean"] == 0.4
    assert RANGES["std"][0] <= widget.std
