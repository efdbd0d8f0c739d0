import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from cnnlab import data
from cnnlab.data.card import data_card
from cnnlab.data.dataset import Split

pytestmark = pytest.mark.rows("Z00")


def test_the_card_of_digits_agrees_with_scikit_learn():
    loaded, digits = data.load("digits"), load_digits()
    card, train = data_card(loaded), loaded.train.images.numpy() / 255  # mean and std are of the train part alone
    assert np.sum(list(card["images"].values()), axis=0).tolist() == np.bincount(digits.target).tolist()
    assert card["shape"] == [1, 8, 8] and len(card["classes"]) == 10
    assert card["mean"] == pytest.approx([train.mean()], abs=1e-6)
    assert card["std"] == pytest.approx([train.std()], abs=1e-6)
    assert json.loads(json.dumps(card)) == card


def test_the_card_counts_test_images_that_training_has_seen():
    digits = data.load("digits")
    assert data_card(digits)["seen"] == {"valid": 0, "test": 0}
    mixed = torch.cat([digits.test.images, digits.train.images[:7]])
    leaky = replace(digits, test=Split(mixed, torch.cat([digits.test.labels, digits.train.labels[:7]])))
    assert data_card(leaky)["seen"] == {"valid": 0, "test": 7}
