import itertools
import json
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cnnlab import experiment, record
from cnnlab.cli import main
from cnnlab.config import Config
from cnnlab.data import load
from cnnlab.sweep import notes
from cnnlab.sweep.canary import canary, check_connected
from cnnlab.sweep.jobs import Job
from cnnlab.sweep.network import linear
from cnnlab.sweep.one import linear_reference, run_job
from cnnlab.sweep.run import run, smoked, too_few_seeds
from cnnlab.techniques.initialization import INITIALIZATIONS, he_
from cnnlab.training import evaluate, fit

pytestmark = pytest.mark.slow  # together: each measures a small experiment, canary and all

TOML = """
question = "Does a tiny net learn digits?"
sources = ["none"]
[baseline]
dataset = "digits"
steps = 6
epochs = 2
width = 4
[factor.initialization]
fields = ["initialization"]
levels = { zeros = { initialization = "zeros" }, he = { initialization = "he" }, lsuv = { initialization = "lsuv" } }
[size.cpu]
seeds = [0, 1]
"""

FACTOR = """
question = "Does it?"
sources = ["none"]
baseline = {{ dataset = "digits", width = 4 }}
[factor.one]
fields = ["{field}"]
levels = {{ {levels} }}
[size.cpu]
seeds = [0, 1]
"""


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TOML)
    return path


def measure(asked: Path, folder: Path, **options) -> list[record.Record]:
    with ThreadPoolExecutor(1) as executor:
        return list(run(experiment.load(asked), folder, executor=executor, **options))


def alone(config: Config, level: dict, seed: int) -> record.Run:
    return run_job(Job(((config, level, seed),)))[0]


def comparable(measured: record.Record) -> record.Record:
    return replace(measured, date="", machine={}, runs=[replace(each, seconds=0.0) for each in measured.runs])


def test_a_record_holds_every_level_at_every_seed(asked, tmp_path):
    states = measure(asked, tmp_path)
    assert [len(state.runs) for state in states] == [1, 2, 3, 4, 5, 6, 6]
    levels = [(each.level["initialization"], each.seed) for each in states[-1].runs]
    assert levels == [(level, seed) for seed in (0, 1) for level in ("zeros", "he", "lsuv")]
    saved = record.load(tmp_path / "tiny.json")
    assert saved.factors == {"initialization": ["zeros", "he", "lsuv"]}
    assert saved.canary == canary(experiment.load(asked)) and all(len(v) == 10 for v in saved.canary.values())


def test_a_run_again_gives_the_same_numbers(asked):
    config = experiment.load(asked).config({"initialization": "lsuv"})
    first, second, other = (alone(config, {"initialization": "lsuv"}, seed) for seed in (3, 3, 4))
    assert replace(first, seconds=0) == replace(second, seconds=0)
    assert other.measures != first.measures


def test_an_interrupted_measurement_goes_on_and_ends_in_the_same_record(asked, tmp_path):
    whole = measure(asked, tmp_path / "whole")[-1]
    with ThreadPoolExecutor(1) as executor:
        half = run(experiment.load(asked), tmp_path / "half", executor=executor)
        list(itertools.islice(half, 2))
        half.close()
    notes = tmp_path / "half" / "tiny.cpu.runs.jsonl"
    before = notes.read_text()
    assert before.count("\n") == 2
    notes.write_text(before + '{"key": "torn')  # a crash in the middle of a line
    resumed = measure(asked, tmp_path / "half")
    assert [len(state.runs) for state in resumed] == [3, 4, 5, 6, 6]
    assert comparable(resumed[-1]) == comparable(whole)


def test_another_question_does_not_take_over_old_runs(asked, tmp_path):
    measure(asked, tmp_path)
    asked.write_text(TOML.replace("steps = 6", "steps = 4"))
    assert [len(state.runs) for state in measure(asked, tmp_path)] == [1, 2, 3, 4, 5, 6, 6]


def test_a_record_of_another_data_set_is_not_replaced(asked, tmp_path):
    measure(asked, tmp_path)
    with pytest.raises(ValueError, match="was measured at size cpu on digits, and this is size cpu on shapes"):
        measure(asked, tmp_path, dataset="shapes")


def test_added_seeds_leave_finished_runs_as_they_are(asked, tmp_path):
    """A measurement that could not tell is enlarged, and nothing is trained twice."""
    before = measure(asked, tmp_path)[-1]
    asked.write_text(TOML.replace("seeds = [", "seeds = [7, "))
    enlarged = measure(asked, tmp_path)
    assert len(enlarged) - 1 == len(before.factors["initialization"])
    assert [each for each in enlarged[-1].runs if each.seed != 7] == before.runs


def test_another_data_set_is_named_in_the_record(asked, tmp_path):
    measured = measure(asked, tmp_path, dataset="shapes")[-1]
    assert measured.data["name"] == "shapes" and measured.baseline["dataset"] == "digits"


def test_a_smoke_run_says_so(asked, tmp_path):
    assert measure(asked, tmp_path, smoke=True)[-1].smoke
    assert not measure(asked, tmp_path)[-1].smoke


def test_a_knob_connected_to_nothing_is_refused(asked, tmp_path):
    asked.write_text(TOML.replace('zeros = { initialization = "zeros" }', 'again = { initialization = "he" }'))
    with pytest.raises(
        ValueError, match='levels "again" and "he" of factor "initialization" have the same first 10 losses'
    ):
        measure(asked, tmp_path)


def test_a_diverged_run_stays_in_the_record_as_diverged(asked):
    config = experiment.load(asked).config({"initialization": "he"}).with_fields(lr=1e20)
    ended = alone(config, {"initialization": "he"}, 0)
    assert ended.ended.startswith("diverged at step ") and ended.diverged
    assert ended.measures == {"test_accuracy": 10.0, "test_loss": None}


def test_list_show_and_mistakes_on_the_command_line(asked, tmp_path, capsys):
    measure(asked, tmp_path)
    assert main(["show", str(tmp_path / "tiny.json")]) == 0
    shown = capsys.readouterr().out
    assert "tiny: test_accuracy, mean ± standard deviation over 2 seeds, digits" in shown and "lsuv" in shown
    assert main(["list"]) == 0
    assert "initialization" in capsys.readouterr().out
    assert main(["show", str(tmp_path / "tiny.json"), "--measure", "speed"]) == 2
    assert 'measure "speed" is unknown; choose one of: test_accuracy, test_loss' in capsys.readouterr().err
    assert main(["run", "nothing"]) == 2
    assert 'experiment "nothing" is unknown; choose one of' in capsys.readouterr().err


def test_a_smoke_run_leaves_the_measured_record(asked, tmp_path):
    measure(asked, tmp_path)
    before = (tmp_path / "tiny.json").read_bytes()
    measure(asked, tmp_path, smoke=True)
    assert (tmp_path / "tiny.json").read_bytes() == before and record.load(tmp_path / "tiny.smoke.json").smoke


def test_another_size_does_not_overwrite_a_record(asked, tmp_path):
    measure(asked, tmp_path)
    asked.write_text(TOML + "[size.large]\nseeds = [0, 1]\n")
    with pytest.raises(ValueError, match="was measured at size cpu on digits, and this is size large on digits: name"):
        measure(asked, tmp_path, size="large")


def test_runs_of_other_code_do_not_go_into_a_record(asked, tmp_path, monkeypatch):
    before = measure(asked, tmp_path)[-1]
    monkeypatch.setitem(INITIALIZATIONS, "he", lambda weight, **options: he_(weight, **{**options, "gain": 1.5}))
    states = measure(asked, tmp_path)
    assert [len(state.runs) for state in states] == [1, 2, 3, 4, 5, 6, 6]
    assert states[-1].canary != before.canary


def test_runs_on_other_images_of_that_name_do_not_go_into_a_record(asked, tmp_path, monkeypatch):
    measure(asked, tmp_path)
    monkeypatch.setattr("cnnlab.sweep.run.linear_reference", lambda config: 12.5)
    assert len(measure(asked, tmp_path)[0].runs) == 1


def test_a_smoke_run_of_a_size_has_the_fields_of_that_size(asked):
    asked.write_text(TOML + "[size.large]\nseeds = [5, 6, 7]\nfields = { width = 8 }\n")
    small = smoked(experiment.load(asked), "large")
    assert small.baseline_at("smoke").model.width == 8 and small.sizes["smoke"].seeds == (5, 6)


def test_two_commands_do_not_measure_into_one_file(asked, tmp_path):
    with ThreadPoolExecutor(1) as executor:
        first = run(experiment.load(asked), tmp_path, executor=executor)
        next(first)
        with pytest.raises(ValueError, match=r"another command is measuring tiny.json in .*wait for it"):
            next(run(experiment.load(asked), tmp_path, executor=executor))
        first.close()


def test_a_run_that_fails_does_not_cost_the_others(asked, tmp_path, monkeypatch):
    def failing(job):
        if job.members[0][1:] == ({"initialization": "he"}, 1):
            raise ValueError("no luck")
        return run_job(job)

    monkeypatch.setattr("cnnlab.sweep.workers.run_job", failing)
    with pytest.raises(RuntimeError, match="1 runs failed, the first at he, seed 1: no luck. The others are kept"):
        measure(asked, tmp_path)
    assert len((tmp_path / "tiny.cpu.runs.jsonl").read_text().splitlines()) == 5
    monkeypatch.undo()
    assert [len(state.runs) for state in measure(asked, tmp_path)] == [6, 6]


def test_notes_survive_torn_and_foreign_lines(tmp_path):
    file, done = tmp_path / "x.jsonl", record.Run({"a": "b"}, 0, 1.0, "finished", {}, {})
    notes.append(file, "key", [done])
    file.write_bytes(file.read_bytes() + b'[1]\n3\n{"key": "key", "seed": 1}\n\xff\n{"key": "torn')
    notes.append(file, "key", [replace(done, seed=1)])
    notes.append(file, "other key", [done])
    both = {(("a", "b"), 0): done, (("a", "b"), 1): replace(done, seed=1)}
    assert notes.read(file) == {"key": both, "other key": {(("a", "b"), 0): done}}
    assert notes.read(tmp_path / "none.jsonl") == {}


def test_closing_a_measurement_leaves_the_callers_own_processes(asked, tmp_path):
    mine = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    mine.start()
    measuring = run(experiment.load(asked), tmp_path)
    next(measuring)
    measuring.close()
    assert mine.is_alive()
    mine.terminate()
    mine.join()


def test_a_record_with_too_few_seeds_says_so_at_the_end(asked, tmp_path, caplog):
    measured = measure(asked, tmp_path)[-1]
    assert "tiny has 2 seeds, and its median run took " in caplog.text and "a measurement needs 5 " in caplog.text
    caplog.clear()
    measure(asked, tmp_path, smoke=True)
    assert not caplog.text
    slow = [replace(each, seconds=61.0) for each in measured.runs]
    assert "needs 3 " in too_few_seeds(replace(measured, runs=slow))
    assert too_few_seeds(replace(measured, runs=slow, seeds=[0, 1, 2])) is None
    assert "needs 5 " in too_few_seeds(replace(measured, seeds=[0, 1, 2, 3]))
    assert too_few_seeds(replace(measured, seeds=[0, 1, 2, 3, 4])) is None


def test_the_linear_reference_is_the_best_of_three_rates(asked):
    config = experiment.load(asked).baseline.with_fields(steps=60, lr=10.0)
    given = {rate: linear_reference_at(config, rate) for rate in (10.0, 1.0, 0.1)}
    assert linear_reference(config) == max(given.values()) > given[10.0]


def linear_reference_at(config: Config, rate: float) -> float:
    data = load("digits", progress=False)
    model = linear(data, seed=0)
    list(fit(model, data, replace(config.training, lr=rate), seed=0, device="cpu", precision="fp32"))
    return 100 * evaluate(model, data.test, mean=data.mean, std=data.std)[1]


def test_the_linear_reference_sees_what_the_baseline_sees_and_has_the_plain_loss(asked):
    config = experiment.load(asked).baseline.with_fields(steps=60)
    assert linear_reference(config.with_fields(loss="multiclass_hinge", width=8)) == linear_reference(config)
    assert linear_reference(config.with_fields(label_noise=0.8)) < linear_reference(config) - 10


@pytest.mark.parametrize(
    ("field", "values"),
    [("color_space", ["rgb", "gray", "lab"]), ("enhancement", ["none", "clahe"]), ("label_noise", [0.0, 0.5])],
)
def test_the_canary_sees_what_is_done_to_the_images(field, values):
    levels = ", ".join(f"l{k} = {{ {field} = {json.dumps(value)} }}" for k, value in enumerate(values))
    asked = experiment.parse("x", FACTOR.format(field=field, levels=levels))
    losses = canary(asked)
    check_connected(asked, losses)
    assert len({tuple(each) for each in losses.values()}) == len(values)


def test_a_canary_of_some_levels_has_the_losses_of_all(asked):
    found = experiment.load(asked)
    assert canary(found, only={"he"}) == {"he": canary(found)["he"]}
