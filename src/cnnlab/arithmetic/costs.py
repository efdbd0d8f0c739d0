"""Parameters, multiply-adds and activations: what a network costs before it has run."""

import math

from torch import Tensor, nn

from cnnlab.choices import demand
from cnnlab.graph import Graph, Node, Shape, operations

LAYERS = ("conv", "linear")


def count_parameters(module: nn.Module) -> int:
    r"""The number of weights and biases of any module, shared ones once (row C07).

    A convolution has $k^2 \, (C_\text{in} / g) \, C_\text{out}$ weights in $g$ groups and $C_\text{out}$ biases. Statistics
    (buffers) are not counted.
    """
    return sum(parameter.numel() for parameter in module.parameters())


def count_macs(module: nn.Module, *inputs: Shape | Tensor) -> int:
    r"""Multiply-adds of one forward pass of any module in evaluation mode, from shapes alone (row C06).

    $\sum_l n_{l-1} / g_l \cdot s_l^2 \cdot n_l \cdot m_l^2$ over the convolutions ($n$ channels, kernel side $s$, output
    side $m$), and $m n k$ for every product of an $m \times k$ by a $k \times n$ matrix, alone or in a batch. What works
    value by value is left out, as papers do; so are `mv`, `dot`, `addmv` and `addbmm`, as in torch's `FlopCounterMode`,
    which counts twice as many. Papers often call this "FLOPs". Inputs are tensors or shapes with the batch first:
    `count_macs(net, (1, 3, 224, 224))`. Errors as in `graph.trace`. Source: {cite:t}`he2014constrained`.
    """
    return sum(map(multiply_adds, operations(module, *inputs)))


def multiply_adds(node: Node) -> int:
    """Multiply-adds of one operation: convolutions and matrix products count, all else is 0: `count_macs` (row C06)."""
    if node.op == "conv":
        image, weight = node.operands[:2]
        batch, _, *places = image if node.settings["transposed"] else node.shape
        return batch * math.prod(places) * math.prod(weight)
    if node.op in ("linear", "mm", "addmm", "bmm", "baddbmm"):
        return math.prod(node.operands[-2]) * node.operands[-1][-1]
    return 0


def count_activations(graph: Graph, ops: tuple[str, ...] = LAYERS) -> int:
    """Numbers given out by the operations named in `ops`, over the batch (row M01).

    A pool that leaves the map as it is gives out nothing new and is not counted. VGG-16 with its pools gives out
    15,087,080 for an image.
    """
    counted = (node for node in graph.nodes if node.op in ops)
    return sum(math.prod(node.shape) for node in counted if node.op in LAYERS or node.shape != node.operands[0])


def head_share(graph: Graph) -> float:
    """The share of the parameters in the head, that is in what runs after the last map of several places (row F03).

    0.8936 in VGG-16, whose three linear layers follow a map; 0.0439 in ResNet-18, where an average comes between. A
    graph without a map or without parameters raises a `ValueError`.
    """
    maps = [i for i, node in enumerate(graph.nodes) if math.prod(node.shape[2:]) > 1]
    total = sum(node.parameters for node in graph.nodes)
    demand(bool(maps and total), "graph", [node.op for node in graph.nodes], "of a module with maps and parameters")
    return sum(node.parameters for node in graph.nodes[maps[-1] + 1 :]) / total


def information_density(top1: float, parameters: int) -> float:
    r"""Accuracy for each million parameters, $\text{top-1 \%} / (P / 10^6)$: how well a network uses them (row M02).

    Source: {cite:t}`canziani2016`.
    """
    demand(parameters > 0, "parameters", parameters, "above 0")
    return top1 / (parameters / 1e6)
