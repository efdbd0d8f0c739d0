"""The cards that checks draw, from cells that a real kernel has run."""

import re
import subprocess
import sys
import warnings

import nbformat
import pytest
from nbclient import NotebookClient

from cnnlab import cards

SETUP = "import torch\nfrom cnnlab import check"
CELLS = {
    "right": 'check.close(27, 27)\ncheck.law("a = a", [(1,), (2,)], left=lambda a: a, right=lambda a: a)',
    "wrong": 'check.close(\n    3 * 3,\n    27,\n    hint="times the kernel",\n)\nprint("too far")',
    "law": 'check.law("2 = 2a", [(1,), (2,)], left=lambda a: 2, right=lambda a: 2 * a, hint="twice")',
    "inside": 'check.law("b = 2", [(1,)], left=lambda a: check.tensor(a, (2,)), right=lambda a: 2)',
    "markup": 'check.close("</div><script>alert(1)</script>", "<b>", hint="a < b & c")',
    "empty": "check.close(..., 3)",
    "caught": "try:\n    check.close(1, 2)\nexcept AssertionError as error:\n    print(error)",
    "ungraded": "with check.ungraded():\n    check.close(1, 2)\nprint('goes on')",
    "broken": "with check.ungraded():\n    check.close(1 / 0, 2)",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, list]:
    """The outputs of each cell, run one after the other in one kernel."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of jupyter_client, about the connection to its kernel
        NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    assert notebook.cells[0].outputs == []
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells[1:]), strict=True))


def card(output) -> str:
    assert output.output_type == "display_data"
    return output.data["text/html"]


def words(html: str) -> str:
    """What is left of a card without color and form."""
    return " ".join(re.sub("<[^>]+>|&ensp;", " ", html).split())


def test_what_is_right_gets_a_green_card_and_nothing_else(outputs):
    first, second = outputs["right"]
    assert words(card(first)) == "✓ Right 27" and words(card(second)) == "✓ Right a = a (2 cases)"
    assert cards.GREEN[-1] in card(first) and cards.RED[-1] not in card(first)
    assert first.data["text/plain"] == "right: 27"


def test_what_is_wrong_gets_a_red_card_and_stops_the_cell(outputs):
    drawn, error = outputs["wrong"]
    assert words(card(drawn)) == "✗ Not yet right got 9, want 27. Hint: times the kernel"
    assert cards.RED[-1] in card(drawn) and cards.GREEN[-1] not in card(drawn)
    assert drawn.data["text/plain"] == "not yet right: got 9, want 27. times the kernel"
    assert error.output_type == "error" and error.evalue == "got 9, want 27. times the kernel"


def test_below_a_red_card_stand_the_line_that_failed_and_the_message(outputs):
    assert outputs["wrong"][-1].traceback == [
        "check.close( 3 * 3, 27, …",
        "AssertionError: got 9, want 27. times the kernel",
    ]


def test_a_check_inside_a_law_says_for_which_case_it_failed(outputs):
    *_, message, note = outputs["inside"][-1].traceback
    assert message == "AssertionError: got 1, want a tensor of shape (2,)."
    assert note == 'This happened while checking "b = 2" for 1.'


def test_a_broken_law_and_a_missing_answer_have_cards_too(outputs):
    assert words(card(outputs["law"][0])) == "✗ Not yet right 2 = 2a: not for 2; got 2, want 4. Hint: twice"
    assert words(card(outputs["empty"][0])).startswith("✗ Not yet right No answer yet: put your code")


def test_a_question_nobody_grades_draws_its_card_once_and_the_notebook_goes_on(outputs):
    red, after = outputs["ungraded"]
    assert "got 1, want 2" in card(red) and after.text == "goes on\n"
    assert outputs["broken"][0].ename == "ZeroDivisionError"  # an error of the answer is shown as it is


def test_an_answer_cannot_write_markup_into_a_card(outputs):
    html = card(outputs["markup"][0])
    assert "<script" not in html and "&lt;script&gt;" in html and "a &lt; b &amp; c" in html
    assert html.count("<div") == html.count("</div>") == 1


def test_a_card_leaves_the_color_of_the_text_and_the_ground_to_the_page(outputs):
    styles = {card(each[0]).split('"')[1] for name, each in outputs.items() if name != "broken"}
    assert not any(re.search(r"(?<![-\w])color:", style) for style in styles)
    assert all(re.search(r"background-color: #[\da-f]{6}1f;", style) for style in styles), "translucent"


def test_the_marks_stand_out_on_white_and_on_black():
    for *_, color in (cards.GREEN, cards.RED):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        luminance = sum(c * w for c, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
        assert 1.05 / (luminance + 0.05) >= 3 and (luminance + 0.05) / (0.01 + 0.05) >= 3, color  # #1a1a1a has 0.01


def test_nothing_is_written_to_stderr(outputs):
    assert [o for each in outputs.values() for o in each if o.output_type == "stream" and o.name == "stderr"] == []


def test_nbgrader_gives_full_marks_under_green_cards_and_none_under_a_red_one(outputs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbgrader.utils import determine_grade
    marks = {"grade": True, "solution": False, "points": 2, "grade_id": "test"}
    for name, each in outputs.items():
        cell = nbformat.v4.new_code_cell(CELLS[name], outputs=each, metadata={"nbgrader": marks})
        assert determine_grade(cell) == (2 if name in ("right", "caught", "ungraded") else 0, 2), name


def test_without_a_notebook_a_check_prints_or_raises_an_ordinary_error_and_leaves_ipython_alone():
    code = (
        "import sys; from cnnlab import check\n"
        "check.close(1, 1)\n"
        "try: check.close(1, 2, hint='h')\n"
        "except AssertionError as error: print(type(error) is AssertionError, error, 'IPython' in sys.modules)\n"
        "with check.ungraded(): check.close(3, 4)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "right: 1\nTrue got 1, want 2. h False\ngot 3, want 4.\n" and not done.stderr
