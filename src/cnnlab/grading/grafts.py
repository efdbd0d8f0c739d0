"""Gradients across the border: a result computed on the other end has a history here, which asks that end to go back."""

import torch
from torch import Tensor


class Graft(torch.autograd.Function):
    """Values that came from the other end, as results of the tensors that this end gave."""

    @staticmethod
    def forward(ctx, history, values, anchor, *inputs):
        ctx.history, ctx.count = history, len(inputs)
        ctx.set_materialize_grads(False)
        return tuple(value.view_as(value) for value in values)

    @staticmethod
    def backward(ctx, *grads):
        back = ctx.history.backward(grads)
        wanted = ctx.needs_input_grad[3:]
        return None, None, None, *(grad if needed else None for grad, needed in zip(back, wanted, strict=True))


class History:
    """What the other end keeps of a call, until the last result of it is gone here."""

    def __init__(self, peer, number: int):
        self.peer, self.number = peer, number

    def backward(self, grads: tuple) -> list:
        return self.peer.ask("backward", self.number, list(grads))

    def __del__(self):
        self.peer.gone.append(self.number)


def graft(peer, number: int, values: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    anchor = torch.zeros((), requires_grad=True)  # so that a result without inputs here still has a history
    with torch.inference_mode(False), torch.enable_grad():
        return list(Graft.apply(History(peer, number), values, anchor, *inputs))


class Grown:
    """The callee's side: results with a history, and the shared tensors they may depend on."""

    def __init__(self, results: list[Tensor], inputs: list[Tensor]):
        self.results, self.inputs = results, inputs

    def backward(self, grads: list) -> list:
        pairs = [pair for pair in zip(self.results, grads, strict=True) if pair[1] is not None]
        if not pairs or not self.inputs:
            return [None] * len(self.inputs)
        results, given = zip(*pairs, strict=True)
        create = torch.is_grad_enabled()
        with torch.enable_grad():
            back = torch.autograd.grad(
                results, self.inputs, given, retain_graph=True, create_graph=create, allow_unused=True
            )
        return list(back)
