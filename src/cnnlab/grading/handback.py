"""Feedback as an archive that a learning platform takes back, under the names by which it gave the notebooks out."""

import copy
import io
import json
import zipfile
from html import escape
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.grading import gradebook
from cnnlab.grading.collecting import remembered
from cnnlab.grading.course import Course, write
from cnnlab.grading.feedback import answered_by, told, waits
from cnnlab.grading.gradebook import Mark
from cnnlab.grading.pages import points, text
from cnnlab.grading.roster import Sender
from cnnlab.grading.running import load

PLATFORMS = {
    "moodle": 'Moodle: in the assignment, "Upload multiple feedback files in a zip"',
    "canvas": 'Canvas: in the gradebook, "Upload Submissions" in the menu of the assignment',
}


def archive(course: Course, slug: str, platform: str) -> tuple[Path, list[str], list[str]]:
    """Write `feedback/SLUG-PLATFORM.zip`: the path, who is in it, and who is not since no file of theirs came from there.

    Moodle takes any file in a folder of the participant's name and number: the page. Canvas takes a file by the name that
    it gave, and shows it under the one that the student gave: so it gets the notebook back, with the feedback in it.
    """
    choose(PLATFORMS, platform, "platform")
    senders, _ = remembered(course, slug)
    files, others = {}, []
    make = _pages if platform == "moodle" else _notebooks
    for student, data in make(course, slug).items():
        who = senders.get(student, Sender(""))
        if who.platform != platform:
            others.append(student)
        elif platform == "moodle":
            files[student] = f"{who.name}_{who.lms}_assignsubmission_file_/{slug}-feedback.html", data
        else:
            files[student] = who.file, _boxed(f"{slug}.ipynb", data) if who.file.endswith(".zip") else data
    if not files:
        raise ValueError(
            f"no file came from {platform.title()}: collect its archive first, that the names in it are known"
        )
    path = course.root / "feedback" / f"{slug}-{platform}.zip"
    write(path, _zipped(files.values()))
    return path, list(files), others


def _pages(course: Course, slug: str) -> dict[str, bytes]:
    found = {
        student: course.root / "feedback" / student / slug / f"{slug}.html"
        for student in load(course, slug)["students"]
    }
    return {student: path.read_bytes() for student, path in found.items() if path.exists()}


def _notebooks(course: Course, slug: str) -> dict[str, bytes]:
    run, marks, comments = load(course, slug), gradebook.marks(course, slug), gradebook.comments(course, slug)
    release, answered = json.loads(course.notebook("release", slug).read_text("utf8")), answered_by(course, slug)
    found = {}
    for student, each in run["students"].items():
        if student in marks:
            remarks = _remarks(each, marks[student], comments.get(student, {}), answered)
            found[student] = json.dumps(_filled(release, each, remarks), ensure_ascii=False, indent=1).encode()
    return found


def _remarks(
    each: dict, marks: dict[str, Mark], comments: dict[str, str], answered: dict
) -> dict[str, tuple[str, str]]:
    """What is said below each cell, in Markdown, and in the output of a test."""
    found = {name: (f"**Comment:** {_plain(comment)}", "") for name, comment in comments.items()}
    for test, mark in marks.items():
        says, message = told(mark, each, test, answered.get(test, ()))
        score = f"**{'?' if waits(mark, each) else points(mark.points)} of {points(mark.most)} points.** {says}"
        found[test] = "\n\n".join(filter(None, [score, found.get(test, ("", ""))[0]])), message
    have, most = sum(mark.points for mark in marks.values()), sum(mark.most for mark in marks.values())
    wrong = f"\n\nYour file could not be read: {_plain(each['wrong'])}. Hand it in again." if each["wrong"] else ""
    so_far = " so far" if any(waits(mark, each) for mark in marks.values()) else ""
    return found | {"": (f"## {points(have)} of {points(most)} points{so_far}{wrong}", "")}


def _filled(release: dict, each: dict, remarks: dict[str, tuple[str, str]]) -> dict:
    """The released notebook with a student's answers in it, and with remarks: all of it text, and nothing that would run."""
    notebook = copy.deepcopy(release)
    cells, notebook["cells"] = notebook["cells"], [_remark("feedback", remarks[""][0])]
    for cell in cells:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "-")
        if name in each["answers"]:
            cell["source"] = each["answers"][name]
        if name in each.get("texts", {}):
            cell["source"] = escape(each["texts"][name], quote=False)
        says, message = remarks.get(name, ("", ""))
        if message:
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": f"{text(message)}\n"}]
        notebook["cells"] += [cell, *([_remark(f"feedback-{name}"[:64], says)] if says else [])]
    return notebook


def _remark(name: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def _plain(comment: str) -> str:
    """A comment as Markdown that says just that."""
    return escape(text(comment), quote=False).replace("\n", "  \n")


def _zipped(files) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as found:
        for name, data in files:
            found.writestr(name, data)
    return box.getvalue()


def _boxed(name: str, data: bytes) -> bytes:
    return _zipped([(name, data)])
