"""Units that start equal stay equal: what all-zero and constant weights do to a network."""

from copy import deepcopy

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from cnnlab.techniques.initialization import layers


@torch.no_grad()
def constant_(weight: Tensor, *, gain: float = 1.0, generator: Generator | None = None, value: float = 0.1) -> Tensor:
    """All weights `value`: not zero, and no better, since all units of a layer compute the same (rows T06, I01)."""
    return weight.fill_(gain * value)


def unit_similarity(weight: Tensor) -> Tensor:
    r"""The cosine $w_i^\top w_j / (|w_i| |w_j|)$ between the weights of any two units, shape (out, out) (row T06).

    Weight of shape (out, in, *kernel); all ones says that the layer has one unit, many times. Units whose weights are
    all zero have cosine 0 with every unit.
    """
    rows = F.normalize(weight.flatten(1), dim=1)
    return rows @ rows.T


def weight_ranks(
    model: nn.Module, images: Tensor, labels: Tensor, *, steps: int = 0, lr: float = 0.1
) -> dict[str, int]:
    """The rank of each layer's weight, by name, after `steps` of SGD on one batch; `model` stays as it is (row T06).

    From equal units it is 1 for a hidden layer, however many steps; from zeros under ReLU it is 0 for all layers: no
    weight gets a gradient, only the last bias. Singular values below 1e-4 of the largest count as 0. Images (N, ...),
    labels (N,). Source: {cite:t}`glorot2010understanding`.
    """
    model = deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return {name: torch.linalg.matrix_rank(each.weight.flatten(1), rtol=1e-4).item() for name, each in layers(model)}
