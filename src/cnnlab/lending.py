"""What a block borrows and gives back as it was: the global random numbers, the mode of a model."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn


def fresh_randomness(seed: int, device: torch.device) -> dict[Generator, Tensor]:
    """The global generators that modules on `device` draw from, each with the state that `seed` gives it."""
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index])
    if device.type == "mps":
        generators.append(torch.mps._get_default_mps_generator())
    return {each: Generator(each.device).manual_seed(seed).get_state() for each in generators}


@contextmanager
def lent(randomness: dict[Generator, Tensor]) -> Iterator[None]:
    """Inside, the global generators go on from the states in `randomness`; after it they are the caller's again.

    Inside, cuDNN takes deterministic algorithms only.
    """
    cudnn = torch.backends.cudnn
    theirs, deterministic = {each: each.get_state() for each in randomness}, cudnn.deterministic
    try:
        cudnn.deterministic = True
        for generator, state in randomness.items():
            generator.set_state(state)
        yield
    finally:
        cudnn.deterministic = deterministic
        for generator, state in theirs.items():
            randomness[generator] = generator.get_state()
            generator.set_state(state)


@contextmanager
def mode(model: nn.Module, training: bool) -> Iterator[None]:
    """`model` in training or evaluation mode inside, and each of its modules as it was after it."""
    modes = {module: module.training for module in model.modules()}
    model.train(training)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
