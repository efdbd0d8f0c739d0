"""Any module as plain data: the operations it runs, their shapes and settings, and what feeds what.

The module is run once on the meta device, which computes shapes and no numbers, and every operation is written down as
torch carries it out: a `Linear` and `F.linear` are the same `linear` here. So whatever can run can be read, branches on
shapes included; only a module that decides by the *values* of its tensors cannot. The result needs no torch.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnnlab.weightless import Shape, Watch, on_shapes, tensors_in, weightless


@dataclass(frozen=True)
class Node:
    """One operation: what it is called, what feeds it, what it gives out, and how it is set.

    `name` is the path of the module that ran it, with `#2`, `#3` for what the same module ran later. `inputs` names the
    nodes that feed it; `operands` has the shapes of all its tensors, weights included. `parameters` counts the weights
    that this node is the first to use. `settings` holds torch's other arguments, by torch's names.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    shape: Shape
    operands: tuple[Shape, ...] = ()
    kernel: Shape = ()
    stride: Shape = ()
    groups: int = 1
    parameters: int = 0
    pointwise: bool = False
    settings: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The nodes between the inputs and the outputs of a module, in the order in which they ran."""

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by their names."""
        return {node.name: node for node in self.nodes}

    @property
    def edges(self) -> list[tuple[str, str]]:
        """(from, to) for every use of a node's output; a node that is used twice by another has two edges to it."""
        return [(source, node.name) for node in self.nodes for source in node.inputs]


def trace(module: nn.Module, *inputs: Shape | Tensor) -> Graph:
    """Read `module` as it runs in evaluation mode on inputs of these shapes, batch first: `trace(net, (1, 3, 224, 224))`.

    An input may also be a tensor, of which shape and dtype are taken. Nothing is computed and nothing about the module
    changes: neither weights, nor statistics, nor its mode. Operations that do not lie between an input and an output
    are left out. Hooks run as in any forward pass, on tensors without numbers. A module that asks for the value of a
    tensor, or takes one that is not its own (in a list, a global), raises a `ValueError` that names the operation.
    """
    nodes, outputs = _record(module, inputs)
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
            kept.append(node)
    return Graph(tuple(reversed(kept)), outputs)


def operations(module: nn.Module, *inputs: Shape | Tensor) -> list[Node]:
    """Every operation of `module`, also those on weights alone and those whose result is not used; see `trace`."""
    return _record(module, inputs)[0]


def _record(module: nn.Module, inputs: Iterable[Shape | Tensor]) -> tuple[list[Node], tuple[str, ...]]:
    twin, tensors = weightless(module, inputs)
    recorder = _Recorder(twin.eval(), tensors)
    with on_shapes(), torch.no_grad(), recorder:
        results = tree_leaves(twin(*tensors))
    names = (recorder.source.get(id(result)) for result in results)
    return recorder.nodes, tuple(dict.fromkeys(name for name in names if name))


class _Recorder(Watch):
    """Inside, every operation becomes a node."""

    def __init__(self, module: nn.Module, inputs: list[Tensor]):
        super().__init__()
        self.nodes: list[Node] = []
        self.source: dict[int, str] = {}  # id of a tensor that comes from an input -> its node
        self.weights = {id(weight): {id(weight): weight.numel()} for weight in module.parameters()}
        self.used: set[int] = set()
        self.views: dict[int, dict[int, Tensor]] = defaultdict(dict)  # by storage; held, so that no id is given anew
        self.times: dict[str, int] = defaultdict(int)
        self.inside = ["input"]
        for tensor in inputs:
            self._add(Node(self._name(), "input", (), tuple(tensor.shape)), tensor)
        for name, each in module.named_modules():
            each.register_forward_pre_hook(lambda _module, _args, name=name or "forward": self.inside.append(name))
            each.register_forward_hook(lambda *_: self.inside.pop() and None)

    def note(self, operation, args, kwargs, results: list[Tensor]) -> None:
        operands = tensors_in((args, kwargs))
        reads = not re.search("^new_|_like$", operation.overloadpacket.__name__)  # zeros_like(x) does not look at x
        inputs = tuple(self.source[id(each)] for each in operands if reads and id(each) in self.source)
        node = Node(
            name=self._name() if inputs else "",
            op=_op(operation, [id(each) in self.source for each in operands]),
            inputs=inputs,
            shape=(),
            operands=tuple(tuple(each.shape) for each in operands),
            parameters=self._parameters(operands, results, bool(inputs)),
            settings=_settings(operation, args, kwargs),
        )
        pointwise = torch.Tag.pointwise in operation.tags or node.op in UNMARKED
        node = replace(node, pointwise=pointwise, **_window(node))
        for i, result in enumerate(results):
            self._add(_output(node, i, result), result)
        if operation._schema.is_mutable and inputs:
            self._overwritten(node, results)

    def _parameters(self, operands: list[Tensor], results: list[Tensor], traced: bool) -> int:
        """How many weights a node is the first to use; one that has only weights hands them on to its results."""
        weights = {key: n for each in operands for key, n in self.weights.get(id(each), {}).items()}
        if not traced:
            self.weights.update({id(result): weights for result in results})
            return 0
        fresh = weights.keys() - self.used
        self.used |= fresh
        return sum(weights[key] for key in fresh)

    def _overwritten(self, node: Node, results: list[Tensor]) -> None:
        """A tensor that shares memory with the one that was written into now depends on the write as well."""
        for result in results:
            for other in list(self.views[result.untyped_storage()._cdata].values()):
                if other is not result:
                    inputs = (*filter(None, [self.source.get(id(other))]), node.name)
                    self._add(Node(self._name(), f"{node.op} of a view", inputs, tuple(other.shape)), other)

    def _add(self, node: Node, tensor: Tensor) -> None:
        self.nodes.append(node)
        self.views[tensor.untyped_storage()._cdata][id(tensor)] = tensor
        if node.inputs or node.op == "input":
            self.source[id(tensor)] = node.name

    def _name(self) -> str:
        path = self.inside[-1]
        self.times[path] += 1
        return path if self.times[path] == 1 else f"{path}#{self.times[path]}"


def _output(node: Node, i: int, result: Tensor) -> Node:
    """The node of the i-th output of an operation: the first has its parameters, the others its name with a number."""
    node = replace(node, shape=tuple(result.shape))
    return replace(node, name=f"{node.name}[{i}]", op=f"{node.op}[{i}]", parameters=0) if i else node


def _op(operation: torch._ops.OpOverload, traced: list[bool]) -> str:
    """Torch's name without what says how it is carried out; a product of an activation and a weight is `linear`."""
    name = operation.overloadpacket.__name__
    if name in ("mm", "addmm") and traced[-2:] == [True, False]:
        return "linear"
    plain = re.sub(r"^_?(unsafe_|safe_|native_)?|(\dd)?(_with_indices)?_?$", "", name)
    return "conv" if plain == "convolution" else plain


def _settings(operation: torch._ops.OpOverload, args: tuple, kwargs: dict) -> dict[str, object]:
    """The arguments that are plain numbers, or lists of them, by their names; defaults included."""
    arguments = operation._schema.arguments
    values = {each.name: each.default_value for each in arguments if each.has_default_value()}
    values |= dict(zip((each.name for each in arguments), args, strict=False)) | kwargs
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return {name: value for name, value in values.items() if _plain(value)}


def _plain(value: object) -> bool:
    leaves = value if isinstance(value, tuple) else (value,)
    return all(leaf is None or isinstance(leaf, int | float | str) for leaf in leaves)


def _window(node: Node) -> dict[str, object]:
    """Kernel, stride and groups of a convolution or a pool, one number for each axis of the map."""
    kernel = node.operands[1][2:] if node.op == "conv" else node.settings.get("kernel_size", ())
    stride = kernel and (node.settings.get("stride") or kernel)
    return {"kernel": kernel, "stride": stride, "groups": node.settings.get("groups", 1)}


# Value by value as well, though torch does not mark them so.
UNMARKED = {"gelu", "hardswish", "log_sigmoid_forward", "mish", "prelu_kernel", "rrelu_with_noise", "rsub", "threshold"}
