import itertools
import math

import pytest
from scipy import stats

from cnnlab.techniques.search import chance_of_top, grid, log_uniform, random_points, search

pytestmark = pytest.mark.rows("W06")
SPACE = {"lr": log_uniform(1e-4, 1.0), "width": [8, 16, 32]}


def first(n: int, seed: int = 0) -> list[dict]:
    return list(itertools.islice(random_points(SPACE, seed=seed), n))


def test_a_grid_has_every_combination_once():
    points = list(grid({"a": [1, 2, 3], "b": [0, 1], "c": "xy"}))
    assert len({tuple(point.values()) for point in points}) == len(points) == 3 * 2 * 2


def test_fifty_nine_points_hit_the_best_twentieth():
    assert chance_of_top(0.05, 59) == pytest.approx(0.9515, abs=5e-5)
    assert chance_of_top(0.05, 58) < 0.95


def test_n_random_points_try_n_values_of_every_setting_where_a_grid_tries_few():
    assert len({point["lr"] for point in first(27)}) == 27
    assert len({point["lr"] for point in grid({"lr": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2, 3]})}) == 3


def test_every_value_of_a_list_is_as_likely():
    widths = [point["width"] for point in first(3000)]
    assert stats.chisquare([widths.count(width) for width in (8, 16, 32)]).pvalue > 0.01


def test_the_logarithm_of_a_log_uniform_setting_is_uniform():
    logs = [math.log10(point["lr"]) for point in first(2000)]
    assert stats.kstest(logs, stats.uniform(-4, 4).cdf).pvalue > 0.01


def test_a_seed_gives_the_same_points_and_a_larger_budget_only_adds():
    assert first(5) == first(9)[:5]
    assert first(5) != first(5, seed=1)


def test_a_search_sorts_what_it_tried_and_puts_what_diverged_last():
    scores = {1: 0.3, 2: math.nan, 3: 0.9, 4: 0.1}
    found = search(lambda point: scores[point["k"]], grid({"k": [1, 2, 3, 4]}), budget=3)
    assert [point["k"] for _, point in found] == [3, 1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_uniform(0, 1), "low must be above 0 and below high=1; got 0"),
        (lambda: search(len, iter([]), 0), "budget must be 1 point or more; got 0"),
        (lambda: chance_of_top(5, 10), "share must be from 0 to 1; got 5"),
        (lambda: chance_of_top(0.5, -1), "n must be 0 or more; got -1"),
    ],
)
def test_a_bad_argument_is_told_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
