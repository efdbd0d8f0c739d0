"""The Signal widget in Chromium: its numbers against laws and torch, its page against a keyboard."""

import json
import math

import model_page
import pytest
import torch
from torch import nn

from cnnlab.techniques.activations import activation, pieces
from cnnlab.techniques.initialization import gain_of, initialize
from cnnlab.widgets import Signal
from cnnlab.widgets.signal import ACTIVATIONS

pytestmark = pytest.mark.browser
SETTINGS = {"initialization": "he", "activation": "relu", "depth": 6, "gain": 1, "seed": 0, "width": 64}


def page_of(folder, views=1, theme="light", **traits):
    return model_page.page_of(folder, Signal(**traits), "signal", views, theme)


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(depth=5, views=2)`: a page with the widget, drawn."""

    def open_page(views=1, theme="light", width=1100, **traits):
        page = visit(page_of(tmp_path, views, theme, **traits), width=width)
        page.locator(".cnnlab-card svg").first.wait_for()
        return page

    return open_page


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """`lab("(lab, data, settings) => ...", depth=3)`: what that function of the module returns."""
    with model_page.page_to_ask(chromium, page_of(tmp_path_factory.mktemp("lab"), views=0)) as page:
        page.evaluate("window.data = lab.decode(model.get('images'), model.get('labels'))")
        yield lambda code, **settings: page.evaluate(
            f"(settings) => ({code})(lab, data, settings)", SETTINGS | settings
        )


MEASURE = "(lab, data, settings) => lab.measure(settings, data)"


def measure(lab, **settings):
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in lab(MEASURE, **settings).items()}


def factors(columns, depth):
    """What each layer does to signal and gradient, by logarithms of the mean squares of the hidden layers."""
    signal, gradient = columns["activation"], columns["gradient"]
    return (signal[depth] / signal[0]) ** (1 / depth), (gradient[0] / gradient[depth]) ** (1 / depth)


# Laws


def test_he_keeps_the_signal_through_relu_and_xavier_halves_it(lab):
    for name, factor in [("he", 1.0), ("xavier", 0.5)]:
        found = [factors(measure(lab, initialization=name, depth=20, seed=seed), 20) for seed in range(8)]
        for side in zip(*found, strict=True):
            assert torch.stack(side).log10().mean() == pytest.approx(math.log10(factor), abs=0.03)


def test_an_orthogonal_linear_network_keeps_every_norm(lab):
    columns = measure(lab, initialization="orthogonal", activation="identity", depth=50)
    torch.testing.assert_close(columns["activation"][:51], columns["activation"][0].expand(51), rtol=1e-4, atol=0)
    torch.testing.assert_close(columns["gradient"][:51], columns["gradient"][0].expand(51), rtol=1e-4, atol=0)


def test_gain_multiplies_the_deviation_of_the_weights(lab):
    plain, louder = (measure(lab, gain=gain, depth=10)["activation"] for gain in (1, 1.5))
    torch.testing.assert_close(louder / plain, 1.5 ** (2 * torch.arange(12.0, dtype=torch.float64)), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ["relu", "tanh", "maxout"])
def test_lsuv_gives_every_layer_unit_variance_whatever_the_gain(lab, name):
    found = measure(lab, initialization="lsuv", activation=name, depth=20, gain=1.7)["variance"][1:]
    torch.testing.assert_close(found, torch.ones_like(found), rtol=0, atol=1e-3)


def test_with_zero_weights_only_the_last_bias_gets_a_gradient(lab):
    code = """(lab, data, settings) => {
      const net = lab.start({ ...settings, initialization: "zeros" }, data), { x, y } = data.train;
      const trace = lab.forward(net, x, y.length), { loss, gradient } = lab.crossEntropy(trace.h.at(-1), y);
      const grads = lab.backward(net, trace, gradient), all = (list) => list.map((one) => one.every((g) => g === 0));
      return { loss, weights: all(grads.weight), biases: all(grads.bias) };
    }"""
    found = lab(code)
    assert found["loss"] == pytest.approx(math.log(10), abs=1e-12)
    assert found["weights"] == [True] * 7
    assert found["biases"] == [True] * 6 + [False]


def test_small_normal_weights_underflow_to_exactly_zero(lab):
    signal = measure(lab, initialization="normal", depth=50)["activation"]
    assert 1e-6 < signal[1] < 1e-2 and signal[50] == 0


def test_a_seed_fixes_the_network_and_another_draws_another(lab):
    first, again, other = (measure(lab, seed=seed)["activation"][3] for seed in (4, 4, 5))
    assert first == again != other


@pytest.mark.parametrize("name", ["relu", "very_leaky_relu", "tanh", "elu"])
def test_the_predicted_moments_are_those_of_gain_of(lab, name):
    predicted = lab("(lab, data, { activation }) => lab.moments(activation, 1).square", activation=name)
    assert 1 / math.sqrt(predicted) == pytest.approx(gain_of(activation(name)), rel=1e-3)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("rule", ["normal", "xavier", "he", "orthogonal", "lsuv"])
def test_the_prediction_is_what_many_draws_measure(lab, rule, name):
    settings = {"initialization": rule, "activation": name, "depth": 8}
    predicted = lab("(lab, data, settings) => lab.predict(settings, 64, 10)", **settings)
    found = [measure(lab, **settings, seed=seed) for seed in range(10)]
    for column, start, reached in [("activation", 0, 8), ("gradient", 9, 0)]:
        logs = torch.stack([(one[column][reached] / one[column][start]).log10() for one in found])
        assert logs.mean() == pytest.approx(math.log10(predicted[column][reached]), abs=0.35)


# Against torch

WEIGHTS = "(lab, data, settings) => lab.start(settings, data).layers.map(({ weight }) => Array.from(weight))"
BATCH = "(lab, data) => ({ x: Array.from(data.train.x.subarray(0, 64 * 64)), y: data.train.y.slice(0, 64) })"


def torch_copy(lab, **settings):
    """The page's network in torch, float32, with the page's weights, and the page's batch."""
    settings = SETTINGS | settings
    name, width, depth = settings["activation"], settings["width"], settings["depth"]
    hidden = [(nn.Linear(width if i else 64, width * pieces(name)), activation(name)) for i in range(depth)]
    model = nn.Sequential(*(part for pair in hidden for part in pair), nn.Linear(width, 10))
    for layer, weight in zip((m for m in model if isinstance(m, nn.Linear)), lab(WEIGHTS, **settings), strict=True):
        layer.weight.data = torch.tensor(weight, dtype=torch.float32).view_as(layer.weight)
        nn.init.zeros_(layer.bias)
    batch = lab(BATCH)
    return model, torch.tensor(batch["x"]).view(64, 64), torch.tensor(batch["y"])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("rule", ["xavier", "lsuv"])
def test_signal_and_gradient_by_layer_are_those_of_torch(lab, rule, name):
    model, x, y = torch_copy(lab, activation=name, initialization=rule, width=32)
    outputs = [x.requires_grad_()]
    for i in range(0, len(model), 2):
        outputs.append(model[i : i + 2](outputs[-1]))
        outputs[-1].retain_grad()
    nn.functional.cross_entropy(outputs[-1], y, reduction="sum").backward()
    columns = measure(lab, activation=name, initialization=rule, width=32)
    for column, values in [("activation", outputs), ("gradient", [one.grad for one in outputs])]:
        want = torch.stack([value.detach().double().square().mean() for value in values])
        torch.testing.assert_close(columns[column], want, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ["relu", "tanh", "maxout"])
def test_three_steps_of_training_are_those_of_torch(lab, name):
    model, x, y = torch_copy(lab, activation=name)
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.05), []
    for _ in range(3):
        optimizer.zero_grad()
        losses.append(nn.functional.cross_entropy(model(x), y))
        losses[-1].backward()
        optimizer.step()
    code = """(lab, data, settings) => {
      const net = lab.start(settings, data), batch = { x: data.train.x.subarray(0, 64 * 64), y: data.train.y.slice(0, 64) };
      const losses = [1, 2, 3].map(() => lab.step(net, batch, 0.05));
      return { losses, weight: Array.from(net.layers[0].weight), bias: Array.from(net.layers[2].bias) };
    }"""
    found = lab(code, activation=name)
    torch.testing.assert_close(torch.tensor(found["losses"]), torch.stack(losses).detach(), rtol=1e-4, atol=0)
    weight = torch.tensor(found["weight"]).view_as(model[0].weight)
    torch.testing.assert_close(weight, model[0].weight.data, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(torch.tensor(found["bias"]), model[4].bias.data, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "maxout"])
@pytest.mark.parametrize("rule", ["zeros", "normal", "xavier", "he", "orthogonal"])
def test_weights_spread_as_those_of_initialize(lab, rule, name):
    model, *_ = torch_copy(lab, activation=name, initialization=rule, gain=1.2)
    ours = [m.weight.detach().clone() for m in model if isinstance(m, nn.Linear)]
    initialize(model, rule, gain=1.2, generator=torch.Generator().manual_seed(0))
    for got, layer in zip(ours, (m for m in model if isinstance(m, nn.Linear)), strict=True):
        assert got.std().item() == pytest.approx(layer.weight.std().item(), rel=0.12, abs=1e-12)
        if rule == "orthogonal":
            square = got @ got.T if got.shape[0] <= got.shape[1] else got.T @ got
            torch.testing.assert_close(square, 1.44 * torch.eye(len(square)), rtol=0, atol=1e-5)


# The page

PIXELS = (
    "(lab, data) => [data.train.y.length, data.heldOut.y.length, lab.measure({...%s, depth: 2}, data).activation[0]]"
)


def test_three_quarters_of_the_images_are_trained_on_and_they_are_standardized(lab):
    train, held_out, square = lab(PIXELS % json.dumps(SETTINGS))
    assert (train, held_out) == (192, 64)
    assert square == pytest.approx(1, abs=0.05)  # the first 64 of the 192


def train(page):
    page.get_by_role("button", name="Train 200 steps").click()
    page.wait_for_function("model.get('outcome').steps", timeout=60_000)
    return page.evaluate("({ history: model.get('history'), ...model.get('outcome') })")


def test_a_reader_sees_the_signal_halve_under_xavier(shown):
    page = shown(initialization="xavier", depth=20)
    words = page.locator(".verdict").inner_text()
    assert words.startswith("After 20 ReLU layers under Xavier the signal is") and "each layer keeps 0." in words
    assert "signal 1.0 at the input" in page.get_by_role("img").nth(0).get_attribute("aria-label")
    assert page.locator(".verdict").get_attribute("aria-live") == "polite"
    assert page.problems == []


def test_he_learns_and_the_page_says_how_well(shown):
    page = shown(depth=5)
    run = train(page)
    assert run["steps"] == len(run["history"]) == 200 and run["diverged_at"] is None
    assert sum(run["history"][-20:]) / 20 < 0.5
    assert run["right"] > 44 and f"{run['right']} of 64 images" in page.locator(".verdict").inner_text()
    assert page.locator(".wrong").count() == 64 - run["right"]


@pytest.mark.parametrize(("rule", "depth"), [("zeros", 5), ("normal", 15)])
def test_a_network_without_a_signal_stays_at_guessing(shown, rule, depth):
    page = shown(initialization=rule, depth=depth)
    run = train(page)
    assert all(abs(loss - math.log(10)) < 0.05 for loss in run["history"])
    assert page.locator(".verdict").inner_text().startswith("It has not learned")


def test_an_exploding_network_says_at_which_step_it_diverged(shown):
    page = shown(gain=2.0, depth=30)
    run = train(page)
    assert run["diverged_at"] == run["steps"] < 10
    assert not math.isfinite(float(run["history"][-1]))
    assert f"Diverged at step {run['steps']}" in page.locator(".verdict").inner_text()
    assert not math.isfinite(float(page.evaluate("model.get('columns').activation.at(-1)")))


def test_zeros_are_named_where_no_logarithm_can_show_them(shown):
    page = shown(initialization="zeros")
    assert page.locator("text.border").all_text_contents() == ["✕ 0: every value is exactly zero"] * 2
    assert page.locator(".cross").count() == 21 + 21  # signal: layers 1 to 21; gradient: 0 to 20


def test_every_control_works_from_the_keyboard(shown):
    page = shown(depth=5)
    model_page.focus(page, "combobox", "Initialization")
    page.keyboard.press("x")
    model_page.focus(page, "combobox", "Activation")
    page.keyboard.press("t")
    for name, key in [("Depth", "ArrowRight"), ("Gain", "ArrowLeft")]:
        model_page.focus(page, "slider", name)
        page.keyboard.press(key)
    button = model_page.focus(page, "button", "Train 200 steps")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert button.inner_text() == "Train 200 steps" and page.locator(".verdict").inner_text().startswith(
        "Stopped after"
    )
    model_page.focus(page, "button", "New draw")
    page.keyboard.press("Enter")
    slider = model_page.focus(page, "slider", "Learning rate")
    page.keyboard.press("ArrowRight")
    names = ["initialization", "activation", "depth", "gain", "seed", "learning_rate"]
    found = page.evaluate("(names) => names.map((name) => model.get(name))", names)
    assert found == ["xavier", "tanh", 6, 0.95, 1, 0.013]
    page.wait_for_function(
        "document.querySelector('.verdict').textContent.startsWith('After 6 tanh layers under Xavier')"
    )
    assert slider.get_attribute("aria-valuetext") == "0.013"


def test_a_setting_from_python_moves_the_view(shown):
    page = shown(depth=5)
    page.evaluate("model.set('depth', 30)")
    page.wait_for_function("model.get('columns').layer.length === 32")
    assert page.get_by_role("slider", name="Depth").input_value() == "30"
    assert "30 ReLU layers" in page.locator(".verdict").inner_text()
    assert "before: He, ReLU, 5 layers" in page.locator(".legend").inner_text()


def test_two_views_of_one_model_show_the_same(shown):
    page = shown(views=2, depth=5)
    page.get_by_role("combobox", name="Initialization").nth(1).select_option("lsuv")
    page.wait_for_function(
        "[...document.querySelectorAll('.verdict')].every((p) => p.textContent.includes('under LSUV'))"
    )
    assert page.get_by_role("slider", name="Gain").nth(0).is_disabled()


def test_both_panels_and_the_loss_move_while_it_trains(chromium, tmp_path):
    context = chromium.new_context(reduced_motion="no-preference")
    page = context.new_page()
    page.goto(page_of(tmp_path, depth=40))
    drawn = "[...document.querySelectorAll('path.measured')].map((path) => path.getAttribute('d'))"
    page.locator(".cnnlab-card svg").first.wait_for()
    before = page.evaluate(drawn)
    page.get_by_role("button", name="Train 200 steps").click()
    page.wait_for_function("document.body.innerText.match(/step [1-9][0-9] of 200/)")
    after = page.evaluate(drawn)
    context.close()
    charts = slice(0, 2), slice(-1, None)  # the legend's sample line lies between
    assert all(old != new for part in charts for old, new in zip(before[part], after[part], strict=True))


def test_moving_a_control_ends_the_run(shown):
    page = shown(depth=40)
    page.get_by_role("button", name="Train 200 steps").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.get_by_role("combobox", name="Activation").select_option("tanh")
    page.get_by_role("button", name="Train 200 steps").wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("[model.get('history'), model.get('outcome')]") == [[], {}]
    assert "tanh layers" in page.locator(".verdict").inner_text()


def test_stop_ends_the_run_where_it_is(shown):
    page = shown(depth=40)
    page.get_by_role("button", name="Train 200 steps").click()
    page.get_by_role("button", name="Stop").click()
    assert page.locator(".verdict").inner_text().startswith("Stopped after ")
    assert page.get_by_role("button", name="Train 200 steps").is_visible()


def test_a_view_taken_away_leaves_nothing_behind(shown):
    page = shown(depth=5)
    assert page.evaluate("model.listening()") > 0
    page.evaluate("cleanups.forEach((cleanup) => cleanup())")
    assert page.evaluate("model.listening()") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_widget_has_no_serious_accessibility_violation(shown, theme):
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(shown(theme=theme, initialization="zeros")).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1100, 390, 320])
def test_the_widget_fits_the_page(shown, width):
    page = shown(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_book_s_mount_draws_it_from_a_file(tmp_path, visit):
    page = visit(model_page.mounted_page(tmp_path, Signal(depth=3)))
    page.get_by_role("slider", name="Depth").fill("4")
    page.wait_for_function("document.querySelector('.verdict').textContent.startsWith('After 4 ReLU layers')")
    assert page.problems == []


def test_a_signal_far_from_the_input_is_not_called_about_as_strong(shown):
    page = shown(initialization="xavier", activation="tanh", depth=40, gain=1.2)
    said = page.locator(".verdict").first.inner_text()
    assert "the signal is 0.17 times the input: weaker" in said
    assert "The gradient at the input is 0.72 times that at the output." in said
