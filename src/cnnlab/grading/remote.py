"""What stays on the student's side, as the test sees it: functions, classes, and whatever has no plain value."""

import operator

import torch

ONE_SIDED = ["abs", "delitem", "getitem", "inv", "invert", "neg", "pos", "setitem"]
TWO_SIDED = ["add", "and", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow", "rshift", "sub", "truediv", "xor"]
OPERATIONS = {f"__{name}__": getattr(operator, f"__{name}__") for name in (*ONE_SIDED, *TWO_SIDED)}
COMPARED = {f"__{name}__": getattr(operator, name) for name in ("lt", "le", "gt", "ge")}
OPERATIONS |= COMPARED | {"__len__": len, "__iter__": iter, "__next__": next, "__enter__": lambda it: it.__enter__()}
REFLECTED = {f"__r{name}__": f"__{name}__" for name in TWO_SIDED}


class NotGradable(Exception):
    """A test asks for what cannot cross between the two sides: `what`, `why`, and what to do `instead`."""

    def __init__(self, what: str, why: str, instead: str):
        super().__init__(f"{what}: {why}; {instead}")


class Remote:
    """Something of the student's: calls, attributes and operators are asked for, and what comes back is data.

    What would judge is not asked for: two of these are equal if they are the same thing, each is true, there is no less
    and greater but in what an answer calls, and a `with` swallows no error. So no answer passes by how it compares itself.
    """

    def __init__(self, peer, number: int, name: str):
        self.__dict__.update(_peer=peer, _number=number, __name__=name, __qualname__=name)

    def __call__(self, *arguments, **named):
        return self._peer.ask("call", self, list(arguments), named)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            if name in ("__signature__", "__code__", "__wrapped__"):
                raise NotGradable(self.__name__, f"its {name} stays on the student's side", "judge what it returns")
            raise AttributeError(name)
        return self._peer.ask("get", self, name)

    def __setattr__(self, name: str, value: object):
        self._peer.ask("set", self, name, value)

    def __exit__(self, *error):
        self._peer.ask("exit", self)

    def __deepcopy__(self, memo):
        return self._peer.ask("deepcopy", self)

    def __instancecheck__(self, value):
        return self._peer.ask("isinstance", value, self) is True

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        """Inside torch.func's transforms a tensor stays where it is. A function of the test's that gets one works there."""
        named = named or {}
        parts = [*arguments, *named.values()]
        one = next(e for part in parts for e in (part if type(part) in (list, tuple) else [part]) if type(e) is cls)
        if not one._peer.depth:  # what is asked for by the test itself may judge
            return NotImplemented
        return one._peer.ask("torch", torch.overrides.resolve_name(function), list(arguments), named)

    def __mro_entries__(self, bases):
        raise NotGradable(
            f"a class of the test's that inherits from {self.__name__}", "it would live on both sides", "use instances"
        )

    def __repr__(self):
        return f"<{self.__name__} of the answer>"

    def __bool__(self):
        return True

    def __del__(self):
        self._peer.gone.append(self._number)


def _operation(name: str):
    return lambda self, *values: self._peer.ask("operate", self, name, list(values))


def _comparison(name: str):
    return lambda self, other: self._peer.ask("operate", self, name, [other]) if self._peer.depth else NotImplemented


for _name in (*OPERATIONS, *REFLECTED):
    setattr(Remote, _name, (_comparison if _name in COMPARED else _operation)(_name))
