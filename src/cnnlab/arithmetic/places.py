"""Which dimensions of a tensor run over which axis of the input, and what a place sees.

A dimension is a product of factors, as in einops: after `flatten(1)` the second one is channels x height x width. A
factor either runs along an axis of the input or along none (batch, channels). So a reshape can be followed exactly, and
what mixes a dimension is known to see all the places it runs over.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

from cnnlab.graph import Node

Dim = tuple[tuple[int | None, int], ...]  # (axis of the input or None, size), outermost first


@dataclass(frozen=True)
class Field:
    """Along one axis of `pixels`: place i of the map sees the pixels from start + i·jump on, `size` of them."""

    pixels: int
    start: float = 0
    size: float = 1
    jump: float = 1

    def through(self, kernel: int, stride: int = 1, first: int = 0) -> "Field":
        """What a window of `kernel` places sees whose first window begins at place `first`."""
        start, size = self.start + first * self.jump, self.size + (kernel - 1) * self.jump
        return Field(self.pixels, start, size, self.jump * stride)

    def everything(self) -> "Field":
        """What a place sees that sees all of the map."""
        return replace(self, start=-math.inf, size=math.inf)

    @property
    def inside(self) -> tuple[float, float]:
        """First pixel seen and the first one after, without the padding."""
        return (0, self.pixels) if self.size == math.inf else (max(self.start, 0), min(self.end, self.pixels))

    @property
    def end(self) -> float:
        """The first pixel after those that the first place sees."""
        return self.start + self.size


@dataclass(frozen=True)
class Places:
    """What runs along each dimension of a tensor, and the field along each axis of the input."""

    dims: tuple[Dim, ...]
    fields: tuple[Field, ...]

    def see(self, axis: int, field: Field) -> "Places":
        """With another field along `axis`."""
        return replace(self, fields=(*self.fields[:axis], field, *self.fields[axis + 1 :]))

    def put(self, d: int, *dims: Dim) -> "Places":
        """With dimension `d` replaced by `dims`: none, one or more."""
        d %= len(self.dims)
        return replace(self, dims=(*self.dims[:d], *dims, *self.dims[d + 1 :]))

    def axes(self, dims: Iterable[int]) -> list[tuple[int, int]]:
        """(axis, size) of every factor of these dimensions that runs along an axis."""
        return [(axis, n) for d in dims for axis, n in self.dims[d] if axis is not None]

    def mixed(self, dims: Iterable[int]) -> "Places":
        """After a sum over these dimensions: one window over all their places."""
        after = self
        for axis, n in self.axes(dims):
            after = after.see(axis, self.fields[axis].through(n))
        return after

    def spread(self, dims: Iterable[int]) -> "Places":
        """After statistics over these dimensions went into every place."""
        after = self
        for axis, n in self.axes(dims):
            after = after.see(axis, self.fields[axis].everything() if n > 1 else self.fields[axis])
        return after


def refuse(node: Node, why: str) -> NoReturn:
    """Raise the `ValueError` that names the operation at which a receptive field stops."""
    raise ValueError(f'the receptive field stops at "{node.name}", operation {node.op}: {why}')


def free(n: int) -> Dim:
    """A dimension of size `n` that runs along no axis."""
    return ((None, n),) if n > 1 else ()


def begin(shape: tuple[int, ...]) -> Places:
    """The places of an input (N, C, *axes): each pixel sees itself."""
    axes = tuple(((axis, n),) for axis, n in enumerate(shape[2:]))
    return Places((*map(free, shape[:2]), *axes), tuple(map(Field, shape[2:])))


def join(node: Node, places: list[Places], shape: tuple[int, ...]) -> Places:
    """The places of a tensor of `shape` whose every value comes from one value of each operand, broadcast if need be.

    Along each axis: from the smallest start to the largest end, with jumps that agree. An operand that does not run
    along an axis (the gate of squeeze-and-excitation) must see the whole map; then so does every place.
    """
    aligned = [((),) * (len(shape) - len(each.dims)) + each.dims for each in places]
    dims = tuple(_along([dims[d] for dims in aligned], n) for d, n in enumerate(shape))
    fields = []
    for axis in range(len(places[0].fields)):
        d, n = next(((d, n) for d, dim in enumerate(dims) for a, n in dim if a == axis and n > 1), (None, 1))
        moves = [d is None or own[d] == dims[d] for own in aligned]
        moving = [each.fields[axis] for each, yes in zip(places, moves, strict=True) if yes]
        fixed = [each.fields[axis] for each, yes in zip(places, moves, strict=True) if not yes]
        fields.append(_cover(node, _hull(node, moving, n), fixed, n))
    return Places(dims, tuple(fields))


def _along(dims: list[Dim], n: int) -> Dim:
    """What a dimension of size `n` runs along: what any operand of that size says, else nothing."""
    fits = (dim for dim in dims if math.prod(size for _, size in dim) == n)
    return max(fits, key=lambda dim: sum(axis is not None for axis, _ in dim), default=free(n))


def _hull(node: Node, fields: list[Field], n: int) -> Field:
    jumps = sorted({field.jump for field in fields})
    if n > 1 and len(jumps) > 1:
        refuse(node, f"it joins branches with jumps {', '.join(map(str, jumps))}, so their places do not correspond")
    if any(field.size == math.inf for field in fields):
        return replace(fields[0], jump=jumps[-1]).everything()
    start, end = min(field.start for field in fields), max(field.end for field in fields)
    return Field(fields[0].pixels, start, end - start, jumps[-1])


def _cover(node: Node, field: Field, fixed: list[Field], n: int) -> Field:
    first, last = field.through(n).inside
    for each in fixed:
        if each.inside[0] > first or each.inside[1] < last:
            refuse(node, "one operand is the same for all places and sees only a part of the map")
    return field.everything() if fixed else field
