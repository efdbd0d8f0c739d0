"""The network and the images of a config, ready to train."""

import functools

import torch
from torch import Tensor, nn

from cnnlab import data, models
from cnnlab.config import Config, Data
from cnnlab.data import Dataset
from cnnlab.data.preparation import check_preparation, prepare
from cnnlab.techniques.initialization import initialize
from cnnlab.techniques.preprocessing import standardize

PROBE = 256  # images that LSUV sees


@functools.lru_cache(maxsize=2)
def _load(asked: Data) -> Dataset:
    check_preparation(asked)
    return prepare(data.load(asked.dataset, size=asked.image_size, progress=False), asked)


def dataset_of(config: Config) -> Dataset:
    """The images of a config, prepared as it says and kept in memory by the process that asked."""
    return _load(config.data)


def network(config: Config, dataset: Dataset, seed: int, *, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network of a config with weights drawn from `seed`; LSUV sees images drawn by it too."""
    generator = torch.Generator().manual_seed(seed)
    model = models.build(config.model, in_channels=dataset.train.images.shape[1], classes=len(dataset.classes))
    batch = _probe(dataset, generator).to(dtype)
    return initialize(model.to(dtype), config.model.initialization, batch, generator=generator)


def linear(dataset: Dataset, seed: int) -> nn.Module:
    """A linear model on the pixels of a data set, from small weights: what a network has to beat."""
    layer = nn.Linear(dataset.train.images[0].numel(), len(dataset.classes))
    return nn.Sequential(nn.Flatten(), initialize(layer, "normal", generator=torch.Generator().manual_seed(seed)))


def _probe(dataset: Dataset, generator: torch.Generator) -> Tensor:
    chosen = torch.randperm(len(dataset.train.labels), generator=generator)[:PROBE]
    return standardize(dataset.train.images[chosen], dataset.mean, dataset.std)
