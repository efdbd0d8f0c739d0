"""The page *Published and ours* says what follows from the records, and counts nothing that must not be counted."""

import importlib
import re
import sys
from dataclasses import replace

import pytest
from conftest import ROOT

from cnnlab.experiment import parse
from cnnlab.record import Record, Run

TOML = """
question = "Which pooling?"
sources = ["mishkin2016, a table", "somebody told us"]
reading = "Max leads, *clearly*."
[baseline]
pooling = "max"
[factor.pooling]
fields = ["pooling"]
levels = { average = { pooling = "average" }, max = { pooling = "max" }, stochastic = { pooling = "stochastic" } }
[size.cpu]
seeds = [0, 1, 2]
fields = { steps = 10 }
[[claim]]
says = "Max beats average."
better = { pooling = "max" }
than = { pooling = "average" }
[[claim]]
says = "Stochastic beats max."
better = { pooling = "stochastic" }
than = { pooling = "max" }
[[claim]]
says = "Stochastic beats average."
better = { pooling = "stochastic" }
than = { pooling = "average" }
"""
ACCURACY = {"average": [60.0, 61.0, 62.0], "max": [65.0, 66.1, 66.9], "stochastic": [61.0, 61.5, 64.0]}
ROWS = [
    {"pooling": "max", "test_accuracy": 47.1, "note": "", "source": "A paper"},
    {"pooling": "average", "test_accuracy": None, "note": "did not converge", "source": "A paper"},
    {"pooling": "stochastic", "test_accuracy": 48.0, "note": "", "source": "A paper"},
]


@pytest.fixture(scope="module")
def book_modules():
    sys.path.insert(0, str(ROOT / "book"))
    yield importlib.import_module("measured"), importlib.import_module("published")
    sys.path.remove(str(ROOT / "book"))


@pytest.fixture(scope="module")
def words(book_modules):
    return book_modules[1]


def a_record(asked, **changes) -> Record:
    runs = [
        Run({"pooling": name}, seed, 1.0, "finished", {"test_accuracy": value}, {})
        for name, values in ACCURACY.items()
        for seed, value in enumerate(values)
    ]
    base = {
        "slug": "x", "fingerprint": asked.fingerprint, "size": "cpu", "smoke": False, "version": "0", "date": "d",
        "machine": {"device": "cpu", "processor": "p", "threads": 1, "engine": "fused", "precision": "fp32", "torch": "2"},
        "data": {"name": "digits", "train_images": 100, "linear_accuracy": 40.0}, "baseline": asked.baseline_at("cpu").flat(),
        "factors": {"pooling": list(ACCURACY)}, "seeds": [0, 1, 2], "varied": ["pooling"],
    }  # fmt: skip
    return Record(**{**base, **changes}, runs=runs)


@pytest.fixture
def found(book_modules):
    def make(slug="x", missing=False, **changes):
        asked = parse(slug, TOML)
        return book_modules[0].Found(asked, None if missing else a_record(asked, **changes), ROWS, ("S06",))

    return make


def test_each_claim_has_its_verdict_in_the_summary(words, found):
    table = words.summary([found()])
    assert re.findall(r'class="verdict ([\w-]+)">(.) ', table) == [
        ("held", "✓"),
        ("contradicted", "✗"),
        ("cannot-tell", "?"),
    ]
    assert "+5.0\u00a0±\u00a0" in table and "(#published-x)" in table


def test_the_counts_leave_out_what_is_no_instrument_stale_smoke_or_missing(words, found):
    weak = found("weak", data={"name": "digits", "train_images": 100, "linear_accuracy": 60.0})
    others = [weak, found("stale", fingerprint="another"), found("smoke", smoke=True), found("missing", missing=True)]
    assert [each.standing for each in others] == ["no instrument", "stale", "smoke", "missing"]
    text = words.counts([found(), *others])
    assert "15 claims in 5 experiments, of which 1 are" in text and "to judge 3 claims" in text
    assert "**1 held**, **1 contradicted**, **1 cannot tell**" in text and "about 0.2 would still" in text
    assert words.summary(others).count("not counted") == 3 and words.summary(others).count("– not measured") == 9


def test_nothing_is_counted_where_no_record_counts(words, found):
    assert words.counts([found(missing=True)]) == "The sources make 3 claims in 1 experiments; none is judged so far."


def test_a_section_says_why_nothing_is_concluded(words, found):
    weak = found(data={"name": "digits", "train_images": 100, "linear_accuracy": 60.0})
    assert "The baseline, max, scores 66.0 %, and a linear model on the same pixels 60.0 %" in words.section(weak, {})
    assert "has to be measured again" in words.section(found(fingerprint="another"), {})
    for each in (found(fingerprint="another"), found(smoke=True), found(missing=True)):
        assert "list-table" not in words.section(each, {}) and "Ours:" not in words.section(each, {})


def test_levels_stand_in_the_published_order_with_both_places(words, found):
    lines = [line for line in words.section(found(), {}).splitlines() if re.match(r"\* - ", line)]
    assert lines == ["* - Level", "* - stochastic", "* - max", "* - average"]
    table = words.section(found(), {})
    assert table.index("1 → 2") < table.index("2 → 1") and "did not converge" in table
    assert "baseline" in table and "cannot tell" not in table.split("list-table")[1].split("stochastic")[0]


def test_sources_of_the_bibliography_are_cited_and_others_printed(words, found):
    text = words.section(found(), {})
    assert "{cite:t}`mishkin2016`, a table; somebody told us" in text
    assert '<a href="techniques.html#s06">S06</a>' in text and "Max leads, *clearly*." in text


def test_figures_are_drawn_once_and_their_texts_give_the_order(book_modules, found, tmp_path):
    measured, words = book_modules
    first = measured.draw(found(), tmp_path)
    times = {path: path.stat().st_mtime_ns for path in first.values()}
    again = measured.draw(found(), tmp_path)
    assert list(first) == ["published", "ours"] and {path: path.stat().st_mtime_ns for path in again.values()} == times
    text = words.section(found(), {who: path.name for who, path in first.items()})
    assert "percent, ours, from the best level to the last. max 66.0; stochastic 62.2; average 61.0." in text
    assert "percent, published, from the best level to the last. stochastic 48.0; max 47.1." in text


def test_a_figure_is_drawn_anew_when_its_record_changes(book_modules, found, tmp_path):
    measured, _ = book_modules
    old = measured.draw(found(), tmp_path)
    other = found()
    runs = [replace(run, measures={"test_accuracy": 50.0 + run.seed}) for run in other.record.runs]
    new = measured.draw(replace(other, record=replace(other.record, runs=runs)), tmp_path)
    assert old["ours"] != new["ours"] and sorted(tmp_path.iterdir()) == sorted(new.values())


@pytest.mark.slow
def test_the_built_page_has_a_section_and_the_claims_of_every_experiment(book):
    from bs4 import BeautifulSoup

    from cnnlab import experiment

    page = BeautifulSoup((book / "book/published.html").read_text("utf8"), "html.parser")
    asked = [experiment.load(slug) for slug in experiment.slugs()]
    assert [each.slug for each in asked if not page.find(id=f"published-{each.slug.replace('_', '-')}")] == []
    claims = sum(len(each.claims) for each in asked)
    assert len(page.select("table.claims-summary tbody tr")) == claims
    assert all(image["alt"].startswith("Test accuracy in percent") for image in page.select(".published-figures img"))
