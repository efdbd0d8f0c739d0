"""What a function did to its arguments: lists, dicts, sets, arrays and modules, beside the tensors of `shares`."""

import numpy as np
from torch import nn

from cnnlab.grading import modules


def snapshot(value: object) -> object:
    """What `changed` compares with later."""
    if type(value) in (list, set):
        return list(value)
    if type(value) is dict:
        return [each for pair in value.items() for each in pair]
    if type(value) is np.ndarray:
        return value.copy()
    return modules.state(value) if isinstance(value, nn.Module) else None


def changed(value: object, before: object) -> bool:
    now = snapshot(value)
    if type(value) is np.ndarray:
        return value.shape != before.shape or value.dtype != before.dtype or value.tobytes() != before.tobytes()
    if isinstance(value, nn.Module):
        return now != before
    return now is not None and (len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)))


def write(writer, value: object, before: object) -> object:
    """The node that `take` makes the change of; it must not be the one that says "as you gave it"."""
    if type(value) in (list, set):
        return ["tuple", *map(writer.node, value)]
    if type(value) is dict:
        return ["tuple", *(writer.node(each) for pair in value.items() for each in pair)]
    if type(value) is np.ndarray:
        return writer.array(value)
    return modules.write_state(writer, value, before)


def take(reader, value: object, node: object) -> None:
    """Does to `value`, which this end gave, what the other end did to its copy."""
    if isinstance(value, nn.Module):
        return modules.take_state(reader, value, node)
    new = reader.value(node)
    if type(value) is list:
        value[:] = new
    elif type(value) is set:
        value.clear()
        value.update(new)
    elif type(value) is dict:
        value.clear()
        value.update(zip(new[::2], new[1::2], strict=True))
    elif type(value) is np.ndarray:
        value[...] = new
    return None
