"""Columns of a run: collected from its epochs, written and read as CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

NAMES = ("step", "train_loss", "valid_loss", "train_accuracy", "valid_accuracy", "lr")


def columns_of(epochs: Iterable) -> dict[str, list]:
    """The epochs of `cnnlab.fit` as columns: a value an epoch, and in `losses` one a step (row G05)."""
    epochs = list(epochs)
    columns = {name: [getattr(epoch, name) for epoch in epochs] for name in NAMES}
    return columns | {"losses": [loss for epoch in epochs for loss in epoch.losses]}


def write_csv(columns: Mapping[str, Sequence], path: str | Path) -> Path:
    """Scalars to look at while a run goes on: a header, then a line a value; short columns end in blanks (row G05).

    Any spreadsheet or plotting program reads it. Numbers are written in full, a missing one as nan.
    """
    path = Path(path)
    longest = max(map(len, columns.values()), default=0)
    told = (["nan" if value is None else value for value in column] for column in columns.values())
    padded = ([*column, *[""] * (longest - len(column))] for column in told)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *zip(*padded, strict=True)])
    return path


def read_csv(path: str | Path) -> dict[str, list]:
    """The columns that `write_csv` wrote, as floats, or as the names they are (row G05)."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines:
        raise ValueError(f"{path} is empty; a table of write_csv begins with the names of its columns")
    return {name: _values([cell for cell in cells if cell]) for name, *cells in zip(*lines, strict=True)}


def _values(cells: list[str]) -> list:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return cells
