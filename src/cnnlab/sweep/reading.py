"""What a network computes, as a graph of layers and functions, and whether many of its kind could share one graph."""

import operator
from collections.abc import Container, Sequence

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from cnnlab.lending import mode


class CannotFuse(ValueError):
    """Members that must be trained in turn; the message says why."""


class _Tracer(fx.Tracer):
    """Goes into a module down to those of `forms`, and to those that have no parts."""

    def __init__(self, forms: Container[type]):
        super().__init__()
        self.forms = forms

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        whole = next(module.children(), None) is None and not isinstance(module, nn.Sequential)
        return type(module) in self.forms or whole


def read(model: nn.Module, forms: Container[type]) -> fx.Graph:
    """The graph of `model`; a `CannotFuse` names the first thing in it that is not known to keep members apart.

    That is a layer of a type not in `forms`, a function not in `FUNCTIONS`, a weight that is not in a layer or in two, a
    hook, and a forward pass that draws random numbers, branches on values, or is another one in evaluation mode.
    """
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
            raise CannotFuse(f'"{name}" has a hook, which would not be called for each member')
    graph, again = (_trace(model, forms, training) for training in (True, False))
    if structure(graph) != structure(again):
        raise CannotFuse(f"{_name(model)} computes in evaluation mode what it does not in training")
    for node in graph.nodes:
        _check(node, model, forms)
    layers = {node.target for node in graph.nodes if node.op == "call_module"}
    held = [id(weight) for name in layers for weight in model.get_submodule(name).parameters()]
    if len(held) > len(set(held)):
        raise CannotFuse(f"{_name(model)} has a weight that two of its layers share")
    return graph


def structure(graph: fx.Graph) -> list[tuple]:
    """What two graphs have in common where they connect the same places in the same way."""
    return [(node.op, node.target, str(node.args), str(node.kwargs)) for node in graph.nodes]


def _name(model: nn.Module) -> str:
    return type(model).__name__


def _trace(model: nn.Module, forms: Container[type], training: bool) -> fx.Graph:
    before = torch.get_rng_state()
    try:
        with mode(model, training):
            graph = _Tracer(forms).trace(model)
    except Exception as error:  # a forward pass handed a stand-in for its images can raise anything
        raise CannotFuse(f"{_name(model)} cannot be read before it runs: {error}") from error
    if not torch.equal(before, torch.get_rng_state()):
        torch.set_rng_state(before)
        raise CannotFuse(f"{_name(model)} draws random numbers in its forward pass")
    return graph


def _check(node: fx.Node, model: nn.Module, forms: Container[type]) -> None:
    if node.op == "call_module":
        layer = model.get_submodule(node.target)
        if type(layer) not in forms:
            raise CannotFuse(f"{type(layer).__name__} is not in the map of fused layers")
        if len(node.args) != 1 or node.kwargs or not isinstance(node.args[0], fx.Node):
            raise CannotFuse(f'layer "{node.target}" is not called with one tensor')
    elif node.op in ("call_function", "call_method"):
        name = node.target if isinstance(node.target, str) else node.target.__name__
        if not FUNCTIONS.get(node.target, lambda node: False)(node):
            raise CannotFuse(f"{name}{tuple(node.args[1:])} is not in the map of functions that keep members apart")
    elif node.op == "get_attr":
        raise CannotFuse(f'"{node.target}" is a tensor that belongs to no layer')
    elif node.op == "placeholder" and len(node.users) and node.prev.op == "placeholder":
        raise CannotFuse(f"{_name(model)} takes more than one input")


class Widths(fx.Interpreter):
    """Runs a model on a few images and notes how many channels come out of each node of its graph."""

    def __init__(self, model: nn.Module, graph: fx.Graph):
        super().__init__(model, graph=graph)
        self.model, self.found = model, {}

    def run_node(self, node: fx.Node):
        result = super().run_node(node)
        if isinstance(result, Tensor) and result.ndim > 1:
            self.found[node.name] = result.shape[1]
        return result

    def of(self, images: Tensor) -> dict[str, int]:
        with torch.no_grad(), mode(self.model, training=False):
            self.run(images)
        return self.found


def layers_of(models: Sequence[nn.Module], place: str) -> list[nn.Module]:
    """The layer of each model at a place, such as `stages.0.1`."""
    return [model.get_submodule(place) for model in models]


def _argument(node: fx.Node, place: int, name: str, default: object = None) -> object:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def _always(node: fx.Node) -> bool:
    return True


def _over_the_map(node: fx.Node) -> bool:
    """A reduction over height and width, or over branches stacked in front."""
    return _argument(node, 1, "dim") in ((2, 3), [2, 3], (-2, -1), [-2, -1], (-1, -2), [-1, -2], 0)


def _of_branches(node: fx.Node) -> bool:
    return isinstance(node.args[0], list | tuple) and _argument(node, 1, "dim", 0) == 1


def _in_front(node: fx.Node) -> bool:
    return _argument(node, 1, "dim", 0) == 0


def _flat(node: fx.Node) -> bool:
    return _argument(node, 1, "start_dim", 0) == 1


def _to_rows(node: fx.Node) -> bool:
    """`x.view(n, -1)`, n being `x.size(0)`."""
    return len(node.args) == 3 and node.args[2] == -1 and getattr(node.args[1], "target", None) == "size"


def _count(node: fx.Node) -> bool:
    return node.args[1:] == (0,)


FUNCTIONS = {  # functions and methods, and which calls of them give each member its own
    **dict.fromkeys((operator.add, operator.iadd, operator.sub, operator.mul, operator.truediv), _always),
    **dict.fromkeys((torch.add, torch.sub, torch.mul, torch.maximum, "add", "add_", "mul"), _always),
    **dict.fromkeys((torch.relu, torch.tanh, torch.sigmoid, "relu", "relu_", "tanh", "sigmoid"), _always),
    **dict.fromkeys((F.relu, F.leaky_relu, F.elu, F.selu, F.gelu, F.silu, F.softplus, torch.asinh), _always),
    **dict.fromkeys((F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d), _always),
    **dict.fromkeys((torch.mean, torch.sum, torch.amax, "mean", "sum", "amax"), _over_the_map),
    **dict.fromkeys((torch.flatten, "flatten"), _flat),
    **dict.fromkeys(("view", "reshape"), _to_rows),
    torch.cat: _of_branches,
    torch.stack: _in_front,
    "size": _count,
}
