import csv
import errno
import io
import json
import re
import subprocess
import sys

import pytest
from scipy import stats

from cnnlab import cli, experiment, record
from cnnlab.cli import main
from cnnlab.record import Record, Run
from cnnlab.sweep.canary import canary
from cnnlab.techniques.initialization import INITIALIZATIONS, he_

TOML = """
question = "Which start is best?"
sources = ["a paper"]
published = "starts"
[baseline]
dataset = "digits"
steps = 6
epochs = 2
width = 4
[factor.initialization]
fields = ["initialization"]
levels = { he = { initialization = "he" }, normal = { initialization = "normal" }, lsuv = { initialization = "lsuv" } }
[[claim]]
says = "He is better than normal."
better = { initialization = "he" }
than = { initialization = "normal" }
[size.cpu]
seeds = [0, 1, 2]
"""
PUBLISHED = """initialization,test_accuracy,note,source
he,91.5,,Paper A
normal,,did not converge,Paper A
he,88,,Paper B
elsewhere,99,,Paper C
"""
ACCURACIES = {"he": [80.0, 82.0, 81.0], "normal": [60.0, 61.5, 10.0], "lsuv": [80.5, 81.0, 82.0]}
MACHINE = {
    "device": "cpu",
    "processor": "an EPYC",
    "threads": 1,
    "engine": "in turn",
    "precision": "fp32",
    "torch": "2",
}


def measured(slug: str = "starts", **changes) -> Record:
    asked = experiment.parse(slug, TOML)
    runs = [
        Run(
            level,
            seed,
            2.0,
            "diverged at step 3" if value == 10 else "finished",
            {"test_accuracy": value, "test_loss": 0.5},
            {"valid_accuracy": [10.0, value]},
        )
        for level, seed in asked.runs()
        for value in [ACCURACIES[level["initialization"]][seed]]
    ]
    given = {
        "slug": slug, "fingerprint": asked.fingerprint, "size": "cpu", "smoke": False, "version": "0", "date": "2026-01-02",
        "machine": MACHINE, "data": {"name": "digits", "train_images": 1294, "linear_accuracy": 50.0},
        "baseline": asked.baseline.flat(), "factors": {"initialization": list(ACCURACIES)}, "seeds": [0, 1, 2], "runs": runs,
    }  # fmt: skip
    return Record(**{**given, **changes})


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of other experiments: their folder, while the tests stand in another, empty one."""
    folder = tmp_path / "package"
    (folder / "published").mkdir(parents=True)
    (folder / "published/starts.csv").write_text(PUBLISHED)
    (folder / "starts.toml").write_text(TOML)
    measured().save(folder / "starts.json")
    monkeypatch.setattr(experiment, "folder", lambda: folder)
    monkeypatch.setattr(record, "folder", lambda: folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


@pytest.fixture
def said(capsys, monkeypatch):
    """`said("list", "--json")`: what a command that succeeds prints, in no terminal of any width."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    return call


def refused(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and "Traceback" not in err
    return err


def add(package, slug: str, text: str | None = None, **changes) -> None:
    (package / f"{slug}.toml").write_text(TOML)
    if text is None:
        measured(slug, **changes).save(package / f"{slug}.json")
    else:
        (package / f"{slug}.json").write_text(text)


def test_list_tells_missing_unreadable_smoke_stale_and_weak_from_measured(package, said):
    (package / "a_missing.toml").write_text(TOML)
    add(package, "b_unreadable", "{")
    add(package, "c_smoke", smoke=True, size="smoke")
    add(package, "d_stale", fingerprint="another")
    add(package, "e_weak", data=measured().data | {"linear_accuracy": 67.0})
    states = {entry["slug"]: entry["state"] for entry in json.loads(said("list", "--json"))}
    assert states == {
        "a_missing": "missing", "b_unreadable": "unreadable", "c_smoke": "smoke", "d_stale": "stale",
        "e_weak": "no instrument", "starts": "measured",
    }  # fmt: skip
    shown = said("list")
    assert all(re.search(rf"^{slug} +{state}", shown, re.MULTILINE) for slug, state in states.items())
    assert re.search(r"^starts +measured +9 runs, digits, cpu \(an EPYC\), 2026-01-02$", shown, re.MULTILINE)
    assert "  Which start is best?" in shown


def test_list_shows_what_was_measured_here_too(package, said):
    measured().save("records/starts.json")
    measured("mine").save("records/mine.json")
    here = [(entry["path"], entry["state"]) for entry in json.loads(said("list", "--json")) if entry["path"]]
    assert here == [("records/mine.json", "measured"), ("records/starts.json", "measured")]
    assert "records/mine.json" in said("list")


@pytest.mark.slow
def test_list_checks_whether_the_code_has_changed_under_a_record(package, said, monkeypatch):
    losses = canary(experiment.load("starts"))
    add(package, "starts", canary=losses)
    with monkeypatch.context() as same:
        same.setattr("cnnlab.sweep.canary.canary", lambda *_: losses)
        assert "same code" in said("list", "--check") and "same code" not in said("list")
    monkeypatch.setitem(INITIALIZATIONS, "he", lambda weight, **options: he_(weight, **{**options, "gain": 1.5}))
    assert re.search(r"^starts +outdated .*; the code has changed under: he$", said("list", "--check"), re.MULTILINE)


def test_show_gives_the_differences_and_intervals_that_scipy_gives(package, said):
    table = json.loads(said("show", "starts", "--json"))
    assert table["compared_with"] == {"initialization": "he"} and table["standing"] == "measured"
    for row in table["levels"][1:]:
        values = ACCURACIES[row["level"]["initialization"]]
        low, high = stats.ttest_rel(values, ACCURACIES["he"]).confidence_interval()
        assert (row["difference"] - row["half_width"], row["difference"] + row["half_width"]) == pytest.approx(
            (low, high), rel=1e-4
        )
        assert (row["mean"], row["sd"]) == pytest.approx((stats.tmean(values), stats.tstd(values)))
    assert table["levels"][0]["difference"] is None


def test_show_prints_spread_divergence_differences_published_values_and_claims(package, said):
    lines = [re.sub(r" +", " ", line).strip() for line in said("show", "starts").splitlines()]
    assert "initialization mean ± sd n diverged difference published" in lines
    assert "he 81.00 ± 1.00 3 reference 91.5 [1], 88 [2]" in lines
    assert any(line.startswith("normal 43.83 ± 29.31 3 1 cannot tell (± ") for line in lines)
    assert any(line.endswith(") did not converge [1]") for line in lines)
    assert "published: [1] Paper A" in lines and "published: [2] Paper B" in lines
    text = " ".join(lines)
    assert "an effect larger than the half-width would probably have been seen" in text
    assert "- Cannot tell: He is better than normal." in text
    assert "digits, 1,294 training images;" in text


def test_a_level_without_a_number_shows_none(package, said):
    runs = [
        Run(run.level, run.seed, 1.0, run.ended, {**run.measures, "test_loss": None}, {}) for run in measured().runs
    ]
    measured(runs=runs).save("records/starts.json")
    assert "cannot tell (" not in said("show", "records/starts.json", "--measure", "test_loss")


def test_show_csv_has_a_row_a_level_with_its_numbers(package, said):
    rows = list(csv.DictReader(io.StringIO(said("show", "starts", "--csv"))))
    assert [(row["initialization"], float(row["mean"]), row["diverged"]) for row in rows] == [
        ("he", 81.0, "0"),
        ("normal", pytest.approx(43.833, abs=1e-3), "1"),
        ("lsuv", pytest.approx(81.167, abs=1e-3), "0"),
    ]
    assert [row["published"] for row in rows] == ["91.5; 88.0", "did not converge", ""]
    assert rows[0]["source"] == "Paper A; Paper B" and rows[0]["difference"] == ""


def test_a_smoke_run_and_a_stale_record_are_shown_as_such_and_compare_nothing(package, said):
    add(package, "smoke", smoke=True, size="smoke")
    add(package, "stale", fingerprint="another")
    for slug, word in (("smoke", "A smoke run: it shows"), ("stale", "Stale: the question has changed")):
        shown = said("show", slug)
        assert word in shown and "difference" not in shown and "Cannot tell" not in shown


def test_show_compares_the_levels_of_a_question_of_ones_own(package, said, tmp_path):
    (tmp_path / "mine.toml").write_text(TOML.replace('published = "starts"\n', ""))
    asked = experiment.load(tmp_path / "mine.toml")
    measured("mine", fingerprint=asked.fingerprint).save("records/mine.json")
    assert "reference" in said("show", str(tmp_path / "mine.toml"))
    assert "reference" not in said("show", "records/mine.json")


def test_two_crossed_factors_are_readable_at_100_columns(said):
    lines = said("show", "initialization").splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line for line in lines if re.match(r"\w+ +(maxout|relu|very_leaky_relu|tanh) .* ± ", line)]
    assert len(rows) == 24 and all(re.search(r" 5 .*(±|reference)", row) for row in rows)


def test_unknown_names_are_answered_with_the_choices(package, capsys):
    assert 'experiment "start" is unknown; choose one of: starts' in refused(capsys, "show", "start")
    assert 'experiment "start" is unknown; choose one of: starts' in refused(capsys, "run", "start")
    assert "choose one of: test_accuracy, test_loss" in refused(capsys, "show", "starts", "--measure", "speed")
    assert 'size "gpu" is unknown; choose one of: cpu' in refused(capsys, "run", "starts", "--size", "gpu")
    assert "mine.toml: No such file or directory" in refused(capsys, "run", "mine.toml")
    assert 'executor "moon" is unknown' in refused(capsys, "run", "starts", "--executor", "moon")


def test_a_folder_that_cannot_be_written_is_one_clear_line(package, capsys):
    (package / "taken").write_text("a file")
    said = refused(capsys, "run", "starts", "--smoke", "--out", str(package / "taken"))
    assert "taken is a file, and runs and record go into a folder: name another one" in said


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.json"), "x.json: No space left on device"),
        (OSError("cannot write x.json"), "cannot write x.json"),
        (RuntimeError("1 runs failed:\n  no luck"), "1 runs failed: no luck"),
        (ImportError("no module named dask"), "no module named dask"),
    ],
)
def test_what_goes_wrong_in_a_measurement_is_one_line(package, capsys, monkeypatch, error, line):
    def failing(*_, **__):
        yield measured()
        raise error

    monkeypatch.setattr("cnnlab.sweep.run.run", failing)
    assert refused(capsys, "run", "starts") == f"cnnlab run: {line}\n"


def test_an_interruption_says_what_is_kept_and_how_to_go_on(package, capsys, monkeypatch):
    def interrupted(*_, **__):
        yield measured()
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnlab.sweep.run.run", interrupted)
    assert main(["run", "starts"]) == 130
    assert capsys.readouterr().err == "interrupted: 9 finished runs are kept in records, and the same command goes on\n"


def test_without_a_command_there_is_help_with_examples(said):
    assert "cnnlab list" in said() and "examples:" in said()


@pytest.mark.parametrize("command", ["run", "list", "show"])
def test_every_option_is_explained_and_every_command_has_examples(command):
    commands = next(action for action in cli._parser()._actions if action.dest == "command").choices
    assert all(action.help for action in commands[command]._actions)
    assert f"  cnnlab {command} " in commands[command].format_help()


def test_names_may_stand_behind_an_option_and_what_is_unknown_is_refused(tmp_path, said, capsys):
    said("grade", "init", str(tmp_path), "activations", "--seed", "7", "learning-rates")
    assert {each.name for each in (tmp_path / "source").iterdir()} == {"activations", "learning-rates"}
    for arguments in (["list", "more"], ["grade", "init", str(tmp_path), "--seed", "7", "activations", "--more"]):
        with pytest.raises(SystemExit):
            cli.main(arguments)
        assert "unrecognized arguments: " in capsys.readouterr().err


def test_a_reader_that_has_enough_gets_no_error():
    command = [sys.executable, "-m", "cnnlab.cli", "show", "initialization", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1
