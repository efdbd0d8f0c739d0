"""The test's end: it gives functions, modules and values, and meets the student's as data or as a `Remote`.

The boundary: nothing that comes from the other end is executed here, looked up by name, or unpickled. The other end may
ask for four things only: to call a function that this test gave it, to go on with an iterator that this test gave it,
the forward of a module it gave, and a gradient. It may do so only while the test waits for it.
"""

import re
from collections.abc import Callable, Iterator

from torch import Tensor, nn

from cnnlab.grading import homes, mirrors, modules, shadows
from cnnlab.grading.channel import Broken, Channel, TooLarge
from cnnlab.grading.grafts import Grown
from cnnlab.grading.peer import Peer
from cnnlab.grading.remote import NotGradable, Remote

MOST_NAME = 80
PLACE = re.compile(r"line \d{1,4} of answer [\w-]{1,60}")  # all that the other end may say where a student reads it


class Examiner(Peer):
    """`given` are the names that given cells bound: these exist on both sides."""

    def __init__(self, channel: Channel, given: dict[str, object]):
        super().__init__(channel, first=1)
        self.given = given
        self.raised: dict[int, BaseException] = {}
        self.operations |= {"call": self._call, "next": self._next, "forward": self._forward}

    def ask(self, operation: str, *parts: object) -> object:
        try:
            return super().ask(operation, *parts)
        except TooLarge as error:
            raise NotGradable("an argument", str(error), "test with less data") from None

    # What goes out.

    def write_foreign(self, writer, value: object) -> list:
        if type(value) is Remote:
            return ["yours", value._number]
        if isinstance(value, nn.Module) and mirrors.link(value):
            mirrors.tell_modes(value)
            return ["yours", mirrors.link(value).remote._number]
        if isinstance(value, nn.Module):
            return self._write_module(writer, value)
        if isinstance(value, Tensor):
            raise NotGradable("a tensor of this kind", "only plain ones in main memory cross", "give a plain one")
        if home := homes.find(value, self.given):
            return ["named", *home]
        if isinstance(value, Iterator):
            return ["iterator", self.keep(value)]
        if callable(value) and not isinstance(value, type):
            return ["function", self.keep(value), getattr(value, "__name__", type(value).__name__)]
        if home := homes.find(type(value), self.given):
            return self._write_instance(writer, value, home)
        own = f"a {type(value).__name__} of the test's own"
        raise NotGradable(own, "it cannot cross to the student's side", "give numbers, tensors, modules or functions")

    def _write_module(self, writer, module: nn.Module) -> list:
        if modules.hooked(module):
            raise NotGradable("a module with hooks", "hooks stay on the test's side", "remove them before the call")
        home = homes.find(type(module), self.given)
        return ["module", modules.write(writer, module, home, None if home else self.keep(module))]

    def _write_instance(self, writer, value: object, home: list) -> list:
        writer.note(value)
        if isinstance(value, tuple):
            return ["instance", home, [writer.node(each) for each in value], {}]
        if not hasattr(value, "__dict__"):
            raise NotGradable(f"a {type(value).__name__}", "its state cannot cross", "give its parts")
        return ["instance", home, None, {name: writer.node(each) for name, each in vars(value).items()}]

    # What comes in.

    def read_foreign(self, reader, tag: str, *rest: object) -> object:
        if tag == "theirs":
            number, name = rest
            if type(number) is not int or type(name) is not str:
                raise Broken("an object came without number or name")
            return Remote(self, number, name[:MOST_NAME])
        if tag == "model":
            return mirrors.build(reader, Remote(self, int(rest[0]), "model"), rest[1])
        if tag == "yours" and type(self.kept[rest[0]]) is not Grown:
            return self.kept[rest[0]]
        return super().read_foreign(reader, tag, *rest)

    # What the student's side may ask for.

    def _call(self, function: Callable, arguments: list, named: dict) -> object:
        if isinstance(function, nn.Module | Iterator | Remote) or not callable(function):
            raise Broken("a call was asked for of what is no function of the test's")
        return function(*arguments, **named)

    def _next(self, iterator: Iterator) -> object:
        if not isinstance(iterator, Iterator):
            raise Broken("the next of something that is no iterator was asked for")
        return next(iterator)

    def _forward(self, number: int, tree: dict, arguments: list, named: dict) -> object:
        module = self.kept.get(number)
        if not isinstance(module, nn.Module):
            raise Broken("a forward was asked for of what is no module of the test's")
        return shadows.shadow(self, module, tree).forward(*arguments, **named)

    # Errors keep their identity: what a function of the test's raised is that exception when it arrives back here.

    def describe(self, error: BaseException) -> list:
        name, text, *_ = super().describe(error)
        self.raised[len(self.raised)] = error
        return [name, text, len(self.raised) - 1, ""]

    def error(self, name: str, text: str, origin: object, where: str) -> BaseException:
        if type(origin) is int and origin in self.raised:
            return self.raised[origin]
        error = super().error(name, text, None, "")
        error.of_the_answer = where if PLACE.fullmatch(str(where)) else "the answer"
        return error
