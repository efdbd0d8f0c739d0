"""Widgets from Python: one module text, traits that are JSON and say what they allow, digits without torch."""

import base64
import json
import subprocess
import sys

import pytest
from traitlets import TraitError

import cnnlab.widgets
from cnnlab.techniques.activations import ACTIVATIONS
from cnnlab.techniques.initialization import INITIALIZATIONS
from cnnlab.widgets import Signal, signal
from cnnlab.widgets.assemble import esm


def test_the_module_text_imports_nothing_and_holds_each_library_once():
    text = esm("signal")
    assert "import " not in text.replace("import(", "")
    assert text.count("function generator(") == text.count("function timesTransposed(") == 1
    assert text.count("export ") == 2 and "export default { render };" in text


def test_the_module_text_stays_small():
    assert len(esm("signal").encode()) < 42_000


def test_every_instance_carries_the_same_module_text():
    first, second = Signal().get_state(), Signal("zeros", "tanh", depth=3).get_state()
    assert first["_esm"] == second["_esm"] == esm("signal")


def test_the_state_is_json():
    state = Signal(depth=7).get_state()
    assert json.loads(json.dumps({name: state[name] for name in state if name != "layout"}))["depth"] == 7


def test_the_choices_are_those_of_the_techniques():
    assert set(signal.INITIALIZATIONS) == set(INITIALIZATIONS)
    assert set(signal.ACTIVATIONS) <= set(ACTIVATIONS)


def test_the_default_images_are_the_first_256_digits_of_scikit_learn():
    from sklearn.datasets import load_digits

    bunch, widget = load_digits(), Signal()
    assert base64.b64decode(widget.images) == bunch.data[:256].astype("uint8").tobytes()
    assert widget.labels == "".join(str(label) for label in bunch.target[:256])


def test_own_images_are_carried_as_given():
    images = [[(row + column) % 17 for column in range(64)] for row in range(130)]
    widget = Signal(images=images, labels=[row % 10 for row in range(130)])
    assert list(base64.b64decode(widget.images)) == sum(images, [])
    assert widget.labels == "0123456789" * 13


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"initialization": "hee"}, 'initialization "hee" is unknown; choose one of: he, lsuv, normal'),
        ({"activation": "elux"}, 'activation "elux" is unknown; choose one of: elu, identity'),
        ({"depth": 1}, "depth 1 is out of range; give 2 to 50 .hidden layers"),
        ({"depth": 51}, "depth 51 is out of range"),
        ({"gain": 3.0}, r"gain 3.0 is out of range; give 0.5 to 2 \(times the standard deviation"),
        ({"width": 4}, "width 4 is out of range; give 8 to 128"),
        ({"learning_rate": 0.0}, "learning_rate 0.0 is out of range; give 0.001 to 1 "),
        ({"gain": float("nan")}, "gain nan is out of range"),
        ({"depth": 2.5}, "depth"),
    ],
)
def test_a_setting_out_of_range_says_what_is_allowed(given, message):
    with pytest.raises(TraitError, match=message):
        Signal(**given)
    widget = Signal()
    ((name, value),) = given.items()
    before = getattr(widget, name)
    with pytest.raises(TraitError, match=message):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


ROW = [0] * 64


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([ROW], None, "images and labels come together; got only images"),
        (None, [1], "images and labels come together; got only labels"),
        ([ROW] * 128, [0] * 127, "one label an image and at least 128 of each; got 128 images, 127 labels"),
        ([ROW] * 3, [0] * 3, "at least 128"),
        ([[0] * 63] * 128, [0] * 128, "a row of 64 whole numbers from 0"),
        ([[17] * 64] * 128, [0] * 128, "from 0 .paper. to 16 .ink."),
        ([ROW] * 128, [10] * 128, r"labels are the digits 0 to 9; got \[10\]"),
    ],
)
def test_wrong_images_say_what_is_wanted(images, labels, message):
    with pytest.raises(ValueError, match=message):
        Signal(images=images, labels=labels)


def test_what_a_page_sends_arrives_in_python():
    widget = Signal()
    widget.set_state(
        {"initialization": "xavier", "depth": 30, "history": [2.3, "Infinity"], "columns": {"layer": [0, 1]}}
    )
    assert (widget.initialization, widget.depth, widget.columns) == ("xavier", 30, {"layer": [0, 1]})
    assert [float(loss) for loss in widget.history] == [2.3, float("inf")]


def test_widgets_work_without_torch():
    code = "import sys; sys.modules['torch'] = None; from cnnlab.widgets import Signal; print(Signal().labels[:10])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "0123456789\n"
    )


def test_an_unknown_widget_lists_the_names():
    with pytest.raises(
        AttributeError, match="has no attribute 'Sgnal'; its names are: Activations, Budget, Convolution"
    ):
        cnnlab.widgets.Sgnal  # noqa: B018
