"""The student's modules on the test's side: real layers where torch has the class, and a `Mirror` for the student's own.

A layer of torch's is built anew from plain attributes and arrays, without a constructor, and then computes here: what
it returns is this side's word. A `Mirror` has real layers as children and the parameters as shared tensors, so that
optimizers, state_dict and gradients work; its forward is asked for, and what comes back is an answer.
"""

import torch
from torch import nn

from cnnlab.grading import modules
from cnnlab.grading.channel import Broken

KINDS = {
    name: kind
    for name, kind in vars(nn).items()
    if isinstance(kind, type) and issubclass(kind, nn.Module) and kind is not nn.Module and not name.startswith("_")
}


class Link:
    """Ties a module here to the student's; a copy of the module is this side's own."""

    def __init__(self, remote, modes: list[bool]):
        self.remote, self.modes = remote, modes

    def __deepcopy__(self, memo):
        return None


class Mirror(nn.Module):
    """A module of a class of the student's."""

    def forward(self, *arguments, **named):
        tell_modes(self)
        return self._link.remote(*arguments, **named)

    def __getattr__(self, name: str):
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
            return getattr(self.__dict__["_link"].remote, name)

    def __deepcopy__(self, memo):
        tell_modes(self)
        return self._link.remote.__deepcopy__(memo)


def link(module: nn.Module) -> Link | None:
    return module.__dict__.get("_link")


def tell_modes(module: nn.Module) -> None:
    """Sends train() and eval() across, where they changed since."""
    tie, now = link(module), [each.training for each in module.modules()]
    if tie.modes != now:
        tie.remote._peer.ask("modes", tie.remote, now)
        tie.modes = now


# The test's side.


def build(reader, remote, tree: dict) -> nn.Module:
    """The module that a tree from the student's side describes; what makes no sense raises and is `Broken`."""
    kind = KINDS.get(tree["kind"])
    name = str(tree["name"])
    made = nn.Module.__new__(kind or type(name if name.isidentifier() else "Module", (Mirror,), {}))
    nn.Module.__init__(made)
    made.training = tree["training"] is True
    for name, value in tree["attributes"].items():
        value = reader.value(value)
        if kind is None or callable(getattr(kind, name, None)) or name in modules.OWN or not modules.plain(value):
            raise Broken(f"a layer came with a strange attribute: {name!r}")
        made.__dict__[name] = value
    for place, nodes in (("_parameters", tree["parameters"]), ("_buffers", tree["buffers"])):
        values = {_name(name): reader.value(node) for name, node in nodes.items()}
        allowed = nn.Parameter if place == "_parameters" else torch.Tensor
        if not all(value is None or isinstance(value, allowed) for value in values.values()):
            raise Broken("a layer came whose parameters are none")
        getattr(made, place).update(values)
    children = {_name(name): reader.value(node) for name, node in tree["children"].items()}
    if not all(child is None or isinstance(child, nn.Module) for child in children.values()):
        raise Broken("a layer came whose layers are none")
    made._modules.update(children)
    made.__dict__["_link"] = Link(remote, [each.training for each in made.modules()])
    return made


def _name(name: str) -> str:
    if not name or "." in name or len(name) > 200:
        raise Broken("a layer came under a strange name")
    return name


# The student's side.


def describe(writer, module: nn.Module) -> dict:
    """The tree of a module: of torch's kind only if plain attributes say all about it."""
    attributes = modules.attributes(module)
    known = KINDS.get(type(module).__name__) is type(module) and all(map(modules.plain, attributes.values()))
    return {
        "kind": type(module).__name__ if known else None,
        "name": type(module).__name__,
        "training": module.training,
        "attributes": {name: writer.node(value) for name, value in attributes.items()} if known else {},
        "parameters": {name: _shared(writer, value) for name, value in module._parameters.items()},
        "buffers": {name: _shared(writer, value) for name, value in module._buffers.items()},
        "children": {name: writer.node(child) for name, child in module._modules.items()},
    }


def _shared(writer, value: torch.Tensor | None) -> object:
    return None if value is None else writer.tensor(value, share=True)


def set_modes(module: nn.Module, modes: list[bool]) -> None:
    for each, mode in zip(module.modules(), modes, strict=True):
        each.training = mode
