"""Notebooks that come back damaged: every answer is found, or it is said that it was not."""

import copy
import json
from pathlib import Path

import pytest

from cnnlab.grading import definitions
from cnnlab.grading.assignment import read_assignment
from cnnlab.grading.definitions import borrowed, bound, needed, plain
from cnnlab.grading.matching import match
from cnnlab.grading.reading import parse_cells
from cnnlab.grading.slots import slots

COURSE = Path(__file__).resolve().parents[1] / "exercises"
SLUG = "activations"
RELEASE = json.loads((COURSE / f"release/{SLUG}/{SLUG}.ipynb").read_text("utf8"))
ASSIGNMENT = read_assignment(COURSE / f"source/{SLUG}/{SLUG}.ipynb")
REFERENCE = {cell.name: cell.source for cell in ASSIGNMENT.of_kind("answer")}
WANTED = slots(COURSE / f"release/{SLUG}/{SLUG}.ipynb", ASSIGNMENT)


def solved() -> dict:
    notebook = copy.deepcopy(RELEASE)
    for cell in notebook["cells"]:
        if (name := grade_id(cell)) in REFERENCE:
            cell["source"] = REFERENCE[name]
    return notebook


def grade_id(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def at(notebook: dict, name: str) -> int:
    return next(i for i, cell in enumerate(notebook["cells"]) if grade_id(cell) == name)


def code(source: str) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def graded(notebook: dict):
    return match(WANTED, parse_cells(json.dumps(notebook).encode()))


def hows(found) -> set[str]:
    return {finding.how for finding in found.findings}


def without_metadata(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def without_metadata_and_ids(notebook):
    without_metadata(notebook)
    for cell in notebook["cells"]:
        cell.pop("id", None)
    notebook.update(nbformat_minor=0)


def through_colab(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": cell.pop("id"), "colab": {"base_uri": "https://x"}, "outputId": "1"}
    notebook.update(nbformat_minor=0, metadata={"colab": {"provenance": []}, "accelerator": "GPU"})


def with_broken_metadata(notebook):
    for cell, junk in zip(
        notebook["cells"], [None, [], "x", {"nbgrader": []}, {"nbgrader": {"grade_id": 7}}] * 9, strict=False
    ):
        cell["metadata"] = junk
    notebook["metadata"] = None


def in_lines(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)


def with_windows_line_ends(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


def without_tests(notebook):
    notebook["cells"] = [cell for cell in notebook["cells"] if not grade_id(cell).startswith("test-")]


def with_failing_cells(notebook):
    notebook["cells"] = [each for cell in notebook["cells"] for each in (code("1 / 0"), cell, code("def broken(:"))]


def with_another_kernel(notebook):
    notebook["metadata"] = {"kernelspec": {"name": "julia-1.9"}, "language_info": {"name": "julia"}, "widgets": {}}


def reordered(notebook):
    notebook["cells"].reverse()


UNHARMED = [in_lines, with_windows_line_ends, without_tests, with_failing_cells, with_another_kernel, reordered]
FOUND_OTHERWISE = [without_metadata, without_metadata_and_ids, through_colab, with_broken_metadata]


@pytest.mark.parametrize("minor", range(6))
def test_every_minor_format_gives_the_same_answers(minor):
    notebook = solved() | {"nbformat_minor": minor}
    for cell in notebook["cells"] if minor < 5 else ():
        del cell["id"]
    found = graded(notebook)
    assert found.answers == REFERENCE and not found.findings


@pytest.mark.parametrize("damage", [*UNHARMED, *FOUND_OTHERWISE], ids=lambda damage: damage.__name__)
def test_a_damaged_notebook_gives_the_same_answers(damage):
    notebook = solved()
    damage(notebook)
    found = graded(notebook)
    assert found.answers == REFERENCE
    assert not found.doubtful and hows(found) <= {"restored", "cell id", "anchor"}


@pytest.mark.parametrize("damage", FOUND_OTHERWISE, ids=lambda damage: damage.__name__)
def test_an_answer_found_otherwise_than_by_its_mark_is_told_with_the_confidence(damage):
    notebook = solved()
    damage(notebook)
    told = {each.cell: each for each in graded(notebook).findings if each.cell}
    assert set(told) == set(REFERENCE)
    assert all(0.75 <= each.confidence < 1 and each.how in each.says for each in told.values())


def test_the_empty_release_is_known_to_be_unedited():
    assert graded(RELEASE).unedited == set(REFERENCE) and not graded(solved()).unedited


def test_a_deleted_answer_is_reported_and_doubtful():
    notebook = solved()
    del notebook["cells"][at(notebook, "prelu")]
    found = graded(notebook)
    assert "prelu" not in found.answers and found.doubtful == {"prelu"} and "missing" in hows(found)


def test_of_two_cells_with_one_mark_the_one_that_answers_is_taken():
    notebook = solved()
    place = at(notebook, "elu")
    stub = copy.deepcopy(RELEASE["cells"][at(RELEASE, "elu")])
    for position in (place, place + 1):
        doubled = copy.deepcopy(notebook)
        doubled["cells"].insert(position, stub)
        found = graded(doubled)
        assert found.answers["elu"] == REFERENCE["elu"] and hows(found) == {"doubled"}


def test_a_copied_cell_that_answers_another_question_is_found_by_what_it_defines():
    notebook = solved()
    copied = notebook["cells"][at(notebook, "prelu")]
    copied["metadata"], copied["id"] = notebook["cells"][at(notebook, "elu")]["metadata"], "other"
    assert graded(notebook).answers == REFERENCE


def test_an_answer_in_a_new_cell_is_found_where_its_own_was_left_alone():
    notebook = solved()
    place = at(notebook, "maxout")
    notebook["cells"][place]["source"] = RELEASE["cells"][place]["source"]
    notebook["cells"].append(code(REFERENCE["maxout"]))
    found = graded(notebook)
    assert found.answers == REFERENCE and hows(found) == {"elsewhere"} and not found.doubtful


def test_a_comment_is_an_anchor_where_nothing_is_defined():
    notebook = solved()
    cell = notebook["cells"][at(notebook, "elu")]
    cell.update(metadata={}, id="x", source="# answer: elu\nprint('I do not know')")
    assert graded(notebook).answers["elu"].endswith("print('I do not know')")


def test_an_answer_without_any_mark_is_found_by_its_place_and_is_doubtful():
    notebook = solved()
    cell = notebook["cells"][at(notebook, "elu")]
    cell.update(metadata={}, id="x", source="print('I do not know')")
    found = graded(notebook)
    assert found.answers["elu"] == "print('I do not know')" and found.doubtful == {"elu"}


def test_what_other_cells_define_goes_with_the_answer_that_needs_it():
    notebook = solved()
    notebook["cells"][at(notebook, "elu")]["source"] = (
        "def elu(z, alpha=1.0):\n    return alpha * half(z, images) + np.zeros(1)"
    )
    extra = (
        "import numpy as np\nimages = 'not ours'\nunused = 1 / 0\n\n@staticmethod\ndef half(z, _):\n    return deep(z)"
    )
    notebook["cells"][:0] = [code(extra), code("1/0"), code("def deep(z):\n    return z\nprint(deep)")]
    found = graded(notebook)
    assert hows(found) == {"borrowed"}
    assert found.answers["elu"].startswith(
        "import numpy as np\n@staticmethod\ndef half(z, _):\n    return deep(z)\ndef deep(z):\n    return z\ndef elu"
    )
    assert {name: found.answers[name] for name in REFERENCE if name != "elu"} == {
        name: source for name, source in REFERENCE.items() if name != "elu"
    }


def lent(name: str, extra: str) -> tuple[str, dict]:
    """What goes from an extra cell with an answer that uses `name`: its text, and the names it binds."""
    notebook = solved()
    source = f"{REFERENCE['elu']}\nprint({name})"
    notebook["cells"][at(notebook, "elu")]["source"] = source
    notebook["cells"].insert(1, code(extra))
    text, names = graded(notebook).answers["elu"].removesuffix(source), {}
    exec(text, names)  # noqa: S102
    return text, names


@pytest.mark.parametrize(
    "written",
    [
        "from math import *",
        "def tau():\n    pass\n\n\ntau = 6.283 if (pi := 3.14) else 0",
        "pi = None\n\n\ndef prepare():\n    global pi\n    pi = 3.14\n\n\nprepare()",
    ],
)
def test_names_that_are_bound_in_unusual_ways_go_with_the_answer(written):
    _, names = lent("pi", f"{written}\nprint('shown')")
    assert round(names["pi"], 2) == 3.14


@pytest.mark.parametrize(
    "fill",
    [
        "for k in range(3):\n    table.append(k)",
        "table[:] = range(3)",
        "def fill():\n    table.extend(range(3))\n\n\nfill()",
        "def register(f):\n    table.extend(f())\n    return f\n\n\n@register\ndef three():\n    return range(3)",
    ],
)
def test_what_fills_a_list_goes_with_the_list_and_what_only_shows_it_does_not(fill):
    extra = f"import matplotlib.pyplot as plt\ntable = []\n{fill}\nplt.plot(table)\nprint(table, 1 / 0)"
    text, names = lent("table", extra)
    assert names["table"] == [0, 1, 2] and "plt" not in text and "1 / 0" not in text


def test_a_helper_is_borrowed_though_a_later_answer_has_one_of_the_same_name():
    notebook = solved()
    notebook["cells"][at(notebook, "elu")]["source"] += "\nhalf(1)"
    notebook["cells"][at(notebook, "maxout")]["source"] += "\n\n\ndef half(x):\n    return x"
    notebook["cells"].insert(1, code("def half(x):\n    return x / 2"))
    assert graded(notebook).answers["elu"].startswith("def half(x):\n    return x / 2")


@pytest.mark.parametrize("cell", ["setup", "test-elu"])
def test_what_a_student_adds_to_a_cell_of_ours_goes_with_the_answer_that_needs_it(cell):
    notebook = solved()
    notebook["cells"][at(notebook, cell)]["source"] += (
        "\nimport numpy as np\n\n\ndef half(x):\n    return np.array(x) / 2"
    )
    notebook["cells"][at(notebook, "elu")]["source"] += "\nhalf(1)"
    found = graded(notebook)
    assert found.answers["elu"].startswith("import numpy as np\ndef half") and not found.doubtful


@pytest.mark.parametrize("cell", ["setup", "test-elu", "maxout"])
def test_an_answer_in_the_place_of_something_else_is_taken_and_doubtful(cell):
    notebook = solved()
    place = at(notebook, "elu")
    notebook["cells"][place]["source"] = RELEASE["cells"][place]["source"]
    notebook["cells"][at(notebook, cell)]["source"] += f"\n\n\n{REFERENCE['elu']}"
    found = graded(notebook)
    assert bound(found.answers["elu"]) >= {"elu"} and "elu" not in found.unedited and found.doubtful == {"elu"}


def test_of_several_new_cells_that_answer_the_last_before_the_test_is_taken_and_doubtful():
    notebook = solved()
    place = at(notebook, "maxout")
    notebook["cells"][place]["source"] = RELEASE["cells"][place]["source"]
    notebook["cells"].append(code("def maxout(z, pieces):\n    pass  # scratch"))
    notebook["cells"].insert(place, code(REFERENCE["maxout"]))
    found = graded(notebook)
    assert found.answers == REFERENCE and found.doubtful == {"maxout"}


def test_what_is_said_of_a_borrowed_name_is_short():
    notebook = solved()
    notebook["cells"][at(notebook, "elu")]["source"] += f"\n{'a' * 9999}"
    notebook["cells"].insert(1, code(f"{'a' * 9999} = 1"))
    assert all(len(each.says) < 400 for each in graded(notebook).findings)


def test_what_is_needed_is_found_through_a_long_chain_and_each_cell_is_looked_at_once(monkeypatch):
    looked = []
    monkeypatch.setattr(definitions, "needed", lambda text: looked.append(text) or needed(text))
    for between in ("\n", ";"):
        chain = between.join(f"a{i} = a{i + 1}" for i in range(300))
        looked.clear()
        assert "\n".join(borrowed({"a0"}, ["unused = 1", chain], set())) == chain
        assert len(looked) == len(set(looked)) == len(chain.splitlines())


@pytest.mark.parametrize("source", ["%a\n" * 600, "f?\n" * 600, "x = !ls\n" * 600, "%a\n" * 20 + "x = 1\n" * 30_000])
def test_more_lines_for_ipython_than_it_can_read_are_left_as_they_are(source):
    assert plain(source) == source


def test_a_thousand_branches_are_read():
    assert bound("if 1:\n    a = 1\n" + "elif 2:\n    b = 1\n" * 1400) == {"a", "b"}


def test_definitions_in_branches_go_with_the_answer_as_well():
    notebook = solved()
    notebook["cells"][at(notebook, "elu")]["source"] = "def elu(z, alpha=1.0):\n    return np.exp(z) * table[0] * scale"
    branches = [
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None",
        "with open('x') as f:\n    table = [1]",
    ]
    notebook["cells"][:0] = [code(f"{branches[0]}\nfor scale in range(3):\n    pass\nprint(1)"), code(branches[1])]
    found = graded(notebook)
    assert found.answers["elu"].startswith(
        "\n".join([branches[0], "for scale in range(3):\n    pass", branches[1], "def"])
    )


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_an_answer_that_was_made_a_cell_of_text_by_a_slip_is_code_still(kind):
    notebook = solved()
    notebook["cells"][at(notebook, "elu")]["cell_type"] = kind
    found = graded(notebook)
    assert found.answers == REFERENCE and hows(found) == {"type"} and not found.doubtful


def test_lines_for_ipython_become_calls_that_do_nothing_and_are_reported():
    notebook = solved()
    cell = notebook["cells"][at(notebook, "elu")]
    cell["source"] = "%%time\n!pip install x\n" + cell["source"]
    found = graded(notebook)
    ignored, answer = found.answers["elu"].strip().split("\n", 1)
    assert answer == REFERENCE["elu"] and ignored.startswith("get_ipython()") and hows(found) == {"magic"}


def test_a_percent_sign_that_is_python_stays():
    notebook = solved()
    source = "def elu(z, alpha=1.0):\n    return (z\n        % alpha)"
    notebook["cells"][at(notebook, "elu")]["source"] = source
    assert graded(notebook).answers["elu"] == source


def test_changed_cells_of_ours_are_told_and_never_used():
    notebook = solved()
    notebook["cells"][at(notebook, "test-elu")]["source"] = "print('full marks')"
    notebook["cells"][at(notebook, "setup")]["source"] += "\nprint('mine')"
    found = graded(notebook)
    assert found.answers == REFERENCE
    assert sorted(each.says for each in found.findings) == [
        "given cell setup was changed: ours is used",
        "test cell test-elu was changed: ours is used",
    ]


def test_flags_that_a_student_sets_in_the_metadata_mean_nothing():
    notebook = solved()
    for cell in notebook["cells"]:
        if mark := cell["metadata"].get("nbgrader"):
            mark.update(grade=not mark["grade"], solution=not mark["solution"], points=100, checksum="0")
    found = graded(notebook)
    assert found.answers == REFERENCE and not found.findings
