import json
import math

import pytest
from scipy import stats

from cnnlab import record
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
