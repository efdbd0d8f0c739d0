import torch
from contract import Case, images, seeded
from torch import nn

from cnnlab.techniques import batches as B


def examples(generator):
    return torch.randn(6, 4, generator=generator), torch.randint(3, (6,), generator=generator)


def positive(generator):
    return torch.rand(5, generator=generator) + 0.5, torch.rand(5, generator=generator) + 0.5


class Gradients(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Linear(4, 3)

    def forward(self, x, labels):
        return B.sample_gradients(self.model, x, labels)


CASES = {
    "sample_gradients": Case(
        Gradients,
        examples,
        why_not={
            "gradient": "the weights are detached: these gradients are to be measured",
            "device": "autograd runs inside, and its engine asks the driver for the imagined device",
        },
    ),
    "gradient_variance": Case(
        lambda: lambda g: B.gradient_variance(g, 2, draws=20, generator=seeded()),
        images(6, 4),
        why_not={"vmap": "it draws"},
        bad=(
            (lambda: B.gradient_variance(torch.zeros(2, 2), 0), r"batch_size and draws must be 1 or more; got \(0, "),
        ),
    ),
    "log_slope": Case(
        lambda: B.log_slope, positive, half=0.1, why_not={"finite": "equal or vanishing points have no slope"}
    ),
    "loss_band": Case(
        lambda: lambda losses: B.loss_band(losses, 3),
        images(9),
        bad=(
            (lambda: B.loss_band(torch.zeros(3), 4), "batch_size must be from 1 to the 3 losses; got 4"),
            (lambda: B.loss_band(torch.zeros(1), 1), "losses must be 2 or more: one has no spread; got 1"),
            (lambda: B.batch_for_band(torch.zeros(1), 0.1), "losses must be 2 or more: one has no spread; got 1"),
            (lambda: B.batch_for_band(torch.zeros(3), 0.0), "width must be above 0; got 0.0"),
            (lambda: B.scaled_rate(0.1, 0), r"batch sizes must be 1 or more; got \(0, 256\)"),
            (lambda: B.scaled_rate(0.1, 1, rule="cube"), 'rule of scaling "cube" is unknown; choose one of: fixed, li'),
            (lambda: B.noise_scale(0.1, 9, images=8), "batch_size must be from 1 to the 8 images; got 9"),
            (lambda: B.accumulate_gradients(nn.Linear(1, 1), *examples(None), size=0), "size must be 1 image or more"),
        ),
    ),
}
