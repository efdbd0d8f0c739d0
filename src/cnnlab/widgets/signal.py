"""Signal through depth: choose initialization, activation, depth and gain; a real network runs and trains in the page."""

import base64
import zlib
from collections.abc import Iterable
from importlib.resources import files

import anywidget
import traitlets

from cnnlab.widgets.allowed import between, named
from cnnlab.widgets.assemble import esm

INITIALIZATIONS = ("zeros", "normal", "xavier", "he", "orthogonal", "lsuv")
ACTIVATIONS = ("identity", "relu", "leaky_relu", "very_leaky_relu", "tanh", "elu", "maxout")
PIXELS, DIGITS, IMAGES = 64, 1797, 256
RANGES = {
    "depth": (2, 50, "hidden layers"),
    "gain": (0.5, 2.0, "times the standard deviation of the weights"),
    "width": (8, 128, "units a layer"),
    "learning_rate": (0.001, 1.0, "step size of SGD"),
}


def digits(count: int = IMAGES) -> tuple[bytes, str]:
    """The first `count` shipped digits: 64 bytes an image, 0 (paper) to 16 (ink), and the labels as one string."""
    values = zlib.decompress((files("cnnlab") / "data" / "digits.bin").read_bytes())
    return values[DIGITS : DIGITS + count * PIXELS], "".join(map(str, values[:count]))


class Signal(anywidget.AnyWidget):
    """Mean square of signal and gradient by layer, of a chain of `depth` layers, `width` units each, and an output layer.

    `columns` holds what the page measured on 64 digits, unscaled, one number a layer from the input (0) to the output
    (depth + 1): `activation` is E[h²], `gradient` E[(dL/dh)²] of each image's own loss, `variance` Var[z] before the
    activation. `history` is the loss of each step after a training run, `outcome` how it ended. Numbers that are not
    finite come as the strings "Infinity" and "NaN", which `float` reads. All are empty until a page has drawn the widget.

    Names and rules are those of `cnnlab.initialize`; LSUV divides `gain` out again. `images` are rows of 64 values from
    0 to 16 with `labels` 0 to 9, by default 256 shipped digits; the last quarter is held out. A value out of range
    raises a `TraitError` that says what is allowed. Rows I01 to I08.
    """

    _esm = esm("signal")

    initialization = traitlets.Unicode("he").tag(sync=True)
    activation = traitlets.Unicode("relu").tag(sync=True)
    depth = traitlets.Int(20).tag(sync=True)
    gain = traitlets.Float(1.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    width = traitlets.Int(64).tag(sync=True)
    learning_rate = traitlets.Float(0.01).tag(sync=True)
    images = traitlets.Unicode().tag(sync=True)
    labels = traitlets.Unicode().tag(sync=True)
    columns = traitlets.Dict().tag(sync=True)
    history = traitlets.List().tag(sync=True)
    outcome = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        initialization: str = "he",
        activation: str = "relu",
        *,
        images: Iterable[Iterable[int]] | None = None,
        labels: Iterable[int] | None = None,
        **traits,
    ):
        pixels, names = digits() if images is None and labels is None else _packed(images, labels)
        super().__init__(
            initialization=initialization,
            activation=activation,
            images=base64.b64encode(pixels).decode(),
            labels=names,
            **traits,
        )

    @traitlets.validate("initialization", "activation")
    def _known(self, proposal):
        what = proposal["trait"].name
        return named(INITIALIZATIONS if what == "initialization" else ACTIVATIONS, proposal["value"], what)

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        name = proposal["trait"].name
        return between(name, proposal["value"], *RANGES[name])


def _packed(images, labels) -> tuple[bytes, str]:
    if images is None or labels is None:
        raise ValueError(f"images and labels come together; got only {'labels' if images is None else 'images'}")
    rows, names = [list(row) for row in images], [int(label) for label in labels]
    if any(value != int(value) for row in rows for value in row):
        raise ValueError("pixels are whole numbers from 0 (paper) to 16 (ink); scale images in 0..1 by 16 and round")
    rows = [[int(value) for value in row] for row in rows]
    if len(rows) != len(names) or len(rows) < 128:
        raise ValueError(
            f"give one label an image and at least 128 of each; got {len(rows)} images, {len(names)} labels"
        )
    if any(len(row) != PIXELS or min(row) < 0 or max(row) > 16 for row in rows):
        raise ValueError("each image is a row of 64 whole numbers from 0 (paper) to 16 (ink): flatten 8x8 pixels first")
    if not set(names) <= set(range(10)):
        raise ValueError(f"labels are the digits 0 to 9; got {sorted(set(names) - set(range(10)))}")
    return b"".join(map(bytes, rows)), "".join(map(str, names))
