"""One job: the networks of its members, trained and measured."""

from collections.abc import Iterator
from dataclasses import asdict, replace

import torch

from cnnlab.config import Config, Training
from cnnlab.data import Dataset
from cnnlab.experiment import Level
from cnnlab.record import Run
from cnnlab.sweep import news
from cnnlab.sweep.choice import choose_engine, fit_members
from cnnlab.sweep.cluster import check_wanted
from cnnlab.sweep.jobs import Job
from cnnlab.sweep.network import dataset_of, linear, network
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.together import Member
from cnnlab.training import Epoch, evaluate, fit


def run_job(job: Job) -> list[Run]:
    """Train the members of a job on one thread and measure each; a run for each member, in their order.

    A member's seed draws weights, order and augmentation; the data are the same for all. `seconds` is the member's share
    of the time that its job took to train.
    """
    torch.set_num_threads(1)
    dataset = dataset_of(job.members[0][0])
    members, training = begin(job)
    epochs = [[] for _ in members]
    for k, epoch in training:
        check_wanted()
        epochs[k].append(epoch)
        _, level, seed = job.members[k]
        news.tell(level, seed, epoch)
    return [
        _run(level, member, epochs[k], dataset, job.device)
        for k, (member, (_, level, _)) in enumerate(zip(members, job.members, strict=True))
    ]


def begin(job: Job) -> tuple[list[Member], Iterator[tuple[int, Epoch]]]:
    """The members of a job and their training before its first step; a `CannotFuse` where they do not go together."""
    dataset = dataset_of(job.members[0][0])
    members = [Member(network(config, dataset, seed), config.training, seed) for config, _, seed in job.members]
    return members, fit_members(members, dataset, engine=job.engine, device=job.device, precision="fp32")


def why(slug: str, job: Job) -> str:
    """What a step of a fused job takes by each engine here, measured once; a `CannotFuse` where it cannot be fused.

    The experiment names the engine, so that nothing measured decides on the numbers of a record.
    """
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        _check_same_images(job)
        members, _ = begin(job)
        return choose_engine(members, dataset_of(job.members[0][0]), device=job.device, precision="fp32").why
    except CannotFuse as reason:
        raise CannotFuse(
            f'the levels of {slug} cannot be fused: {reason}. Write engine = "in turn" in its .toml'
        ) from None
    finally:
        torch.set_num_threads(threads)


def _check_same_images(job: Job) -> None:
    images = [asdict(config.data) for config, _, _ in job.members]
    for name, value in images[0].items():
        if any(other[name] != value for other in images):
            raise CannotFuse(f"the members differ in {name}, and are shown the same images")


def _run(level: Level, member: Member, epochs: list[Epoch], dataset: Dataset, device: str) -> Run:
    last = epochs[-1]
    loss, accuracy = evaluate(member.model, dataset.test, mean=dataset.mean, std=dataset.std, device=device)
    finished = last.diverged_at is None
    return Run(
        level=level,
        seed=member.seed,
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
    """Test accuracy, in %, of a linear model on the same pixels, trained as the baseline is: what pixels alone give.

    With plain cross-entropy, and at the best of three learning rates: what suits a network is often too much for it.
    """
    dataset = dataset_of(config)
    return max(
        _linear_accuracy(dataset, replace(config.training, lr=config.training.lr * share)) for share in (1, 0.1, 0.01)
    )


def _linear_accuracy(dataset: Dataset, config: Training) -> float:
    model = linear(dataset, seed=0)
    for _ in fit(model, dataset, replace(config, loss="cross_entropy"), seed=0, device="cpu", precision="fp32"):
        pass
    return 100 * evaluate(model, dataset.test, mean=dataset.mean, std=dataset.std)[1]
