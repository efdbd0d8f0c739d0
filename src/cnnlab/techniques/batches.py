r"""The size of a batch: what it does to the noise of a gradient, to the learning rate, to the band of the loss curve.

The mean of a batch of B drawn from N images without replacement has variance $S^2 (1/B - 1/N)$, where $S^2$ is the
unbiased variance over the images; for $B \ll N$, or with replacement, that is $\propto 1/B$.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from cnnlab.choices import choose, demand

EXPONENTS = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}
Loss = Callable[[Tensor, Tensor], Tensor]


def scaled_rate(lr: float, batch_size: int, *, reference: int = 256, rule: str = "linear") -> float:
    r"""$\eta (B / B_0)^p$, the rate for batches of B where $\eta$ suits $B_0$ (row B01).

    p is 1 for the "linear" rule, 0.5 for "sqrt", 0 for "fixed". On CaffeNet batches of 1024 get .419 with the rate of
    256, .465 with four times it. Source: {cite:t}`goyal2017accurate,mishkin2016`.
    """
    demand(batch_size >= 1 and reference >= 1, "batch sizes", (batch_size, reference), "1 or more")
    return lr * (batch_size / reference) ** choose(EXPONENTS, rule, "rule of scaling")


def noise_scale(lr: float, batch_size: int, *, images: int) -> float:
    r"""$\eta (N / B - 1)$: how strongly SGD shakes the weights; zero for the full batch (row B01).

    Rate and batch times the same factor leave it as it was, for $B \ll N$. Source: {cite:t}`smith2018bayesian`.
    """
    demand(1 <= batch_size <= images, "batch_size", batch_size, f"from 1 to the {images} images")
    return lr * (images / batch_size - 1)


def sample_gradients(model: nn.Module, images: Tensor, labels: Tensor, *, loss: Loss = F.cross_entropy) -> Tensor:
    """The gradient of each image by all weights, a row each: (N, weights) (row B01).

    `model` must not mix images: batch normalization only in evaluation mode.
    """
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def of_one(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        return loss(functional_call(model, weights, (image[None],)), label[None])

    gradients = vmap(grad(of_one), in_dims=(None, 0, 0))(weights, images, labels)
    return torch.cat([g.flatten(1) for g in gradients.values()], dim=1)


def gradient_variance(
    gradients: Tensor, batch_size: int, *, draws: int = 200, generator: Generator | None = None
) -> Tensor:
    r"""$E\,\|\bar g_B - \bar g\|^2$ over random batches, measured: how far a batch's gradient is off (row B01).

    `gradients` (N, weights) as `sample_gradients` gives; `draws` batches of `batch_size`, with replacement, so that
    the variance falls as $1/B$ exactly.
    """
    demand(batch_size >= 1 and draws >= 1, "batch_size and draws", (batch_size, draws), "1 or more")
    n = len(gradients)
    device = None if generator is None else generator.device
    picks = torch.randint(n, (draws, batch_size), generator=generator, device=device).to(gradients.device)
    shares = gradients.new_zeros(draws, n).scatter_add(1, picks, gradients.new_full(picks.shape, 1 / batch_size))
    return (shares @ gradients - gradients.mean(dim=0)).square().sum(dim=1).mean()


def log_slope(x: Tensor, y: Tensor) -> Tensor:
    r"""The slope of the best line through $(\ln x, \ln y)$: -1 for $y \propto 1/x$; positive vectors (row B01)."""
    x, y = (z.log() - z.log().mean() for z in (x, y))
    return (x @ y) / (x @ x)


def loss_band(losses: Tensor, batch_size: int) -> Tensor:
    r"""The standard deviation of a batch's mean loss, $S \sqrt{1/B - 1/N}$: half the width of the band (row B02).

    `losses` (N,), one an image, of which batches are drawn without replacement; $\propto 1/\sqrt B$ for $B \ll N$.
    """
    demand(len(losses) > 1, "losses", len(losses), "2 or more: one has no spread")
    demand(1 <= batch_size <= len(losses), "batch_size", batch_size, f"from 1 to the {len(losses)} losses")
    return losses.std() * math.sqrt(1 / batch_size - 1 / len(losses))


def batch_for_band(losses: Tensor, width: float) -> int:
    r"""The smallest batch whose mean loss has a standard deviation of at most `width` (row B02).

    $B = S^2 / (w^2 + S^2 / N)$, rounded up: a curve too noisy asks for a larger batch, half the band for four times
    it. Memory, or a run that is stuck, asks for a smaller one.
    """
    demand(len(losses) > 1, "losses", len(losses), "2 or more: one has no spread")
    demand(width > 0, "width", width, "above 0")
    variance = losses.var().item()
    return max(1, math.ceil(variance / (width**2 + variance / len(losses))))


def accumulate_gradients(
    model: nn.Module, images: Tensor, labels: Tensor, *, size: int, loss: Loss = F.cross_entropy
) -> Tensor:
    r"""The gradient of the mean loss of a batch, `size` images at a time, added to the weights' `grad` (row L06).

    $\nabla \bar L = \sum_k \frac{n_k}{n} \nabla \bar L_k$: each part counts by its share, so a last smaller one is no
    error. `loss` is a mean, which makes the rate independent of the batch; a sum is n times it. Batch normalization
    sees the parts, so there it is not the gradient of the full batch. Returns the mean loss. Source:
    {cite:t}`sutskever2015brief`.
    """
    demand(size >= 1, "size", size, "1 image or more")
    total = images.new_zeros(())
    for x, y in zip(images.split(size), labels.split(size), strict=True):
        part = loss(model(x), y) * (len(x) / len(images))
        part.backward()
        total += part.detach()
    return total
