"""The training lab: up to eight small networks train side by side, in the page or in the kernel behind it."""

import anywidget
import traitlets

from cnnlab.widgets.allowed import between, named
from cnnlab.widgets.assemble import esm, packed_digits, script

ACTIVATIONS = ("relu", "leaky_relu", "very_leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "centered_softplus")
ACTIVATIONS += ("elu_leaky", "tanh", "scaled_tanh", "arcsinh", "sigmoid", "identity")
CHOICES = {
    "dataset": ("digits", "shapes"),
    "activation": ACTIVATIONS,
    "initialization": ("zeros", "normal", "xavier", "he", "orthogonal", "lsuv"),
    "placement": ("none", "before", "after"),
    "schedule": ("constant", "linear", "cosine", "sqrt", "square", "step", "step_every", "one_cycle", "triangular")
    + ("triangular2", "exp_range", "linear_cosine", "rising"),
    "compare": ("one", "three_rates", "eight_rates", "seeds", "activations", "initializations", "normalization"),
}
RANGES = {
    "depth": (3, 12, "convolutions"),
    "width": (4, 16, "channels of the first stage, in fours"),
    "skip": (0, 2, "convolutions under an identity"),
    "lr": (0.0005, 3.0, "step size of SGD"),
    "momentum": (0.0, 0.99, "share of the last step that is kept"),
    "batch_size": (8, 128, "images"),
    "steps": (50, 500, "steps of SGD"),
}


class Lab(anywidget.AnyWidget):
    """Small CNNs on 8x8 digits or 16x16 shapes, trained side by side as the reader moves a control.

    `compare` names what they differ in. The net is `cnnlab.models.workbench`, trained by SGD as `cnnlab.training.fit` does;
    traits are fields of `cnnlab.config.Config`, `placement` that of batch normalization. With no kernel behind it, on a
    published page or in `Lab()`, the reader's browser trains, by the same formulas and with random numbers of its own; with
    `cnnlab.live.lab()` the kernel does, while it answers within 300 ms. A value out of range raises a `TraitError` that
    says what is allowed. Rows T03, T05, T06, I01 to I06, L01.
    """

    _esm = esm("lab")

    dataset = traitlets.Unicode("digits").tag(sync=True)
    activation = traitlets.Unicode("relu").tag(sync=True)
    initialization = traitlets.Unicode("he").tag(sync=True)
    placement = traitlets.Unicode("none").tag(sync=True)
    skip = traitlets.Int(0).tag(sync=True)
    depth = traitlets.Int(3).tag(sync=True)
    width = traitlets.Int(8).tag(sync=True)
    lr = traitlets.Float(0.05).tag(sync=True)
    schedule = traitlets.Unicode("linear").tag(sync=True)
    momentum = traitlets.Float(0.9).tag(sync=True)
    batch_size = traitlets.Int(32).tag(sync=True)
    steps = traitlets.Int(100).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    compare = traitlets.Unicode("three_rates").tag(sync=True)
    kernel = traitlets.Bool(False).tag(sync=True)
    trainer = traitlets.Unicode(read_only=True).tag(sync=True)
    packed = traitlets.Unicode(read_only=True).tag(sync=True)

    @traitlets.default("trainer")
    def _trainer(self) -> str:
        return script("members")

    @traitlets.default("packed")
    def _packed(self) -> str:
        return packed_digits()

    @traitlets.validate(*CHOICES)
    def _known(self, proposal):
        name = proposal["trait"].name
        return named(CHOICES[name], proposal["value"], name)

    @traitlets.validate(*RANGES)
    def _in_range(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        if name == "width" and value % 4:
            raise traitlets.TraitError(f"width {value} is no multiple of 4; give 4, 8, 12 or 16 (channels)")
        return between(name, value, *RANGES[name])
