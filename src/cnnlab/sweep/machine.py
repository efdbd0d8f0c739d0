"""What a number depends on beside its experiment."""

import platform
from pathlib import Path

import torch


def machine(device: str = "cpu", engine: str = "in turn") -> dict:
    """What a number depends on: processor, threads, engine, versions."""
    return {
        "device": device,
        "processor": torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor(),
        "threads": 1,
        "engine": engine,
        "precision": "fp32",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
