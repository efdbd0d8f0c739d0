"""Members trained as one model against each of them trained alone."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnlab import data, models
from cnnlab.config import Model, Training
from cnnlab.data import Dataset
from cnnlab.models.layers import Mean
from cnnlab.sweep.fusion import fuse
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.together import Member, fit_together
from cnnlab.techniques.activations import activation
from cnnlab.techniques.initialization import initialize
from cnnlab.techniques.joins import Parallel, Residual, concatenated, largest, mean
from cnnlab.techniques.normalization import group_norm  # noqa: F401
from cnnlab.training import Epoch, fit

FIXED = {"device": "cpu", "precision": "fp32"}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
HUNDRED = Training(steps=100, epochs=4, batch_size=32)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


def seeded(build, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().to(dtype)


def normed(act: str = "relu", width: int = 6) -> nn.Sequential:
    """Two convolutions with batch normalization and a linear layer on the flattened map, for 8x8 digits."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), activation(act), nn.MaxPool2d(2)),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), activation(act)),
        *(nn.Flatten(), nn.Linear(2 * width * 16, 12), activation(act), nn.Linear(12, 10)),
    )
