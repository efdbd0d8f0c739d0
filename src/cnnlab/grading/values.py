"""Values as JSON nodes and bytes, and back.

None, bool, int, float and str are themselves; anything else is a list that opens with its kind. Types are exact: a
subclass of str is no str, and goes to `foreign`, which knows what this end makes of functions, modules and objects.
`given` are the mutable values of a message in the order in which they stand there, the same on both ends: by its index a
value can be named again, in the same message or in the answer.
"""

import types
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from cnnlab.grading.channel import Broken
from cnnlab.grading.shares import Shares, grad_of
from cnnlab.grading.tensors import carriable, pack, pack_array, unpack, unpack_array

PLAIN = (type(None), bool, int, float, str)
MOST_BITS = 4096  # of an int: more is no number a notebook needs, and slow to read
ALIGNED = 16


class Writer:
    """Turns the values of one message into nodes; `parts` are their bytes.

    An ask shares its tensors. An answer (`known` is not None) copies them, but for what the ask had given (`known`, by
    id), for leaves, whose gradients the asker may want, and for tensors with a history (`grown`).
    """

    def __init__(self, shares: Shares, foreign: Callable, known: dict[int, int] | None = None):
        self.shares, self.foreign, self.known = shares, foreign, known
        self.parts, self.size = [], 0
        self.given, self.places, self.grown = [], {}, []

    def node(self, value: object) -> object:
        kind = type(value)
        if kind is int and value.bit_length() > MOST_BITS:
            raise OverflowError(f"an int of {value.bit_length():,} bits cannot cross; at most {MOST_BITS:,} can")
        if kind in PLAIN:
            return value
        if self.known and id(value) in self.known:
            return ["given", self.known[id(value)]]
        if id(value) in self.places:
            return ["same", self.places[id(value)]]
        write = WRITE.get(kind)
        return write(self, value) if write else self.other(value)

    def other(self, value: object) -> list:
        if isinstance(value, Tensor) and carriable(value):
            return self.tensor(value)
        if isinstance(value, np.generic) and (packed := pack_array(value)):
            return ["scalar", packed[0], self.raw(packed[1])]
        if isinstance(value, torch.dtype):
            return ["dtype", str(value).removeprefix("torch.")]
        return self.foreign(self, value)

    def note(self, value: object) -> None:
        self.places[id(value)] = len(self.given)
        self.given.append(value)

    def raw(self, part: memoryview) -> list[int]:
        filler = -self.size % ALIGNED
        self.parts += [memoryview(bytes(filler)), part]
        self.size += filler + part.nbytes
        return [self.size - part.nbytes, part.nbytes]

    def tensor(self, value: Tensor, share: bool = False) -> list:
        if (number := self.shares.number(value)) is not None:
            return ["shared", number]
        if self.known is not None and value.requires_grad and not value.is_leaf:
            self.grown.append(value)
            return ["grown", len(self.grown) - 1]
        shared = share or self.known is None or value.requires_grad
        number = self.shares.add(value) if shared else 0
        if not shared:
            self.note(value)
        grad = grad_of(value)
        copied = self.copy(value)
        return ["tensor", number, *copied, self.flags(value), None if grad is None else self.copy(grad)]

    def copy(self, value: Tensor) -> list:
        form, raw = pack(value)
        return [form, self.raw(raw)]

    @staticmethod
    def flags(value: Tensor) -> str:
        return "p" * (type(value) is nn.Parameter) + "g" * value.requires_grad

    def array(self, value: np.ndarray) -> list:
        packed = pack_array(value)
        if packed is None:
            return self.foreign(self, value)
        self.note(value)
        return ["array", packed[0], self.raw(packed[1])]

    def several(self, value) -> list:
        if type(value) in (list, set):
            self.note(value)
        return [type(value).__name__, *map(self.node, value)]

    def dict(self, value: dict) -> list:
        self.note(value)
        return ["dict", *(self.node(each) for pair in value.items() for each in pair)]


WRITE = {
    complex: lambda writer, value: ["complex", value.real, value.imag],
    type(...): lambda writer, value: ["..."],
    bytes: lambda writer, value: ["bytes", writer.raw(memoryview(value))],
    range: lambda writer, value: ["range", value.start, value.stop, value.step],
    slice: lambda writer, value: ["slice", *map(writer.node, (value.start, value.stop, value.step))],
    torch.Size: lambda writer, value: ["Size", *value],
    torch.device: lambda writer, value: ["device", str(value)],
    np.ndarray: Writer.array,
    dict: Writer.dict,
} | dict.fromkeys((list, tuple, set, frozenset), Writer.several)


class Reader:
    """Turns the nodes of one message into values. What makes no sense is `Broken`."""

    def __init__(self, body: bytearray, shares: Shares, foreign: Callable, known: list | None = None):
        self.body, self.shares, self.foreign, self.known = memoryview(body), shares, foreign, known
        self.given, self.grown = [], []

    def value(self, node: object) -> object:
        if type(node) in PLAIN:
            return node
        try:
            tag, *rest = node
            return READ[tag](self, *rest) if tag in READ else self.foreign(self, tag, *rest)
        except (TypeError, ValueError, LookupError, RuntimeError, OverflowError, AttributeError) as error:
            raise Broken(f"a value came that makes no sense: {error}") from error

    def raw(self, place: list) -> memoryview:
        start, size = place
        if type(start) is not int or type(size) is not int or not 0 <= start <= start + size <= len(self.body):
            raise Broken("bytes were named that did not come")
        return self.body[start : start + size]

    def note(self, value: object) -> object:
        self.given.append(value)
        return value

    def copy(self, form: list, place: list) -> Tensor:
        return unpack(form, self.raw(place))

    def tensor(self, number: int, form: list, place: list, flags: str, grad: list | None) -> Tensor:
        value = self.copy(form, place)
        if "p" in flags:
            value = nn.Parameter(value, requires_grad="g" in flags)
        elif "g" in flags:
            value.requires_grad_()
        if grad is not None:
            value.grad = self.copy(*grad)
        if not number:
            return self.note(value)
        self.shares.add(value, number)
        return value

    def list(self, *nodes) -> list:
        found = self.note([])
        found += map(self.value, nodes)
        return found

    def set(self, *nodes) -> set:
        found = self.note(set())
        found |= {self.value(node) for node in nodes}
        return found

    def dict(self, *nodes) -> dict:
        found = self.note({})
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            key = self.value(key)
            found[key] = self.value(value)
        return found


READ = types.MappingProxyType(
    {
        "complex": lambda reader, real, imag: complex(real, imag),
        "...": lambda reader: ...,
        "bytes": lambda reader, place: bytes(reader.raw(place)),
        "range": lambda reader, *ends: range(*ends),
        "slice": lambda reader, *ends: slice(*map(reader.value, ends)),
        "Size": lambda reader, *sizes: torch.Size(sizes),
        "device": lambda reader, name: torch.device(name),
        "dtype": lambda reader, name: _dtype(name),
        "array": lambda reader, form, place: reader.note(unpack_array(form, reader.raw(place))),
        "scalar": lambda reader, form, place: unpack_array(form, reader.raw(place))[()],
        "tensor": Reader.tensor,
        "shared": lambda reader, number: reader.shares.tensor(number),
        "grown": lambda reader, place: reader.grown[place],
        "same": lambda reader, place: reader.given[place],
        "given": lambda reader, place: reader.known[place],
        "list": Reader.list,
        "tuple": lambda reader, *nodes: tuple(map(reader.value, nodes)),
        "set": Reader.set,
        "frozenset": lambda reader, *nodes: frozenset(map(reader.value, nodes)),
        "dict": Reader.dict,
    }
)


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name)
    if not isinstance(found, torch.dtype):
        raise Broken("a dtype came that is none")
    return found
