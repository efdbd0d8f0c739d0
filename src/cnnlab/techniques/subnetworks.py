r"""The ensemble inside one network: residual branches and dropout masks as switches, n of which make $2^n$ members.

Both functions run every member, so they are for small n: to look, not to train.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from cnnlab.choices import demand


def residual_paths(branches: Sequence[nn.Module], x: Tensor) -> Tensor:
    r"""What each of the $2^n$ paths through n residual blocks gives: (2ⁿ, N, C, ...) (row E05).

    Path S goes through the branches in S and past the others on their shortcuts: $F_{i_m}(\ldots F_{i_1}(x))$. A share
    $\binom{n}{m} / 2^n$ of the paths has length m. Where the branches are linear, the sum over all paths is what the
    blocks $x + F_i(x)$ give. Source: {cite:t}`veit2016residual`.
    """
    paths = [x]
    for branch in branches:
        paths += [branch(path) for path in paths]
    return torch.stack(paths)


def dropout_ensemble(layer: Callable[[Tensor], Tensor], x: Tensor, *, p: float = 0.5) -> Tensor:
    r"""The geometric mean of the classifiers that dropout makes of softmax(layer(x)), all $2^n$ of them (row E05).

    $\tilde P \propto \prod_m P(y \mid m \odot x)^{P(m)}$ for masks m of the n features, x (N, n), each dropped with
    probability `p`; probabilities (N, classes). For a linear `layer` it is softmax(layer((1 - p) · x)) to the last
    digit: the rule of weight scaling, which elsewhere is an approximation. Source: {cite:t}`srivastava2014dropout`.
    """
    demand(0 <= p <= 1, "p", p, "between 0 and 1")
    masks = torch.tensor([*itertools.product((0, 1), repeat=x.shape[1])], dtype=x.dtype, device=x.device)
    kept = masks.sum(1)
    weights = (1 - p) ** kept * p ** (x.shape[1] - kept)
    members = layer(x * masks[:, None]).log_softmax(-1)  # (masks, N, classes)
    return torch.einsum("m,mnc->nc", weights, members).softmax(-1)
