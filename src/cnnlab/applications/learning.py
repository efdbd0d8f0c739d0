"""Training for models that `cnnlab.fit` does not take: questions beside images, clips, strings, signals."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from cnnlab.lending import mode


def learn(
    model: nn.Module, inputs: Sequence[Tensor], labels: Tensor, *, steps: int, lr: float = 0.01, batch_size: int = 64
) -> list[float]:
    """Train `model(*inputs)` in place with Adam on the cross-entropy of its logits; the loss of every step.

    All `inputs` and `labels` have one row per example. Batches are drawn with a seed of their own, so that a run
    depends on the weights it starts from and on nothing else.
    """
    optimizer, generator, losses = torch.optim.Adam(model.parameters(), lr=lr), Generator().manual_seed(0), []
    for _ in range(steps):
        rows = torch.randint(len(labels), (batch_size,), generator=generator).to(labels.device)
        loss = F.cross_entropy(model(*(each[rows] for each in inputs)), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).tolist()


@torch.no_grad()
def accuracy(model: nn.Module, inputs: Sequence[Tensor], labels: Tensor) -> float:
    """The share of rows whose largest logit is that of their label, in evaluation mode."""
    with mode(model, training=False):
        return (model(*inputs).argmax(dim=1) == labels).float().mean().item()
