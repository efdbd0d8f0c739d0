import torch
from contract import Case, images
from torch import nn

from cnnlab.techniques import subnetworks

CASES = {
    "residual_paths": Case(lambda: lambda x: subnetworks.residual_paths([nn.Tanh(), nn.ReLU()], x), images(2, 3, 4, 4)),
    "dropout_ensemble": Case(
        lambda: lambda x: subnetworks.dropout_ensemble(lambda h: 2 * h, x),
        images(2, 4),
        bad=(
            (
                lambda: subnetworks.dropout_ensemble(lambda h: h, torch.zeros(1, 2), p=1.5),
                "p must be between 0 and 1; got 1.5",
            ),
        ),
    ),
}
