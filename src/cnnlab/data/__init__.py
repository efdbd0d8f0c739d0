"""Data sets as tensors: `load(name)` for embedded, published and your own images.

    data = load("shapes", images=10_000, difficulty=0.5)
    data.train.images      # uint8 (N, C, H, W)

`digits` and `shapes` are embedded and need no network. `cifar10`, `cifar100`, `mnist` and `fashion_mnist` come through
torchvision. Anything else is an image folder or an archive of one (.zip, .tar, .tar.gz, .tar.xz), given by its path, or
by its name where the environment variable CNNLAB_DATA lists the folder it lies in.
"""

import inspect
import os
from functools import partial
from pathlib import Path

from cnnlab.data import digits, downloads, folder, places, shapes
from cnnlab.data.dataset import Dataset, Request, Split, check_seed, divide
from cnnlab.data.resize import check_size, resize

__all__ = ["SETS", "Dataset", "Split", "load", "shapes"]


def load(
    name: str | Path = "digits", *, size=None, valid: float = 0.1, seed: int = 0, root=None, progress=True, **options
) -> Dataset:
    """The data set called `name`, or the image folder or archive at that path, in three splits.

    `size` (pixels a side, or (height, width)) resizes by area. `valid` is the share of the train images held out,
    stratified and drawn by `seed`, which also draws the test part of a set that has none, and the images of `shapes`.
    `root` is the folder to search, and to download to, in place of those in CNNLAB_DATA; the embedded sets need none.
    `options` go to the set: `shapes` takes `images` and `difficulty`. Raises `ValueError` on anything it cannot use,
    `FileNotFoundError` on files that are missing.
    """
    size, valid = check_size(size), _check_valid(valid)
    request = Request(size, check_seed(seed), None if root is None else Path(root).expanduser(), progress)
    loader = _loader(name, request.root)
    _check_options(name, loader, options)
    raw = loader(request, **options)
    if size is not None:
        raw = raw._replace(train=_resized(raw.train, size), test=raw.test and _resized(raw.test, size))
    return divide(raw, valid, request.seed)


def _loader(name: str | Path, root: Path | None):
    if not isinstance(name, (str, Path)) or not str(name).strip():
        raise ValueError(f"{name!r} is not a data set; give a name or the path of an image folder or archive")
    if str(name) in SETS and not isinstance(name, Path):
        return SETS[name]
    path = Path(name).expanduser()
    is_path = isinstance(name, Path) or name in {".", ".."} or os.sep in name or "/" in name
    if not is_path and (listed := places.find(name, root)):
        return partial(folder.load, listed)
    if path.exists():
        return partial(folder.load, path)
    if is_path or places.archive_ending(path):
        raise FileNotFoundError(f"there is no image folder or archive at {path}")
    raise ValueError(_unknown(name, root))


def _unknown(name: str, root: Path | None) -> str:
    missing = [str(path) for path in places.data_folders(root) if not path.is_dir()]
    return (
        f'data set "{name}" is unknown; choose one of: digits, shapes (embedded); '
        f"{', '.join(downloads.PUBLISHED)} (through torchvision); "
        f"{', '.join(places.found(root)) or 'none'} (in {'root' if root else 'the folders of CNNLAB_DATA'}); "
        f"or give the path of an image folder or of an archive of one ({', '.join(places.ARCHIVES)})"
        + (f". No such folder: {', '.join(missing)}" if missing else "")
    )


def _check_options(name: str | Path, loader, options: dict) -> None:
    allowed = [p.name for p in inspect.signature(loader).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if unknown := sorted(set(options) - set(allowed)):
        says = f"choose one of: {', '.join(sorted(allowed))}" if allowed else "it takes none"
        raise ValueError(f'option "{unknown[0]}" is unknown for data set "{name}"; {says}, besides those of every set')


def _check_valid(valid: float) -> float:
    if isinstance(valid, bool) or not isinstance(valid, (int, float)) or not 0 <= valid < 1:
        raise ValueError(f"valid={valid!r} is no share of the train images; give a number from 0 to below 1, as 0.1")
    return valid


def _resized(split: Split, size: tuple[int, int]) -> Split:
    return Split(resize(split.images, size), split.labels)


SETS = {
    "digits": digits.load,
    "shapes": shapes.load,
    **{name: partial(downloads.load, name) for name in downloads.PUBLISHED},
}
