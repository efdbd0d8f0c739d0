"""What has to be the same wherever a run of an experiment is trained."""

import functools
import hashlib
import platform
from pathlib import Path

import torch

import cnnlab

VIEWS = ("cli", "plots", "widgets", "grading")  # no number comes from these


class CannotWork(RuntimeError):
    """A worker on which no job would succeed, or not with the numbers it gives here: worth to stop for."""


@functools.cache
def conditions() -> dict[str, str]:
    """Versions, and a digest of the code that computes: between two releases the version alone says little."""
    folder, digest = Path(cnnlab.__file__).parent, hashlib.sha256()
    for name in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.py")):
        if not name.startswith(VIEWS):
            digest.update(name.encode() + (folder / name).read_bytes())
    return {"cnnlab": cnnlab.__version__, "torch": torch.__version__, "the code of cnnlab": digest.hexdigest()[:12]}


def check_conditions(asked: dict[str, str]) -> None:
    """A `CannotWork` that names this machine, where its conditions are not those of the machine that asks."""
    for name, here in conditions().items():
        if here != asked.get(name):
            raise CannotWork(
                f"the worker on {platform.node()} has {name} {here}, and the command that measures has {asked.get(name)}: "
                "install the same on both"
            )
