"""`cnnlab grade check`: the tests of an exercise are tried, in the sandbox and in an ordinary kernel."""

import ast
import shutil

import pytest
from classroom import EXERCISES, reference
from conftest import require
from test_grading_course import SLUG, course, grader, released, say  # noqa: F401, fixtures

from cnnlab.grading import plain
from cnnlab.grading.mutants import mutants
from cnnlab.grading.quality import trials


@pytest.fixture
def few(course):  # noqa: F811
    """The course with one right and one wrong variant."""
    for path in (course.root / "variants" / SLUG).iterdir():
        if path.name not in ("right_loops.py", "wrong_elu_without_gradient.py"):
            path.unlink()
    return course


def test_trials_are_the_reference_the_blank_the_variants_and_mutants(few):
    found = trials(few, SLUG, most=2)
    assert [(each.kind, each.name) for each in found[:4]] == [
        ("reference", ""),
        ("blank", ""),
        ("right", "right_loops"),
        ("wrong", "wrong_elu_without_gradient"),
    ]
    assert found[3].tests == ("test-elu",) and found[3].loses == {"test-elu"}
    assert {each.kind for each in found[4:]} == {"mutant"} and len(found) == 4 + 2 * len(reference(SLUG))


def test_mutants_are_programs_unlike_the_solution_and_the_same_each_time():
    for source in reference(SLUG).values():
        found = mutants(source, 10)
        assert found == mutants(source, 10) and len(set(found)) == len(found) >= 3
        for text in found:
            assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))
    assert mutants("x = True") == ["x = False"]
    assert set(mutants("def f(a, b):\n    return a - b < 2")) == {
        "def f(a, b):\n    return a + b < 2",
        "def f(a, b):\n    return a - b >= 2",
        "def f(a, b):\n    return a - b < 3",
        "def f(a, b):\n    return None",
    }


def test_in_one_interpreter_an_error_costs_what_needs_it_and_an_exit_everything():
    cells = [["given", "setup", "x = 1"], ["answer", "a", ""], ["test", "t", "assert a() == x"], ["test", "u", "x"]]
    right, wrong, ends = {"a": "def a(): return 1"}, {"a": "1 / 0"}, {"a": "import os; os._exit(0)"}
    assert [plain.apart(cells, each) for each in (right, wrong, ends)] == [["t", "u"], ["u"], []]


@pytest.mark.slow
def test_where_the_two_ways_disagree_it_is_told_and_not_released(few, say):  # noqa: F811
    """The fake grader takes a right answer that is written differently for a wrong one."""
    status, out, _ = say("check", SLUG, "--mutants", "0")
    assert status == 1
    lost = ", ".join(sorted(f"test-{name}" for name in reference(SLUG)))
    assert f"right right_loops: lost {lost}; in one kernel nothing" in out
    assert "reference: 1 of 1 full\nblank: 1 of 1 zero\nright: 0 of 1 kept\nwrong: 1 of 1 caught" in out
    assert "both ways agree on 3 of 4" in out
    status, _, err = say("release")
    assert status == 2 and "activations is not released" in err and "right right_loops come out otherwise" in err
    (few.root / "variants" / SLUG / "right_loops.py").unlink()
    assert say("check", SLUG, "--mutants", "0")[0] == 0 and say("release")[0] == 0


@pytest.mark.full
@pytest.mark.parametrize("slug", sorted(path.name for path in (EXERCISES / "source").iterdir()))
def test_every_exercise_of_the_book_is_as_good_as_it_promises(slug, tmp_path, say, monkeypatch):  # noqa: F811
    require("bwrap", "bubblewrap")
    ours = tmp_path / "ours"
    assert say("init", ours, slug)[0] == 0
    assert say("release", "--course", ours)[0] == 0
    status, out, err = say("check", slug, "--course", ours, "--mutants", "4")
    assert status == 0, out + err
    shutil.rmtree(ours)
