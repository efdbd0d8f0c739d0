"""The vocabulary of the exercises' tests: what came, what was wanted, and a hint.

A check that passes says so; one that fails raises an `AssertionError` a reader can learn from. In a notebook both draw a
card. Types are exact, so that nothing passes by how it compares itself: NaN is close to nothing, an empty tensor equals
no full one, and an object of one's own is neither a number nor a tensor.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnlab import cards

TENSORS = (Tensor, nn.Parameter)  # compared with `type(x) in`: a subclass could redefine what equality means


def close(got: object, want: object, *, hint: str = "", rtol: float = 1e-4, atol: float = 0.0) -> None:
    r"""Raise an `AssertionError` unless `got` is `want`.

    $|\text{got} - \text{want}| \le \text{atol} + \text{rtol}\,|\text{want}|$. `want` is a number, a string, None, a
    tensor, or a tuple of those. Tensors need the same shape and dtype; where an int is wanted only an int will do. Where
    a number is wanted, a tensor without dimensions counts as the number in it.
    """
    if got is ...:
        raise cards.wrong("No answer yet: put your code where the three dots stand")
    _demand(_difference(got, want, rtol, atol), hint)
    cards.right(_words(want))


def law(
    statement: str, cases: Iterable[tuple], *, left: Callable, right: Callable, hint: str = "", **tolerances: float
) -> None:
    """Raise an `AssertionError` unless `left(*case)` is close to `right(*case)` for every case.

    The message names the first case that breaks the law. `statement` says in words what holds; `rtol` and `atol` as in
    `close`. No case at all raises a `ValueError`.
    """
    cases = list(cases)
    if not cases:
        raise ValueError(f'the law "{statement}" was given no case; give at least one, a tuple of arguments')
    for case in cases:
        given = ", ".join(_words(each) for each in case)
        try:
            want = right(*case)  # first: what `left` calls may change the case
            difference = _difference(left(*case), want, **{"rtol": 1e-4, "atol": 0.0, **tolerances})
        except Exception as error:
            error.add_note(f'This happened while checking "{statement}" for {given}.')
            raise
        _demand(difference and f"{statement}: not for {given}; {difference}", hint)
    cards.right(f"{statement} ({len(cases)} {'case' if len(cases) == 1 else 'cases'})")


@contextmanager
def ungraded() -> Iterator[None]:
    """Show a check that fails, as a card or in a line of text, and let the notebook go on.

    For a chapter's own questions, whose answers may still be missing. A graded test must raise, and not stand in this.
    """
    try:
        yield
    except AssertionError as wrong:
        if not isinstance(wrong, cards.Wrong):
            print(wrong)


def tensor(got: object, shape: tuple, *, dtype: torch.dtype = torch.float32, hint: str = "") -> Tensor:
    """`got` as a detached copy, if it is a tensor of this shape and dtype without NaN; else an `AssertionError`."""
    _demand(_form(got, tuple(shape), dtype), hint)
    return got.detach().clone()


def number(got: object, *, hint: str = "") -> float:
    """`got` as a float, if it is a number other than NaN; else an `AssertionError`."""
    plain = _number(got)
    usable = type(plain) in (int, float) and not math.isnan(plain)
    _demand("" if usable else f"got {_words(got)}, want a number", hint)
    return float(plain)


def unchanged(function: Callable, *arguments: object) -> object:
    """`function(*arguments)`; an `AssertionError` if it changed a tensor or a module among them in place."""
    before = [copy.deepcopy(each) for each in arguments]
    result = function(*arguments)
    for position, (now, then) in enumerate(zip(arguments, before, strict=True), start=1):
        moved = [pair for pair in zip(_tensors(now), _tensors(then), strict=True) if not _same(*pair)]
        _demand(
            moved and f"argument {position}, {_words(then)}, was changed in place", "Work on a copy (clone, deepcopy)."
        )
    return result


def _demand(complaint: str, hint: str) -> None:
    if complaint:
        raise cards.wrong(complaint, hint)


def _difference(got: object, want: object, rtol: float, atol: float) -> str:
    """What is wrong with `got`, in words; empty if nothing is."""
    if isinstance(want, Tensor):
        return _form(got, tuple(want.shape), want.dtype) or _distance(got.detach(), want, rtol, atol)
    if isinstance(want, tuple):
        if type(got) not in (tuple, list) or len(got) != len(want):
            return f"got {_words(got)}, want {_words(want)}{', a plain tuple' if isinstance(got, tuple) else ''}"
        found = (_difference(a, b, rtol, atol) for a, b in zip(got, want, strict=True))
        return next((f"entry {i}: {words}" for i, words in enumerate(found) if words), "")
    number = _number(got)
    if isinstance(want, float):
        tolerance = atol + rtol * abs(want) if math.isfinite(want) else 0.0
        right = type(number) in (int, float) and (number == want or abs(number - want) <= tolerance)
    else:
        right = type(number) is type(want) and number == want
    kind = " (an int, not a float)" if type(want) is int and type(number) is float else ""
    return "" if right else f"got {_words(got)}, want {_words(want)}{kind}"


def _form(got: object, shape: tuple, dtype: torch.dtype) -> str:
    if type(got) not in TENSORS:
        return f"got {_words(got)}, want a tensor of shape {shape}"
    if tuple(got.shape) != shape:
        return f"got shape {tuple(got.shape)}, want {shape}"
    if got.dtype != dtype:
        return f"got {_dtype(got)}, want {str(dtype).removeprefix('torch.')}"
    return "got NaN in the tensor" if got.isnan().any() else ""


def _distance(got: Tensor, want: Tensor, rtol: float, atol: float) -> str:
    error = (got.cpu().double() - want.cpu().double()).abs()
    excess = error - (atol + rtol * want.cpu().double().abs())
    if (excess <= 0).all():  # NaN, from two infinities, is not
        return ""
    worst = tuple(i.item() for i in torch.unravel_index(excess.nan_to_num(math.inf).argmax(), got.shape))
    return f"at {list(worst)} got {got[worst].item():.6g}, want {want[worst].item():.6g}"


def _number(value: object) -> object:
    """The number in a tensor or a NumPy scalar without dimensions; anything else as it is."""
    plain = type(value) in TENSORS or type(value).__module__ == "numpy"
    return value.item() if plain and getattr(value, "ndim", None) == 0 else value


def _same(now: Tensor, then: Tensor) -> bool:
    if now.shape != then.shape or now.dtype != then.dtype:
        return False
    return torch.allclose(now, then, rtol=0, atol=0, equal_nan=True)


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, nn.Module):
        return list(value.state_dict().values())
    return [value] if isinstance(value, Tensor) else []


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _words(value: object) -> str:
    """A value as it stands in a message: short, with the shape where there is one."""
    if value is ...:
        return "... (no answer yet)"
    if type(value) in (tuple, list):
        return f"({', '.join(_words(each) for each in value)})"
    if type(value) in TENSORS and value.ndim:
        return f"a {_dtype(value)} tensor of shape {tuple(value.shape)}"
    if isinstance(value, nn.Module):
        return f"the model {type(value).__name__}"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    number = _number(value)
    return f"{number:.6g}" if type(number) is float else repr(number)[:80]
