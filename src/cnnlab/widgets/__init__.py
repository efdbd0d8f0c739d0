"""Widgets of the pages: each an anywidget class and a plain ES module that works with no kernel and no network."""

from importlib import import_module

_HOME = {
    "Activations": "cnnlab.widgets.activations",
    "Budget": "cnnlab.widgets.budget",
    "Convolution": "cnnlab.widgets.convolution",
    "Lab": "cnnlab.widgets.lab",
    "Panel": "cnnlab.widgets.panel",
    "Paths": "cnnlab.widgets.paths",
    "RecordExplorer": "cnnlab.widgets.record",
    "Schedules": "cnnlab.widgets.schedules",
    "Signal": "cnnlab.widgets.signal",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'cnnlab.widgets' has no attribute '{name}'; its names are: {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)
