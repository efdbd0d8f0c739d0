"""Lightning's Trainer at its defaults, as the peer of `cnnlab.training.fit`: the same net, images, batches and steps.

Neither side augments: Lightning gets finished tensors, so that no per-image work of a loader counts against it. Its
logger, checkpoint and progress bar are those it comes with; the bar draws into memory.
"""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from textbook import BATCH, SETTINGS, net, noise
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from cnnlab.training import fit

PLAIN = replace(SETTINGS, augmentation="none")


def fp32():
    try:
        import lightning
    except ImportError:
        return "Lightning is not installed here: `make bench` does it where there is a network"
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    data, ours = noise(), net()
    images = (data.train.images / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    theirs = _tutorial(lightning, TensorDataset(images, data.train.labels))
    mine = lambda: list(fit(ours, data, PLAIN, device="cpu", precision="fp32"))  # noqa: E731
    return theirs, mine, lambda: f"lightning {lightning.__version__}"


def _tutorial(lightning, images: TensorDataset) -> Callable[[], None]:
    """One epoch as Lightning's first page writes it."""

    class Tutorial(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net()

        def training_step(self, batch, number):
            images, labels = batch
            loss = cross_entropy(self.net(images), labels)
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=PLAIN.lr, momentum=PLAIN.momentum, nesterov=True)

    model = Tutorial()

    def epoch() -> None:
        shown = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
                trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", default_root_dir=folder)
                trainer.fit(model, DataLoader(images, batch_size=BATCH, shuffle=True, drop_last=True))

    return epoch
