"""What is done to a data set once, before the first step: enhancement, color space, subset and label noise."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Generator, Tensor

from cnnlab.choices import choose, demand
from cnnlab.config import Data
from cnnlab.data.dataset import SPLITS, Dataset, Split
from cnnlab.techniques.color import color_space
from cnnlab.techniques.equalization import clahe, equalize, on_lightness
from cnnlab.techniques.labels import corrupt, symmetric_noise

CHUNK = 1024  # images that are in floats at a time
TILE = 16  # pixels a side: CLAHE cannot hold tiles of fewer than 128 pixels to its limit
NOISE_SEED = 0  # the same labels are wrong in every run


def prepare(dataset: Dataset, config: Data) -> Dataset:
    """`dataset` enhanced, in the color space, cut to `train_images`, with noise in its train labels (rows Q05, Q07, Z02).

    Enhancement comes first, because lightness is computed from RGB. Valid and test keep their labels, and all of
    their images. What is not asked for is not touched; what was done is added to the provenance. Raises a `ValueError`
    as `check_preparation` does, and for colors asked of images that have none.
    """
    check_preparation(config)
    if config.train_images is not None:
        dataset = dataset.subset(config.train_images)
    if config.enhancement != "none":
        how = partial(_enhanced, change=ENHANCEMENTS[config.enhancement])
        dataset = _each(dataset, how, f"enhancement {config.enhancement} of lightness")
    if config.color_space != "rgb":
        demand(_channels(dataset) == 3, "color_space", config.color_space, f'"rgb" for {dataset.name}, which is gray')
        dataset = _each(dataset, partial(to_color_space, name=config.color_space), f"as {config.color_space} in 8 bits")
    return dataset if config.label_noise == 0 else _noisy(dataset, config.label_noise)


def check_preparation(config: Data) -> None:
    """Names in their tables, and `label_noise` a share; else a `ValueError`, before anything is loaded."""
    choose({"none": None, **ENHANCEMENTS}, config.enhancement, "enhancement")
    color_space(config.color_space)
    demand(0 <= config.label_noise < 1, "label_noise", config.label_noise, "at least 0 and below 1")


def to_color_space(images: Tensor, name: str) -> Tensor:
    """RGB bytes (N, 3, H, W) as bytes of another space, quantized as OpenCV does (row Q05).

    Gray, Y, Cr, Cb, S and V fill 0 to 255, with Cr and Cb about 128; H is in steps of 2 degrees, 0 to 179; L is
    $255 / 100$ of CIE's, a and b lie about 128.
    """
    values = color_space(name)(images / 255)
    scale, zero = (values.new_tensor(each).view(-1, 1, 1) for each in BYTES[name])
    levels = (values * scale + zero).round()
    if name == "hsv":
        levels[:, 0] %= 180  # 360 degrees are 0
    return levels.clamp(0, 255).to(torch.uint8)


def _tiled(images: Tensor) -> Tensor:
    return clahe(images, tiles=max(1, min(images.shape[-2:]) // TILE))


def _enhanced(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The lightness changed; a gray image is its own."""
    return change(images) if images.shape[1] == 1 else on_lightness(images, change)


def _channels(dataset: Dataset) -> int:
    return dataset.train.images.shape[1]


def _each(dataset: Dataset, change: Callable[[Tensor], Tensor], note: str) -> Dataset:
    """Every image changed, in every split."""
    splits = {}
    for name in SPLITS:
        images, labels = getattr(dataset, name)
        splits[name] = Split(torch.cat([change(part) for part in images.split(CHUNK)]), labels)
    return replace(dataset, provenance=f"{dataset.provenance}; {note}", **splits)


def _noisy(dataset: Dataset, rate: float) -> Dataset:
    images, labels = dataset.train
    generator = Generator().manual_seed(NOISE_SEED)
    noisy = corrupt(labels, symmetric_noise(len(dataset.classes), rate), generator=generator)
    note = f"{rate:.4g} of the train labels turned into other classes by seed {NOISE_SEED}, valid and test clean"
    return replace(dataset, train=Split(images, noisy), provenance=f"{dataset.provenance}; {note}")


BYTES = {
    "rgb": ((255.0, 255.0, 255.0), (0.0, 0.0, 0.0)),
    "gray": ((255.0,), (0.0,)),
    "hsv": ((180.0, 255.0, 255.0), (0.0, 0.0, 0.0)),
    "ycrcb": ((255.0, 255.0, 255.0), (0.0, 0.5, 0.5)),
    "lab": ((2.55, 1.0, 1.0), (0.0, 128.0, 128.0)),
}  # scale and zero by channel
ENHANCEMENTS = {"histogram": equalize, "clahe": _tiled}
