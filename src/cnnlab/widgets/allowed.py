"""What a trait may be; every refusal is a `TraitError` that says what was given and what is allowed."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import traitlets

from cnnlab.choices import choose

T = TypeVar("T")


def refusing(call: Callable[..., T], *values) -> T:
    """What the call returns; a `ValueError` or `OSError` of it becomes the error that traitlets raise."""
    try:
        return call(*values)
    except (ValueError, OSError) as error:
        raise traitlets.TraitError(str(error)) from None


def named(names: Iterable[str], name: str, what: str) -> str:
    """`name`, if it is one of `names`; `what` says what is named, in the singular."""
    refusing(choose, dict.fromkeys(names), name, what)
    return name


def between(name: str, value: float, low: float, high: float, meaning: str) -> float:
    """`value`, if it is a number from `low` to `high`; `meaning` is its unit, in words."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise traitlets.TraitError(f"{name} {value!r} is out of range; give {low:g} to {high:g} ({meaning})")
    return value
