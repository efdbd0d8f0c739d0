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

    Any spreadsheet or plotting program reads it. Numbers are written in full.
    """
    path = Path(path)
    longest = max(map(len, columns.values()), default=0)
    padded = ([*column, *[""] * (longest - len(column))] for column in columns.values())
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *zip(*padded, strict=True)])
    return path


def read_csv(path: str | Path) -> dict[str, list[float]]:
    """The columns that `write_csv` wrote, as floats (row G05)."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    return {name: [float(cell) for cell in cells if cell] for name, *cells in zip(header, *lines, strict=True)}
