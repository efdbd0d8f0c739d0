import itertools
import math

import pytest
import torch
from torch import nn

from cnnlab.techniques import subnetworks

pytestmark = pytest.mark.rows("E05")


def test_a_linear_residual_net_is_the_sum_over_all_its_paths():
    torch.manual_seed(0)
    branches = [nn.Conv2d(3, 3, 3, padding=1, bias=False).double() for _ in range(5)]
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    whole = x
    for branch in branches:
        whole = whole + branch(whole)
    paths = subnetworks.residual_paths(branches, x)
    assert len(paths) == 2**5
    torch.testing.assert_close(paths.sum(0), whole)


def test_path_lengths_are_binomial():
    class Lengthen(nn.Module):
        def forward(self, x):
            return x + 1

    lengths = subnetworks.residual_paths([Lengthen()] * 10, torch.zeros(1)).flatten().tolist()
    assert [lengths.count(m) for m in range(11)] == [math.comb(10, m) for m in range(11)]
    assert sum(math.comb(54, m) for m in range(55)) == 18_014_398_509_481_984  # too many to run


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_scaling_the_weights_is_the_ensemble_of_dropout_for_a_linear_classifier(p):
    torch.manual_seed(0)
    layer, x = nn.Linear(10, 4).double(), torch.randn(3, 10, dtype=torch.float64)
    want = layer((1 - p) * x).softmax(-1)
    torch.testing.assert_close(subnetworks.dropout_ensemble(layer, x, p=p), want)


def test_the_ensemble_is_the_normalized_geometric_mean_over_all_masks():
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    x, product = torch.randn(1, 4, dtype=torch.float64), torch.ones(1, 3, dtype=torch.float64)
    for mask in itertools.product([0.0, 1.0], repeat=4):
        kept = sum(mask)
        product *= layer(x * torch.tensor(mask)).softmax(-1) ** (0.7**kept * 0.3 ** (4 - kept))
    got = subnetworks.dropout_ensemble(layer, x, p=0.3)
    torch.testing.assert_close(got, product / product.sum())
    assert not torch.allclose(got, layer(0.7 * x).softmax(-1), atol=1e-3)  # only the linear case is exact
