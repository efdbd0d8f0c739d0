"""The first ten losses of every level: a record's proof of which code it was measured with."""

import math

import torch

from cnnlab import data
from cnnlab.config import Config
from cnnlab.experiment import Experiment, Level
from cnnlab.sweep.network import network
from cnnlab.training import fit

STEPS = 10
IMAGES = 800  # of `shapes`, which every machine draws alike


def canary(experiment: Experiment, size: str = "cpu") -> dict[str, list[float]]:
    """The losses of ten steps at every level, on `shapes`, in float64, on one thread; a diverged level has fewer."""
    torch.set_num_threads(1)
    return {name(level): _losses(experiment.config(level, size)) for level in experiment.levels()}


def name(level: Level) -> str:
    return " · ".join(level.values())


def _losses(config: Config) -> list[float]:
    config = config.with_fields(dataset="shapes", train_images=None, steps=STEPS, epochs=1)
    images = data.load("shapes", images=IMAGES, size=config.data.image_size, progress=False)
    model = network(config, images, seed=0, dtype=torch.float64)
    (epoch,) = fit(model, images, config.training, seed=0, device="cpu", precision="fp32")
    return [loss for loss in epoch.losses if math.isfinite(loss)]


def check_connected(experiment: Experiment, losses: dict[str, list[float]], size: str = "cpu") -> None:
    """Refuse a level, one factor away from the baseline, whose losses are the baseline's to the bit.

    Such a knob is connected to nothing, and would be published as "no effect".
    """
    baseline = experiment.baseline.with_fields(**experiment.sizes[size].fields)
    levels = [level for level in experiment.levels() if experiment.config(level, size) == baseline]
    for home in levels:
        for level in experiment.levels():
            moved = [factor for factor in level if level[factor] != home[factor]]
            if len(moved) == 1 and losses[name(level)] == losses[name(home)]:
                raise ValueError(
                    f'level "{level[moved[0]]}" of factor "{moved[0]}" gives the baseline\'s first {STEPS} losses to the '
                    "bit: its fields are read by nothing. Mend the model or the training, or take the level out."
                )
