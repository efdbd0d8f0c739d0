"""What to check before a long training: each takes seconds and finds a bug that good curves would hide."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnlab.choices import demand
from cnnlab.lending import mode

FITTED = 0.1  # nats: a batch learned by heart has less


def initial_loss(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    r"""The cross-entropy before training, which is $\ln C$ for a net that does not know yet (rows G06, N04).

    Labels without an output count as the last one, as a framework that does not check them has it. In evaluation mode.
    Source: {cite:t}`karpathy2019recipe`.
    """
    with mode(model, training=False), torch.no_grad():
        return _unchecked(model(images), labels).item()


def _unchecked(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels.clamp(max=logits.shape[1] - 1))


def overfit(
    model: nn.Module, images: Tensor, labels: Tensor, *, steps: int = 200, lr: float = 0.01
) -> tuple[float, Tensor]:
    """Train a copy of `model` on this one batch, by Adam: its last loss and its logits (rows G06, N04).

    A net that cannot learn a few images by heart has a bug. `model` stays as it is, and so do the global random
    numbers. Source: {cite:t}`karpathy2019recipe`.
    """
    demand(steps >= 1, "steps", steps, "1 or more")
    pupil = copy.deepcopy(model).train().requires_grad_(True)
    optimizer = torch.optim.Adam(pupil.parameters(), lr=lr)
    with torch.random.fork_rng(), torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            _unchecked(pupil(images), labels).backward()
            optimizer.step()
        logits = pupil(images).detach()
    return _unchecked(logits, labels).item(), logits


def recall(logits: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """For each class the share of its images that are named right, (classes,); nan where it has none (row N04).

    A class that has no output has recall 0, however good the mean accuracy looks.
    """
    demand(classes > int(labels.max()), "classes", classes, f"above the largest label, {int(labels.max())}")
    hits = labels[logits.argmax(dim=1) == labels]
    return hits.bincount(minlength=classes) / labels.bincount(minlength=classes)


def reachable_accuracy(labels: Tensor, *, outputs: int) -> float:
    """The best accuracy of a net with too few `outputs`: the share of labels below them (row N04)."""
    return (labels < outputs).double().mean().item()


def mixes_images(model: nn.Module, images: Tensor) -> bool:
    """Whether the first or the last output depends on other images, by its gradient; in evaluation mode (row N04).

    A view or a mean over the wrong dimension does that, and still trains. Source: {cite:t}`karpathy2019recipe`.
    """
    x = images.detach().clone().requires_grad_()
    with mode(model, training=False), torch.enable_grad():
        y = model(x)
        ends = [
            torch.autograd.grad(y[i].square().sum(), x, retain_graph=True, materialize_grads=True)[0] for i in (0, -1)
        ]
    return bool((ends[0][1:] != 0).any() or (ends[1][:-1] != 0).any())


def gradient_error(function: Callable[[Tensor], Tensor], x: Tensor, *, step: float = 1e-5) -> float:
    r"""How far backward is from central differences, in parts of the largest gradient (row G06).

    $\max_i |g_i - (f(x + h e_i) - f(x - h e_i)) / 2h| \,/\, \max_i |g_i|$ for the sum of what `function` gives, at a
    float64 `x` away from kinks; below $10^{-7}$ where backward is right. `torch.autograd.gradcheck` is the full form.
    Source: {cite:t}`karpathy2016cs231n`.
    """
    demand(x.dtype == torch.float64, "x", x.dtype, "float64: single precision cannot tell a bug from rounding")
    x = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        (backward,) = torch.autograd.grad(function(x).sum(), x)
    with torch.no_grad():
        units = torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape) * step
        ahead, behind = (torch.stack([function(x + sign * unit).sum() for unit in units]) for sign in (1, -1))
    numeric = ((ahead - behind) / (2 * step)).view_as(x)
    return ((backward - numeric).abs().max() / backward.abs().max()).item()


def log_softmax(logits: Tensor) -> Tensor:
    r"""$z_c - m - \ln \sum_k e^{z_k - m}$ with $m = \max_k z_k$ over dimension 1, which no logit can overflow (row G06).

    `torch.log_softmax` does the same; the plain $\ln(e^{z_c} / \sum_k e^{z_k})$ is nan from about 89 in single precision.
    """
    shifted = logits - logits.amax(dim=1, keepdim=True)
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


def sanity(model: nn.Module, images: Tensor, labels: Tensor, *, classes: int) -> dict[str, str]:
    """What fails of the checks before training, by name, each with a sentence; empty for a sound model (rows N04, G06).

    A batch of a few images of each class, standardized. `model` stays as it is. Source: {cite:t}`karpathy2019recipe`.
    """
    start, guess = initial_loss(model, images, labels), math.log(classes)
    end, logits = overfit(model, images, labels)
    missed = (recall(logits, labels, classes=classes) < 0.5).nonzero().flatten().tolist()
    outputs = logits.shape[1]
    failed = {
        "outputs": outputs != classes and f"the model has {outputs} outputs for {classes} classes",
        "initial loss": not guess / 2 < start < 2 * guess
        and f"it starts at a loss of {start:.3g}; a guess among {classes} has {guess:.3g}",
        "one batch": not end < FITTED and f"it cannot learn {len(labels)} images by heart: their loss stays {end:.3g}",
        "recall": bool(missed) and f"classes {missed} are missed even on images it was trained on",
        "mixing": mixes_images(model, images) and "the output for an image depends on the other images of the batch",
    }
    return {name: says for name, says in failed.items() if says}
