"""Tensors that both ends hold: what one end writes into its copy reaches the other with the next message.

So a function may change its arguments in place, an optimizer may keep the parameters it was given, and gradients that
one end accumulates are seen on the other, as in one process. A share ends with a message of either end that nobody else
holds its tensor there.
"""

import sys
from dataclasses import dataclass

import torch
from torch import Tensor

from cnnlab.grading.channel import Broken
from cnnlab.grading.tensors import same


@dataclass
class Share:
    """This end's tensor, and the values both ends agreed on last."""

    tensor: Tensor
    data: Tensor
    grad: Tensor | None

    def settle(self) -> None:
        self.data = self.tensor.detach().clone()
        self.grad = None if grad_of(self.tensor) is None else grad_of(self.tensor).detach().clone()

    def is_let_go(self) -> bool:
        return sys.getrefcount(self.tensor) == 2 and self.tensor._use_count() == 1  # this share, and the count itself


class Shares:
    """The shared tensors of one end by number. The two ends count in steps of two, so that numbers never meet."""

    def __init__(self, first: int):
        self.next, self.shares = first, {}

    def number(self, tensor: Tensor) -> int | None:
        found = getattr(tensor, "_share", None)
        return found if found in self.shares and self.shares[found].tensor is tensor else None

    def add(self, tensor: Tensor, number: int | None = None) -> int:
        """Share `tensor`: under a number of this end's own, or the one that the other end gave."""
        if number is None:
            number, self.next = self.next, self.next + 2
        elif type(number) is not int or number in self.shares:
            raise Broken("a tensor came under a number that is taken")
        share = self.shares[number] = Share(tensor, tensor, None)
        share.settle()
        tensor._share = number
        return number

    def tensor(self, number: int) -> Tensor:
        if type(number) is not int or number not in self.shares:
            raise Broken("a tensor was named that is not shared")
        return self.shares[number].tensor

    def forget(self, number: int) -> None:
        """The other end let go."""
        self.shares.pop(number, None)

    def with_grad(self) -> list[int]:
        return [number for number, share in self.shares.items() if share.tensor.requires_grad]

    def changed(self) -> list[tuple[int, Tensor, bool, bool]]:
        """(number, tensor, data changed, gradient changed) of all that changed here since both ends agreed."""
        found = []
        for number, share in self.shares.items():
            data, grad = not same(share.tensor, share.data), _differ(grad_of(share.tensor), share.grad)
            if data or grad:
                share.settle()
                found.append((number, share.tensor, data, grad))
        return found

    def write(self, number: int, data: Tensor | None, grad: object) -> None:
        """What the other end wrote. A gradient may also become None; `grad` is ... where it stays as it is."""
        tensor = self.tensor(number)
        if data is not None:
            overwrite(tensor, data, unseen=number % 2 != self.next % 2)
        if grad is not ...:
            tensor.grad = grad
        self.shares[number].settle()

    def drop(self) -> list[int]:
        """Ends the shares whose tensors nobody else holds here; their numbers, for the other end."""
        dropped = [number for number, share in self.shares.items() if share.is_let_go()]
        for number in dropped:
            del self.shares[number]
        return dropped


def overwrite(tensor: Tensor, new: Tensor, unseen: bool) -> None:
    """Autograd sees the change of an original; a copy only follows its original, whose owner saw to that."""
    with torch.no_grad():
        if tensor.shape != new.shape or tensor.dtype != new.dtype:
            tensor.data = new
        elif unseen:
            tensor.data.copy_(new)
        else:
            tensor.copy_(new)


def grad_of(tensor: Tensor) -> Tensor | None:
    """The gradient of a leaf; asking any other tensor for it only earns a warning."""
    return tensor.grad if tensor.is_leaf else None


def _differ(a: Tensor | None, b: Tensor | None) -> bool:
    return (a is None) != (b is None) or (a is not None and not same(a, b))
