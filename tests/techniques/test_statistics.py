import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from cnnlab.techniques.statistics import fit_power_law, paired_bootstrap, selection_bias, standard_error


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.rows("W08")
def test_the_standard_error_of_95_percent_on_cifar_is_a_fifth_of_a_point():
    assert 100 * standard_error(0.95, 10_000) == pytest.approx(0.2179, abs=5e-5)
    assert standard_error(0.3, 700) == pytest.approx(stats.binom(700, 0.3).std() / 700)


def two_models(n: int, better: float, worse: float, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers of two models: the first alone is right with chance `better`, the second alone with `worse`."""
    u = torch.rand(n, generator=generator)
    return u < 0.6 + better, (u < 0.6) | ((u >= 0.6 + better) & (u < 0.6 + better + worse))


@pytest.mark.rows("W08")
def test_the_paired_bootstrap_covers_the_true_difference_as_often_as_it_says():
    generator, covered = seeded(1), 0
    for _ in range(600):
        one, other = two_models(400, 0.12, 0.08, generator)
        low, high = paired_bootstrap(one, other, draws=500, generator=generator)
        covered += low <= 0.12 - 0.08 <= high
    assert 0.925 <= covered / 600 <= 0.975


@pytest.mark.rows("W08")
def test_the_paired_bootstrap_agrees_with_scipys():
    one, other = two_models(300, 0.15, 0.1, seeded(3))
    ours = paired_bootstrap(one, other, draws=20_000, generator=seeded())
    both = (one.double().numpy(), other.double().numpy())
    theirs = stats.bootstrap(
        both, lambda a, b, axis: a.mean(axis) - b.mean(axis), paired=True, vectorized=True, n_resamples=20_000,
        method="percentile", random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert ours == pytest.approx(tuple(theirs), abs=0.004)


def test_two_equal_models_differ_by_nothing():
    same = torch.tensor([True, False, True])
    assert paired_bootstrap(same, same, generator=seeded()) == (0.0, 0.0)


@pytest.mark.rows("W07")
@pytest.mark.parametrize(("p", "n", "k"), [(0.5, 100, 10), (0.9, 1000, 50), (0.1, 30, 1)])
def test_the_best_of_many_equal_models_looks_better_than_it_is(p, n, k):
    drawn = np.random.default_rng(0).binomial(n, p, size=(40_000, k)).max(axis=1) / n
    assert selection_bias(p, n, k) == pytest.approx(drawn.mean() - p, abs=4 * drawn.std() / math.sqrt(len(drawn)))


@pytest.mark.rows("W07")
def test_one_model_chosen_among_one_has_no_bias():
    assert selection_bias(0.7, 10_000, 1) == pytest.approx(0, abs=1e-9)


@pytest.mark.rows("Z01")
@pytest.mark.parametrize("b", [0.1, 0.35, 0.7, 1.5])
def test_a_power_law_is_found_again(b):
    n = torch.tensor([500.0, 1000, 2000, 5000, 10_000, 50_000])
    a, found, c = fit_power_law(n, 3 * n**-b + 0.05)
    assert (a, found, c) == pytest.approx((3, b, 0.05), rel=1e-3)


@pytest.mark.rows("Z01")
def test_the_fit_agrees_with_scipys_on_the_published_accuracies_by_data_size():
    n, error = np.array([0.2, 0.4, 0.6, 0.8, 1.2]), 1 - np.array([0.305, 0.393, 0.425, 0.438, 0.471])
    (a, b, c), _ = optimize.curve_fit(lambda x, a, b, c: a * x**-b + c, n, error, p0=(0.1, 0.5, 0.5))
    ours = fit_power_law(torch.from_numpy(n), torch.from_numpy(error))
    assert ours == pytest.approx((a, b, c), rel=2e-3)


@pytest.mark.rows("Z01")
def test_a_little_noise_moves_the_exponent_little():
    n = torch.logspace(2, 5, 12)
    noisy = (5 * n**-0.5 + 0.02) * (1 + 0.01 * torch.randn(12, generator=seeded()))
    assert fit_power_law(n, noisy)[1] == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: standard_error(1.2, 5), "p must be a share from 0 to 1; got 1.2"),
        (lambda: standard_error(0.2, 0), "n must be 1 or more; got 0"),
        (lambda: paired_bootstrap(torch.ones(3), torch.ones(4)), r"other must be of shape \(3,\), \(N,\); got \(4,\)"),
        (lambda: paired_bootstrap(torch.ones(3), torch.ones(3), draws=0), "draws must be 1 or more; got 0"),
        (
            lambda: paired_bootstrap(torch.ones(3), torch.ones(3), confidence=95),
            "confidence must be above 0 and below 1",
        ),
        (lambda: paired_bootstrap(torch.ones(0), torch.ones(0)), r"one must be of one image or more; got \(0,\)"),
        (lambda: selection_bias(0.5, 0, 2), "n must be 1 image or more; got 0"),
        (lambda: fit_power_law(torch.ones(3), torch.full((3,), math.nan)), "x and y must be above zero, and finite"),
        (lambda: selection_bias(1.0, 5, 2), "p must be above 0 and below 1; got 1.0"),
        (lambda: selection_bias(0.5, 5, 0), "k must be 1 model or more; got 0"),
        (
            lambda: fit_power_law(torch.ones(2), torch.ones(2)),
            r"the shapes of x and y must be \(N,\) with N of 3 or more; got \(\(2,\), \(2,\)\)",
        ),
        (lambda: fit_power_law(torch.zeros(3), torch.ones(3)), "x and y must be above zero, and finite"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
