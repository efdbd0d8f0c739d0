import math
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import pytest

from cnnlab import record
from cnnlab.plots import axes, label, look, panels
from cnnlab.plots.crossed import crossed, crossed_published
from cnnlab.plots.curves import curves
from cnnlab.plots.depth import depth
from cnnlab.plots.levels import levels, levels_published
from cnnlab.record import Record, Run


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    matplotlib.pyplot.close("all")


def a_run(rule: str, activation: str, seed: int) -> Run:
    diverged = (rule, activation) == ("he", "maxout")
    accuracy = 10.0 if diverged else 40.0 + seed + (rule == "lsuv")
    level = {"initialization": rule, "activation": activation}
    ended = "diverged at step 3" if diverged else "finished"
    curves = {"step": [10, 20], "train_loss": [2.0 + seed, 1.0 + seed]}
    return Run(level, seed, 1.0, ended, {"test_accuracy": accuracy}, curves)


def a_record(**changes) -> Record:
    factors = {"initialization": ["he", "lsuv"], "activation": ["relu", "maxout"]}
    runs = [a_run(rule, act, seed) for rule in ("he", "lsuv") for act in ("relu", "maxout") for seed in range(3)]
    conditions = {"slug": "x", "fingerprint": "f", "size": "cpu", "smoke": False, "version": "0", "date": "2026-01-01"}
    base = {
        **conditions,
        "machine": {},
        "data": {"name": "digits"},
        "baseline": {},
        "factors": factors,
        "seeds": [0, 1, 2],
    }
    return Record(**{**base, **changes}, runs=runs)


def test_crossed_draws_the_means_of_the_record():
    ax = crossed(a_record())
    means = sorted(float(container.lines[0].get_ydata()[0]) for container in ax.containers)
    assert means == pytest.approx([10, 41, 42, 42])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["ReLU", "maxout"]
    assert ax.get_title() == "digits"


def test_crossed_marks_divergence():
    marks = [container.lines[0].get_marker() for container in crossed(a_record()).containers]
    assert marks.count("x") == 1


def test_crossed_draws_the_linear_model_where_it_does_not_squeeze_the_levels():
    def drawn(linear: float) -> bool:
        lines = crossed(a_record(data={"name": "digits", "linear_accuracy": linear})).lines
        return linear in [float(line.get_ydata()[0]) for line in lines if len(line.get_ydata())]

    assert drawn(30.0) and not drawn(2.0)


def test_a_smoke_record_is_refused():
    with pytest.raises(ValueError, match="is a smoke run.*Measure it with: cnnlab run x"):
        crossed(a_record(smoke=True))


def test_the_published_table_keeps_its_numbers_and_its_failure():
    rows = record.published("fitnet4_initialization")
    like = a_record(factors={"initialization": ["xavier", "he", "orthogonal", "lsuv"],
                             "activation": ["maxout", "relu", "very_leaky_relu", "tanh"]})  # fmt: skip
    ax = crossed_published(rows, like)
    points = [(line.get_marker(), float(line.get_ydata()[0])) for line in ax.lines if len(line.get_ydata())]
    assert len(points) == 16
    shared = [row for row in rows if row["initialization"] in like.factors["initialization"]]
    values = sorted(row["test_accuracy"] for row in shared if row["test_accuracy"])
    assert len(rows) > len(shared) == 16 and sorted(y for mark, y in points if mark != "x") == values
    assert [y for mark, y in points if mark == "x"] == [min(y for _, y in points)]


def test_curves_draw_the_mean_over_the_seeds():
    level = {"initialization": "lsuv", "activation": "relu"}
    ax = curves(a_record(), {"lsuv": level, "he": {"initialization": "he", "activation": "maxout"}})
    assert list(ax.lines[0].get_ydata()) == [3.0, 2.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["LSUV", "He (diverged)"]


def test_depth_says_what_a_logarithmic_axis_cannot_show():
    ax = depth({"he": [1.0, 0.5, 0.25], "zeros": [0.0, 0.0, 0.0], "up": [1.0, math.inf, math.inf]})
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "He",
        "zeros (0 or ∞ in 3 of 3)",
        "up (0 or ∞ in 2 of 3)",
    ]
    assert list(ax.lines[1].get_xdata()) == [1, 2, 3] and ax.get_yscale() == "log"


def test_given_axes_are_drawn_on_and_returned():
    left, right = panels(2)
    assert depth({"a": [1.0]}, right) is right and not left.lines
    assert axes(left) is left


def test_a_name_looks_the_same_wherever_it_stands():
    assert look("he", 0) == look("he", 5) and look("he", 0) != look("lsuv", 0)


POOLING = {"max": [50.0, 52.0, 54.0], "average": [47.0, 49.1, 50.9], "strided": [10.0, 40.0, 42.0]}


def a_record_of_pooling(**changes) -> Record:
    runs = [
        Run(
            {"pooling": name},
            seed,
            1.0,
            "finished" if value > 10 else "diverged at step 3",
            {"test_accuracy": value},
            {},
        )
        for name, values in POOLING.items()
        for seed, value in enumerate(values)
    ]
    return replace(a_record(factors={"pooling": list(POOLING)}, **changes), runs=runs)


def test_levels_draw_means_in_the_given_order_and_the_interval_of_the_difference_to_the_baseline():
    found, order = a_record_of_pooling(), ["average", "max", "strided"]
    ax = levels(found, order, "max")
    points = [(float(c.lines[0].get_xdata()[0]), float(c.lines[0].get_ydata()[0])) for c in ax.containers]
    assert points == [(pytest.approx(49.0), 0), (52.0, 1)]
    bar = ax.containers[0].lines[2][0].get_segments()[0]
    half = found.difference("test_accuracy", {"pooling": "average"}, {"pooling": "max"}).half
    assert bar[1][0] - bar[0][0] == pytest.approx(2 * half)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == order and ax.get_ylim()[0] > ax.get_ylim()[1]
    assert ax.lines[0].get_xdata()[0] == 52.0 and (ax.get_title(), ax.get_xlabel()) == ("ours", "test accuracy, %")


def test_a_level_with_a_diverged_run_stands_at_the_edge_and_does_not_stretch_the_axis():
    ax = levels(a_record_of_pooling(), list(POOLING), "max")
    assert [text.get_text() for text in ax.texts] == ["1 of 3 diverged"] and ax.get_xlim()[0] > 40


def test_a_published_table_keeps_its_numbers_and_its_notes_in_the_same_order():
    rows = [{"pooling": name, "test_accuracy": value, "note": "did not converge" if value is None else ""}
            for name, value in (("max", 47.1), ("average", None), ("not ours", 99.0))]  # fmt: skip
    ax = levels_published(rows, ["average", "max"], "pooling")
    drawn = [(line.get_marker(), float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in ax.lines]
    assert ("D", 47.1, 1.0) in drawn and len(drawn) == 2 and ax.texts[0].get_text() == "did not converge"


def test_levels_of_a_smoke_record_are_refused():
    with pytest.raises(ValueError, match="is a smoke run.*Measure it with: cnnlab run x"):
        levels(a_record_of_pooling(smoke=True), list(POOLING), "max")


def test_a_level_is_named_as_its_authors_write_it():
    known = {"prelu": "PReLU", "very_leaky_relu": "very leaky ReLU", "max_average": "max average"}
    assert {name: label(name) for name in known} == known
