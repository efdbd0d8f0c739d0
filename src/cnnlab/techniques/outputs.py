"""The last layer: which output goes with which task, and the losses that take its logits."""

from functools import partial

import torch
from torch import Tensor, nn

from cnnlab.choices import choose, demand


def output_of(task: str) -> nn.Module:
    """What turns the logits of a network into its answer: a new module for the named task (row A12).

    Softmax over dimension 1 for one class of many, a sigmoid for labels that can hold together, nothing for numbers.
    Never ReLU, which answers 0 with gradient 0 for half of the inputs. It is for reading only: the loss takes the
    logits. Source: {cite:t}`goodfellow2016deep`.
    """
    return choose(OUTPUTS, task, "task")()


def objective_of(task: str) -> nn.Module:
    """The loss from logits that goes with `output_of(task)`, a new module of torch's (row A12).

    The cross-entropy by hand is `losses.cross_entropy`.
    """
    return choose(OBJECTIVES, task, "task")()


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    r"""The mean of $\ln(1 + e^z) - t z$ over all labels, each 0 or 1 by itself (row A12).

    Its gradient is $\sigma(z) - t$ over their number. Logits and targets of one shape. Source:
    {cite:t}`goodfellow2016deep`.
    """
    demand(
        targets.shape == logits.shape,
        "the shape of the targets",
        tuple(targets.shape),
        f"{tuple(logits.shape)}, that of the logits",
    )
    return (torch.logaddexp(logits, torch.zeros_like(logits)) - targets * logits).mean()


OUTPUTS = {"multiclass": partial(nn.Softmax, dim=1), "multilabel": nn.Sigmoid, "regression": nn.Identity}
OBJECTIVES = {"multiclass": nn.CrossEntropyLoss, "multilabel": nn.BCEWithLogitsLoss, "regression": nn.MSELoss}
