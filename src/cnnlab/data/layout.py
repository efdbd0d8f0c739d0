"""Which image belongs to which class and split, from the names of folders alone."""

from collections import defaultdict
from pathlib import Path

from cnnlab.data.members import IMAGES

Name = tuple[str, ...]
Places = dict[str, list[tuple[int, int]]]
FORM = "expected train/<class>/<image> and test/<class>/<image>, or <class>/<image>"


def arrange(path: Path, names: list[Name], folders: set[Name]) -> tuple[list[str], Places]:
    """(class names in order, {"train": [(row of names, label), ...], "test": ...}), classes taking turns.

    Without a `test` folder there is no "test". Outer folders that hold everything are looked through. Raises
    `ValueError` on images outside classes, empty classes, fewer than two classes, and classes only tested.
    """
    if not names:
        raise ValueError(f"{path} holds no images ({', '.join(IMAGES)}); {FORM}")
    names, folders = _unwrap(names, folders)
    split = {n[0] for n in names} & {"train", "test"} and any(len(n) > 2 for n in names)
    if not split:
        names, folders = [("train", *n) for n in names], {("train", *f) for f in folders}
    rows = _rows(path, names)
    _check(path, rows, {f[:2] for f in folders if len(f) > 1}, {n[0] for n in names} | {f[0] for f in folders if f})
    classes = sorted({name for part, name in rows if part == "train"})
    return classes, {p: _turns(names, rows, classes, p) for p in ("train", "test") if any(r[0] == p for r in rows)}


def _unwrap(names: list[Name], folders: set[Name]) -> tuple[list[Name], set[Name]]:
    folders = {f for f in folders if f and not any(p.startswith(".") or p == "__MACOSX" for p in f)}
    while len({n[0] for n in [*names, *folders]}) == 1 and min(map(len, names)) > 2:
        names, folders = [n[1:] for n in names], {f[1:] for f in folders if len(f) > 1}
    return names, folders


def _rows(path: Path, names: list[Name]) -> dict[Name, list[int]]:
    rows = defaultdict(list)
    for row, name in enumerate(names):
        if len(name) < 3:
            raise ValueError(f'image "{"/".join(name)}" of {path} lies outside a class folder; {FORM}')
        rows[name[:2]].append(row)
    return rows


def _check(path: Path, rows: dict[Name, list[int]], folders: set[Name], top: set[str]) -> None:
    if top - {"train", "test"}:
        raise ValueError(f"{path} has {', '.join(sorted(top))} side by side; {FORM}: rename or remove the others")
    for part in sorted(top):
        if not any(r[0] == part for r in rows):
            raise ValueError(f'folder "{part}" of {path} holds no images; {FORM}')
    if empty := sorted(folders - set(rows)):
        raise ValueError(f'class folder "{"/".join(empty[0])}" of {path} holds no images ({", ".join(IMAGES)}); {FORM}')
    train, test = ({r[1] for r in rows if r[0] == part} for part in ("train", "test"))
    if only := sorted(test - train):
        raise ValueError(f'class "{only[0]}" of {path} is in test but not in train; add train images of it')
    if len(train) < 2:
        raise ValueError(f'{path} has one class, "{min(train)}", and telling classes apart needs two; {FORM}')


def _turns(names: list[Name], rows: dict[Name, list[int]], classes: list[str], part: str) -> list[tuple[int, int]]:
    """(row, label): the first image of each class, by name, then the second of each, and so on."""
    ordered = [
        (turn, label, row)
        for label, name in enumerate(classes)
        for turn, row in enumerate(sorted(rows.get((part, name), []), key=names.__getitem__))
    ]
    return [(row, label) for _, label, row in sorted(ordered)]
