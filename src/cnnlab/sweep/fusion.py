"""Many networks of one architecture as one module: member after member along the channels.

A map of member k is the k-th slice of the channels, so a convolution over all members is a grouped convolution, batch
normalization over all channels normalizes each member's own, and whatever works value by value or map by map is
left as it is. Each tensor of a fused layer is the members' tensors, one after the other along dimension 0.

`FUSED` at the end says which layers can be fused, `reading.FUNCTIONS` which functions between them; anything else raises
a `CannotFuse` that names it, and is trained in turn.
"""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

from cnnlab.lending import mode
from cnnlab.models.layers import Flat, Mean
from cnnlab.sweep.layers import Apart, Concatenate, alike, alone, conv, flat, group_norm, linear, norm
from cnnlab.sweep.reading import CannotFuse, Widths, layers_of, read, structure
from cnnlab.techniques.activations import Elementwise
from cnnlab.techniques.joins import PaddedShortcut
from cnnlab.techniques.maxout import Maxout
from cnnlab.techniques.rectifiers import APL, Shifted

CLOSE = (
    1e-2  # of the largest logit: further from its members a fused module is wrong, and not only rounded (to TF32, say)
)


class Run(NamedTuple):
    """Consecutive members, from `start` on, whose `layers` at one place are alike, and `module`, those layers as one."""

    start: int
    layers: list[nn.Module]
    module: nn.Module

    def tensors(self) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """Each weight and buffer of the fused layer with the members' own."""
        own = [dict(chain(layer.named_parameters(), layer.named_buffers())) for layer in self.layers]
        for name, tensor in chain(self.module.named_parameters(), self.module.named_buffers()):
            yield tensor, [tensors[name] for tensors in own]


class Fused(nn.Module):
    """Images to the logits (N, members, classes) of all; `runs` are its layers, `net` what connects them.

    Images are (N, C, H, W), the same for all members, or (N, members·C, H, W), each member's own where the module was
    not fused with `shared`.
    """

    def __init__(self, net: nn.Module, runs: list[Run], members: int, *, shared: bool):
        super().__init__()
        self.net, self.runs, self.members, self.shared = net, runs, members, shared

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).unflatten(1, (self.members, -1))

    def spread(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) that all members shall see, in the form that `forward` takes."""
        return images if self.shared else images.repeat(1, self.members, 1, 1)

    def owned(self) -> list[tuple[nn.Parameter, range]]:
        """The weights to train, each with the members whose it is: equal parts of dimension 0, in their order."""
        return [
            (weight, range(run.start, run.start + len(run.layers)))
            for run in self.runs
            for weight in run.module.parameters()
            if weight.requires_grad
        ]

    @torch.no_grad()
    def unfuse(self) -> None:
        """Copy weights and statistics back into the members that were fused."""
        for run in self.runs:
            for tensor, own in run.tensors():
                parts = tensor.chunk(len(own)) if tensor.ndim else [tensor] * len(own)
                torch._foreach_copy_(own, list(parts))


def fuse(models: Sequence[nn.Module], images: Tensor, *, shared: bool = True) -> Fused:
    """The models as one module that computes what each of them would, in training and in evaluation mode.

    `images` (N, C, H, W), a few of those they are made for, serve to measure widths and to see that each member's
    logits come out. With `shared` the members will all be trained on the same batches. What differs between members may be
    their weights, and at each place the kind, settings and width of the layer, as where one has ReLU and another maxout.

    Raises `CannotFuse`, a `ValueError` that names the first thing that stands in the way.
    """
    kinds = {str(model): model for model in models}
    graphs = {kind: read(model, FUSED) for kind, model in kinds.items()}
    graph, *others = graphs.values()
    if any(structure(graph) != structure(other) for other in others):
        raise CannotFuse("the members are not built alike: their layers are connected in different ways")
    widths = {kind: Widths(kinds[kind], graphs[kind]).of(images[:1]) for kind in kinds}
    shared = shared and all(_takes_all(models, node) for node in _first(graph).users)
    builder = _Builder(models, [widths[str(model)] for model in models], _first(graph) if shared else None)
    net = builder.build(graph)
    fused = Fused(net, builder.runs, len(models), shared=shared)
    _check(fused, models, images)
    return fused


def _first(graph: fx.Graph) -> fx.Node:
    return next(node for node in graph.nodes if node.op == "placeholder")


def _takes_all(models: Sequence[nn.Module], node: fx.Node) -> bool:
    """Whether all members' layers at a node can look at the same channels at once."""
    layers = layers_of(models, node.target) if node.op == "call_module" else [None]
    return all(type(layer) is nn.Conv2d and layer.groups == 1 for layer in layers)


class _Builder:
    """Makes the fused layers of a graph; `widths` has for each member the channels that come out of each node."""

    def __init__(self, models: Sequence[nn.Module], widths: list[dict[str, int]], shared: fx.Node | None):
        self.models, self.widths, self.shared = models, widths, shared
        self.runs: list[Run] = []  # of the graph that was built

    def build(self, graph: fx.Graph) -> fx.GraphModule:
        modules, places = {}, {}
        for node in list(graph.nodes):
            if node.op == "call_module":
                runs = places[node.target] = places.get(node.target) or self._runs(node)
                node.target, modules[node.name] = node.name, self._layer(node, runs)
            elif node.target is torch.cat:
                self._concatenate(graph, node, modules)
        self.runs = [run for runs in places.values() for run in runs]
        return fx.GraphModule(modules, graph)

    def _runs(self, node: fx.Node) -> list[Run]:
        """The members' layers at a place, as few as can be."""
        layers, runs = layers_of(self.models, node.target), []
        for _, group in groupby(enumerate(layers), key=lambda numbered: _kind(*numbered)):
            numbers, likes = zip(*group, strict=True)
            runs.append(Run(numbers[0], list(likes), _fill(_form(likes[0], len(likes), self._sees_all(node)), likes)))
        return runs

    def _layer(self, node: fx.Node, runs: list[Run]) -> nn.Module:
        if len(runs) == 1:
            return runs[0].module
        (before,) = node.args
        widths = [sum(w[before.name] for w in self.widths[run.start :][: len(run.layers)]) for run in runs]
        return Apart([run.module for run in runs], None if self._sees_all(node) else widths)

    def _sees_all(self, node: fx.Node) -> bool:
        """Whether a node is given the images that all members share."""
        return node.args[0] is self.shared

    def _concatenate(self, graph: fx.Graph, node: fx.Node, modules: dict[str, nn.Module]) -> None:
        """`torch.cat` of branches that hold all members each, by one that puts each member's branches side by side."""
        branches = list(node.args[0])
        with graph.inserting_before(node):
            joined = graph.call_module(node.name, (branches,))
        modules[node.name] = Concatenate([[w[branch.name] for w in self.widths] for branch in branches])
        for widths in self.widths:
            widths[joined.name] = widths[node.name]
        node.replace_all_uses_with(joined)
        graph.erase_node(node)


def _kind(number: int, layer: nn.Module) -> tuple:
    """What layers must have in common to be one; those that stay alone have their number."""
    settings = {name: value for name, value in vars(layer).items() if not name.startswith("_") and name != "training"}
    frozen = [weight.requires_grad for weight in layer.parameters()]
    return type(layer), str(settings), frozen, number if FUSED[type(layer)] is alone else None


def _form(layer: nn.Module, members: int, sees_all: bool) -> nn.Module:
    if members == 1:
        return copy.deepcopy(layer)
    with torch.device("meta"):  # where layers draw no first weights, which would take random numbers from the caller
        return conv(layer, members, groups=1) if sees_all else FUSED[type(layer)](layer, members)


@torch.no_grad()
def _fill(fused: nn.Module, layers: Sequence[nn.Module]) -> nn.Module:
    """Give a fused layer copies of the tensors of its members."""
    for name, weight in layers[0].named_parameters():
        owner, _, own = name.rpartition(".")
        joined = torch.cat([layer.get_parameter(name) for layer in layers])
        fused.get_submodule(owner).register_parameter(own, nn.Parameter(joined, weight.requires_grad))
    for name, buffer in layers[0].named_buffers():
        owner, _, own = name.rpartition(".")
        buffers = [layer.get_buffer(name) for layer in layers]
        fused.get_submodule(owner).register_buffer(own, torch.cat(buffers) if buffer.ndim else buffer.clone())
    return fused


def _check(fused: Fused, models: Sequence[nn.Module], images: Tensor) -> None:
    """Refuse a module that does not give its members' logits: better slow than wrong."""
    modes = [mode(model, training=False) for model in (fused, *models)]
    with torch.no_grad(), contextlib.ExitStack() as stack:
        for each in modes:
            stack.enter_context(each)
        want = torch.stack([model(images) for model in models], dim=1)
        try:
            got = fused(fused.spread(images))
        except RuntimeError as error:
            raise CannotFuse(f"the members do not run as one: {error}") from error
    finite = want.isfinite()
    scale = want[finite].abs().max() if finite.any() else 0
    if got.shape != want.shape or not torch.allclose(got[finite], want[finite], rtol=0, atol=CLOSE * scale):
        raise CannotFuse("the members as one do not give the logits of each: something in them mixes channels")


POINTWISE = [nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh]
POINTWISE += [
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Hardtanh,
    nn.Hardswish,
    nn.Hardsigmoid,
    Elementwise,
]
MAPWISE = [
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.LPPool2d,
    nn.Upsample,
    nn.ZeroPad2d,
]

FUSED = {  # how layers of a type, one for each member, become one
    nn.Conv2d: conv,
    nn.Linear: linear,
    nn.GroupNorm: group_norm,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d), norm),
    **dict.fromkeys((*POINTWISE, *MAPWISE, nn.Flatten, Mean, Maxout), alike),
    Flat: flat,
    **dict.fromkeys((nn.PReLU, APL, Shifted, PaddedShortcut, nn.ZeroPad3d, nn.LocalResponseNorm), alone),
}
