"""On a GPU: 32 members as one model, and the time to the accuracy that airbench 94 reaches on the same images.

The command, on a machine that has one, with CIFAR-10 where `cnnlab.load` finds it:

    make bench    # or, for these rows alone: benchmarks/.venv/bin/python benchmarks/run.py gpu:airbench_warm

Without a GPU each case declines in words. Nothing here has run on one yet: no GPU was at hand.
"""

import contextlib
import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from sweep import engines

from cnnlab import data, models
from cnnlab.config import Model, Training
from cnnlab.data import Dataset
from cnnlab.techniques.initialization import initialize
from cnnlab.training import fit

NONE = "no GPU here"
RATES = [0.3 * 0.8**k for k in range(32)]
RECIPE = Training(epochs=40, batch_size=512, lr=0.4, weight_decay=5e-4, augmentation="crop+flip")


def fused32():
    if not torch.cuda.is_available():
        return NONE
    runs, _, _ = engines(16, RATES, device="cuda", precision="fp32")
    return runs["in turn"], runs["fused"]


def airbench_warm():
    if missing := _missing():
        return missing
    theirs, mine = [], []
    return (
        lambda: theirs.append(airbench(_handed_over())),
        lambda: mine.append(ours(theirs[-1])),
        lambda: _accuracies(theirs, mine),
    )


def airbench_cold():
    """A process for each turn, so that starting, loading and the first kernels count."""
    if missing := _missing():
        return missing
    theirs, mine = [], []
    return (
        lambda: theirs.append(_process("airbench", _handed_over())),
        lambda: mine.append(_process("ours", theirs[-1])),
        lambda: _accuracies(theirs, mine),
    )


def airbench(folder: Path) -> float:
    """Train airbench 94 on the images handed over; the test accuracy that it reaches."""
    with contextlib.chdir(folder):  # it reads cifar10/ where it is called
        import airbench

        net = airbench.train94(verbose=False)
        return airbench.evaluate(net, airbench.CifarLoader("cifar10", train=False, batch_size=2000), tta_level=2)


def ours(accuracy: float) -> float:
    """Train until this test accuracy is reached, or the epochs are over; the accuracy reached."""
    images = _images()
    net = initialize(models.build(Model("resnet20", width=64), in_channels=3, classes=10), "he")
    best = 0.0
    for epoch in fit(net, replace(images, valid=images.test), RECIPE, device="cuda"):
        best = max(best, epoch.valid_accuracy)
        if best >= accuracy:
            break
    return best


def hand_over(images: Dataset, folder: Path) -> Path:
    """Write the train and test images as airbench keeps them: bytes (N, H, W, C), in `folder`/cifar10."""
    place = folder / "cifar10"
    place.mkdir(parents=True)
    for name in ("train", "test"):
        split = getattr(images, name)
        kept = {"images": split.images.permute(0, 2, 3, 1).contiguous(), "labels": split.labels}
        torch.save(kept | {"classes": list(images.classes)}, place / f"{name}.pt")
    return folder


@cache
def _images() -> Dataset:
    return data.load("cifar10", valid=0.0, progress=False)


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory()


@cache
def _handed_over() -> Path:
    return hand_over(_images(), Path(_folder().name))


def _missing() -> str | None:
    """Why airbench cannot be run here."""
    if not torch.cuda.is_available():
        return NONE
    if importlib.util.find_spec("airbench") is None:
        return "airbench is not installed here: `make bench` does it where there is a network"
    try:
        _images()
    except FileNotFoundError as error:
        return str(error)
    return None


def _process(*arguments) -> float:
    command = [sys.executable, __file__, *map(str, arguments)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def _accuracies(theirs: list[float], mine: list[float]) -> str:
    short = sum(one < other for one, other in zip(mine, theirs, strict=True))
    return (
        f"accuracies {min(theirs):.4f}-{max(theirs):.4f} and {min(mine):.4f}-{max(mine):.4f}, short of it {short} times"
    )


if __name__ == "__main__":
    print({"airbench": lambda: airbench(Path(sys.argv[2])), "ours": lambda: ours(float(sys.argv[2]))}[sys.argv[1]]())
