"""Activation explorer: one function, its derivative, and what both do to a normal input and to an image."""

import base64
import math
from collections.abc import Iterable

import anywidget
import traitlets

from cnnlab.choices import choose
from cnnlab.widgets.allowed import between, refusing
from cnnlab.widgets.assemble import esm

SLOPE = (-0.2, 1.0, "slope below zero")
SHIFT = (-1.0, 1.0, "added to the output")
DIVISOR = (1.0, 30.0, "what a negative input is divided by")
# What a reader may move of each activation; (lowest, highest, meaning). Where it starts is in `lib/pointwise.js`.
PARAMETERS = {
    **dict.fromkeys(("identity", "sigmoid", "tanh", "scaled_tanh", "arcsinh", "relu"), {}),
    **dict.fromkeys(("leaky_relu", "very_leaky_relu", "prelu"), {"a": SLOPE}),
    "rrelu": {"lower": DIVISOR, "upper": DIVISOR},
    "elu": {"alpha": (0.05, 2.0, "minus the value far below zero")},
    **dict.fromkeys(("selu", "elu_leaky", "centered_softplus", "gelu", "silu"), {}),
    "softplus": {"beta": (0.5, 5.0, "how sharp the bend is")},
    **dict.fromkeys(("frelu", "felu"), {"shift": SHIFT}),
    "apl": {
        "a1": (-1.0, 1.0, "slope"),
        "b1": (-3.0, 3.0, "hinge"),
        "a2": (-1.0, 1.0, "slope"),
        "b2": (-3.0, 3.0, "hinge"),
    },
}
RANGES = {
    "mean": (-3.0, 3.0, "mean of the input"),
    "std": (0.1, 4.0, "standard deviation of the input"),
}
# Picture 7 of `cnnlab.data.shapes.generate(8, seed=1, difficulty=0.7)` in gray, (299 R + 587 G + 114 B) / 1000, 32 x 32.
IMAGE = (
    "mZeZm5ORk5eUlZWTlJWRlJSUjpOTl4+Ojo+UkYuTi42bm5Odl5SXmJWUl5aXkZePlJmVkJiXlJCSj46RkJKSjJ+bmpabmpmYl5iUk5aYmJeYmZOY"
    "mZiWlJGVmZKTlZGOnZmZnZeZlp6bmpicmZiUmpWYmJOYk5aWlZWXk5KSlpGimpudoJmdlpyVnJ6Kb2JngZiZm45rWVJuh5KQm5SSk52ioKGcnaCZ"
    "m5yJZk9AP0heaJB0QEQ7VV1YZ42ZlZaZoZyfn6SinZ6diGBJQUNCWV5WWkBARFdbXlI+UJCXnJekn6mfn56jpZtfSjlAQFheX1VDQD9TW1lYQ0I+"
    "a5yXnaaipKSnoZ6hgFE+QEFXW1tUQ0BAUVphV0I+QlBalJyfqainpKWfp6VkPUI9VF9aU0M/RVFcWFlEQkFQYFqJm5+no6mlpKSkqVY6Q1FhYFRG"
    "RkJSW1paREFDTFtdYH2ZoKmpqaKsp6OlWT1WX1xTQkBATVxaV0RBQkhcVltHfaalpqurqKunqatzV1tYWj89PldeWFxGRj5KXVpZSUCUoJ2xqrGt"
    "qKaprKNbXVc+PT5MV1lgQ0NESWFaW04/a6iop7Cqsa6vrauqq4hWRkM7T1lgXUQ/QUZdYlhIPVKhpKqjtqytqayvqLKppXo/QVNcYFpHQUNHW1li"
    "RkJRm6mqpKWxsbGusa+ssbC0rn5IW1laRUQ6RV1hWUlAUZioqqOqpLW3trC0tbGusbOssY9YWkZAREh/jmtNQk2epK+tqq6ptq+yrre1sbSyr7Cz"
    "sY1KWHqizc7Sqj5Rl6qqrKyqsKy4srW3sq+xtrO0sLa1vcLHytDKzM2wSpmqsrSsqrOrsrO7sLG0ube1r7a4ss7LzM/S0M3EoGCTrLGssa+tr7Cp"
    "tLK9t7e6t7m6tbe5zdHPzcSXcUJHlrOvtLO0rrCxtrO6t7a6vLi7t7q7trrCycC/tJRASpO6t6+ws7ezsbSxsbi5vbu3uLm7u7y2vLi1vbW2tZaV"
    "t7a2trW5tbu8sLO3u7q3v7i8w7m9u7q+u7m1tbS6ubq4uba0u7a5urm4sLLBusHAv7/AucC5vLu6v7m6t7m6vba0t7m5u7mzt7S4ur/Awr68wr7B"
    "u766w7u/vLjCur26tri7vLm6vbe5uby2wcLBv8HCv72+v7+8usDBusG7vLu4vLm+uLm9trS5trXCw8LDwMXCxMO/wsK/v8O/wL+6v766vMC+ur+9"
    "urq7wMTGyMvExcHEwMDDu8TAwcLDw8XCwMDEwsHBwL3AvLy+xcjGw8bCxcTDxsHHwsnJxsLEv7+/w769wr2+w8K/vMHIwsnDxcbIxsPGzMDIwsXE"
    "w8PExcrDwMDExsG/w8O+ww=="
)


class Activations(anywidget.AnyWidget):
    r"""Curve and derivative of an activation $f$, and what it does to $x \sim N(\mu, \sigma^2)$ and to a feature map.

    `activation` is a name of `cnnlab.techniques.activations.ACTIVATIONS`; all but `maxout`, which is no function of one
    number. `parameters` gives some of its numbers, by the names in `PARAMETERS`; the others are as the package has them.
    Choosing another activation drops those it does not have. `mean` and `std` are of the input. `pinned` is empty or
    `{"activation": ..., "parameters": {...}}`, and stays beside the one chosen, under the same input. `image` is a
    square gray image, rows of whole numbers from 0 to 255, 8 to 64 a side; by default one of the shipped `shapes`.

    `numbers` is what the page computed: `mean`, `variance`, `square`, the mean square $E[f(x)^2]$, `zeros`, the share of
    exact zeros, `slope`, $E[f'(x)^2]$; and by layer of a chain of ten, whose weights have mean 0 and variance
    1 / fan-in, `signal`, the mean square as a share of the input's (11 numbers, the first is 1), and `gradient`, as a
    share of the output's (the last is 1). Randomized ReLU is taken as at test. It is empty until a page has drawn the
    widget. A value out of range raises a `TraitError` that says what is allowed. Rows A01 to A08, A10, A11 and T05.
    """

    _esm = esm("activations")

    activation = traitlets.Unicode("relu").tag(sync=True)
    parameters = traitlets.Dict().tag(sync=True)
    mean = traitlets.Float(0.0).tag(sync=True)
    std = traitlets.Float(1.0).tag(sync=True)
    pinned = traitlets.Dict().tag(sync=True)
    image = traitlets.Unicode(IMAGE).tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)

    def __init__(self, activation: str = "relu", *, image: Iterable[Iterable[int]] | None = None, **traits):
        if image is not None:
            traits["image"] = base64.b64encode(_packed(image)).decode()
        super().__init__(activation=activation, **traits)

    @traitlets.validate("activation")
    def _known(self, proposal):
        _own(proposal["value"])
        return proposal["value"]

    @traitlets.observe("activation")
    def _drop(self, change):
        own = _own(change["new"])
        self.parameters = {key: value for key, value in self.parameters.items() if key in own}

    @traitlets.validate("parameters")
    def _settled(self, proposal):
        return _checked(self.activation, proposal["value"])

    @traitlets.validate("pinned")
    def _pinnable(self, proposal):
        value = proposal["value"]
        if not value:
            return value
        if not {"activation"} <= set(value) <= {"activation", "parameters"}:
            raise traitlets.TraitError(
                f'pinned takes {{}} or {{"activation": ..., "parameters": {{...}}}}; got {value}'
            )
        _own(value["activation"])
        return {**value, "parameters": _checked(value["activation"], value.get("parameters", {}))}

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        name = proposal["trait"].name
        return between(name, proposal["value"], *RANGES[name])


def _own(activation: str) -> dict:
    return refusing(choose, PARAMETERS, activation, "activation")


def _checked(activation: str, given: dict) -> dict:
    own = _own(activation)
    for key, value in given.items():
        if key not in own:
            raise traitlets.TraitError(f'{activation} has no parameter "{key}"; it has: {", ".join(own) or "none"}')
        between(f"{key} of {activation}", value, *own[key])
    if given.get("lower", 3.0) > given.get("upper", 8.0):
        raise traitlets.TraitError(f"rrelu divides by lower to upper, so lower is at most upper (3 and 8); got {given}")
    return given


def _packed(image: Iterable[Iterable[int]]) -> bytes:
    rows = [list(row) for row in image]
    if not 8 <= len(rows) <= 64 or any(len(row) != len(rows) for row in rows):
        sizes = sorted({len(row) for row in rows})
        raise ValueError(f"image is square, 8 to 64 pixels a side; got {len(rows)} rows of {sizes} pixels")
    pixels = [value for row in rows for value in row]
    if not all(math.isfinite(value) and value == int(value) and 0 <= value <= 255 for value in pixels):
        raise ValueError(
            "pixels are whole numbers from 0 (black) to 255 (white); scale an image in 0..1 by 255 and round"
        )
    return bytes(map(int, pixels))
