"""Eight members at once: against eight textbook loops, and our two engines against each other."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from cnnlab import data
from cnnlab.config import Training
from cnnlab.data import Dataset, Split
from cnnlab.sweep.choice import ENGINES, choose_engine, fit_members
from cnnlab.sweep.together import Member

RATES = (0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
SETTINGS = Training(steps=100, epochs=5, batch_size=32, schedule="constant")
FIXED = {"device": "cpu", "precision": "fp32"}
SIZES = {  # pixels a side: channels, widths, batch, steps
    8: (1, (8, 16), 32, 100),
    16: (3, (8, 16, 32), 32, 20),
    28: (1, (8, 16, 32), 64, 10),
    32: (3, (16, 32, 64), 128, 3),
}


def net(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    torch.manual_seed(0)
    layers = []
    for before, after in zip((channels, *widths), widths, strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))


def members(channels: int, widths: tuple[int, ...], settings: Training, rates=RATES) -> list[Member]:
    return [Member(net(channels, widths), replace(settings, lr=lr)) for lr in rates]


def only_train(dataset: Dataset) -> Dataset:
    """Without valid images, since the textbook loop looks at none."""
    return replace(dataset, valid=Split(dataset.valid.images[:0], dataset.valid.labels[:0]))


def noise(channels: int, size: int, count: int) -> Dataset:
    """Random images: speed does not depend on what they show."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, channels, size, size), dtype=torch.uint8, generator=generator)
    train = Split(images, torch.randint(10, (count,), generator=generator))
    return only_train(Dataset("noise", tuple("0123456789"), "drawn for speed", train, train, train))


def textbook(images: TensorDataset) -> list[list[float]]:
    """The tutorial's loop, one learning rate after the other."""
    curves = []
    for member in members(1, (8, 16), SETTINGS):
        model, losses = member.model, []
        optimizer = torch.optim.SGD(model.parameters(), lr=member.config.lr, momentum=0.9, nesterov=True)
        model.train()
        while len(losses) < SETTINGS.steps:
            for batch, labels in DataLoader(images, batch_size=SETTINGS.batch_size, shuffle=True, drop_last=True):
                optimizer.zero_grad()
                loss = cross_entropy(model(batch), labels)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                if len(losses) == SETTINGS.steps:
                    break
        curves.append(losses)
    return curves


class Watched:
    """Runs a sweep and remembers how long its first point and its whole answer took."""

    def __init__(self, start: Callable[[], Iterator]):
        self.start, self.first, self.whole = start, [], []

    def __call__(self) -> None:
        began = time.perf_counter()
        epochs = self.start()
        next(epochs)
        self.first.append(time.perf_counter() - began)
        list(epochs)
        self.whole.append(time.perf_counter() - began)

    def note(self) -> str:
        """The medians, without the turn that is not counted."""
        first, whole = (sorted(taken[1:])[len(taken[1:]) // 2] for taken in (self.first, self.whole))
        return f"first point after {first * 1e3:.0f} ms, all after {whole * 1e3:.0f}"


def digits():
    digits = only_train(data.load("digits"))
    images = (digits.train.images / 255 - digits.mean.view(-1, 1, 1)) / digits.std.view(-1, 1, 1)
    shown = TensorDataset(images, digits.train.labels)
    ours = Watched(lambda: fit_members(members(1, (8, 16), SETTINGS), digits, **FIXED))
    return lambda: textbook(shown), ours, ours.note


def engines(size: int, rates: Sequence[float] = RATES, **how):
    """For each engine, a function that trains the members on images of this size; and their members and images."""
    channels, widths, batch, steps = SIZES[size]
    settings = replace(SETTINGS, steps=steps, epochs=1, batch_size=batch)
    images, how = noise(channels, size, 4 * batch), how or FIXED
    build = lambda: members(channels, widths, settings, rates)  # noqa: E731
    runs = {name: lambda engine=engine: list(engine(build(), images, **how)) for name, engine in ENGINES.items()}
    return runs, build, images


def fused16():
    runs, _, _ = engines(16)
    return runs["in turn"], runs["fused"]


def chosen(size: int):
    """The engine not chosen, and the automatic choice: below 1 where the choice is wrong."""
    runs, build, images = engines(size)
    choice = choose_engine(build(), images, **FIXED)
    (other,) = runs.keys() - {choice.engine}
    return runs[other], lambda: list(fit_members(build(), images, **FIXED)), lambda: f"chosen: {choice.engine}"


def chosen8():
    return chosen(8)


def chosen16():
    return chosen(16)


def chosen28():
    return chosen(28)


def chosen32():
    return chosen(32)
