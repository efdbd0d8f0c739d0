"""What the networks of a record cost: against counts on real networks, the questions' own numbers, and a made clock."""

import dataclasses
import time
from pathlib import Path

import pytest
import torch

from cnnlab import budgets, data, models
from cnnlab import experiment as experiments
from cnnlab import record as records
from cnnlab.arithmetic.costs import count_macs, count_parameters
from cnnlab.config import Config

SLUGS = ("width", "depth", "small_kernels", "separable_kernels", "input_size", "classifier")


@pytest.fixture(scope="module")
def found():
    return budgets.of_records(*SLUGS, batch=None)


def named(found, start):
    return [row for row in found["rows"] if row["name"].startswith(start)]


@pytest.mark.rows("P01", "M02")
@pytest.mark.parametrize("slug", SLUGS)
def test_every_level_has_the_costs_of_its_network_and_the_accuracies_of_its_record(found, slug):
    asked, record = experiments.load(slug), records.load(slug)
    rows = [row for row in found["rows"] if row["source"] == slug.replace("_", " ")]
    levels = list(asked.levels())
    assert len(rows) == len(levels)
    for row, level in zip(rows, levels, strict=True):
        config = asked.config(level, "cpu")
        net = models.build(config.model, in_channels=3, classes=10)
        side = config.data.image_size
        assert (row["parameters"], row["multiply_adds"]) == (count_parameters(net), count_macs(net, (1, 3, side, side)))
        assert row["accuracy"] == record.values("test_accuracy", **level) and len(row["accuracy"]) == 5
        assert row["milliseconds"] is None
    assert found["conditions"][slug.replace("_", " ")] == record.conditions()


def test_the_costs_are_those_that_the_questions_name(found):
    depth, kernels = named(found, "net "), named(found, "kernels")
    assert (min(row["parameters"] for row in depth), max(row["parameters"] for row in depth)) == (54_344, 54_586)
    assert [round(row["multiply_adds"] / 1e6, 1) for row in depth] == [2.6, 1.9, 1.9, 2.1, 2.1]
    equal = [row["multiply_adds"] / 1e6 for row in kernels if row["source"] == "small kernels"]
    assert (round(min(equal), 2), round(max(equal), 2)) == (2.03, 2.26)


def test_twice_the_side_costs_four_times_the_convolutions_and_no_parameter(found):
    half, whole, double = (next(row for row in found["rows"] if row["name"] == f"side {x}") for x in ("0.5", "1", "2"))
    assert half["parameters"] == whole["parameters"] == double["parameters"]
    head = (4 * whole["multiply_adds"] - double["multiply_adds"]) // 3
    assert double["multiply_adds"] - head == 4 * (whole["multiply_adds"] - head) and 0 < head < 2000


def test_a_gray_image_has_one_channel():
    color = Config().with_fields(dataset="cifar10", image_size=16, model="workbench", depth=5, width=16)
    assert budgets.images_of(color) == ((3, 16, 16), 10)
    assert budgets.images_of(color.with_fields(color_space="gray")) == ((1, 16, 16), 10)
    assert budgets.costs(color)[0] - budgets.costs(color.with_fields(color_space="gray"))[0] == 2 * 9 * 16


@pytest.mark.parametrize(("name", "options"), [("digits", {}), ("shapes", {"images": 60})])
def test_the_images_of_the_embedded_sets_are_as_listed(name, options):
    loaded = data.load(name, **options)
    channels, side, classes = budgets.IMAGES[name]
    assert tuple(loaded.train.images.shape[1:]) == (channels, side, side) and len(loaded.classes) == classes


def test_equal_networks_are_timed_once_in_one_thread_that_is_given_back(monkeypatch):
    seen, threads = [], torch.get_num_threads()

    def stopped(step, *, repeats, clock):
        net, (images,) = step.func, step.args
        assert not net.training and torch.is_inference_mode_enabled() and repeats == 7 and clock is time.process_time
        seen.append((count_parameters(net), tuple(images.shape), torch.get_num_threads()))
        return len(seen) / 1000

    monkeypatch.setattr(budgets, "fair_time", stopped)
    found = budgets.of_records("width", "separable_kernels", "input_size", batch=32, repeats=7)
    times = {row["name"]: row["milliseconds"] for row in found["rows"]}
    assert len(seen) == 7 + 7 + 5 - 2 and {one for *_, one in seen} == {1}
    assert torch.get_num_threads() == threads
    assert times["width 1"] == times["kernels full"] == times["side 1"]
    assert times["width 0.25"] == 1 and seen[0][1] == (32, 3, 16, 16)
    assert "a forward pass of 32 images, median of 7," in found["conditions"]["milliseconds"]


def test_a_forward_pass_is_really_timed():
    rows = budgets.of_records("width", batch=8, repeats=1)["rows"]
    assert all(0 < row["milliseconds"] < 10_000 for row in rows)


def copied(folder: Path, **fields) -> Path:
    """The record of widths with other fields, its question beside it."""
    (folder / "width.toml").write_text((experiments.folder() / "width.toml").read_text("utf8"), "utf8")
    return dataclasses.replace(records.load("width"), **fields).save(folder / "width.json")


def test_a_path_is_read_with_the_question_beside_it(tmp_path, found):
    rows = budgets.of_records(copied(tmp_path), batch=None)["rows"]
    assert rows == [row for row in found["rows"] if row["source"] == "width"]


def test_a_net_that_is_no_instrument_is_named_so(tmp_path):
    linear = {**records.load("width").data, "linear_accuracy": 55.0}
    said = budgets.of_records(copied(tmp_path, data=linear), batch=None)["conditions"]["width"]
    assert said.endswith("No instrument: its baseline is less than 15 points above that.")


def test_a_level_with_a_missing_number_has_no_accuracy(tmp_path):
    runs = [dataclasses.replace(records.load("width").runs[0], measures={}), *records.load("width").runs[1:]]
    rows = budgets.of_records(copied(tmp_path, runs=runs), batch=None)["rows"]
    assert [row["accuracy"] is None for row in rows] == [True] + [False] * 6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"smoke": True}, "the record of width must be measured, and as asked; got 'smoke'"),
        ({"fingerprint": "0" * 16}, "the record of width must be measured, and as asked; got 'stale'"),
    ],
)
def test_a_record_that_proves_nothing_is_refused(tmp_path, fields, message):
    with pytest.raises(ValueError, match=message):
        budgets.of_records(copied(tmp_path, **fields), batch=None)


def test_what_cannot_be_counted_says_what_can():
    with pytest.raises(ValueError, match="names must be at least one record"):
        budgets.of_records()
    with pytest.raises(ValueError, match="batch must be at least 1, or None"):
        budgets.of_records("width", batch=0)
    with pytest.raises(ValueError, match='data set with known images "mine" is unknown; choose one of: cifar10'):
        budgets.costs(Config().with_fields(dataset="mine"))
