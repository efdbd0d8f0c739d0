import json
import math

import pytest
from scipy import stats

from cnnlab import record
from cnnlab.experiment import parse
from cnnlab.record import T975, Record, Run, interval, spread


def a_run(level: str, seed: int, accuracy: float | None, ended: str = "finished") -> Run:
    return Run({"activation": level}, seed, 1.0, ended, {"test_accuracy": accuracy}, {"step": [1, 2]})


def a_record(runs: list[Run], **changes) -> Record:
    base = {
        "slug": "x", "fingerprint": "f", "size": "cpu", "smoke": False, "version": "0", "date": "2026-01-01",
        "machine": {}, "data": {"name": "digits"}, "baseline": {}, "factors": {"activation": ["relu", "tanh"]},
        "seeds": [0, 1, 2],
    }  # fmt: skip
    return Record(**{**base, **changes}, runs=runs)


RUNS = [a_run("relu", seed, 50.0 + seed) for seed in (2, 0, 1)] + [a_run("tanh", s, 40.0 + 3 * s) for s in range(3)]


def test_t_quantiles_agree_with_scipy():
    assert list(T975) == pytest.approx([stats.t.ppf(0.975, df) for df in range(1, 31)], abs=5e-5)


def test_an_interval_agrees_with_scipy():
    values = [1.0, 2.5, 2.0, 4.0, 3.0]
    low, high = stats.t.interval(0.95, 4, stats.tmean(values), stats.sem(values))
    got = interval(values)
    assert (got.mean - got.half, got.mean + got.half) == pytest.approx((low, high), abs=1e-4)


def test_differences_are_taken_seed_by_seed():
    difference = a_record(RUNS).difference("test_accuracy", {"activation": "relu"}, {"activation": "tanh"})
    assert (difference.mean, difference.n) == (10 - 2, 3)
    assert difference.half == pytest.approx(4.3027 * 2 / math.sqrt(3), abs=1e-3)
    assert difference.sees


def test_an_interval_around_zero_cannot_tell():
    assert str(interval([-1.0, 1.0, 0.5])).startswith("cannot tell (± ")
    assert str(interval([1.0, 1.1, 0.9])) == "+1.0 ± 0.2"


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="at least two seeds; got 1"):
        interval([1.0])


def test_a_saved_record_loads_equal_with_four_digits(tmp_path):
    path = a_record([a_run("relu", 0, 12.345678), a_run("tanh", 0, math.nan)]).save(tmp_path / "x.json")
    loaded = record.load(path)
    assert loaded.values("test_accuracy", activation="relu") == [12.35]
    assert json.loads(path.read_text())["runs"][1]["measures"]["test_accuracy"] is None
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_record_older_than_varied_takes_the_factors_that_are_fields(tmp_path):
    path = a_record(RUNS).save(tmp_path / "r.json")
    table = json.loads(path.read_text("utf8"))
    del table["varied"]
    table |= {"factors": {"activation": ["relu"], "group": ["a"]}, "baseline": {"activation": "relu", "lr": 0.1}}
    path.write_text(json.dumps(table), "utf8")
    assert record.load(path).varied == ["activation"]


def test_a_failed_save_leaves_the_old_record(tmp_path):
    path = a_record(RUNS).save(tmp_path / "x.json")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        a_record([], machine={"device": object()}).save(path)
    assert path.read_bytes() == before


def test_differences_follow_the_seed_and_not_the_place():
    runs = [a_run("relu", seed, 50.0 + seed) for seed in (0, 1, 2)] + [a_run("tanh", s, 40.0 + s) for s in (1, 2, 3)]
    difference = a_record(runs).difference("test_accuracy", {"activation": "relu"}, {"activation": "tanh"})
    assert (difference.mean, difference.half, difference.n) == (10.0, 0.0, 2)


def test_a_difference_does_not_pool_over_a_factor():
    with pytest.raises(ValueError, match=r"a level of each factor \(activation\); got {}"):
        a_record(RUNS).difference("test_accuracy", {}, {"activation": "tanh"})


def test_a_missing_measure_spreads_to_mean_and_interval():
    assert all(map(math.isnan, spread([1.0, math.nan])))
    assert math.isnan(interval([1.0, math.nan, 2.0]).half)


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"runs": [{}]}', '{"slug": ', "\x00"])
def test_a_file_that_is_no_record_is_named(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ValueError, match="bad.json is not a record of cnnlab .*measure it again, or name another file"):
        record.load(tmp_path / "bad.json")


def test_a_missing_record_says_how_to_measure_it():
    with pytest.raises(
        FileNotFoundError,
        match='no record "nothing-here" in the package; cnnlab run measures .* as records/nothing-here.json',
    ):
        record.load("nothing-here")


def test_a_level_nobody_ran_names_the_levels():
    with pytest.raises(ValueError, match="no run of x is at {'activation': 'elu'}; its factors and levels are"):
        a_record(RUNS).at(activation="elu")


def test_beyond_the_table_of_t_an_interval_is_a_little_too_wide_and_never_too_narrow():
    values = [float(i % 7) for i in range(60)]
    low, high = stats.t.interval(0.95, 59, stats.tmean(values), stats.sem(values))
    assert 1 < interval(values).half / ((high - low) / 2) < 1.03


def test_the_numbers_of_an_interval_stand_where_zero_lies_inside():
    assert (interval([-1.0, 1.0, 0.5]).numbers, interval([1.0, 1.1, 0.9]).numbers) == ("+0.2 ± 2.6", "+1.0 ± 0.2")
    assert interval([0.011, 0.012, 0.010]).numbers == "+0.011 ± 0.002"


def test_a_contrast_sums_the_levels_with_their_signs_over_the_seeds_that_all_have():
    runs = [a_run("relu", seed, 50.0 + seed**2) for seed in range(4)] + [a_run("tanh", s, 40.0 + s) for s in (1, 2, 3)]
    sums = [(50 + seed**2) - 2 * (40 + seed) for seed in (1, 2, 3)]
    got = a_record(runs).contrast("test_accuracy", [(1, {"activation": "relu"}), (-2, {"activation": "tanh"})])
    assert got.mean == pytest.approx(sum(sums) / 3) and got.n == 3


TOML = """
question = "Which?"
sources = ["a paper"]
[baseline]
activation = "relu"
[factor.activation]
fields = ["activation"]
levels = { relu = { activation = "relu" }, tanh = { activation = "tanh" } }
[size.cpu]
seeds = [0, 1, 2]
"""


def asked_record(text: str = TOML, linear: float = 20.0, **changes):
    asked = parse("x", text)
    return asked, a_record(RUNS, fingerprint=asked.fingerprint, data={"linear_accuracy": linear}, **changes)


def test_the_baseline_is_the_level_that_changes_nothing_and_else_the_best():
    asked, found = asked_record(TOML.replace('[baseline]\nactivation = "relu"', '[baseline]\nactivation = "tanh"'))
    assert found.baseline_level(asked) == {"activation": "tanh"}
    asked, found = asked_record(TOML.replace('[baseline]\nactivation = "relu"', '[baseline]\nactivation = "elu"'))
    assert found.baseline_level(asked) == {"activation": "relu"}  # 51 %, and tanh 43 %


def test_the_baseline_is_looked_for_at_the_size_that_was_measured():
    asked, found = asked_record(TOML + '[size.gpu]\nseeds = [0, 1, 2]\nfields = { activation = "tanh", width = 32 }')
    assert found.baseline_level(asked) == {"activation": "relu"}
    assert a_record(RUNS, size="gpu").baseline_level(asked) == {"activation": "tanh"}


@pytest.mark.parametrize(("linear", "standing"), [(36.0, "measured"), (36.1, "no instrument")])
def test_a_baseline_less_than_15_points_above_a_linear_model_is_no_instrument(linear, standing):
    asked, found = asked_record(linear=linear)  # the baseline has 51 %
    assert found.standing(asked) == standing


def test_a_smoke_run_and_a_stale_record_are_named_so():
    asked, found = asked_record(smoke=True, size="smoke")
    assert found.standing(asked) == "smoke"
    assert asked_record()[1].standing(parse("x", TOML.replace("[0, 1, 2]", "[0, 1]"))) == "stale"


MACHINE = {"device": "cpu", "processor": "p", "threads": 1, "engine": "in turn", "precision": "fp32", "torch": "2.15"}
DIGITS = {"name": "digits", "train_images": 1400, "linear_accuracy": 90.0}


def test_the_conditions_name_data_net_training_machine_and_the_linear_model():
    fixed = {"depth": 7, "steps": 400, "image_size": 8}
    said = a_record(RUNS, machine=MACHINE, data=DIGITS, baseline=fixed).conditions()
    assert said.startswith(
        "digits, 1,400 training images; plain net, depth 7, width 16, relu, he start, batch 64, lr 0.05"
    )
    parts = ("400 steps", "8 x 8 pixels", "3 seeds; 6 runs", "1 thread, trained in turn", "linear model", "90.0 %")
    assert [part for part in parts if part not in said] == []
    assert "varied" not in said and "label noise" not in said and "nesterov" not in said


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("depth", 5, "depth 5"),
        ("width", 8, "width 8"),
        ("steps", 300, "300 steps"),
        ("batch_size", 32, "batch 32"),
        ("lr", 0.1, "lr 0.1"),
        ("schedule", "cosine", "cosine schedule"),
        ("image_size", 16, "16 x 16 pixels"),
        ("color_space", "hsv", "color space hsv"),
        ("label_noise", 0.2, "label noise 0.2"),
        ("dropout", 0.5, "dropout 0.5"),
        ("placement", "after", "batch norm after the activation"),
        ("bias", False, "no bias"),
    ],
)
def test_the_conditions_state_a_setting_as_fixed_only_where_no_factor_varies_it(field, value, said):
    fixed = {"machine": MACHINE, "data": DIGITS, "baseline": {field: value}}
    assert said in a_record(RUNS, **fixed).conditions()
    varied = a_record(RUNS, **fixed, varied=[field]).conditions()
    assert said not in varied and f"varied: {field.replace('_', ' ')};" in varied


def test_conditions_that_vary_the_training_images_give_no_number_of_them():
    found = a_record(RUNS, machine={**MACHINE, "threads": 2, "engine": "fused"}, data=DIGITS, varied=["train_images"])
    assert "1,400" not in found.conditions() and "varied: train images" in found.conditions()
    assert "2 threads, trained fused" in found.conditions()
