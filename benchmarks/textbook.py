"""The training loop of every tutorial, as the peer of `cnnlab.training.fit`: the same net, images and settings."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from cnnlab.config import Training
from cnnlab.data import Dataset, Split
from cnnlab.devices import cpu_has_bf16
from cnnlab.training import fit

IMAGES, BATCH = 2560, 128
SETTINGS = Training(epochs=1, batch_size=BATCH, lr=0.05, schedule="constant", augmentation="crop+flip")


class Shifted(TorchDataset):
    """Standardized images, each cropped and mirrored when it is asked for. A stronger peer than one that decodes."""

    def __init__(self, data: Dataset):
        mean, std = data.mean.view(-1, 1, 1), data.std.view(-1, 1, 1)
        self.images, self.labels = (data.train.images / 255 - mean) / std, data.train.labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int):
        top, left = torch.randint(9, (2,)).tolist()
        image = pad(self.images[i], (4, 4, 4, 4))[:, top : top + 32, left : left + 32]
        return (image.flip(2) if torch.rand(()) < 0.5 else image), self.labels[i]


def epoch_of_a_tutorial(model: nn.Module, data: TorchDataset) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=SETTINGS.lr, momentum=SETTINGS.momentum, nesterov=True)
    model.train()
    total = 0.0
    for images, labels in DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        loss = cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()


def net() -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [
        nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))
        for before, after in ((3, 16), (16, 32), (32, 64))
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64 * 4 * 4, 10))


def noise() -> Dataset:
    """Random images: speed does not depend on what they show. No valid images, so both sides only train."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (IMAGES, 3, 32, 32), dtype=torch.uint8, generator=generator)
    train = Split(images, torch.randint(10, (IMAGES,), generator=generator))
    none = Split(images[:0], train.labels[:0])
    return Dataset("noise", tuple("0123456789"), "drawn for speed", train, none, none)


def fp32():
    data, theirs, ours = noise(), net(), net()
    shifted = Shifted(data)
    return (
        lambda: epoch_of_a_tutorial(theirs, shifted),
        lambda: list(fit(ours, data, SETTINGS, device="cpu", precision="fp32")),
    )


def bf16():
    if not cpu_has_bf16():
        return "this CPU has no bf16 instructions"
    theirs, _ = fp32()
    data, ours = noise(), net()
    return theirs, lambda: list(fit(ours, data, SETTINGS, device="cpu", precision="bf16"))
