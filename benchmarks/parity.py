"""The same numbers: eight members on digits as one model, against each trained alone. Batch norm and momentum."""

from dataclasses import replace

import torch
from sweep import FIXED, SETTINGS, members

from cnnlab import data
from cnnlab.sweep.together import fit_together
from cnnlab.training import fit


def float64() -> list[float]:
    return differences(torch.float64, 100)


def float32() -> list[float]:
    """The first ten steps: after them chaos decides."""
    return differences(torch.float32, 10)


def differences(dtype: torch.dtype, steps: int) -> list[float]:
    """The largest difference of two losses, as long as a member alone stays finite; NaN where only the fused one is."""
    digits, settings = data.load("digits"), replace(SETTINGS, steps=steps, epochs=1)
    together, alone = ([m._replace(model=m.model.to(dtype)) for m in members(1, (8, 16), settings)] for _ in range(2))
    fused = dict(fit_together(together, digits, **FIXED))
    pairs = []
    for k, member in enumerate(alone):
        (epoch,) = fit(member.model, digits, member.config, seed=member.seed, **FIXED)
        pairs += zip(fused[k].losses, epoch.losses, strict=True)
    got, want = torch.tensor(pairs, dtype=torch.float64).unbind(dim=1)
    return [(got - want).abs()[want.isfinite()].max().item()]
