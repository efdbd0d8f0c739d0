"""The control panel without a browser: its controls are set as a front end sets them, by messages, and its picture read."""

import json
import math
import subprocess
import sys
import threading
import time
from xml.etree import ElementTree

import ipywidgets
import nbformat
import numpy as np
import pytest
from conftest import ROOT

from cnnlab import live
from cnnlab.widgets import Lab, Panel
from cnnlab.widgets.controls import LABELS
from cnnlab.widgets.curves import Run, charts, smooth
from cnnlab.widgets.lab import CHOICES, RANGES

SMALL = {"width": 4, "steps": 50}
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))


def tell(widget: ipywidgets.Widget, data: dict) -> None:
    """What arrives when a front end says something: through JSON, as it comes."""
    widget._handle_msg(json.loads(json.dumps({"content": {"data": data}, "buffers": []})))


def move(control: ipywidgets.Widget, value) -> None:
    """A front end names the place in a list, and the value of anything else."""
    list_like = isinstance(control, ipywidgets.Dropdown)
    places = [one for _, one in control.options] if list_like else []
    state = {"index": places.index(value)} if list_like else {"value": value}
    tell(control, {"method": "update", "state": state, "buffer_paths": []})


def press(button: ipywidgets.Button) -> None:
    tell(button, {"method": "custom", "content": {"event": "click"}})


def wait(panel: Panel, words: str) -> str:
    """Until it says so; what it says."""
    deadline = time.monotonic() + 60
    while words not in panel.words.value:
        assert time.monotonic() < deadline, panel.words.value
        time.sleep(0.002)
    return panel.words.value


def behind(source, *fields, **settings) -> Panel:
    return live.attach(Panel(*fields, **settings), source)


def losses(values: list[float]) -> dict:
    return {"points": [{"member": 0, "step": k, "loss": loss} for k, loss in enumerate(values, start=1)]}


@pytest.fixture
def gate():
    """`source, begun, go`: a source that goes on until `go` is set, and the settings of the runs it began."""
    begun, go = [], threading.Event()

    def source(settings):
        begun.append(settings[0])
        while not go.is_set():
            time.sleep(0.001)
            yield {"points": []}
        yield losses([settings[0]["depth"] / 10] * 10)

    return source, begun, go


def parts_of(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    return [widget, *(part for child in getattr(widget, "children", ()) for part in parts_of(child))]


# Its controls


def test_names_choices_ranges_and_first_values_are_those_of_the_lab():
    panel = Panel(*LABELS)
    assert set(LABELS) == set(live.FIELDS) - {"nesterov", "weight_decay"} | {"seed"}
    assert panel.settings == {name: getattr(Lab(), name) for name in LABELS}
    for name in CHOICES.keys() - {"compare"}:
        assert tuple(value for _, value in panel.controls[name].options) == CHOICES[name]
    for name, (low, high, _) in RANGES.items():
        power = panel.controls[name].base.__pow__ if name == "lr" else float
        assert (power(panel.controls[name].min), power(panel.controls[name].max)) == pytest.approx((low, high))
        assert panel.controls[name].value == panel.settings[name]


def test_every_part_is_a_control_that_ipywidgets_brings():
    parts = parts_of(Panel(*LABELS))
    modules = {part._model_module for part in parts} | {part.layout._model_module for part in parts}
    assert modules == {"@jupyter-widgets/controls", "@jupyter-widgets/base"} and len(parts) == len(LABELS) + 5


def test_every_control_has_a_name_that_fits_and_says_what_is_allowed():
    panel = Panel(*LABELS)
    for name, control in panel.controls.items():
        assert control.description == LABELS[name] and control.style.description_width == "100px"
        assert len(control.description) <= 14, "longer ones are cut off at 100 pixels"
        assert control.tooltip.startswith(LABELS[name])
    assert panel.controls["depth"].tooltip == "Depth: 3 to 12 (convolutions)"


def test_fields_get_a_control_in_their_order_and_the_rest_is_told():
    panel = Panel("lr", "batch_size", depth=7)
    assert list(panel.controls) == ["lr", "batch_size"]
    assert "depth 7" in panel.words.value and "batch size" not in panel.words.value


@pytest.mark.parametrize(
    ("fields", "settings", "message"),
    [
        (("rate",), {}, 'setting of a panel "rate" is unknown; choose one of: activation, batch_size'),
        ((), {"compare": "one"}, 'setting of a panel "compare" is unknown'),
        ((), {"activation": "elux"}, 'activation "elux" is unknown; choose one of: arcsinh'),
        ((), {"lr": 5.0}, r"lr must be 0.0005 to 3 \(step size of SGD\); got 5.0"),
        ((), {"lr": math.nan}, "lr must be .* got nan"),
        ((), {"depth": 3.5}, r"depth must be 3 to 12 \(convolutions\); got 3.5"),
        ((), {"width": 6}, "width must be 4 to 16 .channels of the first stage, in fours.; got 6"),
        ((), {"steps": "100"}, "steps must be 50 to 500 .* got '100'"),
        ((), {"skip": True}, "skip must be 0 to 2 .* got True"),
        ((), {"seed": -1}, "seed must be a whole number from 0; got -1"),
    ],
)
def test_a_setting_that_is_not_allowed_says_what_is(fields, settings, message):
    with pytest.raises(ValueError, match=message):
        Panel(*fields, **settings)


def test_it_is_made_without_torch():
    code = (
        "import sys; sys.modules['torch'] = None; from cnnlab.widgets import Panel; print(Panel().button.description)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Train\n"


# What it asks and draws


def test_it_draws_what_train_gives_for_the_settings_it_shows():
    panel = live.panel("activation", "lr", **SMALL)
    assert panel.button.description == "Train" and "on the CPU" in panel.words.value
    move(panel.controls["activation"], "tanh")
    move(panel.controls["lr"], 10**-1.001)  # where the slider has 0.1
    told = wait(panel, "After 50 steps")
    run = Run(0, panel.settings)
    for answer in live.train([{**Panel(**SMALL).settings, "activation": "tanh", "lr": 0.1}]):
        run.take(answer)
    assert f"After 50 steps: {run.words()}." in told and run.looks[-1][0] == 50
    assert f"this run {run.words()}" in panel.picture.value


def test_nothing_trains_before_the_reader_acts(gate):
    source, begun, _ = gate
    panel = behind(source, "depth")
    time.sleep(0.05)
    assert begun == [] and "Press Train, or move a control." in panel.words.value


def test_a_control_that_moves_ends_the_run_before_and_nothing_queues_up(gate):
    source, begun, go = gate
    panel = behind(source, "depth", "seed")
    press(panel.button)
    while not begun:
        time.sleep(0.001)
    for seed in range(1, 40):
        move(panel.controls["seed"], seed)
    move(panel.controls["depth"], 7)
    while begun[-1]["depth"] != 7:
        time.sleep(0.001)
    go.set()
    told = wait(panel, "After 10 steps")
    assert "loss 0.70" in told and "Before" not in told, "a run that was cut short is nothing to compare with"
    assert len(begun) < 41  # most were never begun


def test_the_picture_grows_with_the_run():
    steps = [threading.Event() for _ in range(2)]

    def source(_settings):
        yield losses([2.0] * 5)
        steps[0].wait(60)
        yield {"points": [{"member": 0, "step": 5, "heldOut": {"loss": 1.0, "accuracy": 0.5}}]}
        steps[1].wait(60)

    panel = behind(source, "lr")
    empty = panel.picture.value
    press(panel.button)
    wait(panel, "Training, step 5 of 100: loss 2.00.")
    first = panel.picture.value
    steps[0].set()
    wait(panel, "loss 2.00, 50 % of the held-out images right")
    assert empty != first != panel.picture.value and panel.button.description == "Stop"
    steps[1].set()
    wait(panel, "After 5 steps")
    assert panel.button.description == "Train"


def test_the_last_finished_run_stays_in_gray_and_its_difference_is_named():
    panel = behind(lambda settings: iter([losses([settings[0]["momentum"] or 1.5] * 10)]), "momentum", "lr")
    press(panel.button)
    assert "before" not in wait(panel, "loss 0.90")
    move(panel.controls["momentum"], 0.0)
    told = wait(panel, "After 10 steps: loss 1.50. Before: loss 0.90.")
    assert "momentum 0 " in told and "before: momentum 0.9<" in told and "learning rate" not in told
    assert panel.picture.value.count('stroke="#8a8a8a"') == 1


def test_a_run_that_diverges_is_said_in_words():
    panel = live.panel("activation", activation="identity", lr=0.2, **SMALL)
    press(panel.button)
    told = wait(panel, "Diverged at step")
    step = next(
        point["divergedAt"]
        for answer in live.train([panel.settings])
        for point in answer.get("points", ())
        if "divergedAt" in point
    )
    assert f"<b>Diverged at step {step}.</b> The loss left all bounds; take a smaller learning rate." in told


def test_a_run_that_learns_nothing_is_called_guessing():
    panel = live.panel("initialization", initialization="zeros", **SMALL)
    press(panel.button)
    assert "no more than guessing gives" in wait(panel, "After 50 steps")


def test_stop_ends_the_run_and_what_comes_late_is_dropped(gate):
    source, begun, go = gate
    panel = behind(source, "depth")
    press(panel.button)
    while not begun:
        time.sleep(0.001)
    press(panel.button)
    assert "Press Train" in panel.words.value and panel.button.description == "Train"
    before = panel.words.value
    panel.send({"run": 1, **losses([0.1])})
    panel.send({"run": 0, "done": True})
    assert panel.words.value == before
    go.set()
    press(panel.button)
    wait(panel, "After 10 steps")


# What goes wrong


def test_what_cannot_be_trained_is_said_and_the_next_setting_trains():
    def source(settings):
        if settings[0]["seed"] == 1:
            raise ValueError("seed must be <b>even</b>")
        return iter([losses([1.0])])

    panel = behind(source, "seed")
    move(panel.controls["seed"], 1)
    told = wait(panel, "Not trained:")
    assert "seed must be &lt;b&gt;even&lt;/b&gt;" in told and panel.button.description == "Train"
    move(panel.controls["seed"], 2)
    assert "Not trained" not in wait(panel, "After 1 steps")


def test_a_value_between_two_stops_is_refused_in_words_and_ends_the_run(gate):
    source, begun, _ = gate
    panel = behind(source, "width")
    press(panel.button)
    move(panel.controls["width"], 6)
    assert "width must be 4 to 16 (channels of the first stage, in fours); got 6" in wait(panel, "Not trained:")
    assert panel.settings["width"] == 8 and panel.button.description == "Train"


def test_without_a_kernel_behind_it_it_says_how_to_get_one():
    panel = Panel("lr")
    press(panel.button)
    assert "no kernel is behind this panel; make it by cnnlab.live.panel()" in panel.words.value


# The picture


def test_the_running_mean_is_that_of_numpy():
    values = np.random.default_rng(0).random(37)
    means = [values[max(0, k - 10) : k].mean() for k in range(1, 38)]
    np.testing.assert_allclose(smooth(values.tolist()), means, rtol=1e-12)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 1e30, math.inf, math.nan, 1.0]], ids=["none", "one", "no numbers"])
def test_any_losses_give_two_named_pictures_within_their_frame(values):
    run = Run(1, {"steps": 50}, losses=values, looks=[(10, 0.5)], diverged_at=3)
    svgs = ElementTree.fromstring(charts(run, run)).findall("svg")
    assert [svg.get("role") for svg in svgs] == ["img", "img"]
    assert all(len(svg.get("aria-label")) > 30 for svg in svgs) and svgs[0].get("aria-label") != svgs[1].get(
        "aria-label"
    )
    text = charts(run, run)
    assert "nan" not in text and "inf" not in text
    lines = [path.get("d") for path in svgs[0].iter("path") if path.get("fill") == "none"]
    assert all(0 <= float(y) <= 220 for line in lines for y in line[1:].replace("L", " ").split()[1::2])


# In the chapters


def panel_cell(path):
    (cell,) = (
        cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code" and "live.panel(" in cell.source
    )
    return cell


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_one_panel_and_it_shows_what_the_chapter_is_about(path):
    made = {}
    exec(panel_cell(path).source.replace("\nlive.panel", "\npanel = live.panel"), made)
    panel = made["panel"]
    subject = {"activations": "activation", "learning-rates": "lr", "initialization": "initialization"}[path.stem]
    assert next(iter(panel.controls)) == subject and "on the CPU" in panel.words.value


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_book_shows_the_code_of_the_panel_and_saves_no_control(path):
    from nbclient import NotebookClient

    cell = panel_cell(path)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert "skip-execution" in cell.metadata.tags
    NotebookClient(notebook, timeout=60).execute()
    assert notebook.cells[0].outputs == [] and "widgets" not in notebook.metadata
