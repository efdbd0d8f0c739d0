"""One run: a network of a config, trained and measured."""

import torch

from cnnlab.config import Config
from cnnlab.experiment import Level
from cnnlab.record import Run
from cnnlab.sweep.network import dataset_of, linear, network
from cnnlab.training import evaluate, fit


def run_one(config: Config, level: Level, seed: int, device: str = "cpu") -> Run:
    """Train one network and measure it. The seed draws weights, order and augmentation; data are the same for all."""
    torch.set_num_threads(1)
    dataset = dataset_of(config)
    model = network(config, dataset, seed).to(device)
    epochs = list(fit(model, dataset, config.training, seed=seed, device=device, precision="fp32"))
    last = epochs[-1]
    loss, accuracy = evaluate(model, dataset.test, mean=dataset.mean, std=dataset.std, device=device)
    finished = last.diverged_at is None
    return Run(
        level=level,
        seed=seed,
        seconds=sum(epoch.seconds for epoch in epochs),
        ended="finished" if finished else f"diverged at step {last.diverged_at}",
        # A diverged network gives NaN, and NaN has no largest class: it is no better than chance.
        measures={
            "test_accuracy": 100 * accuracy if finished else 100 / len(dataset.classes),
            "test_loss": loss if finished else None,
        },
        curves={name: [getattr(epoch, name) for epoch in epochs] for name in ("step", "train_loss", "valid_loss")}
        | {name: [100 * getattr(epoch, name) for epoch in epochs] for name in ("train_accuracy", "valid_accuracy")},
    )


def linear_reference(config: Config) -> float:
    """Test accuracy, in %, of a linear model on the same pixels, trained as the baseline is: what pixels alone give."""
    dataset = dataset_of(config)
    model = linear(dataset, seed=0)
    for _ in fit(model, dataset, config.training, seed=0, device="cpu", precision="fp32"):
        pass
    return 100 * evaluate(model, dataset.test, mean=dataset.mean, std=dataset.std)[1]
