"""Run a module on shapes alone: a copy without numbers on the meta device, and every operation that it carries out."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cnnlab.choices import demand

Shape = tuple[int, ...]
COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


def weightless(module: nn.Module, inputs: Iterable[Shape | Tensor]) -> tuple[nn.Module, list[Tensor]]:
    """A copy of `module`, and its inputs, on the meta device: shapes and dtypes without numbers, at no cost in memory.

    A lazy layer, a scripted module, and tensors of a run that the module or one of its hooks still holds raise a
    `ValueError`.
    """
    tensors = list(_tensors(module))
    if any(is_lazy(tensor) for tensor in tensors):
        raise ValueError("a lazy layer has no shape before its first batch; run the module once, then read it")
    if any(isinstance(each, torch.jit.ScriptModule) for each in module.modules()):
        raise ValueError("a scripted module cannot be read; give the module that it was made from")
    with torch.inference_mode(False):
        twin = _copy(module, {id(tensor): _hollow(tensor) for tensor in tensors})
        dtype = next((t.dtype for t in module.parameters() if t.is_floating_point()), torch.get_default_dtype())
        return twin, [_hollow(each) if isinstance(each, Tensor) else _empty(each, dtype) for each in inputs]


@contextmanager
def on_shapes() -> Iterator[None]:
    """Inside, new tensors are without numbers, and no inference mode of the caller's hides what they are made of."""
    with torch.inference_mode(False), torch.device("meta"):
        yield


class Watch(TorchDispatchMode):
    """Inside, every operation is carried out on the meta device and handed to `note`.

    One that needs numbers, or a tensor that was left on another device, raises a `ValueError` with its name.
    """

    def note(self, operation: torch._ops.OpOverload, args: tuple, kwargs: dict, results: list[Tensor]) -> None:
        """Look at an operation that was carried out."""
        raise NotImplementedError

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), COMPOSITE):
            with self:  # a module in inference mode hands over whole layers; their parts come back to here
                return operation.decompose(*args, **kwargs)
        result = _carry_out(operation, args, kwargs)
        self.note(operation, args, kwargs, tensors_in(result))
        return result


def tensors_in(tree: object) -> list[Tensor]:
    """The tensors among the arguments or results of an operation, however nested."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _carry_out(operation: torch._ops.OpOverload, args: tuple, kwargs: dict) -> object:
    try:
        return operation(*args, **kwargs)
    except (NotImplementedError, RuntimeError) as error:
        name = operation.overloadpacket.__name__
        if {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(operation.tags):
            raise ValueError(
                f"{name} asks for the values of a tensor, and a module is read by its shapes alone. Take that decision "
                "outside of the module, or read the parts without it."
            ) from error
        devices = {each.device.type for each in tensors_in((args, kwargs))}
        if len(devices) > 1:
            raise ValueError(
                f"{name} takes a tensor on {min(devices - {'meta'})} that the module does not hold as its own, such as "
                "one in a list or a global; register it as a buffer"
            ) from error
        raise


def _copy(module: nn.Module, hollow: dict[int, Tensor]) -> nn.Module:
    try:
        return copy.deepcopy(module, hollow)
    except RuntimeError as error:
        if "graph leaves" not in str(error):
            raise
        raise ValueError(
            "the module, or a hook on it, holds tensors of an earlier run with their gradients, as in a list; "
            "detach or drop them, then read it"
        ) from error


def _tensors(module: nn.Module) -> Iterable[Tensor]:
    for each in module.modules():
        held = (*each._parameters.values(), *each._buffers.values(), *vars(each).values())
        yield from (value for value in held if isinstance(value, Tensor))


def _hollow(tensor: Tensor) -> Tensor:
    twin = torch.empty_like(tensor, device="meta", requires_grad=False)
    return nn.Parameter(twin, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else twin


def _empty(shape: Shape, dtype: torch.dtype) -> Tensor:
    kept = isinstance(shape, tuple | list) and all(isinstance(n, int) and n > 0 for n in shape)
    demand(kept, "an input", shape, "a tensor or its shape, positive integers with the batch first")
    return torch.empty(shape, dtype=dtype, device="meta")
