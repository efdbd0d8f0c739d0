"""SGD with Nesterov momentum for many members at once, each with its own settings."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MemberSGD:
    r"""What `torch.optim.SGD(nesterov=momentum > 0)` does to each member's part of the weights.

    With gradient g, weight w and the member's $\eta, \mu, \lambda$: $g \leftarrow g + \lambda w$, $b \leftarrow \mu b + g$,
    $w \leftarrow w - \eta (g + \mu b)$. `owned` lists the weights with the members whose they are, as equal parts of
    dimension 0. Source: {cite:t}`sutskever2013importance`.
    """

    def __init__(
        self, owned: list[tuple[nn.Parameter, range]], momentum: Sequence[float], weight_decay: Sequence[float]
    ):
        self.weights = [weight for weight, _ in owned]
        self.buffers = [torch.zeros_like(weight) for weight in self.weights]
        self.owners = [_owners(weight, members) for weight, members in owned]
        self.momentum = self._spread(self.weights[0].new_tensor(momentum)) if any(momentum) else None
        self.weight_decay = self._spread(self.weights[0].new_tensor(weight_decay)) if any(weight_decay) else None

    def _spread(self, values: Tensor) -> list[Tensor]:
        """Each member's value beside its part of each weight."""
        return [values[owners] for owners in self.owners]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: Tensor) -> None:
        """Move the weights by their gradients; `lr` has shape (members,)."""
        if self.weight_decay:
            gradients = torch._foreach_addcmul(gradients, self.weights, self.weight_decay)
        if self.momentum:
            torch._foreach_mul_(self.buffers, self.momentum)
            torch._foreach_add_(self.buffers, gradients)
            gradients = torch._foreach_addcmul(gradients, self.buffers, self.momentum)
        torch._foreach_addcmul_(self.weights, gradients, self._spread(lr), value=-1)


def _owners(weight: Tensor, members: range) -> Tensor:
    """Whose each row of dimension 0 is, in a shape that goes with the weight."""
    numbers = torch.arange(members.start, members.stop, device=weight.device)
    return numbers.repeat_interleave(len(weight) // len(members)).view(-1, *[1] * (weight.ndim - 1))
