"""The one lookup by name, with the one good error."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def choose(table: Mapping[str, T], name: str, what: str) -> T:
    """Return `table[name]`; an unknown name raises a `ValueError` that lists the choices.

    `what` says what is looked up, in the singular: `choose(ACTIVATIONS, "elux", "activation")` raises
    `activation "elux" is unknown; choose one of: elu, maxout, ...`.
    """
    if name in table:
        return table[name]
    raise ValueError(f'{what} "{name}" is unknown; choose one of: {", ".join(sorted(table))}')
