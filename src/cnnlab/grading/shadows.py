"""The forward of a module that only the test's side knows, run there with the student's side's layers.

The student's side may have changed weights, modes or hooks, and its hooks must fire: so the forward runs on a shadow of
the module that has the tensors that came, and whose layers ask the student's side.
"""

from torch import nn


def shadow(peer, module: nn.Module, tree: dict) -> nn.Module:
    return _with(
        module, tree, {name: _layer(peer, module._modules[name], each) for name, each in tree["children"].items()}
    )


def _layer(peer, module: nn.Module | None, tree: dict | None) -> nn.Module | None:
    """A layer that is called over there. Containers that are only looked into need no call of their own."""
    if module is None or tree is None:
        return None
    children = {name: _layer(peer, module._modules[name], each) for name, each in tree["children"].items()}
    made = _with(module, tree, children)
    if type(module) in (nn.ModuleList, nn.ModuleDict):
        return made

    def forward(self, *arguments, **named):
        return tree["call"](*arguments, **named)

    made.__class__ = type(type(module).__name__, (type(module),), {"forward": forward})
    return made


def _with(module: nn.Module, tree: dict, children: dict) -> nn.Module:
    made = nn.Module.__new__(type(module))
    found = dict(tree["tensors"])
    made.__dict__ = module.__dict__ | {
        "_parameters": {name: found[name] for name in module._parameters},
        "_buffers": {name: found[name] for name in module._buffers},
        "_modules": children,
        "training": tree["training"] is True,
    }
    return made
