"""Architectures: one file a family, `build(config, ...)` for all of them."""

from torch import nn

from cnnlab.choices import choose
from cnnlab.config import Model
from cnnlab.models.plain import Plain


def build(config: Model, *, in_channels: int, classes: int) -> nn.Module:
    """The network that `config` names, with weights as torch left them: `initialization.initialize` sets them.

    A field away from its default that the model does not read raises a `ValueError`.
    """
    builder, reads = choose(MODELS, config.model, "model")
    default = Model()
    for name, value in vars(config).items():
        if name not in {"model", "initialization", *reads} and value != getattr(default, name):
            raise ValueError(f'model "{config.model}" does not read {name} (got {value!r}); leave it at its default')
    return builder(in_channels, classes, **{name: getattr(config, name) for name in reads})


MODELS = {"plain": (Plain, ("depth", "width", "activation"))}
