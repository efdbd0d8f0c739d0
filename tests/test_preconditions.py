"""Every message that `fit` gives before it starts."""

import re

import pytest
import torch
from torch import nn

from cnnlab.config import Training
from cnnlab.data import Dataset, Split
from cnnlab.training import fit


def dataset(channels: int = 1, labels=(0, 1, 2, 0), dtype=torch.uint8, size: int = 8) -> Dataset:
    images = torch.arange(len(labels) * channels * size * size).reshape(-1, channels, size, size) % 256
    split = Split(images.to(dtype), torch.tensor(labels, dtype=torch.long))
    return Dataset("made", ("a", "b", "c"), "made for this test", split, split, split)


def net(channels: int = 1, classes: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 2, 3), nn.Flatten(), nn.Linear(72, classes))


def start(model=None, data=None, **settings):
    fit(model or net(), data or dataset(), Training(**settings), device="cpu", precision="fp32")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more; got 0"),
        ({"steps": 0}, "steps must be 1 or more, or None to count in epochs; got 0"),
        ({"batch_size": 0}, "batch_size must be 1 or more; got 0"),
        ({"lr": 0.0}, "lr must be above 0 and finite; got 0.0"),
        ({"lr": -0.1}, "lr must be above 0 and finite; got -0.1"),
        ({"lr": float("nan")}, "lr must be above 0 and finite; got nan"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1; got 1.0"),
        ({"weight_decay": -1e-4}, "weight_decay must be 0 or more and finite; got -0.0001"),
        ({"schedule": "triangle"}, 'schedule "triangle" is unknown; choose one of: constant'),
        ({"augmentation": "shear"}, 'augmentation "shear" is unknown; choose one of: crop+flip'),
        ({"loss": "mse"}, 'loss "mse" is unknown; choose one of: cross_entropy, hard_bootstrapping'),
        ({"nesterov": "no"}, "nesterov must be true or false; got no"),
    ],
)
def test_a_setting_out_of_range_is_refused_before_the_first_epoch(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        start(**settings)


def test_images_too_small_to_crop_are_refused_before_the_first_epoch():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with pytest.raises(ValueError, match="pixels a side or more; got 6x6"):
        start(model, dataset(size=6), augmentation="crop+flip")


def test_more_labels_than_outputs_are_refused_with_both_numbers():
    message = r"has 2 outputs, for labels 0 to 1; the labels of train and valid go from 0 to 2. Build it with classes=3"
    with pytest.raises(ValueError, match=message):
        start(net(classes=2))


def test_negative_labels_are_refused():
    with pytest.raises(ValueError, match="go from -1 to 1"):
        start(data=dataset(labels=(-1, 0, 1)))


def test_a_model_for_other_channels_is_refused_with_the_shape_of_the_images():
    message = r"does not take images of \(3, 8, 8\) \(channels, height, width\).*Build it with in_channels=3"
    with pytest.raises(ValueError, match=message):
        start(net(channels=1), dataset(channels=3))


def test_a_model_without_logits_is_refused():
    with pytest.raises(ValueError, match=r"must give logits \(N, classes\); for one image it gave \(1, 2, 6, 6\)"):
        start(nn.Conv2d(1, 2, 3))


def test_a_model_without_weights_is_refused():
    with pytest.raises(ValueError, match="no weights to train"):
        start(nn.Flatten())


def test_an_empty_train_split_is_refused():
    with pytest.raises(ValueError, match=r"at least one.*got torch.uint8 images of shape \(0, 1, 8, 8\) and 0 labels"):
        start(data=dataset(labels=()))


def test_images_that_are_not_bytes_are_refused():
    with pytest.raises(ValueError, match="as bytes .N, C, H, W.; got torch.float32 images"):
        start(data=dataset(dtype=torch.float32))
