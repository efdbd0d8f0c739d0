"""What the networks of a record cost, beside the accuracy that the record measured: the rows of `widgets.Budget`.

`widgets.Budget(**budgets.of_records("width", "depth"))` draws those of two records.
"""

import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import torch

from cnnlab import experiment as experiments
from cnnlab import models
from cnnlab import record as records
from cnnlab.arithmetic.costs import count_macs, count_parameters
from cnnlab.arithmetic.speed import fair_time
from cnnlab.choices import choose, demand
from cnnlab.config import Config, Model
from cnnlab.experiment import Experiment
from cnnlab.lending import mode
from cnnlab.record import Record, spread
from cnnlab.sweep.machine import machine
from cnnlab.techniques.color import color_space
from cnnlab.weightless import on_shapes

# Channels, pixels a side and classes: counting needs no images, and no download.
IMAGES = {
    "digits": (1, 8, 10),
    "shapes": (3, 32, 10),
    "cifar10": (3, 32, 10),
    "cifar100": (3, 32, 100),
    "mnist": (1, 28, 10),
    "fashion_mnist": (1, 28, 10),
}
COUNTED = "Parameters, and multiply-adds of one image, are counted on each network by cnnlab.arithmetic."
Shape = tuple[int, int, int]


def of_records(*names: str | Path, batch: int | None = 64, repeats: int = 10) -> dict:
    """`rows` and `conditions` for `widgets.Budget`: a row for each level of each record (rows P01, M02).

    `names` are slugs of the package, or paths of a `.json` with its `.toml` beside it. Accuracies in percent, one a seed,
    are the record's. Parameters and the multiply-adds of one image are counted by `arithmetic.costs` on the network of the
    level's config. Milliseconds are measured here and now: the median processor time of `repeats` forward passes of `batch`
    images in one thread, in evaluation mode; equal networks are timed once. With `batch=None` they are None, not timed.

    A record that is a smoke run, stale, or of a data set that `IMAGES` does not list raises a `ValueError`.
    """
    demand(bool(names), "names", names, "at least one record")
    demand(batch is None or batch >= 1, "batch", batch, "at least 1, or None: nothing is timed")
    found = [_measured(name) for name in names]

    @cache
    def milliseconds(plan: Model, shape: Shape, classes: int) -> float | None:
        return None if batch is None else _milliseconds(plan, shape, classes, batch, repeats)

    rows = [row for record, asked in found for row in _rows(record, asked, milliseconds)]
    conditions = {_words(record.slug): _says(record, asked) for record, asked in found} | {"parameters": COUNTED}
    return {
        "rows": rows,
        "conditions": conditions | ({} if batch is None else {"milliseconds": _clock(batch, repeats)}),
    }


def costs(config: Config) -> tuple[int, int]:
    """Parameters of the network of a config, and its multiply-adds for one image of its size."""
    return _counted(config.model, *images_of(config))


def images_of(config: Config) -> tuple[Shape, int]:
    """The shape of an image as the network of a config is given it, and the number of classes."""
    channels, side, classes = choose(IMAGES, config.data.dataset, "data set with known images")
    if config.data.color_space != "rgb":
        channels = color_space(config.data.color_space)(torch.zeros(1, 3, 1, 1)).shape[1]
    side = config.data.image_size or side
    return (channels, side, side), classes


@cache
def _counted(plan: Model, shape: Shape, classes: int) -> tuple[int, int]:
    with on_shapes():
        net = models.build(plan, in_channels=shape[0], classes=classes)
    return count_parameters(net), count_macs(net, (1, *shape))


def _measured(name: str | Path) -> tuple[Record, Experiment]:
    record = records.load(name)
    asked = experiments.load(Path(name).with_suffix(".toml") if str(name).endswith(".json") else name)
    standing = record.standing(asked)
    demand(
        standing in ("measured", "no instrument"), f"the record of {record.slug}", standing, "measured, and as asked"
    )
    return record, asked


def _rows(record: Record, asked: Experiment, milliseconds) -> Iterator[dict]:
    for level in asked.levels():
        config, values = asked.config(level, record.size), record.values("test_accuracy", **level)
        parameters, multiply_adds = costs(config)
        yield {
            "name": ", ".join(f"{_words(factor)} {_words(name)}" for factor, name in level.items()),
            "parameters": parameters,
            "multiply_adds": multiply_adds,
            "milliseconds": milliseconds(config.model, *images_of(config)),
            "accuracy": values if spread(values)[0] == spread(values)[0] else None,  # nan: a run without a number
            "source": _words(record.slug),
        }


def _milliseconds(plan: Model, shape: Shape, classes: int, batch: int, repeats: int) -> float:
    """Of the processor, not of the clock on the wall: what else the machine does is left out."""
    net, threads = models.build(plan, in_channels=shape[0], classes=classes), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with mode(net, training=False), torch.inference_mode():
            forward = partial(net, torch.rand(batch, *shape))
            return 1000 * fair_time(forward, repeats=repeats, clock=time.process_time)
    finally:
        torch.set_num_threads(threads)


def _says(record: Record, asked: Experiment) -> str:
    """The conditions; a net that is hardly better than a linear model is named as such."""
    weak = record.standing(asked) == "no instrument"
    return record.conditions() + " No instrument: its baseline is less than 15 points above that." * weak


def _clock(batch: int, repeats: int) -> str:
    here = machine()
    return (
        f"Milliseconds: processor time of a forward pass of {batch} images, median of {repeats}, without gradients, measured "
        f"where this page was made: {here['device']} ({here['processor']}), one thread, {here['precision']}, "
        f"torch {here['torch']}. Another machine gives other times."
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
