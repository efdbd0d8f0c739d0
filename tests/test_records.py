"""The records that ship: measured, up to date, and made by this code."""

import pytest

from cnnlab import experiment, record
from cnnlab.sweep.canary import canary

MEASURED = [slug for slug in experiment.slugs() if (experiment.folder() / f"{slug}.json").is_file()]


@pytest.mark.parametrize("slug", experiment.slugs())
def test_every_experiment_has_a_record(slug):
    assert slug in MEASURED


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_answers_the_question_as_it_is_asked_now(slug):
    asked, found = experiment.load(slug), record.load(slug)
    assert not found.smoke and not found.is_stale(asked)
    assert [(run.level, run.seed) for run in found.runs] == asked.runs(found.size)
    assert len(found.seeds) >= (5 if max(run.seconds for run in found.runs) < 60 else 3)
    assert found.conditions().startswith(found.data["name"])


@pytest.mark.parametrize("slug", MEASURED)
def test_a_record_stays_small(slug):
    assert len((experiment.folder() / f"{slug}.json").read_bytes()) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("slug", MEASURED)
def test_the_code_has_not_changed_under_a_record(slug):
    found = record.load(slug)
    now = canary(experiment.load(slug), found.size)
    assert set(now) == set(found.canary)
    for level, losses in found.canary.items():
        assert now[level] == pytest.approx(losses, rel=1e-6), f"{slug} at {level} is outdated: measure it again"
