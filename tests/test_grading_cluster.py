"""`cnnlab grade run` on a Dask cluster of separate processes on loopback, one of which is killed."""

import os
import time
from pathlib import Path

import pytest
from classroom import handed_in, reference
from test_grading_course import SLUG, course, grader, released, say, scores  # noqa: F401, fixtures
from test_sweep_cluster import Loopback

from cnnlab.grading import running, workers
from cnnlab.grading.workers import Cluster, Settings, executor

pytestmark = pytest.mark.slow


@pytest.fixture
def loopback(tmp_path, monkeypatch):
    """A scheduler and two workers whose grader is the fake one, with a second for each submission."""
    start = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import classroom; classroom.pretend()"
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "sitecustomize.py").write_text(start)
    path = os.pathsep.join([str(tmp_path / "start"), str(Path(workers.__file__).parents[2])])
    there = Loopback(tmp_path)
    for _ in range(2):
        there.add_worker(PYTHONPATH=path, FAKE_SECONDS="1")
    yield there
    there.stop()


def test_a_submission_whose_worker_dies_is_graded_by_another(course, loopback, say):  # noqa: F811
    for i in range(6):
        path = course.notebook("submitted", SLUG, f"s{i}")
        path.parent.mkdir(parents=True)
        path.write_bytes(handed_in(SLUG, reference(SLUG) | {"elu": f"wrong {i}"}))
    grading = running.prepare(course, SLUG, Settings())
    with executor(loopback.address, Settings()) as pool:
        assert pool.level() == "pretense: nothing is run at all"
        while len(pool._client.scheduler_info()["workers"]) < 2:
            time.sleep(0.1)
        for state in running.grade(course, grading, pool):
            if len(state.open()) == 4:
                loopback.workers[0].kill()
        running.save(course, grading)
    assert not grading.failed and not grading.open()
    assert scores(course) == {f"s{i}": [0, 2, 2, 2, 2] for i in range(6)}


def test_a_worker_with_other_code_is_refused(course, loopback, monkeypatch):  # noqa: F811
    path = course.notebook("submitted", SLUG, "ada")
    path.parent.mkdir(parents=True)
    path.write_bytes(handed_in(SLUG))
    monkeypatch.setattr(workers, "code_version", lambda: "another")
    grading = running.prepare(course, SLUG, Settings())
    with Cluster(loopback.address, Settings()) as pool, pytest.raises(RuntimeError, match="another version of cnnlab"):
        list(running.grade(course, grading, pool))


def test_an_address_where_nothing_answers_is_named():
    with pytest.raises(ValueError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        Cluster("tcp://127.0.0.1:9", Settings(), patience=0.5)
    with pytest.raises(ValueError, match="workers limits local graders"):
        executor("tcp://127.0.0.1:9", Settings(), 2)
