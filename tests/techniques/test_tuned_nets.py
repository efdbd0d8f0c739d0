import csv

import pytest
import torch
from conftest import ROOT
from scipy import stats

from cnnlab.techniques.comparisons import rank_correlation
from cnnlab.techniques.tuned_nets import modification_effect, rank_changes

TABLES = ROOT.parent / "shared/reference/tables"


@pytest.mark.rows("X03")
@pytest.mark.parametrize("seed", range(5))
def test_rank_changes_are_those_of_scipy_and_give_spearmans_rho(seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randint(6, (9,), generator=generator).double() for _ in range(2))  # with ties
    want = stats.rankdata(second) - stats.rankdata(first)
    assert rank_changes(first, second).tolist() == want.tolist()
    rho = stats.spearmanr(first.numpy(), second.numpy()).statistic
    assert rank_correlation(first, second).item() == pytest.approx(rho, abs=1e-9)
    a, b = torch.randperm(9, generator=generator).double(), torch.randperm(9, generator=generator).double()
    squares = rank_changes(a, b).square().sum().item()
    assert 1 - 6 * squares / (9 * 80) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)


@pytest.mark.rows("X03")
def test_googlenet_loses_a_place_to_vgg_in_segmentation_and_in_semantics():
    imagenet = torch.tensor([1.0, 2.0, 3.0])  # AlexNet, VGG, GoogLeNet, in the order of ILSVRC
    segmentation = torch.tensor([39.8, 56.0, 42.5])
    semantics = torch.tensor([0.448, 0.506, 0.487])
    for target in (segmentation, semantics):
        assert rank_changes(imagenet, target).tolist() == [0, 1, -1]
        assert rank_correlation(imagenet, target).item() == pytest.approx(0.5)


@pytest.mark.rows("X04")
def test_the_effect_is_the_z_statistic_of_two_proportions():
    effect, errors = modification_effect(0.619, 0.603, images=50_000)
    want = (0.603 - 0.619) / ((0.619 * 0.381 + 0.603 * 0.397) / 50_000) ** 0.5
    assert (effect, errors) == pytest.approx((-0.016, want))
    assert errors == pytest.approx(-5.2, abs=0.05)
    assert modification_effect(0.619, 0.596, images=50_000)[1] == pytest.approx(-7.4, abs=0.1)
    assert abs(modification_effect(0.619, 0.603, images=1000)[1]) < 1  # too few images to tell
    assert modification_effect(0.5, 0.6, images=300)[1] == -modification_effect(0.6, 0.5, images=300)[1]


@pytest.mark.rows("X04")
@pytest.mark.skipif(not TABLES.exists(), reason="the tables of the sheet are not here")
def test_each_batch_normalization_of_the_table_costs_googlenet_more_than_luck():
    with (TABLES / "cnb_batchnorm__bn_arch_init_b.csv").open() as file:
        scores = {row["variant"]: float(row["top1_acc"]) for row in csv.DictReader(file)}
    baseline = scores.pop("GoogLeNet128")
    errors = {name: modification_effect(baseline, p, images=50_000)[1] for name, p in scores.items()}
    assert len([e for e in errors.values() if e < -3]) == 4
    assert errors["GoogLeNet128_BN_lim0606"] > 3  # with another schedule
