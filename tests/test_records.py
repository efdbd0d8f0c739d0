"""The records that ship: measured, complete, up to date, and made by this code."""

import re

import pytest

from cnnlab import experiment, record
from cnnlab.sweep.canary import canary, name
from cnnlab.sweep.run import too_few_seeds

MEASURED = sorted(entry.name[:-5] for entry in experiment.folder().iterdir() if entry.name.endswith(".json"))


@pytest.mark.parametrize("slug", experiment.slugs())
def test_every_experiment_has_a_record(slug):
    assert slug in MEASURED


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_answers_the_question_as_it_is_asked_now(slug):
    asked, found = experiment.load(slug), record.load(slug)
    assert (found.slug, found.smoke, found.is_stale(asked)) == (slug, False, False)
    assert found.factors == {factor.name: list(factor.levels) for factor in asked.factors}
    settings = asked.baseline_at(found.size).flat()
    assert found.baseline == {field: settings[field] for field in found.baseline}
    assert found.machine["engine"] == asked.engine


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_has_every_level_at_every_seed_and_what_diverged(slug):
    asked, found = experiment.load(slug), record.load(slug)
    assert [(run.level, run.seed) for run in found.runs] == asked.runs(found.size)
    for run in found.runs:
        assert re.fullmatch(r"finished|diverged at step [1-9]\d*", run.ended)
        assert 0 <= run.measures["test_accuracy"] <= 100
        assert (run.measures["test_loss"] is None) == run.diverged
        assert len({len(column) for column in run.curves.values()}) == 1


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_has_seeds_enough(slug):
    assert too_few_seeds(record.load(slug)) is None


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_says_on_what_it_was_measured_and_stays_small(slug):
    found = record.load(slug)
    assert found.conditions().startswith(found.data["name"]) and 0 < found.data["linear_accuracy"] < 100
    assert len((experiment.folder() / f"{slug}.json").read_bytes()) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("slug", MEASURED)
def test_the_code_has_not_changed_under_a_record(slug):
    levels = list(record.load(slug).canary)
    _replay(slug, {*levels[:2], levels[-1]})


@pytest.mark.full
@pytest.mark.parametrize("slug", MEASURED)
def test_the_code_has_not_changed_under_any_level_of_a_record(slug):
    _replay(slug, set(record.load(slug).canary))


def _replay(slug: str, levels: set[str]) -> None:
    asked, found = experiment.load(slug), record.load(slug)
    assert list(found.canary) == [name(level) for level in asked.levels()]
    now = canary(asked, found.size, only=levels)
    assert set(now) == levels
    for level, losses in now.items():
        assert losses == pytest.approx(found.canary[level], rel=1e-6), (
            f"{slug} at {level} is outdated: measure it again"
        )
