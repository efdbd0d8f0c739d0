"""The solver of the CaffeNet benchmark: momentum, decay, and a rate of its own for biases."""

from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from cnnlab.choices import demand

SOLVER = {
    "lr": 0.01,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "batch_size": 256,
    "steps": 320_000,
    "step_size": 100_000,
    "gamma": 0.1,
}


def bias_groups(model: nn.Module, lr: float, *, weight_decay: float = 5e-4, factor: float = 2.0) -> list[dict]:
    r"""Parameter groups of Caffe: weights at $\eta$ with decay; biases at `factor` $\cdot \eta$, without decay (row L09).

    A bias is what is named so, that of a normalization too. Frozen parameters are in no group. The benchmark has .471
    with a factor of 2, .470 with 1, .472 with 5, .445 where biases do not learn. Source: {cite:t}`mishkin2016`.
    """
    demand(factor >= 0, "factor", factor, "0 or more")
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    biases = [p for name, p in named if name.endswith("bias")]
    weights = [p for name, p in named if not name.endswith("bias")]
    return [
        {"params": weights, "lr": lr, "weight_decay": weight_decay},
        {"params": biases, "lr": factor * lr, "weight_decay": 0.0},
    ]


def caffenet_solver(model: nn.Module) -> tuple[SGD, StepLR]:
    """Optimizer and schedule of the benchmark: SGD with momentum .9, a tenth of the rate each 100,000 steps (row L09).

    Source: {cite:t}`mishkin2016`.
    """
    groups = bias_groups(model, SOLVER["lr"], weight_decay=SOLVER["weight_decay"])
    optimizer = SGD(groups, lr=SOLVER["lr"], momentum=SOLVER["momentum"])
    return optimizer, StepLR(optimizer, SOLVER["step_size"], SOLVER["gamma"])


def epochs_of(steps: int, batch_size: int, *, images: int) -> float:
    r"""How many times `steps` batches walk through the images: $T B / N$ (row L09).

    320,000 batches of 256 are 63.9 epochs of ImageNet's 1,281,167 images; of a round 1.28 million, as the sheet has it,
    they are 64.0.
    """
    demand(images >= 1, "images", images, "1 or more")
    return steps * batch_size / images
