"""The first ten losses of every level: a record's proof of which code it was measured with."""

import itertools
import math
from collections.abc import Container

import torch

from cnnlab import data
from cnnlab.config import Config
from cnnlab.data.preparation import prepare
from cnnlab.experiment import Experiment, Factor, Level
from cnnlab.sweep.network import network
from cnnlab.training import fit

STEPS = 10
IMAGES = 800  # of `shapes`, which every machine draws alike; more where a batch is larger
FIXED = {"dataset", "train_images", "steps", "epochs"}  # the canary's own, whatever the level says


def canary(experiment: Experiment, size: str = "cpu", only: Container[str] | None = None) -> dict[str, list[float]]:
    """The losses of ten steps at every level, on `shapes`, in float64, on one thread; a diverged level has fewer.

    `only` has the names of the levels to replay, where not all are wanted.
    """
    threads = torch.get_num_threads()
    configs = {name(level): experiment.config(level, size) for level in experiment.levels()}
    images = max(IMAGES, *(2 * config.training.batch_size for config in configs.values()))
    try:
        torch.set_num_threads(1)
        return {level: _losses(config, images) for level, config in configs.items() if only is None or level in only}
    finally:
        torch.set_num_threads(threads)


def name(level: Level) -> str:
    return " · ".join(level.values())


def _losses(config: Config, images: int) -> list[float]:
    config = config.with_fields(dataset="shapes", train_images=None, steps=STEPS, epochs=1)
    dataset = prepare(data.load("shapes", images=images, size=config.data.image_size, progress=False), config.data)
    model = network(config, dataset, seed=0, dtype=torch.float64)
    (epoch,) = fit(model, dataset, config.training, seed=0, device="cpu", precision="fp32")
    return [loss for loss in epoch.losses if math.isfinite(loss)]


def check_connected(experiment: Experiment, losses: dict[str, list[float]]) -> None:
    """Refuse two levels of a factor with the same losses to the bit, whatever the level of the other factor.

    Such a knob is connected to nothing, and would be published as "no effect". Fields that the canary sets itself
    cannot be judged by it.
    """
    for factor in experiment.factors:
        for one, other in itertools.combinations(factor.levels, 2):
            if not FIXED & set(factor.fields) and _tied(experiment, factor, one, other, losses):
                raise ValueError(
                    f'levels "{one}" and "{other}" of factor "{factor.name}" have the same first {STEPS} losses to the bit: '
                    "what they change is read by nothing. Mend the model or the training, or take one out."
                )


def _tied(experiment: Experiment, factor: Factor, one: str, other: str, losses: dict[str, list[float]]) -> bool:
    levels = [level for level in experiment.levels() if level[factor.name] == one]
    return all(losses[name(level)] == losses[name({**level, factor.name: other})] for level in levels)
