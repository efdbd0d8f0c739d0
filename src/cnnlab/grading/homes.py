"""Where a function or class is found on both sides: in a library, or among the names that given cells bound."""

import builtins
import math
import operator
import sys
from functools import cache

import numpy as np
import torch
from torch.nn import functional

LIBRARIES = (builtins, math, operator, functional, torch, torch.special, torch.linalg, torch.optim, torch.nn.init, np)
PACKAGES = {"torch", "cnnlab", "torchvision", "numpy", "collections", "dataclasses", "fractions", "random", "itertools"}
PACKAGES |= {"builtins", "math", "operator", "functools", "datetime", "decimal", "pathlib", "statistics"}


def find(value: object, given: dict[str, object]) -> list[str] | None:
    """[module, name] where the other side finds the same function or class; None if it does not."""
    if isinstance(value, torch.nn.Module | torch.Tensor):
        return None
    name, home = getattr(value, "__qualname__", None), getattr(value, "__module__", None)
    if type(name) is str and given.get(name) is value:
        return ["", name]
    if type(name) is str and type(home) is str and home.split(".")[0] in PACKAGES and look_up(home, name) is value:
        return [home, name]
    found = _public().get(id(value)) if callable(value) else None
    return list(found) if found and look_up(*found) is value else None


def look_up(home: str, name: str) -> object:
    found = sys.modules.get(home)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


@cache
def _public() -> dict[int, tuple[str, str]]:
    """Functions such as torch.tanh do not know where they live."""
    places = [(library, name) for library in reversed(LIBRARIES) for name in dir(library) if not name.startswith("_")]
    return {id(getattr(library, name)): (library.__name__, name) for library, name in places}
