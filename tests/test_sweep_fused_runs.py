"""Experiments whose levels are trained as one model."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from cnnlab import record
from cnnlab.data import load
from cnnlab.experiment import parse
from cnnlab.sweep.jobs import Job, jobs
from cnnlab.sweep.network import network
from cnnlab.sweep.one import run_job
from cnnlab.sweep.reading import CannotFuse
from cnnlab.sweep.run import run
from cnnlab.training import evaluate, fit

TOML = """
question = "Which learning rate?"
sources = ["none"]
engine = "fused"
[baseline]
dataset = "digits"
width = 4
[factor.rate]
fields = ["lr"]
levels = { low = { lr = 0.01 }, high = { lr = 0.1 }, absurd = { lr = 1e20 } }
[size.cpu]
seeds = [0, 1]
fields = { steps = 6, epochs = 2 }
"""


def measure(text: str, folder, **options) -> list[record.Record]:
    with ThreadPoolExecutor(1) as executor:
        return list(run(parse("tiny", text), folder, executor=executor, **options))


def numbers(folder) -> list[dict]:
    """The runs of a saved record, but for their seconds."""
    table = json.loads((folder / "tiny.json").read_text())
    return [run | {"seconds": 0} for run in table["runs"]]


def test_in_turn_a_job_has_one_member_and_fused_all_levels_of_a_seed():
    fused, alone = (jobs(parse("x", TOML.replace("fused", engine)), "cpu") for engine in ("fused", "in turn"))
    assert [[(level["rate"], seed) for _, level, seed in job.members] for job in fused] == [
        [("low", 0), ("high", 0), ("absurd", 0)],
        [("low", 1), ("high", 1), ("absurd", 1)],
    ]
    assert [job.members for job in alone] == [(member,) for job in fused for member in job.members]
    assert {job.engine for job in fused} == {"fused"} and {job.engine for job in alone} == {"in turn"}


def test_in_turn_a_run_has_the_numbers_of_fit():
    member = config, _, seed = jobs(parse("x", TOML), "cpu")[1].members[1]
    data = load("digits", progress=False)
    model = network(config, data, seed)
    epochs = list(fit(model, data, config.training, seed=seed, device="cpu", precision="fp32"))
    loss, accuracy = evaluate(model, data.test, mean=data.mean, std=data.std)
    (found,) = run_job(Job((member,)))
    assert found.measures == {"test_accuracy": 100 * accuracy, "test_loss": loss}
    assert found.curves["train_loss"] == [epoch.train_loss for epoch in epochs]


def test_fused_runs_have_the_numbers_of_runs_in_turn_but_for_rounding():
    (fused, _) = jobs(parse("x", TOML), "cpu")
    together = run_job(fused)
    alone = [run_job(Job((member,)))[0] for member in fused.members]
    for one, other in zip(together, alone, strict=True):
        assert (one.level, one.seed, one.ended) == (other.level, other.seed, other.ended)
        assert one.measures["test_accuracy"] == pytest.approx(other.measures["test_accuracy"], abs=0.6)  # two images
        if not one.diverged:
            assert one.measures["test_loss"] == pytest.approx(other.measures["test_loss"], abs=1e-4)
            assert one.curves["train_loss"] == pytest.approx(other.curves["train_loss"], abs=1e-4)
    assert together[2].diverged and together[2].measures == {"test_accuracy": 10.0, "test_loss": None}


@pytest.mark.slow
def test_a_fused_record_says_so_and_why(tmp_path):
    measure(TOML, tmp_path)
    found = record.load(tmp_path / "tiny.json")
    assert found.machine["engine"] == "fused" and "a step of all 3 members takes" in found.machine["why"]
    assert [each.ended == "finished" for each in found.runs] == [True, True, False] * 2
    in_turn = measure(TOML.replace('"fused"', '"in turn"'), tmp_path / "in turn")[-1]
    assert in_turn.machine["engine"] == "in turn" and "why" not in in_turn.machine
    assert in_turn.fingerprint != found.fingerprint


@pytest.mark.slow
def test_a_group_of_which_a_run_is_missing_is_trained_again_whole_and_to_the_bit(tmp_path):
    assert [len(state.runs) for state in measure(TOML, tmp_path)] == [3, 6, 6]
    before = numbers(tmp_path)
    notes = tmp_path / "tiny.cpu.runs.jsonl"
    lines = notes.read_text().splitlines(keepends=True)
    notes.write_text("".join(lines[:4]) + lines[4][:50])  # a crash in the middle of the second group
    assert [len(state.runs) for state in measure(TOML, tmp_path)] == [6, 6]
    assert numbers(tmp_path) == before
    assert notes.read_text().count("\n") == 4 + 1 + 3


@pytest.mark.parametrize(
    ("fields", "levels", "reason"),
    [
        ("steps", "a = { steps = 4 }, b = { steps = 6 }", "the members differ in steps: 4, 6"),
        ("batch_size", "a = { batch_size = 32 }, b = {}", "the members differ in batch_size: 32, 64"),
        ("train_images", "a = { train_images = 500 }, b = {}", "the members differ in train_images, and are shown the"),
        ("loss", 'a = { loss = "label_smoothing" }, b = {}', "only cross_entropy is computed member by member"),
        ("activation", 'a = { activation = "rrelu" }, b = {}', "RReLU is not in the map of fused layers"),
    ],
)
def test_levels_that_cannot_be_fused_are_refused_before_anything_trains(tmp_path, fields, levels, reason):
    text = TOML.replace('["lr"]', f'["{fields}"]').replace("low = { lr = 0.01 }, high = { lr = 0.1 }, ", levels)
    text = text.replace("absurd = { lr = 1e20 }", "")
    with pytest.raises(CannotFuse, match=f'the levels of tiny cannot be fused: {reason}.*Write engine = "in turn"'):
        measure(text, tmp_path)
    assert not list(tmp_path.glob("*.jsonl"))


@pytest.mark.slow
def test_an_interrupted_fused_measurement_repeats_no_finished_group(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        half = run(parse("tiny", TOML), tmp_path / "half", executor=executor)
        list(itertools.islice(half, 1))
        half.close()
    assert [len(state.runs) for state in measure(TOML, tmp_path / "half")] == [6, 6]
    assert (tmp_path / "half/tiny.cpu.runs.jsonl").read_text().count("\n") == 6
    measure(TOML, tmp_path / "whole")
    assert numbers(tmp_path / "half") == numbers(tmp_path / "whole")
