"""What is done to images before a network sees them."""

import torch
from torch import Tensor


def standardize(images: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""Bytes (N, C, H, W) as $(x / 255 - \mu_c) / \sigma_c$, in channels_last; `mean` and `std` have shape (C,)."""
    mean, std = (each.to(images.device, dtype).view(-1, 1, 1) for each in (mean, std))
    return (images.contiguous(memory_format=torch.channels_last) * (1 / (255 * std))).sub_(mean / std)
