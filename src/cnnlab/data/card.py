"""A data card: what one should know of a data set before training on it."""

from typing import Any

from torch import Tensor

from cnnlab.data.dataset import SPLITS, Dataset


def data_card(dataset: Dataset) -> dict[str, Any]:
    """The facts of a data set as plain data, ready for JSON (row Z00).

    `name`, `provenance`, `classes`; `shape` (C, H, W); `images`, for each split its count by class; `mean` and `std`, a
    number a channel, of the train images as values from 0 to 1; `seen`, how many images of valid and of test stand in
    train pixel for pixel. The sources call the test set of CIFAR its validation set, and ImageNet 1.2 M images; it has
    1.28 M to train on. Source: {cite:t}`barz2020duplicates`, who found near copies too, which this does not.
    """
    splits = {name: getattr(dataset, name) for name in SPLITS}
    known = _prints(splits["train"].images)
    return {
        "name": dataset.name,
        "provenance": dataset.provenance,
        "classes": list(dataset.classes),
        "shape": list(splits["train"].images.shape[1:]),
        "images": {name: s.labels.bincount(minlength=len(dataset.classes)).tolist() for name, s in splits.items()},
        "mean": dataset.mean.tolist(),
        "std": dataset.std.tolist(),
        "seen": {name: sum(p in known for p in _prints(splits[name].images)) for name in ("valid", "test")},
    }


def _prints(images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images.cpu()]
