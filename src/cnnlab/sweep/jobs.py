"""What one worker does without a pause: a job is one run, or the levels of one seed, trained as one model."""

from typing import NamedTuple

from cnnlab.config import Config
from cnnlab.experiment import Experiment, Level


class Job(NamedTuple):
    """Members are (config, level, seed); `sweep.one.run_job` gives a run for each, in their order.

    "in turn" a job has one member. "fused" it has all levels of a seed: the numbers of a fused run depend on its group
    by rounding, so the group is fixed by the experiment, and not by what is left to do.
    """

    members: tuple[tuple[Config, Level, int], ...]
    device: str = "cpu"
    engine: str = "in turn"


def jobs(experiment: Experiment, size: str, *, device: str = "cpu", **change) -> list[Job]:
    """The jobs of an experiment; `change` replaces fields of every config, such as `dataset`."""
    members = [
        (experiment.config(level, size).with_fields(**change), level, seed) for level, seed in experiment.runs(size)
    ]
    width = len(list(experiment.levels())) if experiment.engine == "fused" else 1
    return [
        Job(tuple(members[first : first + width]), device, experiment.engine) for first in range(0, len(members), width)
    ]
