"""The controls of the panel: one of ipywidgets' own for each setting, with the choices and ranges of the training lab."""

import math

import ipywidgets

from cnnlab.choices import choose, demand
from cnnlab.plots import label
from cnnlab.widgets.lab import CHOICES, RANGES

LABELS = {
    "dataset": "Images",
    "activation": "Activation",
    "initialization": "Initialization",
    "placement": "Batch norm",
    "skip": "Skips",
    "depth": "Depth",
    "width": "Width",
    "lr": "Learning rate",
    "schedule": "Schedule",
    "momentum": "Momentum",
    "batch_size": "Batch size",
    "steps": "Steps",
    "seed": "Seed",
}
STRIDES = {"width": 4, "momentum": 0.01, "batch_size": 8, "steps": 50}  # of the sliders; 1 where none is given


def allowed(name: str, value):
    """`value`, where `Lab` allows it for that setting; else a `ValueError` that says what is allowed."""
    if name in CHOICES:
        choose(dict.fromkeys(CHOICES[name]), value, name)
        return value
    low, high, _ = RANGES.get(name, (0, math.inf, ""))
    number = isinstance(value, int | float if isinstance(low, float) else int) and not isinstance(value, bool)
    fits = number and low <= value <= high and (name != "width" or value % STRIDES[name] == 0)
    demand(fits, name, value, range_of(name))
    return value


def range_of(name: str) -> str:
    """What a number may be: `3 to 12 (convolutions)`."""
    if name not in RANGES:
        return "a whole number from 0"
    low, high, meaning = RANGES[name]
    return f"{low:g} to {high:g} ({meaning})"


def control_of(name: str, value) -> ipywidgets.Widget:
    """The control of a setting: a list of names, a slider, for a seed a number. It speaks when it is let go."""
    look = {"description": LABELS[name], "style": {"description_width": "100px"}}
    look["layout"] = ipywidgets.Layout(width="auto", max_width="480px")
    if name in CHOICES:
        control = ipywidgets.Dropdown(options=[(label(one), one) for one in CHOICES[name]], value=value, **look)
        tip(control, f"{LABELS[name]}: one of {len(CHOICES[name])}")
        return control
    if name not in RANGES:
        control = ipywidgets.BoundedIntText(value=value, min=0, max=2**31 - 1, continuous_update=False, **look)
    else:
        low, high, _ = RANGES[name]
        span = {"min": low, "max": high, "step": STRIDES.get(name, 1)}
        kind = ipywidgets.FloatSlider if isinstance(low, float) else ipywidgets.IntSlider
        if name == "lr":
            span = {"min": math.log10(low), "max": math.log10(high), "step": 0.1, "readout_format": ".2g"}
            kind = ipywidgets.FloatLogSlider
        control = kind(value=value, continuous_update=False, **span, **look)
    tip(control, f"{LABELS[name]}: {range_of(name)}")
    return control


def tip(control: ipywidgets.Widget, words: str) -> None:
    """Say more where a pointer rests. Colab's ipywidgets 7 has another name for it."""
    setattr(control, "tooltip" if control.has_trait("tooltip") else "description_tooltip", words)


def named(name: str, value) -> str:
    """A setting in words: `batch size 32`."""
    return f"{LABELS[name].lower()} {label(value) if name in CHOICES else f'{value:g}'}"
