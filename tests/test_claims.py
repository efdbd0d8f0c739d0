"""What the chapters say of their records, as tests: a sentence that the record does not bear fails here."""

import itertools
import statistics

import pytest

from cnnlab import record

SERIOUS = ("xavier", "he", "orthogonal", "lsuv")


@pytest.fixture(scope="module")
def initialization():
    return record.load("initialization")


def mean(found, rule, activation):
    return statistics.fmean(found.values("test_accuracy", initialization=rule, activation=activation))


def gap(found, rule, other, activation):
    at = ({"initialization": name, "activation": activation} for name in (rule, other))
    return found.difference("test_accuracy", *at)


def diverged(found, rule, activation):
    return sum(run.diverged for run in found.at(initialization=rule, activation=activation))


@pytest.mark.parametrize("rule", ["zeros", "normal"])
def test_zeros_and_small_normal_stay_at_chance_everywhere(initialization, rule):
    values = initialization.values("test_accuracy", initialization=rule)
    assert len(values) == 20 and all(abs(value - 10) < 1 for value in values)


def test_under_relu_xavier_lies_far_below_he(initialization):
    assert gap(initialization, "he", "xavier", "relu").sees and gap(initialization, "he", "xavier", "relu").mean > 10


def test_every_network_that_he_started_under_maxout_diverged_within_the_first_steps(initialization):
    ended = [run.ended for run in initialization.at(initialization="he", activation="maxout")]
    assert all(int(words.removeprefix("diverged at step ")) < 10 for words in ended)
    assert not sum(diverged(initialization, rule, "maxout") for rule in ("xavier", "orthogonal", "lsuv"))
    (cell,) = (
        r
        for r in record.published("fitnet4_initialization")
        if (r["initialization"], r["activation"]) == ("he", "maxout")
    )
    assert cell["test_accuracy"] is None and cell["note"] == "did not converge"


def test_most_networks_stay_below_a_linear_model_on_the_same_pixels(initialization):
    rules, activations = initialization.factors["initialization"], initialization.factors["activation"]
    means = [mean(initialization, rule, f) for rule in rules for f in activations]
    assert sum(value < initialization.data["linear_accuracy"] for value in means) > len(means) / 2


def test_under_relu_we_cannot_tell_lsuv_from_he(initialization):
    assert not gap(initialization, "lsuv", "he", "relu").sees


def test_the_published_difference_of_lsuv_and_he_lies_inside_our_interval(initialization):
    rows = record.published("fitnet4_initialization")
    told = {row["initialization"]: row["test_accuracy"] for row in rows if row["activation"] == "relu"}
    ours = gap(initialization, "lsuv", "he", "relu")
    assert ours.mean - ours.half < told["lsuv"] - told["he"] < ours.mean + ours.half
    assert told["lsuv"] - told["he"] == pytest.approx(1.2)


def test_the_other_four_lsuv_networks_with_the_very_leaky_relu_are_ahead_of_he(initialization):
    lsuv, he = (initialization.at(initialization=rule, activation="very_leaky_relu") for rule in ("lsuv", "he"))
    ahead = [
        a.measures["test_accuracy"] > b.measures["test_accuracy"]
        for a, b in zip(lsuv, he, strict=True)
        if not a.diverged
    ]
    assert ahead == [True] * 4


def test_one_lsuv_network_in_five_with_the_very_leaky_relu_diverged_and_none_of_he(initialization):
    assert diverged(initialization, "lsuv", "very_leaky_relu") == 1 and len(initialization.seeds) == 5
    assert diverged(initialization, "he", "very_leaky_relu") == 0


def test_orthogonal_is_far_behind_he_under_relu_and_ahead_in_the_published_table(initialization):
    assert (
        gap(initialization, "he", "orthogonal", "relu").sees
        and gap(initialization, "he", "orthogonal", "relu").mean > 5
    )
    rows = record.published("fitnet4_initialization")
    told = {row["initialization"]: row["test_accuracy"] for row in rows if row["activation"] == "relu"}
    assert told["orthogonal"] > told["he"]


def test_under_tanh_he_is_ahead_of_xavier_and_the_published_table_has_it_the_other_way(initialization):
    assert gap(initialization, "he", "xavier", "tanh").sees and gap(initialization, "he", "xavier", "tanh").mean > 0
    rows = record.published("fitnet4_initialization")
    told = {row["initialization"]: row["test_accuracy"] for row in rows if row["activation"] == "tanh"}
    assert 0 < told["xavier"] - told["he"] < 0.5


def test_the_best_start_gets_nearly_every_second_photograph_right(initialization):
    rules, activations = initialization.factors["initialization"], initialization.factors["activation"]
    assert 45 < max(mean(initialization, rule, f) for rule in rules for f in activations) < 50


def test_tanh_makes_the_smallest_difference_between_the_four_serious_rules(initialization):
    def spread(values):
        return max(values) - min(values)

    ours = {
        f: spread([mean(initialization, rule, f) for rule in SERIOUS]) for f in initialization.factors["activation"]
    }
    assert min(ours, key=ours.get) == "tanh"
    rows = record.published("fitnet4_initialization")
    rows = [row for row in rows if row["initialization"] in SERIOUS]
    by_activation = itertools.groupby(sorted(rows, key=lambda r: r["activation"]), key=lambda r: r["activation"])
    theirs = {f: [row["test_accuracy"] for row in group] for f, group in by_activation}
    finished = {f: spread(values) for f, values in theirs.items() if None not in values}
    assert min(finished, key=finished.get) == "tanh"


def test_scaled_orthogonal_came_level_with_lsuv_in_the_published_table():
    rows = record.published("fitnet4_initialization")
    told = {(row["initialization"], row["activation"]): row["test_accuracy"] for row in rows}
    assert told["orthogonal_scaled", "very_leaky_relu"] == 93.09
    assert abs(told["orthogonal_scaled", "very_leaky_relu"] - told["lsuv", "very_leaky_relu"]) < 0.2
    assert abs(told["orthogonal_scaled", "relu"] - told["lsuv", "relu"]) < 0.2


def test_under_relu_he_and_lsuv_learn_first_xavier_and_orthogonal_later_zeros_never(initialization):
    def loss(rule, part):
        runs = initialization.at(initialization=rule, activation="relu")
        return statistics.fmean(run.curves["train_loss"][part] for run in runs)

    assert all(loss(rule, 0) < 2.28 for rule in ("he", "lsuv"))
    assert all(loss(rule, 0) > 2.295 and loss(rule, -1) < 2.15 for rule in ("xavier", "orthogonal"))
    assert all(loss(rule, -1) > 2.295 for rule in ("zeros", "normal"))
