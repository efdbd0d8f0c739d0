"""Measure a model from outside: every probe leaves weights, gradients, buffers and modes as they were."""

from cnnlab.probes.internals import branch_ratios, buffers_kept, monitor, saturation, updates
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
from cnnlab.probes.signal import growth_per_layer, outputs, signal
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
