import pytest
import torch
from scipy import stats

from cnnlab.techniques.comparisons import difference_in_errors, rank_correlation, ranks, two_way

# Top-1 accuracy on ImageNet at 128 pixels, caffenet-benchmark e47c4ff, Activations.md and batchnorm.md.
WITHOUT = {"ReLU": 0.471, "RReLU": 0.478, "PReLU": 0.485, "ELU": 0.488, "Maxout": 0.482, "TanH": 0.401, "No": 0.389}
WITH = {"ReLU": 0.499, "RReLU": 0.500, "PReLU": 0.503, "ELU": 0.498, "Maxout": 0.487, "TanH": 0.448, "No": 0.384}


def draw(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.rows("N03")
def test_the_order_of_activations_with_and_without_batch_norm():
    first, second = (torch.tensor([each[name] for name in WITHOUT], dtype=torch.float64) for each in (WITHOUT, WITH))
    # Ranks 3 4 6 7 5 2 1 and 5 6 7 4 3 2 1: the squared differences sum to 22, and 1 - 6 * 22 / (7 * 48) = 17/28.
    assert rank_correlation(first, second).item() == pytest.approx(17 / 28)
    assert stats.spearmanr(first, second).statistic == pytest.approx(17 / 28)
    spreads = [(each.max() - each.min()).item() for each in (first, second, first[:5], second[:5])]
    assert spreads == pytest.approx([0.099, 0.119, 0.017, 0.016])  # the docstring's numbers


@pytest.mark.rows("N03")
@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_spearmans_with_ties(seed):
    first, second = draw(30, seed).mul(2).round(), draw(30, seed + 50).mul(2).round()
    torch.testing.assert_close(ranks(first), torch.from_numpy(stats.rankdata(first)))
    assert rank_correlation(first, second).item() == pytest.approx(stats.spearmanr(first, second).statistic)
    assert rank_correlation(first, first.exp()).item() == pytest.approx(1)
    assert rank_correlation(first, -first).item() == pytest.approx(-1)


@pytest.mark.rows("N03")
def test_integers_share_half_places_and_a_nan_has_none():
    torch.testing.assert_close(ranks(torch.tensor([1, 2, 2, 3])), torch.tensor([1, 2.5, 2.5, 4], dtype=torch.float64))
    values = torch.tensor([2.0, torch.nan, 1.0], dtype=torch.float64)
    torch.testing.assert_close(ranks(values), torch.from_numpy(stats.rankdata(values)), equal_nan=True)
    assert rank_correlation(values, torch.arange(3).double()).isnan()


@pytest.mark.rows("N03")
def test_rank_correlation_takes_two_vectors():
    with pytest.raises(ValueError, match=r"vectors of one length; got \(\(3,\), \(3, 1\)\)"):
        rank_correlation(torch.zeros(3), torch.zeros(3, 1))


@pytest.mark.rows("N02")
@pytest.mark.parametrize("seed", range(3))
def test_a_difference_in_errors_is_welchs_statistic(seed):
    before, after = 0.926 + 0.002 * draw(3, seed), 0.925 + 0.001 * draw(5, seed + 50)
    want = stats.ttest_ind(before, after, equal_var=False).statistic
    assert difference_in_errors(before, after).item() == pytest.approx(want)


@pytest.mark.rows("N07")
def test_the_interaction_of_placement_and_initialization_on_caffenet():
    table = torch.tensor([[0.478, 0.482], [0.499, 0.500]], dtype=torch.float64)  # before, after x LSUV, orthogonal
    mean, rows, columns, interaction = two_way(table)
    assert mean.item() == pytest.approx(0.48975)
    assert rows.tolist() == pytest.approx([-0.00975, 0.00975])  # after batch norm: two percent points
    assert columns.tolist() == pytest.approx([-0.00125, 0.00125])  # orthogonal: a quarter of one
    difference = (0.500 - 0.499) - (0.482 - 0.478)
    want = [difference / 4, -difference / 4, -difference / 4, difference / 4]
    assert interaction.flatten().tolist() == pytest.approx(want)


@pytest.mark.rows("N07")
def test_effects_that_add_up_have_no_interaction_and_all_effects_make_the_table():
    rows, columns = draw(4, 0), draw(3, 1)
    assert two_way(rows[:, None] + columns)[3].abs().max() < 1e-12
    table = draw(12, 2).view(4, 3)
    mean, rows, columns, interaction = two_way(table)
    torch.testing.assert_close(mean + rows[:, None] + columns + interaction, table)
    for zero in (rows.sum(), columns.sum(), *interaction.sum(0), *interaction.sum(1)):
        assert abs(zero.item()) < 1e-12
