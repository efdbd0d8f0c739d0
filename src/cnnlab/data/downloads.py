"""CIFAR-10, CIFAR-100, MNIST and Fashion-MNIST through torchvision, which checks what it downloads by checksum."""

import contextlib
import io
import socket
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from cnnlab.data import cache
from cnnlab.data.dataset import Raw, Request, Split
from cnnlab.data.places import data_folders

TIMEOUT = 30  # seconds without an answer: behind some firewalls nothing is ever refused


class Published(NamedTuple):
    """torchvision's class, the files to fetch by hand, the folder below the root where it looks, and what to say."""

    torchvision: str
    files: tuple[str, ...]
    folder: str
    origin: str
    instead: str


IDX = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
CIFAR = "(Krizhevsky, Nair and Hinton, 2009), official files through torchvision; license: none stated by its authors"
PUBLISHED = {
    "cifar10": Published(
        "CIFAR10",
        ("cifar-10-python.tar.gz",),
        "cifar-10-batches-py",
        f"CIFAR-10 {CIFAR}",
        "shapes",
    ),
    "cifar100": Published(
        "CIFAR100",
        ("cifar-100-python.tar.gz",),
        "cifar-100-python",
        f"CIFAR-100 {CIFAR}",
        "shapes",
    ),
    "mnist": Published(
        "MNIST",
        tuple(f"MNIST/raw/{name}" for name in IDX),
        "MNIST/raw",
        "MNIST, LeCun, Cortes and Burges (1998), official files through torchvision; license CC BY-SA 3.0",
        "digits",
    ),
    "fashion_mnist": Published(
        "FashionMNIST",
        tuple(f"FashionMNIST/raw/{name}" for name in IDX),
        "FashionMNIST/raw",
        "Fashion-MNIST, Xiao, Rasul and Vollgraf (2017), official files through torchvision; license MIT",
        "digits",
    ),
}


def load(name: str, request: Request) -> Raw:
    """The named set from the first folder that has it, else downloaded to `root`, or to the cache folder.

    Raises `FileNotFoundError` where it is neither found, whole, nor to be had: the text says which file goes where.
    """
    published = PUBLISHED[name]
    target = request.root or cache.folder() / "torchvision"
    places = [target] if request.root else [*data_folders(), target]
    place = next((p for p in places if _has(p, published)), target)
    try:
        train, test = _read(published, place, request.progress)
    except Exception as error:  # torchvision raises anything from URLError to IndexError, by what is wrong
        files = " and ".join(published.files)
        raise FileNotFoundError(
            f"{name} is not in {place}, or is damaged there, and could not be downloaded ({_first_line(error)}). "
            f"Put {files} into {place} (or another folder named in CNNLAB_DATA, or give root=), or use "
            f'data.load("{published.instead}"), which needs no network'
        ) from error
    return Raw(name, tuple(train.classes), published.origin, _split(train), _split(test))


def _has(place: Path, published: Published) -> bool:
    return (place / published.folder).is_dir() or any((place / file).exists() for file in published.files)


def _read(published: Published, place: Path, progress: bool) -> tuple:
    import torchvision

    dataset = getattr(torchvision.datasets, published.torchvision)
    silence = contextlib.nullcontext() if progress else contextlib.redirect_stderr(io.StringIO())
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(patience or TIMEOUT)
    try:
        with silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of the old pickles in the official files
            return dataset(place, train=True, download=True), dataset(place, train=False, download=False)
    finally:
        socket.setdefaulttimeout(patience)


def _split(part) -> Split:
    """torchvision's data, (N, H, W, 3) numpy or (N, H, W) torch, in our form."""
    images = torch.as_tensor(np.asarray(part.data))
    images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return Split(images.contiguous(), torch.as_tensor(part.targets, dtype=torch.int64))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
