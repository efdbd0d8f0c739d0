"""How sure a measured accuracy is: its standard error, the difference of two models, the bias of choosing the best."""

import math

import torch
from torch import Generator, Tensor

from cnnlab.choices import demand


def standard_error(p: float, n: int) -> float:
    r"""The standard error of a share $p$ counted on $n$ images: $\sqrt{p (1 - p) / n}$ (row W08).

    0.0022 for 95 % on the 10,000 test images of CIFAR-10. It is the luck of the test images alone; the spread over
    seeds comes on top. Source: {cite:t}`jordan2024variance`.
    """
    demand(0 <= p <= 1, "p", p, "a share from 0 to 1")
    demand(n >= 1, "n", n, "1 or more")
    return math.sqrt(p * (1 - p) / n)


def paired_bootstrap(
    one: Tensor, other: Tensor, *, draws: int = 2000, confidence: float = 0.95, generator: Generator | None = None
) -> tuple[float, float]:
    """The interval of the difference in accuracy of two models on the same images (row W08).

    `one` and `other`, both (N,), say for each image whether a model was right. The images are drawn anew with
    replacement `draws` times, the same ones for both models; the interval holds the middle `confidence` of the
    differences. Only images where the two disagree count, so it is narrower than two intervals side by side.
    Source: {cite:t}`efron1993bootstrap`.
    """
    demand(
        one.ndim == 1 and one.shape == other.shape, "other", tuple(other.shape), f"of shape {tuple(one.shape)}, (N,)"
    )
    demand(len(one) > 0, "one", tuple(one.shape), "of one image or more")
    demand(draws >= 1, "draws", draws, "1 or more")
    demand(0 < confidence < 1, "confidence", confidence, "above 0 and below 1")
    better, worse = (one.bool() & ~other.bool()).sum().item(), (other.bool() & ~one.bool()).sum().item()
    n = len(one)
    # Drawing images with replacement is drawing how many of them are of each kind: better, worse, the same.
    counts = _binomial(n, better / n, draws, generator)
    rest = _binomial(n - counts, worse / max(n - better, 1), draws, generator)
    tails = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    low, high = ((counts - rest) / n).quantile(tails).tolist()
    return low, high


def _binomial(n: int | Tensor, p: float, draws: int, generator: Generator | None) -> Tensor:
    counts = torch.as_tensor(n, dtype=torch.float64).expand(draws)
    return torch.binomial(counts.contiguous(), torch.full((draws,), p, dtype=torch.float64), generator=generator)


def selection_bias(p: float, n: int, k: int) -> float:
    r"""By how much the best of $k$ models of equal accuracy $p$ looks better than it is, on $n$ images (row W07).

    $\frac{1}{n} E[\max_{i \le k} X_i] - p$ for independent $X_i \sim B(n, p)$, exactly:
    $E[\max] = \sum_{x < n} (1 - F(x)^k)$. It is what one pays for choosing on the images one reports: choose on a
    validation part, and use the test part once. Source: {cite:t}`recht2018cifar`.
    """
    demand(0 < p < 1, "p", p, "above 0 and below 1")
    demand(n >= 1, "n", n, "1 image or more")
    demand(k >= 1, "k", k, "1 model or more")
    x = torch.arange(n + 1, dtype=torch.float64)
    log = torch.lgamma(torch.tensor(n + 1.0, dtype=torch.float64)) - torch.lgamma(x + 1) - torch.lgamma(n - x + 1)
    below = (log + x * math.log(p) + (n - x) * math.log1p(-p)).exp().cumsum(0).clamp(max=1)
    return (1 - below[:-1] ** k).sum().item() / n - p


def fit_power_law(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    r"""$(a, b, c)$ of $y = a x^{-b} + c$ with the least squared error: how the error falls with the images (row Z01).

    `x` and `y`, both (N,) with three points or more. For a given $b$ the law is linear in $a$ and $c$; $b$ is found by
    a grid from 0.001 to 8, made ever finer around its best.
    Source: {cite:t}`hestness2017deep`.
    """
    shapes = tuple(x.shape), tuple(y.shape)
    demand(
        x.ndim == 1 and x.shape == y.shape and len(x) >= 3, "the shapes of x and y", shapes, "(N,) with N of 3 or more"
    )
    demand(bool((x > 0).all() and y.isfinite().all()), "x and y", (x.tolist(), y.tolist()), "above zero, and finite")
    x, y = x.double(), y.double()
    low, high = 1e-3, 8.0
    for _ in range(6):
        grid = torch.linspace(low, high, 81, dtype=torch.float64)
        b = min(grid.tolist(), key=lambda b: _linear_fit(x, y, b)[2])
        low, high = max(b - 2 * (grid[1] - grid[0]).item(), 1e-3), b + 2 * (grid[1] - grid[0]).item()
    a, c, _ = _linear_fit(x, y, b)
    return a, b, c


def _linear_fit(x: Tensor, y: Tensor, b: float) -> tuple[float, float, float]:
    """(a, c, squared error) of the best $a x^{-b} + c$ at a given b."""
    law = (x / x.min()) ** -b
    design = torch.stack([law, torch.ones_like(law)], dim=1)
    a, c = torch.linalg.lstsq(design, y).solution.tolist()
    return a * x.min().item() ** b, c, (design @ torch.tensor([a, c], dtype=y.dtype) - y).square().sum().item()
