"""What a number depends on beside its experiment."""

import platform
from pathlib import Path

import torch


def machine() -> dict:
    """What a number depends on: processor, threads, engine, versions."""
    return {
        "device": "cpu",
        "processor": _processor(),
        "threads": 1,
        "engine": "in turn",
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
