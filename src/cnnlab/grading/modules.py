"""The test's modules on the student's side: rebuilt part by part, and what was done to them brought back.

A module crosses as a tree: class, mode, plain attributes, tensors, children. The student's side rebuilds it without
calling a constructor. A class that only the test knows stands there as a `Stand`, whose forward asks the test's side.
"""

import torch
from torch import nn

OWN = set(nn.Module().__dict__)  # what every module has: tensors, children, hooks, mode
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
PLAIN = (type(None), bool, int, float, str)


class Left:
    """Stands for a hook that the student's side left on a module: it can be counted, and does nothing."""

    def __call__(self, *_):
        return None


class Held:
    """An object compared by identity."""

    def __init__(self, held: object):
        self.held = held

    def __eq__(self, other):
        return self.held is other.held

    __hash__ = None


def plain(value: object) -> bool:
    return type(value) in PLAIN or (type(value) in (tuple, list) and all(map(plain, value)))


def tensors(module: nn.Module) -> dict:
    return module._parameters | module._buffers


def attributes(module: nn.Module) -> dict:
    return {name: value for name, value in module.__dict__.items() if name not in OWN and name != "_link"}


def hooks(module: nn.Module) -> list[int]:
    return [len(getattr(module, each)) for each in HOOKS]


def state(module: nn.Module) -> dict:
    """All that may change in a module, but for what stands in its tensors."""
    return {
        "training": module.training,
        "hooks": hooks(module),
        "tensors": {name: Held(tensor) for name, tensor in tensors(module).items()},
        "attributes": {name: value for name, value in attributes(module).items() if plain(value)},
        "children": {name: (Held(child), child and state(child)) for name, child in module._modules.items()},
    }


# The test's side.


def write(writer, module: nn.Module, home: list | None, number: int | None) -> dict:
    """The tree of a module: `home` says where its class is found on both sides; else `number` is asked for its forward."""
    writer.note(module)
    tree = {"home": home, "number": number, "name": type(module).__name__, "training": module.training}
    tree["parameters"] = {name: writer.node(value) for name, value in module._parameters.items()}
    tree["buffers"] = {name: writer.node(value) for name, value in module._buffers.items()}
    tree["passing"] = sorted(module._non_persistent_buffers_set)
    tree["children"] = {name: writer.node(child) for name, child in module._modules.items()}
    needed = {n: v for n, v in attributes(module).items() if plain(v) or (home and not n.startswith("_"))}
    tree["attributes"] = {name: writer.node(value) for name, value in needed.items()}
    return tree


def hooked(module: nn.Module) -> bool:
    """Whether the test itself hung a hook on the module."""
    return any(type(hook) is not Left for each in HOOKS for hook in getattr(module, each).values())


def take_state(reader, module: nn.Module, tree: dict) -> None:
    """Makes of `module` what the student's side made of its copy, attribute by attribute; nothing new is called."""
    module.training = tree["training"] is True
    for each, count in zip(HOOKS, tree["hooks"], strict=True):
        setattr(module, each, type(getattr(module, each))((i, Left()) for i in range(min(int(count), 1000))))
    for name, node in tree["tensors"].items():
        value = reader.value(node)
        kind = module._parameters if name in module._parameters else module._buffers
        if not (value is None or isinstance(value, torch.Tensor)) or not name.isidentifier():
            raise ValueError(f"{name} is no tensor")
        kind[name] = (
            nn.Parameter(value, value.requires_grad) if kind is module._parameters and value is not None else value
        )
    for name, value in tree["attributes"].items():
        value = reader.value(value)
        if plain(value) and plain(attributes(module)[name]):
            module.__dict__[name] = value
    for name, child in tree["children"].items():
        if "new" not in child:
            take_state(reader, module._modules[name], child)
        else:
            module._modules[name] = reader.value(child["new"])
    for name in tree["gone"]:
        del module._modules[name]


# The student's side.


def build(reader, tree: dict, find, forward) -> nn.Module:
    """The module that a tree describes; `find(home)` is its class, `forward(module, number, ...)` asks the test's side."""
    module = reader.note(nn.Module.__new__(_class(tree, find, forward)))
    nn.Module.__init__(module)
    module.training = tree["training"]
    module._parameters.update({name: reader.value(node) for name, node in tree["parameters"].items()})
    module._buffers.update({name: reader.value(node) for name, node in tree["buffers"].items()})
    module._non_persistent_buffers_set = set(tree["passing"])
    module._modules.update({name: reader.value(node) for name, node in tree["children"].items()})
    module.__dict__.update({name: reader.value(node) for name, node in tree["attributes"].items()})
    return module


def _class(tree: dict, find, forward) -> type:
    if tree["home"]:
        return find(*tree["home"])
    number = tree["number"]
    return type(
        tree["name"], (nn.Module,), {"forward": lambda self, *args, **named: forward(self, number, args, named)}
    )


def write_state(writer, module: nn.Module, before: dict) -> dict:
    """What changed in a module, for `take_state`."""
    now = state(module)
    moved = {name for name, held in now["tensors"].items() if before["tensors"].get(name) != held}
    set_anew = {
        n: v for n, v in now["attributes"].items() if n in before["attributes"] and before["attributes"][n] != v
    }
    children = {}
    for name, (held, child) in now["children"].items():
        was = before["children"].get(name)
        if was is None or was[0] != held:
            children[name] = {"new": writer.node(held.held)}
        elif child != was[1]:
            children[name] = write_state(writer, held.held, was[1])
    return {
        "training": module.training,
        "hooks": hooks(module),
        "tensors": {name: writer.node(tensors(module)[name]) for name in sorted(moved)},
        "attributes": {name: writer.node(value) for name, value in set_anew.items()},
        "children": children,
        "gone": sorted(set(before["children"]) - set(now["children"])),
    }
