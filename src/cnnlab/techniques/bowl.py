r"""The quadratic bowl $f(x) = \frac12 \sum_i \lambda_i x_i^2$: where a learning rate stops working can be computed.

Near a minimum every smooth loss is such a bowl, its curvatures $\lambda_i$ the eigenvalues of the Hessian.
"""

import cmath

import torch
from torch import Tensor

from cnnlab.choices import demand


def stability_limit(curvature: float, *, momentum: float = 0.0) -> float:
    r"""The learning rate from which on descent diverges: $\eta < 2 (1 + \mu) / \lambda_{\max}$ is stable (row L01).

    `curvature` is the largest of the bowl. Source: {cite:t}`goh2017momentum`.
    """
    demand(curvature > 0, "curvature", curvature, "above 0")
    demand(0 <= momentum < 1, "momentum", momentum, "at least 0 and below 1")
    return 2 * (1 + momentum) / curvature


def growth(lr: float, curvature: float, *, momentum: float = 0.0) -> float:
    r"""By which factor a step multiplies the distance from the minimum, in the long run: below 1 is stable (row L01).

    The larger modulus of the roots of $z^2 - (1 + \mu - \eta \lambda) z + \mu$; without momentum $|1 - \eta \lambda|$.
    Source: {cite:t}`goh2017momentum`.
    """
    half = (1 + momentum - lr * curvature) / 2
    root = cmath.sqrt(half**2 - momentum)
    return max(abs(half + root), abs(half - root))


def descend(start: Tensor, curvatures: Tensor, *, lr: float, momentum: float = 0.0, steps: int = 100) -> Tensor:
    r"""The path of $v \leftarrow \mu v + \lambda x$, $x \leftarrow x - \eta v$ on the bowl: (steps + 1, ...) (row L01).

    `start` and `curvatures` of one shape, a value a direction. Source: {cite:t}`goh2017momentum`.
    """
    demand(steps >= 1, "steps", steps, "1 or more")
    path, velocity = [start], torch.zeros_like(start)
    for _ in range(steps):
        velocity = momentum * velocity + curvatures * path[-1]
        path.append(path[-1] - lr * velocity)
    return torch.stack(path)
