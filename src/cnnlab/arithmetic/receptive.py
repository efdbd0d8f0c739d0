r"""How much of the input one place of a map can see, and how much of that it really looks at.

Through a layer with kernel $k$, stride $s$, dilation $d$ and padding $p$, with the jump $j$ the distance in the input
between neighbors of the map:

$$r \leftarrow r + (k - 1)\,d\,j \qquad \text{start} \leftarrow \text{start} - p\,j \qquad j \leftarrow s\,j$$
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnlab.arithmetic.places import Field, Places
from cnnlab.arithmetic.rules import follow
from cnnlab.choices import demand
from cnnlab.graph import Graph, trace
from cnnlab.lending import mode


@dataclass(frozen=True)
class ReceptiveField:
    """What the first place of a map sees along each axis of the input, and how far the next place is from it.

    `start` is the first pixel seen (negative in the padding), `size` how many, `jump` the effective stride. A place
    that sees all the network sees has infinite `size`: after a gate or a normalization over the whole map.
    """

    start: tuple[float, ...]
    size: tuple[float, ...]
    jump: tuple[float, ...]


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    r"""The receptive field of every node of a traced network, by name (row C05).

    Branches are joined by the smallest start and the largest end; their jumps must agree. A linear layer over a flattened
    map and a global pool count as a convolution with a kernel of the map's size. An operation without a rule (attention,
    upsampling, a transposed convolution with a stride) raises a `ValueError` that names it. Source: {cite:t}`araujo2019`.
    """
    return dict(each_field(graph))


def each_field(graph: Graph) -> Iterator[tuple[str, ReceptiveField]]:
    """The pairs of `receptive_fields`, one by one, up to the operation that stops them."""
    seen: dict[str, Places] = {}
    for node in graph.nodes:
        seen[node.name] = follow(node, [seen[name] for name in node.inputs])
        yield node.name, _public(seen[node.name].fields)


def receptive_field(module: nn.Module, shape: tuple[int, ...], layer: str | None = None) -> ReceptiveField:
    """The receptive field of the named layer, or of the output, of `module` on an input of `shape` (row C05).

    CaffeNet's fc6 sees 355 pixels, VGG-16's 404, both with jump 32. An input without axes to see along, or an output
    that does not depend on it, raises a `ValueError`; other errors as in `receptive_fields`.
    """
    demand(len(shape) > 2, "shape", shape, "(N, C, *axes) with at least one axis to see along")
    graph = trace(module, shape)
    demand(bool(graph.outputs), "outputs", graph.outputs, "computed from the input")
    name = layer or graph.outputs[0]
    demand(name in graph.by_name, "layer", name, f"one of {_shortened(list(graph.by_name))}")
    return next(field for reached, field in each_field(graph) if reached == name)


def _shortened(names: list[str], most: int = 8) -> str:
    if len(names) > most:
        names = [*names[: most - 2], f"... ({len(names)} in all)", names[-1]]
    return ", ".join(names)


def _public(fields: tuple[Field, ...]) -> ReceptiveField:
    columns = ("start", "size", "jump")
    return ReceptiveField(*(tuple(getattr(each, column) for each in fields) for column in columns))


def influence(module: nn.Module, images: Tensor) -> Tensor:
    r"""How strongly each pixel moves the center of the output map: $E\,|\partial y_\text{center} / \partial x|$ (row C05).

    Images (N, C, H, W), of which the mean over images and channels is taken; the module, which runs in evaluation mode,
    must give a map (N, C', H', W'). Returns (H, W). The values fall off from the center like a Gaussian, so the
    effective field is smaller than the theoretical one. Source: {cite:t}`luo2016`.
    """
    images = images.detach().clone().requires_grad_()
    with mode(module, training=False):
        output = module(images)
    demand(output.ndim == 4, "the output", tuple(output.shape), "a map (N, C, H, W)")
    center = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
    return torch.autograd.grad(center.sum(), images)[0].abs().mean(dim=(0, 1))


def effective_size(influence: Tensor) -> Tensor:
    r"""The side of a square with as many pixels as pass $1 - 0.9545$ of the largest influence (row C05).

    That is two standard deviations on either side of a Gaussian's center. Source: {cite:t}`luo2016`.
    """
    return (influence > (1 - math.erf(math.sqrt(2))) * influence.max()).sum().sqrt()
