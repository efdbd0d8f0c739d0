"""cnnlab: the craft of convolutional networks, in small pieces that can be measured.

The names below are imported when they are first used, so that records and figures work without torch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "Config": "cnnlab.config",
    "Data": "cnnlab.config",
    "Model": "cnnlab.config",
    "Training": "cnnlab.config",
    "load": "cnnlab.data",
    "build": "cnnlab.models",
    "initialize": "cnnlab.techniques.initialization",
    "layer_table": "cnnlab.arithmetic.table",
    "diagnose": "cnnlab.diagnosis",
    "evaluate": "cnnlab.training",
    "fit": "cnnlab.training",
    "range_test": "cnnlab.training",
    "trace": "cnnlab.graph",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'cnnlab' has no attribute '{name}'; its names are: {', '.join(sorted(__all__))}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
