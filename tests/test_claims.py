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
    left = [spread([one for one in values if one is not None]) for values in theirs.values()]
    assert 0.5 < min(left) < 0.6 and 2.1 < max(left) < 2.2  # "half a point to two points are left"


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


# The chapter on activations


@pytest.fixture(scope="module")
def rectifiers():
    return record.load("activations")


@pytest.fixture(scope="module")
def normalized():
    return record.load("normalization_activation")


def lead(found, name, other, **rest):
    return found.difference("test_accuracy", {"activation": name, **rest}, {"activation": other, **rest})


def test_five_rectifiers_end_between_54_and_58_percent(rectifiers):
    means = [
        statistics.fmean(rectifiers.values("test_accuracy", activation=f)) for f in rectifiers.factors["activation"]
    ]
    assert 53.5 < min(means) < 54.5 and 57 < max(means) < 58


def test_a_slope_of_a_hundredth_cannot_be_told_from_none_and_the_published_table_has_it_behind(rectifiers):
    assert not lead(rectifiers, "leaky_relu", "relu").sees
    told = {row["activation"]: row["test_accuracy"] for row in record.published("activations")}
    assert 0 < told["relu"] - told["leaky_relu"] < 0.5
    assert told["leaky, slope 1/5.5"] == 88.80


@pytest.mark.parametrize("name", ["very_leaky_relu", "prelu"])
def test_a_large_slope_leads_relu_by_more_than_three_points(rectifiers, name):
    assert lead(rectifiers, name, "relu").sees and lead(rectifiers, name, "relu").mean > 3


def test_random_slopes_are_two_points_behind_learned_ones_and_ahead_in_the_published_table(rectifiers):
    ours = lead(rectifiers, "rrelu", "prelu")
    assert ours.sees and -2.5 < ours.mean < -1.5
    told = {row["activation"]: row["test_accuracy"] for row in record.published("activations")}
    assert told["rrelu"] - told["prelu"] > 0.5
    (note,) = (row["note"] for row in record.published("activations") if row["activation"] == "prelu")
    assert "lowest training error" in note


def test_random_slopes_lead_relu_and_ours_see_each_image_less_than_twice(rectifiers):
    assert statistics.fmean(rectifiers.values("test_accuracy", activation="rrelu")) > 55
    base = rectifiers.baseline
    assert base["steps"] * base["batch_size"] < 2 * rectifiers.data["train_images"]


def test_the_published_rectifiers_lie_between_87_3_and_88_8_with_random_slopes_highest_and_leaky_lowest():
    told = {row["activation"]: row["test_accuracy"] for row in record.published("activations")}
    assert sorted(told, key=told.get)[0] == "leaky_relu" and sorted(told, key=told.get)[-1] == "rrelu"
    assert round(min(told.values()), 1) == 87.3 and round(max(told.values()), 1) == 88.8


def published_behind(placement):
    rows = record.published("normalization_activation")
    return {row["activation"]: row["test_accuracy"] for row in rows if row["placement"] == placement}


def test_without_normalization_no_activation_beats_relu_by_five_points_and_with_it_relu_leads_by_two(normalized):
    without, after = (lead(normalized, "identity", "relu", placement=where) for where in ("none", "after"))
    assert without.sees and 4.5 < without.mean < 5.5
    assert after.sees and -2.5 < after.mean < -1.5
    told = published_behind("none")
    assert told["relu"] - told["identity"] == pytest.approx(8.2) and told["identity"] == 38.9
    assert all(told[name] - told[other] >= 7 for name in ("relu", "elu") for other in ("tanh", "identity"))


def test_elu_leads_relu_by_five_points_without_normalization_and_nearly_two_with_it(normalized):
    without, after = (lead(normalized, "elu", "relu", placement=where) for where in ("none", "after"))
    assert without.sees and 4.5 < without.mean < 5.5
    assert after.sees and 1.5 < after.mean < 2
    told = published_behind("after")
    assert told["relu"] - told["elu"] == pytest.approx(0.1)
    rectified = [told[name] for name in ("relu", "rrelu", "prelu", "elu")]
    assert max(rectified) - min(rectified) <= 0.5 + 1e-9


def test_six_hundred_steps_and_five_times_the_rate_with_normalization(normalized):
    levels = experiment.load("normalization_activation").factors[0].levels
    assert levels["after"]["lr"] == 5 * levels["none"]["lr"] and normalized.baseline["steps"] == 600


def test_the_sigmoid_stays_near_13_percent_and_reaches_55_with_normalization_where_elu_is_highest(normalized):
    def means(placement):
        names = normalized.factors["activation"]
        return {
            f: statistics.fmean(normalized.values("test_accuracy", activation=f, placement=placement)) for f in names
        }

    without, after = means("none"), means("after")
    assert without["sigmoid"] == pytest.approx(13, abs=0.5) and after["sigmoid"] == pytest.approx(55, abs=0.5)
    assert all(abs(without[f] - 45) < 1 for f in ("relu", "tanh"))
    assert all(abs(without[f] - 50) < 1 for f in ("elu", "identity"))
    assert all(50 < value < 60 for value in after.values()) and max(after, key=after.get) == "elu"
    assert published_behind("none")["sigmoid"] is None
    told = published_behind("after")
    assert (told["sigmoid"], told["tanh"], told["identity"]) == (47.5, 44.8, 38.4)


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


# The chapter on learning rates

FALLING = ("square", "cosine", "one_cycle", "linear", "sqrt")  # smoothly to zero, or nearly


@pytest.fixture(scope="module")
def schedules():
    return record.load("schedules")


@pytest.fixture(scope="module")
def batch_size():
    return record.load("batch_size")


def ahead(found, name, other):
    (factor,) = found.factors
    return found.difference("test_accuracy", {factor: name}, {factor: other})


def ends(found, name, measure="test_accuracy"):
    (factor,) = found.factors
    return statistics.fmean(found.values(measure, **{factor: name}))


def told_of(table, factor):
    return {row[factor]: row["test_accuracy"] for row in record.published(table)}


def test_only_the_schedule_moves_the_test_accuracy_from_53_to_60_percent(schedules):
    means = {name: ends(schedules, name) for name in schedules.factors["schedule"]}
    assert 52.5 < min(means.values()) < 53.5 and 59.5 < max(means.values()) < 60
    assert min(means, key=means.get) == "constant" and max(means, key=means.get) == "sqrt"
    assert schedules.varied == ["schedule"] and len(schedules.seeds) == 5


def test_square_root_leads_linear_by_a_little_and_square_is_last_of_those_that_fall_smoothly(schedules):
    assert ahead(schedules, "sqrt", "linear").sees and 0 < ahead(schedules, "sqrt", "linear").mean < 1
    means = {name: ends(schedules, name) for name in FALLING}
    assert min(means, key=means.get) == "square"
    assert all(ahead(schedules, name, "square").sees for name in FALLING if name != "square")


def test_in_the_published_table_linear_leads_square_and_square_root_by_a_point():
    told = told_of("caffenet_schedules", "schedule")
    assert told["square"] == told["sqrt"] == pytest.approx(told["linear"] - 1) and told["linear"] == 49.3
    assert told["step_every"] == 47.1


def test_one_cycle_cannot_be_told_from_linear_and_cosine_is_a_little_behind(schedules):
    assert not ahead(schedules, "one_cycle", "linear").sees
    assert ahead(schedules, "linear", "cosine").sees and ahead(schedules, "linear", "cosine").mean < 1


def test_a_constant_rate_is_a_lottery_a_point_below_steps_every_third(schedules):
    values = schedules.values("test_accuracy", schedule="constant")
    assert 49 < min(values) < 50 and 56 < max(values) < 57
    spreads = {name: statistics.stdev(schedules.values("test_accuracy", schedule=name)) for name in FALLING}
    assert statistics.stdev(values) > 3 * max(spreads.values())
    assert not ahead(schedules, "constant", "step_every").sees
    assert 0.5 < -ahead(schedules, "constant", "step_every").mean < 1.5
    beaten = [a > b for a, b in zip(values, schedules.values("test_accuracy", schedule="step_every"), strict=True)]
    assert any(beaten) and not all(beaten)


def test_steps_lead_half_way_and_end_behind_linear_and_square_root(schedules):
    def valid(name, part):
        return statistics.fmean(run.curves["valid_accuracy"][part] for run in schedules.at(schedule=name))

    others = "constant", "linear", "sqrt"
    assert all(valid("step_every", 1) > valid(name, 1) for name in others)
    assert abs(valid("step_every", -1) - valid("step_every", 2)) < 0.5
    assert all(valid(name, -1) > valid("step_every", -1) + 4 for name in ("linear", "sqrt"))


def test_at_a_fixed_rate_each_doubling_of_the_batch_costs_more(batch_size):
    means = [ends(batch_size, name) for name in ("32", "64", "128", "256", "512")]
    costs = [a - b for a, b in itertools.pairwise(means)]
    assert costs[0] > 0 and costs == sorted(costs)
    assert 59.5 < means[0] < 60.5 and 44.5 < means[-1] < 45.5


def test_scaling_gives_all_back_at_128_as_far_as_can_be_told_and_a_part_at_256_and_512(batch_size):
    assert not ahead(batch_size, "128 scaled", "64").sees
    for size in ("256", "512"):
        assert ahead(batch_size, f"{size} scaled", size).sees and ahead(batch_size, f"{size} scaled", size).mean > 0
        assert ahead(batch_size, "64", f"{size} scaled").sees and ahead(batch_size, "64", f"{size} scaled").mean > 0


def test_at_512_the_published_nets_lose_little(batch_size):
    told = told_of("caffenet_batch_size", "batch")
    assert told["256"] - told["512"] == pytest.approx(1.6) and told["256"] - told["512 scaled"] == pytest.approx(0.2)


def test_in_a_batch_of_32_the_fixed_rate_leads_here_and_the_scaled_one_in_the_published_table(batch_size):
    assert ahead(batch_size, "32", "32 scaled").sees and 0.5 < ahead(batch_size, "32", "32 scaled").mean < 1.5
    told = told_of("caffenet_batch_size", "batch")
    assert (told["32 scaled"], told["32"]) == (47.0, 46.3)
