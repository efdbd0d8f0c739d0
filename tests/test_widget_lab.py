"""The training lab in Chromium: real networks, newest setting first, with a kernel behind it or none."""

import json
import re

import pytest
from conftest import ROOT
from traitlets import TraitError

from cnnlab.config import Config
from cnnlab.data import SETS
from cnnlab.techniques.activations import ACTIVATIONS
from cnnlab.techniques.initialization import INITIALIZATIONS
from cnnlab.techniques.schedules import SCHEDULES
from cnnlab.widgets import Lab, lab
from cnnlab.widgets.assemble import script

MOUNT = ROOT / "book/site/widgets/mount.js"
# What a kernel does, in the page: `window.asked` are the messages, `answer(message)` sends one back.
KERNEL = """
window.asked = []; window.patient = %s;
window.modelWith = (traits) => {
  const listeners = [];
  const tell = (name, message) => listeners.filter(([event]) => event === name).forEach(([, hear]) => hear(message));
  return {
    get: (name) => traits[name], on: (event, hear) => listeners.push([event, hear]), off: () => {}, save_changes: () => {},
    set: (name, value) => { traits[name] = value; tell(`change:${name}`); },
    send: (message) => { asked.push(message); if (message.hello && patient) answer({ here: message.hello, device: "cpu" }); },
    tell,
  };
};
window.answer = (message) => model.tell("msg:custom", message);
window.open = (traits) => {
  window.model = modelWith(traits);
  const url = URL.createObjectURL(new Blob([traits._esm], { type: "text/javascript" }));
  import(url).then((lab) => lab.default.render({ model, el: document.querySelector("main") }));
};
"""


def page_text(traits: dict, views: int = 1) -> str:
    state = json.dumps({"state": {"a": {"state": traits}}}).replace("</", "<\\/")
    view = '<div><script type="application/vnd.jupyter.widget-view+json">{"model_id": "a"}</script></div>'
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>Lab</title>"
    head += "<meta name=viewport content='width=device-width'>"
    saved = f'<script type="application/vnd.jupyter.widget-state+json">{state}</script>'
    return f"{head}{saved}<script>{MOUNT.read_text('utf8')}</script><main><h1>Lab</h1>{view * views}</main>"


def traits_of(**settings) -> dict:
    return {name: value for name, value in Lab(**settings).get_state().items() if name != "layout"}


@pytest.fixture
def shown(tmp_path, visit):
    """`page = shown(lr=0.1)`: a published page with the lab, opened as a file."""

    def open_page(views=1, across=1100, address="", **settings):
        (tmp_path / "lab.html").write_text(page_text(traits_of(**settings), views), "utf8")
        page = visit((tmp_path / "lab.html").as_uri() + address, width=across)
        page.wait_for_selector(".cnnlab-card")
        return page

    return open_page


def is_trained(page, card=0):
    page.wait_for_function(
        "(i) => { const c = document.querySelectorAll('.cnnlab-card')[i];"
        " return c.querySelector('button.main').textContent === 'Train'"
        " && /held-out|diverged/.test(c.querySelector('.verdict').textContent) }",
        arg=card,
        timeout=60_000,
    )


def label(page, name: str) -> str:
    return page.locator("figure", has_text=name).locator("[role=img]").get_attribute("aria-label")


def test_the_choices_are_those_of_the_package_and_of_the_trainer():
    assert set(lab.CHOICES["initialization"]) == set(INITIALIZATIONS)
    assert set(lab.CHOICES["schedule"]) == set(SCHEDULES)
    assert set(lab.CHOICES["dataset"]) <= set(SETS)
    assert set(lab.ACTIVATIONS) <= set(ACTIVATIONS)
    words = (ROOT / "src/cnnlab/widgets/lib/labwords.js").read_text("utf8")
    table = lambda name: set(re.findall(r"(\w+): \"", re.search(rf"{name} = {{(.*?)}};", words, re.DOTALL)[1]))  # noqa: E731
    assert table("LAB_ACTIVATIONS") == set(lab.ACTIVATIONS)
    assert table("LAB_INITIALIZATIONS") == set(lab.CHOICES["initialization"])
    assert table("LAB_SCHEDULES") == set(lab.CHOICES["schedule"])
    compare = (ROOT / "src/cnnlab/widgets/lib/compare.js").read_text("utf8")
    assert set(re.findall(r"^  (\w+): {", compare, re.MULTILINE)) == set(lab.CHOICES["compare"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "elux"}, 'activation "elux" is unknown; choose one of: arcsinh'),
        ({"compare": "all"}, 'compare "all" is unknown; choose one of: activations'),
        ({"lr": 5.0}, r"lr 5.0 is out of range; give 0.0005 to 3 \(step size of SGD\)"),
        ({"width": 6}, r"width 6 is no multiple of 4; give 4, 8, 12 or 16"),
        ({"depth": 2}, r"depth 2 is out of range; give 3 to 12 \(convolutions\)"),
        ({"skip": 3}, "skip 3 is out of range; give 0 to 2"),
        ({"steps": 1000}, "steps 1000 is out of range; give 50 to 500"),
    ],
)
def test_a_setting_out_of_range_says_what_is_allowed(given, message):
    with pytest.raises(TraitError, match=message):
        Lab(**given)


def test_the_settings_are_fields_of_a_run():
    settings = {name: getattr(Lab(), name) for name in [*lab.RANGES, *lab.CHOICES] if name != "compare"}
    assert Config().with_fields(**settings).training.steps == 100


@pytest.mark.browser
def test_three_networks_learn_in_a_page_with_no_kernel(shown):
    page = shown()
    assert page.locator(".verdict").inner_text() == "Press Train, or move a slider."
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    shares = [int(share) for share in re.findall(r"(\d+) percent", label(page, "Held out"))]
    assert len(shares) == 3 and max(shares) > 60
    assert label(page, "Training loss").count("after 100 steps") == 3
    assert page.locator(".source").inner_text() == "Trained in your browser, by the same formulas as the package."
    assert page.locator("svg .plus, svg .minus").count() == 8 * 9
    assert page.problems == []


@pytest.mark.browser
def test_shapes_in_color_are_learned_as_well(shown):
    page = shown(dataset="shapes", compare="one", placement="before", lr=0.1)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    assert int(re.search(r"(\d+) percent", label(page, "Held out"))[1]) > 15
    assert page.locator("figure", has_text="Answers").is_hidden()


@pytest.mark.browser
def test_a_slider_trains_anew_and_the_run_before_is_over(shown):
    page = shown(steps=500, compare="one")
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("/after \\d+ steps/.test(document.querySelector('[role=img]').ariaLabel)")
    page.get_by_role("slider", name="Steps").focus()
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    page.get_by_role("combobox", name="Activation").select_option("tanh")
    is_trained(page)
    assert "after 50 steps" in label(page, "Training loss")
    assert 'activation="tanh"' in page.locator("pre").text_content()


@pytest.mark.browser
def test_a_button_pressed_in_the_middle_of_a_run_is_not_drawn_anew_under_the_finger(shown):
    page = shown(steps=500, lr=0.03)
    page.get_by_role("button", name="Train").click()
    steps = "(least) => +(/after (\\d+) steps/.exec(document.querySelector('[role=img]').ariaLabel)?.[1] ?? 0) >= least"
    page.wait_for_function(steps, arg=1)
    chip = page.get_by_role("button", name="lr 0.12")
    pressed = chip.element_handle()
    chip.hover()
    page.mouse.down()
    page.wait_for_function(steps, arg=60)
    assert pressed.evaluate("(chip) => chip.isConnected")
    page.mouse.up()
    assert chip.get_attribute("aria-pressed") == "true"


@pytest.mark.browser
def test_a_rate_too_high_diverges_and_says_so(shown):
    page = shown(lr=3.0, momentum=0.98, depth=9, compare="one", steps=50)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    assert re.search(r"diverged at step \d+", page.locator(".verdict").inner_text())


@pytest.mark.browser
def test_a_pinned_run_stays_while_others_train(shown):
    page = shown(compare="one", steps=50)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    page.get_by_role("button", name="Pin this run").click()
    page.get_by_role("combobox", name="Activation").select_option("elu")
    is_trained(page)
    page.wait_for_function("document.querySelector('.pins').textContent.includes('Pin 1: ReLU ')")
    assert page.locator("svg path.before").count() >= 2
    page.get_by_role("button", name="Unpin").click()
    assert page.locator(".pins").inner_text() == ""


@pytest.mark.browser
def test_a_link_gives_the_setting_again(shown):
    page = shown()
    page.get_by_role("combobox", name="Initialization").select_option("lsuv")
    address = page.get_by_role("link", name="Link to this setting").get_attribute("href")
    page.wait_for_function("document.querySelector('.cnnlab-card a').href.includes('lsuv')")
    address = page.get_by_role("link", name="Link to this setting").get_attribute("href")
    again = shown(address=address)
    assert again.get_by_role("combobox", name="Initialization").input_value() == "lsuv"
    cut = shown(address="#lab=%7Bcut")
    assert cut.get_by_role("combobox", name="Initialization").input_value() == "he"
    assert "The link was damaged" in cut.get_by_role("status").inner_text()


@pytest.mark.browser
def test_what_a_damaged_link_says_beyond_the_controls_is_left_out_and_named(shown):
    page = shown(
        address='#lab={"depth":99,"batch_size":"x","width":6,"activation":"magic","skip":1,"steps":50,"seed":0.5}'
    )
    assert page.get_by_role("status").inner_text() == (
        "The link was damaged: what it says of depth, batch size, width, activation, seed is left out."
    )
    assert page.get_by_role("slider", name="Depth").input_value() == "3"
    assert page.get_by_role("slider", name="Steps").input_value() == "50"
    assert page.get_by_role("combobox", name="Skip connections").input_value() == "1"


@pytest.mark.browser
def test_a_link_scrolls_to_the_lab_that_made_it_and_is_taken_by_a_page_already_open(shown):
    page = shown(views=2, compare="one")
    assert page.evaluate("scrollY") == 0
    page.evaluate("location.hash = '#lab=%7B%22depth%22%3A5%7D&widget=1'")
    page.wait_for_function("document.querySelector('[aria-label=Depth]').value === '5' && scrollY > 200")
    links = page.get_by_role("link", name="Link to this setting")
    assert [links.nth(i).get_attribute("href")[-9:] for i in range(2)] == ["&widget=0", "&widget=1"]
    again = shown(views=2, address=links.nth(1).get_attribute("href"))
    again.wait_for_function("scrollY > 200")


@pytest.mark.browser
def test_a_slider_says_its_number_at_once_and_reaches_its_ends(shown):
    page = shown(compare="one", steps=50)
    now = page.get_by_role("slider", name="Learning rate").evaluate(
        "(one) => { one.value = one.max; one.dispatchEvent(new Event('input', { bubbles: true }));"
        " return [one.ariaValueText ?? one.getAttribute('aria-valuetext'), one.closest('label').innerText.trim()] }"
    )
    assert now[0] == "3" and now[1].endswith("3")
    page.wait_for_function("document.querySelector('pre').textContent.includes('lr=3,')")
    assert page.get_by_role("slider", name="Learning rate").evaluate("(one) => one.value === one.max")


@pytest.mark.browser
def test_a_run_that_was_stopped_is_not_judged_and_a_new_one_takes_its_words_away(shown):
    page = shown(compare="one", steps=500, lr=0.0005, depth=6)
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("document.querySelector('.inside').textContent !== ''", timeout=60_000)
    page.get_by_role("button", name="Stop").click()
    said = page.locator(".verdict").inner_text()
    assert re.match(r"Stopped after \d+ steps\. Best so far: ", said) and "guessing" not in said
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("document.querySelector('.inside').textContent === ''")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("compare", "name"),
    [("activations", "Activation"), ("initializations", "Initialization"), ("normalization", "Batch norm")],
)
def test_a_control_whose_values_are_compared_says_so_and_stands_still(shown, compare, name):
    page = shown(compare=compare)
    assert page.get_by_role("combobox", name=f"{name} (compared)").is_disabled()
    page.get_by_role("combobox", name="Compare", exact=True).select_option("one")
    page.wait_for_function("!document.querySelector('select:disabled')")
    assert page.get_by_role("combobox", name=name, exact=True).is_enabled()


@pytest.mark.browser
def test_pins_are_told_apart_by_words_dashes_and_numbers(shown):
    page = shown(compare="one", steps=50)
    for momentum in ("0", "0.5", "0.9"):
        page.get_by_role("slider", name="Momentum").fill(momentum)
        page.wait_for_function(
            "(at) => document.querySelector('pre').textContent.includes(`momentum=${at},`)", arg=momentum
        )
        is_trained(page)
        page.get_by_role("button", name="Pin this run").click()
    words = [line.split(" Unpin")[0].strip() for line in page.locator(".pins p").all_inner_texts()]
    assert words == ["Pin 1: momentum 0", "Pin 2: momentum 0.5", "Pin 3: momentum 0.9"]
    dashes = "(all) => all.map((one) => getComputedStyle(one).strokeDasharray)"
    assert len(set(page.locator(".pins path").evaluate_all(dashes))) == 3
    numbers = page.locator("figure", has_text="Training loss").locator(".pinned text")
    assert numbers.all_text_contents() == ["1", "2", "3"]


@pytest.mark.browser
def test_a_loss_beyond_the_picture_is_marked(shown):
    page = shown(lr=3.0, momentum=0.98, depth=9, compare="one", steps=50)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    loss = page.locator("figure", has_text="Training loss")
    assert loss.locator("path.cut").count() >= 1 and "off the scale" in loss.inner_text()


@pytest.mark.browser
def test_layers_of_zeros_are_said_in_words(shown):
    page = shown(initialization="zeros", compare="one", steps=50)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    inside = page.locator(".inside").inner_text()
    assert "no signal arrives at the last convolution" in inside and "no number" not in inside
    assert "the first look, after step 5;" in page.locator("figure", has_text="Layers").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("compare", lab.CHOICES["compare"])
def test_the_cell_of_python_trains_the_same_members(shown, compare, capsys):
    page = shown(compare=compare, steps=50, width=4)
    exec(page.locator("pre").text_content(), {})
    printed = capsys.readouterr().out.splitlines()
    chips = page.locator(".chip").count()
    assert len(printed) == 4 * chips and sum("step 50:" in line for line in printed) == chips


@pytest.mark.browser
def test_two_labs_on_a_page_train_side_by_side(shown):
    page = shown(views=2, compare="one", steps=50, across=380)
    for i in range(2):
        page.get_by_role("button", name="Train").nth(i).click()
    for i in range(2):
        is_trained(page, i)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []


@pytest.fixture
def in_notebook(tmp_path, visit):
    """`page = in_notebook(patient=True)`: the lab with a kernel that answers at once, or never."""

    def open_page(patient, **settings):
        traits = traits_of(kernel=True, **settings)
        start = f"open({json.dumps(traits)});".replace("</", "<\\/")
        text = f"<!doctype html><meta charset=utf-8><main></main><script>{KERNEL % json.dumps(patient)}{start}</script>"
        (tmp_path / "notebook.html").write_text(text, "utf8")
        page = visit((tmp_path / "notebook.html").as_uri())
        page.wait_for_selector(".cnnlab-card")
        return page

    return open_page


@pytest.mark.browser
def test_a_kernel_that_answers_trains(in_notebook):
    page = in_notebook(patient=True)
    page.get_by_role("button", name="Train").click()
    page.wait_for_function("asked.some((one) => one.members)")
    run, members = page.evaluate("Object.values(asked.find((one) => one.members))")
    assert [each["lr"] for each in members] == [0.013, 0.05, 0.2]
    assert members[0].keys() <= {*lab.RANGES, *lab.CHOICES, "seed"} - {"compare"}
    assert page.locator(".source").inner_text() == "Trained by the kernel of this notebook, in PyTorch on the CPU."
    page.evaluate("(run) => answer({ run: run - 1, error: 'of a run that is over' })", run)
    page.evaluate("(run) => answer({ run, points: [{ member: 1, step: 1, loss: 2.5 }] })", run)
    page.evaluate("(run) => answer({ run, error: 'no luck' })", run)
    page.wait_for_function("document.querySelector('.verdict').textContent === 'no luck'")
    assert "lr 0.05 2.50 after 1 steps" in label(page, "Training loss")


@pytest.mark.browser
def test_while_the_kernel_is_busy_the_browser_trains_and_says_so(in_notebook):
    page = in_notebook(patient=False, steps=50)
    page.get_by_role("button", name="Train").click()
    is_trained(page)
    assert page.locator(".source").inner_text() == "The kernel is busy, so this trains in your browser."


def test_the_trainer_is_a_classic_script():
    assert script("members").startswith('"use strict";') and "import " not in script("members")


@pytest.mark.browser
def test_eight_members_are_told_apart_by_color_and_by_mark(shown):
    page = shown(compare="eight_rates")
    looks = page.locator("button.chip svg").evaluate_all(
        "(all) => all.map((svg) => [svg.querySelector('g').className.baseVal, "
        "svg.querySelector('.dot').getAttribute('d')])"
    )
    assert len(looks) == len({color for color, _ in looks}) == len({mark for _, mark in looks}) == 8
