"""What comes out of a grading: the report, the students' pages, tables, mended notebooks."""

import csv
import io
import json
import re
import zipfile
from datetime import datetime
from html import unescape

import nbformat
import pytest
from classroom import handed_in, notebook, reference, zipped
from test_grading_collect import EMPTY, GOOD, boxed
from test_grading_course import SLUG, course, grader, released, say, submit, without  # noqa: F401, fixtures

from cnnlab.grading import gradebook
from cnnlab.grading.copies import alike, normal_form
from cnnlab.grading.gradebook import Person
from cnnlab.grading.matching import match
from cnnlab.grading.pages import page, tag, text
from cnnlab.grading.reading import parse_cells

pytestmark = pytest.mark.slow

SCRIPT = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


def shown(path) -> str:
    """The text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", path.read_text("utf8").partition("</head>")[2])).split())


def feedback_of(course, student):  # noqa: F811
    return course.root / "feedback" / student / SLUG / f"{SLUG}.html"


# Feedback


def test_a_student_reads_what_failed_and_the_hint_and_the_answer_given(course, say):  # noqa: F811
    submit(course, ada=without("elu", "def elu(z):\n    return z  # hidden"))
    say("run", SLUG)
    assert "feedback: 1 pages" in say("feedback")[1]
    said = shown(feedback_of(course, "ada"))
    assert "8 of 10 points · ada" in said and "1. An ELU that survives" in said and "0 of 2" in said
    assert "It was on inputs that the notebook does not show." in said
    assert "<b>wrong</b>: def elu(z)" in said and "return z # hidden" in said


def test_who_answered_nothing_reads_that_and_no_error(course, say):  # noqa: F811
    submit(course, ada={"elu": "def elu(z):\n    return z"})
    say("run", SLUG)
    say("feedback")
    said = shown(feedback_of(course, "ada"))
    assert said.count("This is still as it was given out.") == 4 and "NotImplementedError" not in said
    assert said.count("Your answer") == 1 and "No response." not in said


def test_a_file_that_cannot_be_read_is_no_failed_check(course, say):  # noqa: F811
    submit(course, ada=b"%PDF-1.7")
    say("run", SLUG)
    say("feedback")
    said = shown(feedback_of(course, "ada"))
    assert "Your file could not be read: the file is no notebook: it is a PDF. Hand it in again." in said
    assert "0 of 10 points so far" in said and said.count("? of 2") == 5 and "A check did not hold" not in said


def test_a_student_reads_when_it_was_handed_in_and_how_a_damaged_file_was_read(course, say):  # noqa: F811
    broken = notebook(SLUG, reference(SLUG))
    for cell in broken["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    submit(course, ada=json.dumps(broken).encode())
    (course.notebook("submitted", SLUG, "ada").parent / "timestamp.txt").write_text("2026-11-21 09:30:00 UTC")
    gradebook.set_due(course, SLUG, datetime(2026, 11, 20, 23, 59))
    say("run", SLUG)
    say("feedback")
    said = shown(feedback_of(course, "ada"))
    assert "Handed in 2026-11-21 09:30 UTC, after it was due (2026-11-20 23:59)." in said
    assert "elu, prelu, maxout, dead, choose found by what they define." in said and "lost its mark" not in said


def test_every_verdict_is_told_in_words(course, say):  # noqa: F811
    submit(course, ada={"elu": "crashed", "prelu": "out of time", "maxout": "not gradable"})
    say("run", SLUG)
    say("feedback")
    said = shown(feedback_of(course, "ada"))
    for words in (
        "ended the process",
        "took longer than the time",
        "it has not cost you anything",
        "A person will look",
    ):
        assert words in said


def test_no_hidden_test_and_no_solution_stands_in_a_students_page(course, say):  # noqa: F811
    submit(course, ada={}, bob=without("elu", "crashed"))
    say("run", SLUG)
    say("feedback")
    source = json.loads(course.notebook("source", SLUG).read_text("utf8"))
    public = json.dumps(notebook(SLUG))
    parts = r"### BEGIN (?:HIDDEN TESTS|SOLUTION)\n(.*?)### END"
    secret = {
        line.strip()
        for cell in source["cells"]
        for part in re.findall(parts, "".join(cell["source"]), re.DOTALL)
        for line in part.splitlines()
        if len(line.strip()) > 15 and json.dumps(line.strip())[1:-1] not in public
    }
    assert len(secret) > 50
    public_text = "\n".join("".join(cell["source"]) for cell in json.loads(public)["cells"])
    graded = json.loads(course.notebook("autograded", SLUG, "ada").read_text("utf8"))
    assert "\n".join("".join(cell["source"]) for cell in graded["cells"]) == public_text
    outputs = json.dumps([cell.get("outputs") for cell in graded["cells"]], ensure_ascii=False)
    for said in (shown(feedback_of(course, "ada")), outputs):
        assert not [line for line in secret if line in said]


def test_what_a_human_says_stands_in_the_page(course, say):  # noqa: F811
    submit(course, ada=without("elu", "nearly"))
    say("run", SLUG)
    with gradebook.gradebook(course) as book:
        book.find_grade("test-elu", SLUG, SLUG, "ada").manual_score = 1.5
        book.find_comment("elu", SLUG, SLUG, "ada").manual_comment = f"Nice try {SCRIPT}"
        book.db.commit()
    say("feedback")
    said = shown(feedback_of(course, "ada"))
    assert "9.5 of 10 points" in said and "Graded by hand." in said and "Nice try <script>" in said


def test_whatever_a_student_writes_stands_in_pages_as_text(course, say):  # noqa: F811
    gradebook.enter(course, [Person("ada", SCRIPT, SCRIPT)])
    submit(course, ada=without("elu", f"{SCRIPT}\u202e\x1b[31m"))
    say("run", SLUG)
    say("feedback")
    say("report")
    for path in (feedback_of(course, "ada"), course.root / "reports" / f"{SLUG}.html"):
        source = path.read_text("utf8")
        assert "<script" not in source and "<img" not in source and "\u202e" not in source and "\x1b" not in source
        assert "&lt;script&gt;" in source and "default-src 'none'" in source


@pytest.mark.browser
def test_in_a_browser_a_hostile_page_runs_nothing_and_asks_for_nothing(chromium, tmp_path):
    """The policy alone must do, were a text to slip through unescaped one day."""
    evil = page("feedback", tag("p", "SLIP")).replace("SLIP", f'{SCRIPT}<p onclick="x()" style="color:red">')
    (tmp_path / "evil.html").write_text(evil)
    tab = chromium.new_page()
    asked = []
    tab.on("requestfinished", lambda request: asked.append(request.url))
    tab.goto((tmp_path / "evil.html").as_uri())
    assert tab.title() == "feedback" and len(asked) == 1
    assert tab.evaluate("getComputedStyle(document.querySelector('p[onclick]')).color") != "rgb(255, 0, 0)"
    assert tab.evaluate("getComputedStyle(document.body).maxWidth") == "960px"  # its own style holds
    tab.close()


def test_text_keeps_letters_and_drops_what_a_terminal_obeys():
    assert text("Zoë 王 \x1b[0m\u202e\n\ta\xa0b") == "Zoë 王 [0m\n\ta b"
    assert tag("p", 1 < 2, title='"<') == '<p title="&quot;&lt;">True</p>'


# Report


def test_the_report_shows_grades_questions_flags_and_the_isolation(course, say):  # noqa: F811
    broken = notebook(SLUG, reference(SLUG))
    for cell in broken["cells"]:
        cell["metadata"] = {}
    submit(course, ada=reference(SLUG), bob=without("elu", "out of time"), eve=json.dumps(broken).encode(), zed=b"oops")
    gradebook.enter(course, [Person("gone", "Not", "There")])
    say("run", SLUG)
    assert say("report")[0] == 0
    said = shown(course.root / "reports" / f"{SLUG}.html")
    assert (
        "4 submissions, 5 people in the course. Graded 20" in said
        and "Isolation: pretense: nothing is run at all" in said
    )
    assert "Mean 7, median 9 of 10 points." in said
    assert "note of out of time" in said and "1 out of time" in said
    assert "Wait for a human: 1" in said and "Files that were mended: 2" in said
    assert "elu, prelu, maxout, dead, choose found by cell id 0.95" in said
    assert "zed zed all the file is no notebook: it breaks off or is damaged (" in said
    assert "In the course, and handed in nothing: 1" in said and "Not There" in said
    assert re.search(r"dead +the published solution +ada, bob, eve", re.sub(r"\s+", " ", said))
    grades = said.rpartition("Grades")[2]
    assert re.search(r"bob\s+bob[\s\d]+", grades)[0].split() == ["bob", "bob", "0", "2", "2", "2", "2", "8"]


LONG = """def f(z, k):
    total = 0
    for i in range(k):
        total = total + (z[i] - z.mean()) ** 2 / (k - 1)
    return total
"""


def test_renaming_comments_and_docstrings_do_not_hide_a_copy():
    renamed = LONG.replace("total", "s").replace("z", "image").replace("(image, k)", '(image: "x", k) -> int')
    renamed = renamed.replace("s = 0", '"""Mine."""  # own work\n    s = 0', 1)
    assert normal_form(renamed) == normal_form(LONG) != ""
    assert normal_form(LONG.replace("- 1", "+ 1")) != normal_form(LONG)
    assert normal_form(LONG.replace("z.mean()", "z.std()")) != normal_form(LONG)
    found = alike(
        {"f": "def f(z):\n    return z"},
        {"ada": {"f": LONG}, "bob": {"f": renamed}, "eve": {"f": "def f(z, k): return z"}},
    )
    assert [(each.students, each.published) for each in found] == [(("ada", "bob"), False)]


def test_short_answers_and_broken_ones_are_nobodys_copy():
    assert normal_form("def f(z):\n    return z + 1") == "" and normal_form("def (") == ""
    assert normal_form("f = " + "-" * 100_000 + "1") == ""


# Export


def test_the_table_for_nbgrader_is_the_one_nbgrader_writes(course, say, tmp_path):  # noqa: F811
    submit(course, ada=reference(SLUG), bob=without("elu", "x"))
    gradebook.enter(course, [Person("ada", "Ada", "Lovelace", "ada@example.org"), Person("gone", "Not", "There")])
    say("run", SLUG)
    ours = say("export")[1]
    with gradebook.gradebook(course) as book:
        from nbgrader.plugins import CsvExportPlugin

        plugin = CsvExportPlugin()
        plugin.to = str(tmp_path / "theirs.csv")
        plugin.export(book)
    assert ours == (tmp_path / "theirs.csv").read_text()


def test_tables_for_moodle_and_canvas_hold_their_numbers_and_the_points(course, say):  # noqa: F811
    submit(course, ada=reference(SLUG), bob=without("elu", "x"))
    gradebook.enter(
        course,
        [
            Person("ada", "Ada", "Lovelace", "ada@example.org", "101"),
            Person("gone", "=1+1", "There"),
            Person("wide", "＝1", "+1"),
        ],
    )
    say("run", SLUG)
    rows = {row["Full name"]: row for row in csv.DictReader(io.StringIO(say("export", "--to", "moodle")[1]))}
    assert rows["Ada Lovelace"] == {
        "Identifier": "Participant 101",
        "Full name": "Ada Lovelace",
        "Email address": "ada@example.org",
        "Grade": "10",
        "Maximum Grade": "10",
        "Last modified (grade)": "",
    }
    assert rows["'=1+1 There"]["Identifier"] == ""  # Moodle reads a number off the end of whatever stands there
    assert rows["bob"]["Grade"] == "8" and rows["'=1+1 There"]["Grade"] == "0" and "'＝1 +1" in rows
    rows = {row["Student"]: row for row in csv.DictReader(io.StringIO(say("export", "--to", "canvas")[1]))}
    assert rows["    Points Possible"][SLUG] == "10"
    assert rows["Lovelace, Ada"]["ID"] == "101" and rows["Lovelace, Ada"][SLUG] == "10"
    assert not say("export", "--to", "canvas")[2]
    status, _, err = say("export", "--to", "sakai")
    assert status == 2 and 'form of export "sakai" is unknown; choose one of: canvas, moodle, nbgrader' in err


def test_a_grade_that_waits_for_a_person_is_left_empty_for_a_platform_and_named(course, say):  # noqa: F811
    submit(course, ada=without("maxout", "not gradable"), bob=reference(SLUG), cleo=b"PK", eve=without("elu", "x"))
    say("run", SLUG)
    for form, head in (("moodle", "Grade"), ("canvas", SLUG)):
        _, out, err = say("export", SLUG, "--to", form)
        given = {row.get("Full name", row.get("Student")): row[head] for row in csv.DictReader(io.StringIO(out))}
        assert (given["ada"], given["bob"], given["cleo"]) == ("", "10", "") and given["eve"] == "8"
        assert "waiting for a person, and not final: ada, cleo" in err


# Handed back through the platform


def moodles_reading(name: str) -> tuple[str, str, str, str]:
    """Number, type, plugin and file, as `is_valid_filename_for_import` of Moodle's mod/assign/feedback/file reads a path."""
    parts = name.split("/")
    while parts:
        said = parts.pop(0).split("_", 4)
        if len(said) == 5 and said[1].isdigit():  # before 4.1 it asks for all five
            return said[1], said[2], said[3], "/".join(filter(None, [said[4], *parts]))
    raise ValueError(f"Moodle passes over {name}")


def canvas_reading(name: str) -> tuple[str, str]:
    """The numbers of user and file, as `infer_comment_context_from_filename` of Canvas's assignments reads a name."""
    user, file = [each for each in name.split("_") if re.fullmatch(r"\d+", each)][:2]
    return user, file


PEOPLE = [
    Person("ada", "Ada", "O'Brien", lms="101"),
    Person("bob", "Jean_Luc", "Bob", lms="102"),
    Person("eve", "Eve", "Comma, Jr.", lms="103"),
]


def collected(course, say, folder, files: dict[str, bytes]):  # noqa: F811
    """A course that has collected and graded what a platform gave out."""
    gradebook.enter(course, PEOPLE)
    status, _, err = say("collect", SLUG, zipped(folder / "in.zip", files))
    assert status == 0, err
    say("run", SLUG)


def test_moodle_finds_everybodys_page_in_the_archive_that_goes_back(course, say, tmp_path):  # noqa: F811
    """The participants' numbers are those of this assignment; the gradebook has others."""
    names = {"ada": "Ada OBrien_2001_assignsubmission_file", "bob": "Jean Luc Bob_2002_assignsubmission_file_"}
    collected(
        course, say, tmp_path, {f"{names['ada']}/activations.ipynb": GOOD, f"{names['bob']}/My work.ipynb": EMPTY}
    )
    submit(course, eve=reference(SLUG))  # by some other way
    say("run", SLUG)
    status, out, _ = say("feedback", "--zip", "moodle")
    path = course.root / "feedback" / f"{SLUG}-moodle.zip"
    assert status == 0 and f"to hand back: {path}, 2 students" in out
    assert "not in it, since their files did not come from there: eve" in out
    with zipfile.ZipFile(path) as archive:
        read = {moodles_reading(name): archive.read(name) for name in archive.namelist()}
    assert read == {
        (number, "assignsubmission", "file", f"{SLUG}-feedback.html"): feedback_of(course, who).read_bytes()
        for who, number in {"ada": "2001", "bob": "2002"}.items()
    }
    _, out, err = say("export", "--to", "moodle")
    rows = {row["Full name"]: row["Identifier"] for row in csv.DictReader(io.StringIO(out))}
    assert rows == {"Ada O'Brien": "Participant 2001", "Jean_Luc Bob": "Participant 2002", "Eve Comma, Jr.": ""}
    assert "Moodle passes over these" in err and err.rstrip().endswith(": eve")


def test_canvas_finds_everybodys_file_and_they_open_it_as_a_notebook(course, say, tmp_path):  # noqa: F811
    """Canvas shows a file under the name that the student gave it: only a notebook opens under that of a notebook."""
    files = {
        "obrienada_101_7001_activations.ipynb": handed_in(
            SLUG, without("elu", f"def elu(z):\n    return z  # {SCRIPT}")
        ),
        "bobjean_luc_LATE_102_7002_work-2.ipynb": EMPTY,
        "commajreve_103_7003_mine.zip": boxed("x.ipynb", GOOD),
    }
    collected(course, say, tmp_path, files)
    with gradebook.gradebook(course) as book:
        book.find_comment("maxout", SLUG, SLUG, "ada").manual_comment = f"Nice {SCRIPT}"
        book.db.commit()
    assert say("feedback", "--zip", "canvas")[0] == 0
    with zipfile.ZipFile(course.root / "feedback" / f"{SLUG}-canvas.zip") as archive:
        back = {name: archive.read(name) for name in archive.namelist()}
    numbers = {("101", "7001"), ("102", "7002"), ("103", "7003")}
    assert set(back) == set(files) and {canvas_reading(name) for name in back} == numbers
    with zipfile.ZipFile(io.BytesIO(back["commajreve_103_7003_mine.zip"])) as inner:
        nbformat.validate(nbformat.reads(inner.read(f"{SLUG}.ipynb").decode(), 4))
    mine = nbformat.reads(back["obrienada_101_7001_activations.ipynb"].decode(), 4)
    nbformat.validate(mine)
    prose = "\n".join(cell.source for cell in mine.cells if cell.cell_type == "markdown")
    assert "## 8 of 10 points" in prose and "**0 of 2 points.** A check did not hold." in prose
    assert "Nice &lt;script&gt;" in prose and "<script" not in prose and "HIDDEN" not in json.dumps(mine)
    outputs = [output for cell in mine.cells for output in cell.get("outputs", ())]
    assert {output.output_type for output in outputs} == {"stream"} and "<b>wrong</b>" in outputs[0].text
    assert match(course.slots(SLUG), parse_cells(json.dumps(mine).encode())).findings == ()  # it can be handed in again


def test_what_came_from_nowhere_cannot_be_handed_back(course, say):  # noqa: F811
    submit(course, ada=reference(SLUG))
    say("run", SLUG)
    status, _, err = say("feedback", "--zip", "moodle")
    assert status == 2 and "no file came from Moodle: collect its archive first" in err


# Repair


def test_a_notebook_without_metadata_is_mended_so_that_nothing_is_found_amiss(course, say, tmp_path):  # noqa: F811
    broken = notebook(SLUG, reference(SLUG))
    for cell in broken["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    (tmp_path / "mine.ipynb").write_text(json.dumps(broken))
    status, out, _ = say("repair", tmp_path / "mine.ipynb")
    assert status == 0 and f"mended: {tmp_path / 'mine.repaired.ipynb'}, with 5 answers" in out
    assert "elu had lost its mark and was found by its anchor (confidence 0.90)" in out
    assert (tmp_path / "mine.repaired.ipynb").read_bytes().strip() == json.dumps(
        notebook(SLUG, reference(SLUG)), ensure_ascii=False, indent=1
    ).encode()


def test_a_notebook_of_nothing_here_is_not_mended(course, say, tmp_path):  # noqa: F811
    (tmp_path / "x.ipynb").write_text('{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}')
    status, _, err = say("repair", tmp_path / "x.ipynb")
    assert status == 2 and "holds no answer of any exercise here" in err


def test_an_exercise_that_is_not_graded_yet_gives_nobody_a_zero(course, say):  # noqa: F811
    assert say("export")[0] == 2  # nothing is
    say("init", str(course.root), "learning-rates")
    say("release", "learning-rates")
    submit(course, ada=reference(SLUG))
    say("run", SLUG)
    header = say("export", "--to", "canvas")[1].splitlines()[0].split(",")
    assert SLUG in header and "learning-rates" not in header
    assert "learning-rates" in say("export", "learning-rates", "--to", "canvas")[1]
