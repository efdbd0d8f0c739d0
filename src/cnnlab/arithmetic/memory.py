r"""Bytes that training and inference need, counted on shapes.

Training keeps, for each weight, the weight, its gradient and the optimizer's state, and for each image what the backward
pass will read. The library's workspace, the rounding of the allocator and what the backward pass makes and frees on its
way come on top.
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef

from cnnlab.choices import demand
from cnnlab.weightless import Shape, Watch, on_shapes, tensors_in, weightless


@dataclass(frozen=True)
class Memory:
    """Bytes. `weights` holds parameters and statistics; print it for a table in MiB."""

    weights: int
    gradients: int
    state: int
    activations: int

    @property
    def total(self) -> int:
        """The sum of the four."""
        return sum(astuple(self))

    def __str__(self) -> str:
        rows = vars(self) | {"total": self.total}
        return "\n".join(f"{name:<12}{value / 2**20:>10.1f} MiB" for name, value in rows.items())


def training_memory(module: nn.Module, *inputs: Shape | Tensor, copies: int = 1) -> Memory:
    r"""Memory at the end of the forward pass of a training step, which is close to its peak (row M01).

    $P (1 + 1 + \text{copies}) + B \cdot A$: weights, gradients and `copies` numbers of optimizer state a weight (0 for
    plain SGD, 1 with momentum, 2 for Adam), and all that autograd keeps for the backward pass of this batch, each
    storage once, weights apart. The first dimension of the inputs is the batch $B$; training mode. What a loss keeps is
    not in it. An upper bound for attention, which is counted unfused with its T x T weights, and for `StochasticDepth`,
    whose branches all run; a module that decides by Python's `random` gives what that run drew. Errors as in
    `graph.trace`.
    """
    demand(copies in (0, 1, 2), "copies", copies, "0 (plain SGD), 1 (momentum) or 2 (Adam)")
    twin, tensors = weightless(module, inputs)
    weights, kept = _storages([*twin.parameters(), *twin.buffers()]), {}

    def keep(tensor: Tensor) -> Tensor:
        kept.update(_storages([tensor]))
        return tensor

    with on_shapes(), torch.enable_grad(), _Live(tensors), saved_tensors_hooks(keep, lambda tensor: tensor):
        twin.train()(*tensors)
    trained = sum(each.nbytes for each in twin.parameters() if each.requires_grad)
    activations = sum(storage.nbytes() for key, storage in kept.items() if key not in weights)
    return Memory(_bytes(weights), trained, copies * trained, activations)


def inference_memory(module: nn.Module, *inputs: Shape | Tensor) -> Memory:
    """Memory of a forward pass without gradients: weights, and the most that live activations take at once (row M01).

    Live is what Python still refers to: the inputs, which belong to the caller, whatever the module holds on to (a skip),
    and the operands and results of the operation that runs. Evaluation mode. Errors as in `graph.trace`.
    """
    twin, tensors = weightless(module, inputs)
    weights = _storages([*twin.parameters(), *twin.buffers()])
    with on_shapes(), torch.no_grad(), _Live(tensors) as live:
        twin.eval()(*tensors)
    return Memory(_bytes(weights), 0, 0, live.peak)


def _storages(tensors: list[Tensor]) -> dict[int, torch.UntypedStorage]:
    storages = (tensor.untyped_storage() for tensor in tensors)
    return {storage._cdata: storage for storage in storages}


def _bytes(storages: dict[int, torch.UntypedStorage]) -> int:
    return sum(storage.nbytes() for storage in storages.values())


class _Live(Watch):
    """Inside, `peak` is the most bytes that storages made here, and the inputs, held at once."""

    def __init__(self, inputs: list[Tensor]):
        super().__init__()
        self.sizes: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0
        self._count(inputs)

    def note(self, operation, args, kwargs, results: list[Tensor]) -> None:
        known = _storages(tensors_in((args, kwargs)))
        self._count([each for each in results if each.untyped_storage()._cdata not in known])

    def _count(self, tensors: list[Tensor]) -> None:
        self.sizes = {key: (ref, n) for key, (ref, n) in self.sizes.items() if not ref.expired()}
        for key, storage in _storages(tensors).items():
            self.sizes[key] = (StorageWeakRef(storage), storage.nbytes())
        self.peak = max(self.peak, sum(n for _, n in self.sizes.values()))
