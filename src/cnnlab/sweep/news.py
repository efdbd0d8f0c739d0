"""What a worker tells of the runs at hand, before they are finished."""

from collections.abc import Callable

from cnnlab.experiment import Level
from cnnlab.training import Epoch

listener: Callable[[tuple], None] | None = None  # whoever wants to hear it in this process


def tell(level: Level, seed: int, epoch: Epoch) -> None:
    """Hand the listener, if there is one, ((level, seed), valid accuracy in %)."""
    if listener:
        listener(((" · ".join(level.values()), seed), 100 * epoch.valid_accuracy))
