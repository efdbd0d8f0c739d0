"""Whether settings, images and model suit one another, told in words before a run starts."""

import math

import torch
from torch import nn

from cnnlab.config import Training
from cnnlab.data import Dataset, Split
from cnnlab.lending import mode
from cnnlab.techniques.augmentation import augmentation
from cnnlab.techniques.losses import loss
from cnnlab.techniques.preprocessing import standardize
from cnnlab.techniques.schedules import schedule


def check_settings(config: Training) -> None:
    """Numbers in their ranges, names in their tables."""
    rules = {
        "epochs": (config.epochs >= 1, "1 or more"),
        "steps": (config.steps is None or config.steps >= 1, "1 or more, or None to count in epochs"),
        "batch_size": (config.batch_size >= 1, "1 or more"),
        "lr": (0 < config.lr < math.inf, "above 0 and finite"),
        "momentum": (0 <= config.momentum < 1, "at least 0 and below 1"),
        "nesterov": (isinstance(config.nesterov, bool), "true or false"),
        "weight_decay": (0 <= config.weight_decay < math.inf, "0 or more and finite"),
    }
    for name, (kept, allowed) in rules.items():
        if not kept:
            raise ValueError(f"{name} must be {allowed}; got {getattr(config, name)}")
    schedule(config.schedule)
    augmentation(config.augmentation)
    loss(config.loss)


def check_weights(model: nn.Module) -> None:
    """Something must be there to train."""
    if not any(weight.requires_grad for weight in model.parameters()):
        raise ValueError("the model has no weights to train: none of its parameters, if any, requires a gradient")


def check_images(split: Split) -> None:
    """Bytes (N, C, H, W) with a label each, at least one."""
    images, labels = split.images, split.labels
    if images.ndim != 4 or images.dtype != torch.uint8 or len(images) != len(labels) or not len(labels):
        raise ValueError(
            "a split holds one label for each of its images, of which there is at least one, as bytes (N, C, H, W); "
            f"got {images.dtype} images of shape {tuple(images.shape)} and {len(labels)} labels"
        )


def check_outputs(model: nn.Module, data: Dataset) -> None:
    """One image through the model, so that what does not fit is told in words, not by an assert on a GPU."""
    image, labels = data.train.images[:1], torch.cat([data.train.labels, data.valid.labels])
    with torch.no_grad(), mode(model, training=False):
        try:
            logits = model(standardize(image, data.mean, data.std, next(model.parameters()).dtype))
        except RuntimeError as error:
            raise ValueError(
                f"the model does not take images of {tuple(image.shape[1:])} (channels, height, width): {error}. "
                f"Build it with in_channels={image.shape[1]}, or take images of the size it was made for."
            ) from error
    if logits.ndim != 2:
        raise ValueError(f"the model must give logits (N, classes); for one image it gave {tuple(logits.shape)}")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"the model has {logits.shape[1]} outputs, for labels 0 to {logits.shape[1] - 1}; the labels of train and "
            f"valid go from {labels.min()} to {labels.max()}. Build it with classes={labels.max() + 1}, or number the "
            "classes from 0."
        )
