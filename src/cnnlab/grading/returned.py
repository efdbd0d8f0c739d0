"""The notebook that formgrader shows, and `nbgrader generate_feedback` reads: answers beside what the tests said.

Tests stand in it as students know them: what is not here cannot be printed into a student's feedback.
"""

import copy
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path

from cnnlab.grading.assignment import Outcome
from cnnlab.grading.course import write
from cnnlab.grading.slots import Submission


def autograded(path: Path, release: dict, submission: Submission, outcomes: Mapping[str, Outcome]) -> None:
    """Write the released notebook with a student's answers in it and with the outcomes as outputs."""
    notebook = copy.deepcopy(release)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name in submission.answers:
            cell["source"] = submission.answers[name]
        if name in submission.texts:  # formgrader would run a script that stands in a text
            cell["source"] = escape(submission.texts[name], quote=False)
        if name in outcomes:
            cell["outputs"] = [output(outcomes[name])]
    write(path, json.dumps(notebook, ensure_ascii=False, indent=1))


def output(outcome: Outcome) -> dict:
    """What a test came to, as the output of its cell. Text alone: a page that shows it has nothing to run."""
    said = outcome.message or outcome.verdict
    if outcome.points >= outcome.max_points:
        return {"output_type": "stream", "name": "stdout", "text": f"{said}\n"}
    return {
        "output_type": "error",
        "ename": outcome.verdict,
        "evalue": said,
        "traceback": [f"{outcome.verdict}: {said}"],
    }
