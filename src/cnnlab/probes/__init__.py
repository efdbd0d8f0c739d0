"""Measure a model from outside: every probe leaves weights, gradients, buffers, modes and random numbers as they were."""

from cnnlab.probes.internals import branch_ratios, monitor, saturation, updates
from cnnlab.probes.sanity import (
    gradient_error,
    initial_loss,
    log_softmax,
    mixes_images,
    overfit,
    reachable_accuracy,
    recall,
    sanity,
)
from cnnlab.probes.signal import buffers_kept, growth_per_layer, outputs, signal
from cnnlab.techniques.rectifiers import dead_fraction

__all__ = [
    "branch_ratios",
    "buffers_kept",
    "dead_fraction",
    "gradient_error",
    "growth_per_layer",
    "initial_loss",
    "log_softmax",
    "mixes_images",
    "monitor",
    "outputs",
    "overfit",
    "reachable_accuracy",
    "recall",
    "sanity",
    "saturation",
    "signal",
    "updates",
]
