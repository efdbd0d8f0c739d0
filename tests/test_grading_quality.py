"""`cnnlab grade check`: the tests of an exercise are tried, in the sandbox and in an ordinary kernel."""

import ast
import importlib
import shutil
from collections import Counter

import pytest
from classroom import EXERCISES, reference
from conftest import require
from test_grading_course import SLUG, course, grader, released, say  # noqa: F401, fixtures

from cnnlab.grading import plain
from cnnlab.grading.chance import measure
from cnnlab.grading.course import Course
from cnnlab.grading.mutants import mutants
from cnnlab.grading.quality import trials
from cnnlab.grading.quality_record import digest, read, sentence


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
        assert found == mutants(source, 10) and len(set(found.values())) == len(found) == 10
        for name, text in found.items():
            assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))
            assert name.partition(" -> ")[2] in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", {"a <= b", "a > b"}),
        ("a + b", {"a - b"}),
        ("a and (not b)", {"a or not b", "a and (not not b)"}),
        ("x = 3", {"x = 4", "x = 2"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("f(a, b, dim=c)", {"f(b, a, dim=c)", "f(a, b)"}),
        ("x.mean()", {"x.sum()"}),
        ("-x", {"+x"}),
        ("a if b else c", {"a if not b else c"}),
        ("for a in b:\n    c = a", {"for a in b:\n    pass"}),
    ],
)
def test_a_mutant_has_one_slip(before, after):
    assert set(mutants(before).values()) == after


def test_in_one_interpreter_an_error_costs_what_needs_it_and_an_exit_everything():
    cells = [["given", "setup", "x = 1"], ["answer", "a", ""], ["test", "t", "assert a() == x"], ["test", "u", "x"]]
    right, wrong, ends = {"a": "def a(): return 1"}, {"a": "1 / 0"}, {"a": "import os; os._exit(0)"}
    assert [plain.apart(cells, each, ["t", "u"]) for each in (right, wrong, ends)] == [["t", "u"], ["u"], []]
    assert plain.apart(cells, right, ["u"]) == ["u"]


# Luck.


def drawn(test: str, answer: str = "def double(x):\n    return 2 * x", seeds: int = 300) -> dict | None:
    cells = [["given", "setup", "import torch\nfrom cnnlab import check"], ["answer", "a", answer], ["test", "t", test]]
    return measure(cells, {}, "t", seeds)


def test_the_margin_of_a_test_is_that_of_the_distribution_it_draws_from(capsys):
    test = "torch.manual_seed(1)\ncheck.close(double(torch.randn(()).item() + 10), 20.0, rtol={})"
    wide, near = drawn(test.format(0.5)), drawn(test.format(0.1))  # tolerances 10 and 2; the deviation is 2
    assert wide == {"failures": 0, "margin": pytest.approx(5, rel=0.15)}
    assert near["failures"] == pytest.approx(300 * 0.317, rel=0.25)


def test_numbers_that_an_answer_or_a_given_function_draws_move_too(capsys):
    noisy = "def double(x):\n    return 2 * x + 0.1 * torch.randn(()).item()"
    assert drawn("check.close(double(1), 2.0, rtol=0, atol=1.0)", noisy)["margin"] == pytest.approx(10, rel=0.15)
    within = "torch.Generator().manual_seed(seed)"
    within = f"def double(x, seed=3):\n    return 2 * x + 0.1 * torch.randn((), generator={within}).item()"
    assert drawn("check.close(double(1), 2.0, rtol=0, atol=1.0)", within)["margin"] == pytest.approx(10, rel=0.15)


def test_a_test_without_drawn_numbers_has_no_luck(capsys):
    assert drawn("check.close(double(3), 6)") is None
    assert drawn("check.close(double(torch.tensor([1.5])), torch.tensor([3.0]))") is None


def test_luck_is_said_in_a_sentence():
    one, other = {"failures": 0, "margin": 6.2}, {"failures": 2, "margin": 100.0}
    assert sentence(300, {"reference": one}) == (
        "Luck: 300 seeds, no failure; the nearest threshold is 6.2 standard deviations away."
    )
    assert sentence(300, {"reference": one, "right_noisy": other}).startswith(
        "Luck: 300 seeds with each of 2 answers, 2 failures;"
    )
    assert (
        sentence(9, {"right_loops": other | {"failures": 1}})
        == "Luck: 9 seeds, 1 failure; the nearest threshold is out of reach."
    )


# The records of the book's exercises.


@pytest.fixture(scope="module", params=sorted(path.name for path in (EXERCISES / "source").iterdir()))
def kept(request):
    return Course(EXERCISES), request.param, read(EXERCISES / "quality" / f"{request.param}.json")


def test_a_record_belongs_to_the_exercise_as_it_is(kept):
    book, slug, record = kept
    remedy = f"cd exercises && cnnlab grade check {slug} --record quality/{slug}.json --mutants 1000"
    now = digest(book, slug)
    assert record["verdicts"]["digest"] == now, f"the exercise has changed since: {remedy}"
    assert record["luck"]["digest"] == now, f"the exercise has changed since: {remedy} --seeds 300"
    every = Counter(trial.kind for trial in trials(book, slug, most=1000))
    assert {kind: most for kind, (_, _, most) in record["verdicts"]["counts"].items()} == every, remedy


def test_the_tests_of_an_exercise_are_good_in_both_modes_and_who_survives_is_explained(kept):
    _, _, record = kept
    counts = record["verdicts"]["counts"]
    assert record["verdicts"]["disagree"] == []
    assert all(apart == together == most for kind, (apart, together, most) in counts.items() if kind != "mutant"), (
        counts
    )
    assert counts["mutant"][2] - counts["mutant"][0] == len(record["verdicts"]["survivors"])
    assert [name for name, why in record["verdicts"]["survivors"].items() if not why] == []


def test_luck_has_no_say_in_marks_and_beside_each_test_stands_what_was_measured(kept):
    book, slug, record = kept
    tests = record["luck"]["tests"]
    assert record["luck"]["seeds"] >= 300
    for cell in book.assignment(slug).of_kind("test"):
        said = [line for line in cell.source.splitlines() if line.startswith("# Luck:")]
        want = [f"# {sentence(record['luck']['seeds'], tests[cell.name])}"] if cell.name in tests else []
        assert said == want, cell.name
    tries = [each for answers in tests.values() for each in answers.values()]
    assert all(each["failures"] == 0 and each["margin"] >= 4 for each in tries), tests


def test_a_digest_sees_code_and_no_comments(few):
    path = few.root / "variants" / SLUG / "right_loops.py"
    before, text = digest(few, SLUG), path.read_text()
    path.write_text(text.replace("\ndef ", "\n# a remark\ndef "))
    assert digest(few, SLUG) == before
    path.write_text(text.replace("return ", "return 0 + "))
    assert digest(few, SLUG) != before


def test_the_book_shows_the_numbers_of_each_record_and_the_reason_of_each_survivor(monkeypatch):
    monkeypatch.syspath_prepend(EXERCISES.parent / "book")
    page = importlib.import_module("quality").page
    drawn = {"test-a": {"reference": {"failures": 0, "margin": 6.2}, "right_x": {"failures": 0, "margin": 100.0}}}
    counts = {"reference": [1, 1, 1], "blank": [1, 1, 1], "right": [3, 3, 3], "wrong": [8, 7, 8], "mutant": [9, 9, 12]}
    verdicts = {"counts": counts, "disagree": ["wrong x"], "isolation": "bubblewrap"}
    survivors = {"a, line 1: x -> y": "harmless", "a, line 2: x -> z": "harmless", "b, line 1: p -> q": "slower only"}
    conditions = {"python": "3.11", "torch": "2.15"}
    record = {"slug": "deep-nets", "verdicts": verdicts | {"survivors": survivors, "conditions": conditions}}
    said = page([record | {"luck": {"seeds": 300, "tests": drawn}}])
    assert "| Wrong caught | 8 and 7 of 8 |\n| Mutants caught | 9 of 12 |" in said and "over 300 seeds" in said
    assert "| Tests that draw | 1 |\n| Failures | 0 |\n| Nearest threshold | 6.2 s.d. |" in said
    assert "- Deep nets, `a`, 2: harmless.\n- Deep nets, `b`, 1: slower only.\n" in said


# The command.


@pytest.mark.slow
def test_where_the_two_ways_disagree_it_is_told_and_not_released(few, say):  # noqa: F811
    """The fake grader takes a right answer that is written differently for a wrong one."""
    status, out, _ = say("check", SLUG, "--mutants", "0", "--record", few.root / "kept.json")
    assert status == 1 and read(few.root / "kept.json")["verdicts"]["disagree"] == ["right right_loops"]
    lost = ", ".join(sorted(f"test-{name}" for name in reference(SLUG)))
    assert f"right right_loops: lost {lost}; in one kernel nothing" in out
    assert (
        "blank: 1 of 1 zero in the sandbox, 1 of 1 zero in one kernel\nright: 0 of 1 kept in the sandbox, 1 of 1" in out
    )
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
