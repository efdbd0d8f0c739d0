import math

import matplotlib

matplotlib.use("Agg")

import pytest

from cnnlab import record
from cnnlab.plots import axes, look, panels
from cnnlab.plots.crossed import crossed, crossed_published
from cnnlab.plots.curves import curves
from cnnlab.plots.depth import depth
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
