"""Claims and their verdicts; and what the chapters say of their records: a sentence that the record does not bear fails."""

import itertools
import statistics

import pytest

from cnnlab import experiment, record
from cnnlab.claims import claims, verdicts
from cnnlab.experiment import parse
from cnnlab.record import Record, Run

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


TOML = """
question = "Which pooling, and where?"
sources = ["a paper"]
[baseline]
pooling = "max"
[factor.pooling]
fields = ["pooling"]
levels = { max = { pooling = "max" }, average = { pooling = "average" } }
[factor.depth]
fields = ["depth"]
levels = { flat = { depth = 3 }, deep = { depth = 5 } }
[size.cpu]
seeds = [0, 1, 2]
"""
GAIN = """
[[claim]]
says = "Max beats average in a flat net."
better = { pooling = "max", depth = "flat" }
than = { pooling = "average", depth = "flat" }
"""
BEYOND = (
    GAIN
    + """
beyond = { better = { pooling = "max", depth = "deep" }, than = { pooling = "average", depth = "deep" } }
"""
)


def asked_with(text: str):
    return parse("x", TOML + text)


def answered(asked, values: dict[tuple[str, str], list[float]], diverged=(), **changes) -> Record:
    """A record of `values` by (pooling, depth), one a seed; the levels in `diverged` ended early in seed 0."""
    runs = [
        Run(
            dict(zip(("pooling", "depth"), level, strict=True)),
            seed,
            1.0,
            "diverged at step 2" if level in diverged and seed == 0 else "finished",
            {"test_accuracy": value, "test_loss": None if level in diverged and seed == 0 else 1.0},
            {},
        )
        for level, column in values.items()
        for seed, value in enumerate(column)
    ]
    base = {
        "slug": "x", "fingerprint": asked.fingerprint, "size": "cpu", "smoke": False, "version": "0", "date": "d",
        "machine": {}, "data": {"linear_accuracy": 20.0}, "baseline": {}, "seeds": [0, 1, 2],
        "factors": {"pooling": ["max", "average"], "depth": ["flat", "deep"]},
    }  # fmt: skip
    return Record(**{**base, **changes}, runs=runs)


MAX, AVERAGE = [60.0, 62.0, 64.0], [57.1, 59.0, 60.9]
FLAT = {("max", "flat"): MAX, ("average", "flat"): AVERAGE}
DEEP = {("max", "deep"): [70.0, 71.0, 72.0], ("average", "deep"): [69.0, 70.1, 70.9]}


def test_a_claim_holds_where_the_interval_lies_above_zero_and_is_contradicted_where_it_lies_below():
    asked = asked_with(GAIN)
    (held,) = verdicts(asked, answered(asked, FLAT | DEEP))
    (other,) = verdicts(asked, answered(asked, {("max", "flat"): AVERAGE, ("average", "flat"): MAX} | DEEP))
    assert (held.word, other.word) == ("held", "contradicted")
    assert held.interval.mean == pytest.approx(3.0) == -other.interval.mean
    assert str(held) == "Held: Max beats average in a flat net. Ours: +3.0 ± 0.2 points over 3 seeds."


def test_where_zero_lies_inside_the_verdict_says_what_could_have_been_seen():
    asked = asked_with(GAIN)
    (verdict,) = verdicts(asked, answered(asked, FLAT | DEEP | {("average", "flat"): [61.0, 61.0, 64.5]}))
    assert verdict.word == "cannot tell"
    assert verdict.measured.startswith("Ours: -0.2 ± 2.6 points over 3 seeds. An effect larger than 2.6 would probably")


def test_a_gain_beyond_another_is_the_difference_of_differences_seed_by_seed():
    asked = asked_with(BEYOND)
    (verdict,) = verdicts(asked, answered(asked, FLAT | DEEP))
    sums = [a - b - (c - d) for a, b, c, d in zip(MAX, AVERAGE, *DEEP.values(), strict=True)]
    half = record.interval(sums).half
    assert (verdict.interval.mean, verdict.interval.half) == pytest.approx((sum(sums) / 3, half))
    assert verdict.word == "held"
    rows = [
        {"pooling": p, "depth": d, "test_accuracy": v}
        for (p, d), v in zip(FLAT | DEEP, (9.0, 7.0, 5.0, 4.5), strict=True)
    ]
    assert verdict.claim.published(rows) == 2.0 - 0.5
    assert verdict.claim.published(rows[1:]) is None and verdict.claim.published([*rows, rows[0]]) is None


def test_only_the_seeds_that_all_levels_have_take_part():
    asked = asked_with(BEYOND)
    (verdict,) = verdicts(asked, answered(asked, FLAT | DEEP | {("max", "deep"): [70.0, 71.0]}))
    assert verdict.interval.n == 2


def test_a_diverged_run_counts_at_chance_and_the_verdict_says_so():
    asked = asked_with(GAIN)
    values = FLAT | DEEP | {("average", "flat"): [10.0, 10.0, 10.0]}
    (verdict,) = verdicts(asked, answered(asked, values, diverged=[("average", "flat")]))
    assert verdict.interval.mean == pytest.approx(52.0)
    assert str(verdict).endswith("1 diverged run of these levels counts at chance.")


def test_a_measure_that_a_diverged_run_lacks_decides_nothing():
    asked = asked_with(GAIN + 'measure = "test_loss"')
    (verdict,) = verdicts(asked, answered(asked, FLAT | DEEP, diverged=[("max", "flat")]))
    assert verdict.word == "cannot tell" and verdict.measured == "A diverged run has no test loss."


def test_a_smoke_run_and_a_stale_record_give_no_verdict():
    asked = asked_with(GAIN)
    assert verdicts(asked, answered(asked, FLAT | DEEP, smoke=True)) == []
    assert verdicts(asked, answered(asked, FLAT | DEEP, fingerprint="another")) == []


def test_claims_do_not_touch_the_fingerprint():
    assert asked_with(GAIN).fingerprint == asked_with("").fingerprint
    assert len(experiment.load("initialization").claims) > 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('says = "Max beats average in a flat net."', "", r"a \[\[claim\]\] of x says nothing of: says"),
        (
            'says = "Max beats average in a flat net."',
            "says = 1",
            r"says in a \[\[claim\]\] of x must be a sentence; got 1",
        ),
        ("says =", 'mood = "sure"\nsays =', "has mood; it may have only: better, beyond, measure, says, than"),
        (
            'than = { pooling = "average"',
            'than = { pooling = "median"',
            'level of pooling "median" is unknown; choose .*max',
        ),
        (
            'than = { pooling = "average", depth = "flat" }',
            'than = { pooling = "max" }',
            r"each factor \(pooling, depth\)",
        ),
        ('than = { pooling = "average"', 'than = { pooling = "max"', "must be another level than better; got"),
        (
            'than = { pooling = "average"',
            "than = { pooling = [1]",
            r"pooling in a claim must be a level's name; got \[1\]",
        ),
        (
            'than = { pooling = "average", depth = "flat" }',
            'than = "average"',
            "a level in a claim of x must be a table; got 'average'",
        ),
    ],
)
def test_a_crooked_claim_is_refused(old, new, message):
    with pytest.raises(ValueError, match=message):
        claims(asked_with(GAIN.replace(old, new)))


def test_a_claim_beyond_half_a_gain_is_refused():
    with pytest.raises(ValueError, match="beyond in .* says nothing of: than"):
        claims(asked_with(GAIN + 'beyond = { better = { pooling = "max", depth = "deep" } }'))
    with pytest.raises(ValueError, match="beyond in .* says nothing of: better, than"):
        claims(asked_with(GAIN + "beyond = {}"))


def test_a_level_published_twice_does_not_stand_in_for_one_that_is_missing():
    (claim,) = claims(asked_with(GAIN))
    row = {"pooling": "max", "depth": "flat", "test_accuracy": 9.0}
    assert claim.published([row, row]) is None
    assert claim.published([row, row | {"pooling": "average", "test_accuracy": 7.0}]) == 2.0


def test_a_claim_on_an_unknown_measure_lists_the_measures():
    asked = asked_with(GAIN + 'measure = "speed"')
    with pytest.raises(ValueError, match='measure "speed" is unknown; choose one of: test_accuracy, test_loss'):
        verdicts(asked, answered(asked, FLAT | DEEP))


@pytest.mark.parametrize("slug", experiment.slugs())
def test_the_claims_of_the_experiments_name_levels_that_exist(slug):
    assert all(claim.says.endswith(".") for claim in claims(experiment.load(slug)))
