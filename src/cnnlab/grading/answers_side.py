"""The student's end: it runs what the test asks of the answers. Nothing here is trusted, and nothing needs to be."""

import copy
import importlib
import itertools
import traceback

from torch import nn

from cnnlab.grading import mirrors, modules
from cnnlab.grading.channel import Channel
from cnnlab.grading.peer import Peer
from cnnlab.grading.remote import OPERATIONS, REFLECTED


class AnswersSide(Peer):
    """`names` is the namespace in which given cells and answers ran."""

    def __init__(self, channel: Channel, names: dict[str, object]):
        super().__init__(channel, first=2)
        self.names = names
        self.operations |= {
            "names": self._names,
            "call": lambda function, arguments, named: function(*arguments, **named),
            "get": getattr,
            "set": setattr,
            "operate": self._operate,
            "exit": lambda value: value.__exit__(None, None, None),
            "deepcopy": copy.deepcopy,
            "isinstance": isinstance,
            "torch": lambda name, arguments, named: self._find("torch", name.partition(".")[2])(*arguments, **named),
            "modes": mirrors.set_modes,
        }

    def _names(self, wanted: list) -> dict:
        return {name: self.names[name] for name in wanted if name in self.names}

    def _operate(self, value: object, name: str, others: list) -> object:
        if name in REFLECTED:
            return OPERATIONS[REFLECTED[name]](others[0], value)
        return OPERATIONS[name](value, *others)

    # What goes out.

    def write_foreign(self, writer, value: object) -> list:
        if (number := getattr(value, "_of_the_test", None)) is not None:
            return ["yours", number]
        if isinstance(value, nn.Module):
            return ["model", self.keep(value), mirrors.describe(writer, value)]
        return ["theirs", self.keep(value), str(getattr(value, "__name__", type(value).__name__))]

    # What comes in.

    def read_foreign(self, reader, tag: str, *rest: object) -> object:
        if tag == "yours":
            return self.kept[rest[0]]
        if tag == "function":
            return self._function(*rest)
        if tag == "iterator":
            return self._iterator(*rest)
        if tag == "named":
            return self._find(*rest)
        if tag == "instance":
            return self._instance(reader, *rest)
        if tag == "module":
            return modules.build(reader, rest[0], self._find, self._forward)
        return super().read_foreign(reader, tag, *rest)

    def _function(self, number: int, name: str):
        def stand_in(*arguments, **named):
            return self.ask("call", stand_in, list(arguments), named)

        stand_in.__name__ = stand_in.__qualname__ = name
        stand_in._of_the_test = number
        return stand_in

    def _iterator(self, number: int):
        def until_it_ends():
            stand_in = self._function(number, "iterator")
            for _ in itertools.count():
                try:
                    found = self.ask("next", stand_in)
                except StopIteration:
                    return
                yield found

        return until_it_ends()

    def _find(self, home: str, name: str) -> object:
        if not home:
            return self.names[name]
        found = importlib.import_module(home)
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def _instance(self, reader, home: list, items: list | None, attributes: dict) -> object:
        kind = self._find(*home)
        if items is not None:
            place = len(reader.given)
            reader.note(None)
            reader.given[place] = made = kind(*map(reader.value, items))
            return made
        made = reader.note(kind.__new__(kind))
        made.__dict__.update({name: reader.value(node) for name, node in attributes.items()})
        return made

    def _forward(self, module: nn.Module, number: int, arguments: tuple, named: dict) -> object:
        return self.ask("forward", number, self._tree(module), list(arguments), named)

    def _tree(self, module: nn.Module | None) -> dict | None:
        if module is None:
            return None
        children = {name: self._tree(child) for name, child in module._modules.items()}
        tensors = modules.tensors(module)
        return {"call": module.__call__, "training": module.training, "tensors": tensors, "children": children}

    # Errors.

    def describe(self, error: BaseException) -> list:
        """With the line of the answer in which it happened, so that the student finds it."""
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<answer ")]
        where = f"line {lines[-1].lineno} of {lines[-1].filename[1:-1]}" if lines else ""
        return [*super().describe(error)[:3], where]

    def error(self, name: str, text: str, origin: object, where: str) -> Exception:
        error = super().error(name, text, origin, where)
        error.origin = origin
        return error
