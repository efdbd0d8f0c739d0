import pytest
import torch
from scipy.stats import binomtest, chisquare
from timm.layers import DropPath
from torch import nn
from torchvision import ops

from cnnlab.techniques import paths
from cnnlab.techniques.paths import DropPathMean, StochasticDepth

DRAWS = 20_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.rows("R08")
def test_local_drop_path_drops_as_often_as_the_paper_says_and_never_all():
    live = paths.drop_path_mask(2, 0.15, samples=DRAWS, generator=seeded())
    assert live.any(0).all()
    both, dead = 0.85**2, 0.15**2  # of the dead, half come back as the first, half as the second
    counts = [(live.sum(0) == 2).sum(), (live[0] & ~live[1]).sum(), (live[1] & ~live[0]).sum()]
    one = 0.85 * 0.15 + dead / 2
    assert chisquare(counts, [DRAWS * share for share in (both, one, one)]).pvalue > 0.01
    assert live.sum(0).double().mean() == pytest.approx(1.7225, abs=0.01)


@pytest.mark.rows("R08")
def test_drop_path_with_p_zero_keeps_all_and_near_one_keeps_exactly_one():
    assert paths.drop_path_mask(3, 0.0).all()
    assert (paths.drop_path_mask(3, 1 - 1e-9, samples=500).sum(0) == 1).all()


@pytest.mark.rows("R08")
def test_the_join_is_the_mean_of_a_nonempty_subset_in_training_and_of_all_in_evaluation():
    torch.manual_seed(0)
    join, xs = DropPathMean(0.5), [torch.full((2, 3), float(2**i)) for i in range(3)]
    subsets = [{1}, {2}, {4}, {1, 2}, {1, 4}, {2, 4}, {1, 2, 4}]
    means = torch.tensor([sum(subset) / len(subset) for subset in subsets])
    given = torch.stack([join(xs).unique() for _ in range(2000)])  # one value: the whole batch has one mask
    counts = given.isclose(means).sum(0)
    shares = [1 / 8 + 1 / 24] * 3 + [1 / 8] * 4
    assert chisquare(counts, [2000 * share for share in shares]).pvalue > 0.01
    assert (join.eval()(xs) == 7 / 3).all()


@pytest.mark.rows("R08")
def test_half_of_the_mini_batches_take_one_column_all_columns_equally_often():
    generator = seeded()
    drawn = [paths.draw_column(4, generator=generator) for _ in range(4000)]
    counts = [drawn.count(column) for column in (None, 0, 1, 2, 3)]
    assert chisquare(counts, [2000, 500, 500, 500, 500]).pvalue > 0.01
    assert all(paths.draw_column(4, global_share=0.0) is None for _ in range(20))


@pytest.mark.rows("R09", "H17")
def test_rates_rise_in_a_line_and_keep_forty_and_a_quarter_of_54_blocks():
    kept = [1 - p for p in paths.drop_rates(54)]
    assert sum(kept) == pytest.approx((3 * 54 - 1) / 4) == pytest.approx(40.25)
    assert kept[-1] == 0.5 and kept[0] == pytest.approx(1 - 0.5 / 54)
    steps = torch.tensor(kept).diff()
    torch.testing.assert_close(steps, steps[:1].expand(53))
    assert paths.drop_rates(54, last=0.0) == [0.0] * 54


@pytest.mark.rows("R09", "H17")
def test_a_skipped_block_is_its_shortcut_and_is_not_computed():
    torch.manual_seed(0)
    branch, calls, x = nn.Conv2d(3, 3, 1), [], torch.randn(2, 3, 4, 4)
    block = StochasticDepth(branch, 0.3)
    branch.register_forward_hook(lambda *_: calls.append(1))
    whole = x + branch(x)
    calls.clear()
    outputs = [block(x) for _ in range(1000)]
    skipped = sum(torch.equal(y, x) for y in outputs)
    assert all(torch.equal(y, x) or torch.equal(y, whole) for y in outputs)
    assert len(calls) == 1000 - skipped
    assert binomtest(skipped, 1000, 0.3).pvalue > 0.01


@pytest.mark.rows("R09")
def test_evaluation_weighs_the_branch_by_the_share_it_survives_which_is_its_mean_in_training():
    torch.manual_seed(0)
    block, x = StochasticDepth(nn.Linear(2, 2), 0.3), torch.randn(1, 2)
    mean = torch.stack([block(x) for _ in range(4000)]).mean(0)
    expected = block.eval()(x)
    torch.testing.assert_close(expected, x + 0.7 * block.branch(x))
    torch.testing.assert_close(mean, expected, rtol=0, atol=0.05)


@pytest.mark.rows("R09")
def test_a_block_that_always_survives_is_a_residual_block():
    block, x = StochasticDepth(nn.Conv2d(3, 3, 1), 0.0, shortcut=nn.Conv2d(3, 3, 1)), torch.randn(2, 3, 4, 4)
    want = block.shortcut(x) + block.branch(x)
    assert all(torch.equal(block(x), want) for _ in range(20)) and torch.equal(block.eval()(x), want)


@pytest.mark.rows("R09")
@pytest.mark.parametrize("theirs", [ops.StochasticDepth(0.3, "row"), DropPath(0.3), paths.drop_samples(0.3)], ids=str)
def test_the_formula_is_that_of_torchvision_and_timm(theirs):
    torch.manual_seed(0)
    x = torch.randn(64, 3, 4, 4)
    y = theirs.train()(x)
    live = (y != 0).flatten(1).any(1)
    assert 0 < live.sum() < 64
    torch.testing.assert_close(paths.stochastic_depth(x, 0.3, live), y)
