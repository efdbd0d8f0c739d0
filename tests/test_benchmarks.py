"""`make bench`: what it counts as reached, missed and not measured, and that the peers do the same work."""

import importlib
import json
import math
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cnnlab import data

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
ROWS = tomllib.loads((BENCHMARKS / "bars.toml").read_text("utf8"))["bar"]
CASES = """
def slower():  # the work returns the seconds it takes
    return lambda: 3.0, lambda: 1.5, lambda: "said after"
def broken():
    raise RuntimeError("the peer is broken")
def nothing():
    return "no such device here"
def apart():
    return [1e-12]
"""


@pytest.fixture
def load(monkeypatch):
    """A module of benchmarks/, which stand beside each other and not in a package; those loaded are forgotten after."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def bench(load, tmp_path, monkeypatch, capsys):
    """`bench('case = "..."', ...)`: exit status, table and progress of a run over these rows."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cases", raising=False)
    (tmp_path / "cases.py").write_text(CASES, encoding="utf-8")
    run = load("run")
    monkeypatch.setattr(run, "seconds", lambda work: work())

    def call(*rows: str, arguments=()) -> tuple[int, str, str]:
        bars = tmp_path / "bars.toml"
        bars.write_text("\n".join(f'[[bar]]\npeer = "P"\ncompared = "C"\n{row}' for row in rows), encoding="utf-8")
        status = run.main(["--repeats", "3", *arguments], bars)
        return status, *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("bar", "status"),
    [("bar = 2.0", 0), ("bar = 2.1", 1), ("above = 1.9", 0), ("above = 2.0", 1), ("at_most = 2.0", 0), ("", 0)],
)
def test_a_median_that_misses_its_bar_is_named_and_is_the_exit_status(bench, bar, status):
    found, table, progress = bench(f'case = "cases:slower"\n{bar}')
    assert found == status and table.count("MISSED") == table.count("1 missed") == status
    assert "| P | C; said after | 2.00 | 2.00-2.00 |" in table and "[1/1] cases:slower ..." in progress


def test_a_row_that_cannot_be_measured_says_why_and_counts_as_neither(bench):
    status, table, _ = bench('case = "cases:nothing"\nbar = 9.0', 'case = "cases:slower"\nbar = 1.5')
    assert status == 0 and "| not measured | no such device here |" in table
    assert "1 bars reached, 0 missed, 1 rows not measured" in table


def test_a_row_that_fails_counts_as_missed_and_costs_no_other(bench):
    status, table, _ = bench('case = "cases:broken"\nbar = 9.0', 'case = "cases:slower"\nbar = 1.5')
    assert status == 1 and "| not measured | failed: the peer is broken | at least 9.0 MISSED |" in table
    assert "1 bars reached, 1 missed, 1 rows not measured" in table


def test_a_difference_must_stay_below_its_bar(bench):
    for most, status in ((1e-9, 0), (1e-15, 1)):
        found, table, _ = bench(f'case = "cases:apart"\nat_most = {most}')
        assert found == status and f"| 1.0e-12 | one number | at most {most}" in table


def test_json_keeps_the_table_with_every_repeat(bench, tmp_path):
    bench('case = "cases:slower"', 'case = "cases:nothing"', arguments=["--json", str(tmp_path / "table.json")])
    kept = json.loads((tmp_path / "table.json").read_text("utf8"))
    assert [len(row["measured"]) for row in kept["rows"]] == [3, 0]
    assert kept["rows"][1]["spread"] == "no such device here"


def test_unknown_cases_and_no_repeats_are_refused(bench, capsys):
    with pytest.raises(SystemExit):
        bench('case = "cases:apart"', arguments=["cases:faster"])
    assert "no such case: cases:faster; bars.toml has cases:apart" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench('case = "cases:apart"', arguments=["--repeats", "0"])
    assert "--repeats 0 measures nothing" in capsys.readouterr().err


def test_peer_and_ours_take_turns_after_one_each_that_is_not_counted(load):
    turns = []
    found = load("run").ratios(lambda: turns.append("peer"), lambda: turns.append("ours"), 3)
    assert turns == ["peer", "ours"] * 4 and len(found) == 3


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_every_row_names_a_case_and_at_most_one_bar(row, load):
    module, _, name = row["case"].partition(":")
    assert callable(getattr(load(module), name))
    assert len(row.keys() & load("run").BARS.keys()) <= 1 and row.keys() >= {"peer", "compared"}


def test_without_lightning_or_a_gpu_the_rows_say_so(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    assert "Lightning is not installed here" in load("lightnings").fp32()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu = load("gpu")
    assert gpu.fused32() == gpu.airbench_warm() == gpu.airbench_cold() == "no GPU here"


def test_airbench_is_handed_the_same_images(load, tmp_path):
    shapes = data.load("shapes", images=40, valid=0.0, progress=False)
    place = load("gpu").hand_over(shapes, tmp_path) / "cifar10"
    for name in ("train", "test"):
        kept, split = torch.load(place / f"{name}.pt", weights_only=True), getattr(shapes, name)
        assert kept["images"].dtype == torch.uint8 and torch.equal(kept["images"].permute(0, 3, 1, 2), split.images)
        assert torch.equal(kept["labels"], split.labels) and kept["classes"] == list(shapes.classes)


def test_parity_is_the_largest_difference_and_a_nan_is_no_agreement(load, monkeypatch):
    parity = load("parity")
    (good,) = parity.differences(torch.float64, 4)
    assert 0 < good < 1e-12
    together = parity.fit_together

    def spoiled(*arguments, **how):
        return ((k, replace(e, losses=(*e.losses[:-1], math.nan))) for k, e in together(*arguments, **how))

    monkeypatch.setattr(parity, "fit_together", spoiled)
    (bad,) = parity.differences(torch.float64, 4)
    assert not bad <= 1e-9
