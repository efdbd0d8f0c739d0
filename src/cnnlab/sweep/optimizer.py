"""SGD with momentum, Nesterov's or plain, for many members at once, each with its own settings."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class MemberSGD:
    r"""What `torch.optim.SGD` does to each member's part of the weights.

    With gradient g, weight w and the member's $\eta, \mu, \lambda$: $g \leftarrow g + \lambda w$, $b \leftarrow \mu b + g$,
    $w \leftarrow w - \eta (g + \mu b)$, without `nesterov` $w \leftarrow w - \eta b$. `owned` lists the weights with the
    members whose they are, as equal parts of dimension 0. Source: {cite:t}`sutskever2013importance`.
    """

    def __init__(
        self,
        owned: list[tuple[nn.Parameter, range]],
        momentum: Sequence[float],
        weight_decay: Sequence[float],
        nesterov: Sequence[bool],
    ):
        self.weights = [weight for weight, _ in owned]
        self.buffers = [torch.zeros_like(weight) for weight in self.weights]
        self.owners = torch.cat([_owners(weight, members) for weight, members in owned])
        self.momentum = self._spread_one(momentum) if any(momentum) else None
        self.weight_decay = self._spread_one(weight_decay) if any(weight_decay) else None
        self.reach = self._spread_one([mu if ahead else 1 for mu, ahead in zip(momentum, nesterov, strict=True)])
        self.nesterov = None if all(nesterov) else self._spread_one(nesterov)

    def _spread_one(self, values: Sequence[float]) -> tuple[Tensor, ...]:
        return next(self.spread(self.weights[0].new_tensor([values])))

    def spread(self, values: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """For each row of `values` (rows, members), each member's value beside its part of each weight: views of a gather."""
        parts = values[:, self.owners].split([len(weight) for weight in self.weights], dim=1)
        beside = [
            part.unflatten(1, (-1, *[1] * (weight.ndim - 1))) for part, weight in zip(parts, self.weights, strict=True)
        ]
        return zip(*(each.unbind() for each in beside), strict=True)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: Sequence[Tensor]) -> None:
        """Move the weights by their gradients; `lr` is a row of `spread`."""
        if self.weight_decay:
            gradients = torch._foreach_addcmul(gradients, self.weights, self.weight_decay)
        if self.momentum:
            torch._foreach_mul_(self.buffers, self.momentum)
            torch._foreach_add_(self.buffers, gradients)
            if self.nesterov:  # 1 or 0: plain momentum steps along b alone
                gradients = torch._foreach_mul(gradients, self.nesterov)
            gradients = torch._foreach_addcmul(gradients, self.buffers, self.reach)
        torch._foreach_addcmul_(self.weights, gradients, lr, value=-1)


def _owners(weight: Tensor, members: range) -> Tensor:
    """Whose each row of dimension 0 is."""
    numbers = torch.arange(members.start, members.stop, device=weight.device)
    return numbers.repeat_interleave(len(weight) // len(members))
