"""Where a run computes, and in which precision."""

import ctypes
import sys

import torch

from cnnlab.choices import choose

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
PAYS_FROM = 28  # pixels a side: below, a step is mostly dispatch, and the casts of autocast only add to it


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """The device asked for, or the best one here: CUDA, else MPS, else the CPU.

    A device that torch does not know, or that this machine lacks, raises a `ValueError`.
    """
    present = [name for name, is_available in DEVICES.items() if is_available()]
    if device is None:
        return torch.device(present[0])
    kind = str(device).partition(":")[0]
    choose(DEVICES, kind, "device")
    if kind not in present:
        raise ValueError(
            f'device "{device}" is not available here; available: {", ".join(present)}. '
            "Leave device out to take the best."
        )
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(f'device "{device}" is not one that torch knows; give "{kind}" or "{kind}:0"') from None
    if kind == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f'device "{device}" is not available here; there are {torch.cuda.device_count()}, from cuda:0 on'
        )
    return chosen


def keep_memory() -> None:
    """Have glibc keep what a step frees for the next step, up to 256 MiB, where it would hand it back in between.

    Elsewhere it does nothing. Without it a fused step at 28x28 pixels takes up to 1.7 times as long, in page faults.
    """
    if mallopt := sys.platform == "linux" and getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_MMAP_THRESHOLD, 2**25)  # the largest that glibc accepts: blocks from there on are always handed back
        mallopt(M_TRIM_THRESHOLD, 2**28)


def choose_precision(device: torch.device, image_size: int, precision: str | None = None) -> str:
    """The precision asked for, or (None, "auto") what is native on `device` and pays at `image_size` pixels a side.

    | device | from 28 pixels | below |
    |---|---|---|
    | CUDA, capability 8.0 or more | bf16 | fp32 |
    | CUDA, below 8.0 (a T4 claims bf16 and emulates it) | fp16, with a scaled loss | fp32 |
    | CPU with bf16 instructions | bf16 | fp32 |
    | other CPUs, MPS | fp32 | fp32 |
    """
    choose(PRECISIONS, precision or "auto", "precision")
    if precision not in (None, "auto"):
        return precision
    if image_size < PAYS_FROM:
        return "fp32"
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


def cpu_has_bf16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX-512 BF16), as far as this torch can tell."""
    return getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()


PRECISIONS = {"auto": None, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
DEVICES = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "cpu": lambda: True}
