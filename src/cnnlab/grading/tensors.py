"""A tensor or a NumPy array as a few numbers and raw bytes, and back: built fresh, with exactly the type it had."""

import math
import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cnnlab.grading.channel import Broken

NAMES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16"]
NAMES += ["float32", "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"]
DTYPES = {name: getattr(torch, name) for name in NAMES}
NAME_OF = {dtype: name for name, dtype in DTYPES.items()}
MOST_DIMENSIONS = 32
SAFE_ARRAY = re.compile(r"[<>|=][biufcSU]\d{1,6}")  # numbers and text of fixed width; no Python objects


def carriable(value: object) -> bool:
    """Whether `value` is a plain tensor in main memory. A subclass is none: it could redefine what equality means."""
    return (
        type(value) in (Tensor, nn.Parameter)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.dtype in NAME_OF
        and not torch._C._functorch.is_functorch_wrapped_tensor(value)
    )


def pack(tensor: Tensor) -> tuple[list, memoryview]:
    """(dtype, shape, order of dimensions in memory), and the bytes in that order."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    order = sorted(range(plain.ndim), key=plain.stride, reverse=True)
    raw = memoryview(_bytes(plain.permute(order)).numpy())
    return [NAME_OF[plain.dtype], list(plain.shape), order], raw


def _bytes(tensor: Tensor) -> Tensor:
    flat = tensor.contiguous().reshape(-1)
    flat = flat.clone(memory_format=torch.contiguous_format) if flat.stride(0) != 1 else flat  # one number, spread out
    return flat.view(torch.uint8)


def unpack(form: Sequence, raw: memoryview) -> Tensor:
    dtype, shape, order = form
    if dtype not in DTYPES or sorted(order) != list(range(len(shape))) or len(shape) > MOST_DIMENSIONS:
        raise Broken("a tensor came whose form makes no sense")
    if any(type(n) is not int or n < 0 for n in shape):
        raise Broken("a tensor came whose shape makes no sense")
    if math.prod(shape) * DTYPES[dtype].itemsize != len(raw):
        raise Broken("a tensor came whose bytes do not fit its shape")
    flat = torch.empty(len(raw) // DTYPES[dtype].itemsize, dtype=DTYPES[dtype])
    if len(raw):
        flat.view(torch.uint8).copy_(torch.from_numpy(np.frombuffer(raw, np.uint8).copy()))
    laid = flat.view([shape[i] for i in order])
    return laid.permute([order.index(i) for i in range(len(order))])


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors agree to the bit, NaN included."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(_bytes(a.detach()), _bytes(b.detach()))


def pack_array(array: np.ndarray | np.generic) -> tuple[list, memoryview] | None:
    """(dtype, shape) and the bytes of an array or a NumPy scalar; None for one that holds Python objects."""
    if not SAFE_ARRAY.fullmatch(array.dtype.str):
        return None
    raw = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
    return [array.dtype.str, list(array.shape)], memoryview(raw)


def unpack_array(form: Sequence, raw: memoryview) -> np.ndarray:
    dtype, shape = form
    if not SAFE_ARRAY.fullmatch(dtype) or len(shape) > MOST_DIMENSIONS or any(type(n) is not int for n in shape):
        raise Broken("an array came whose form makes no sense")
    return np.frombuffer(bytearray(raw), np.dtype(dtype)).reshape(shape)
