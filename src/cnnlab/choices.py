"""The one lookup by name and the one demand on a value, each with the one good error."""

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


def demand(kept: bool, name: str, value: object, allowed: str) -> None:
    """Raise a `ValueError` unless `kept`: `demand(0 <= p < 1, "p", p, "at least 0 and below 1")`."""
    if not kept:
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
