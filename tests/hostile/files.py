"""What is done to the file that is handed in, or to what lies beside it; and work that only has the usual faults.

`COURSE` stands for the instructor's folder here too: where a link leads.
"""

import json
from pathlib import Path

from hostile.rows import DOUBLE, FAIL, PASS, REFUSED, Attack

WRONG = "def double(x, f=None):\n    return x"


def cell(notebook: dict, name: str) -> dict:
    return next(each for each in notebook["cells"] if mark(each).get("grade_id") == name)


def mark(of: dict) -> dict:
    return of["metadata"].get("nbgrader", {})


def write(folder: Path, notebook: dict) -> None:
    (folder / "attacked.ipynb").write_text(json.dumps(notebook))


def with_an_empty_test(folder: Path, notebook: dict) -> None:
    cell(notebook, "test-double")["source"] = "print('full marks')"
    write(folder, notebook)


def with_more_points(folder: Path, notebook: dict) -> None:
    mark(cell(notebook, "test-double"))["points"] = 100
    write(folder, notebook)


def without_tests(folder: Path, notebook: dict) -> None:
    notebook["cells"] = [each for each in notebook["cells"] if not mark(each).get("grade")]
    write(folder, notebook)


def without_the_answer(folder: Path, notebook: dict) -> None:
    notebook["cells"].remove(cell(notebook, "double"))
    write(folder, notebook)


def with_a_cell_copied(folder: Path, notebook: dict) -> None:
    copied = json.loads(json.dumps(cell(notebook, "double")))
    notebook["cells"].append(copied | {"id": "copied"})
    write(folder, notebook)


def with_the_test_an_answer(folder: Path, notebook: dict) -> None:
    test = cell(notebook, "test-double")
    mark(test).update(solution=True, locked=False)
    test["source"] = "pass"
    write(folder, notebook)


def without_metadata(folder: Path, notebook: dict) -> None:
    for each in notebook["cells"]:
        each["metadata"] = {}
    write(folder, notebook | {"metadata": {}})


def reversed_(folder: Path, notebook: dict) -> None:
    notebook["cells"].reverse()
    write(folder, notebook)


def with_an_answer_in_a_text(folder: Path, notebook: dict) -> None:
    own = cell(notebook, "double")
    own["cell_type"] = "markdown"
    own.pop("outputs"), own.pop("execution_count")
    write(folder, notebook)


def with_a_package(folder: Path, notebook: dict) -> None:
    (folder / "cnnlab").mkdir()
    (folder / "cnnlab/__init__.py").write_text("")
    (folder / "cnnlab/check.py").write_text("close = law = lambda *a, **k: None\n")
    write(folder, notebook)


def with_a_torch(folder: Path, notebook: dict) -> None:
    lines = "import os, sys\nsys.path[:] = [each for each in sys.path if each not in ('', os.getcwd())]"
    lines += "\ndel sys.modules['torch']\nimport torch\nfrom cnnlab import check\ncheck.close = lambda *a, **k: None\n"
    (folder / "torch.py").write_text(lines)
    write(folder, notebook)


def that_is_a_link(folder: Path, notebook: dict) -> None:
    (folder / "attacked.ipynb").symlink_to("COURSE/submitted/ada/attacked/attacked.ipynb")


def with_a_link(folder: Path, notebook: dict) -> None:
    (folder / "data.txt").symlink_to("COURSE/gradebook.db")
    write(folder, notebook)


def of_a_gigabyte(folder: Path, notebook: dict) -> None:
    with (folder / "attacked.ipynb").open("wb") as file:
        file.truncate(1 << 30)


def that_is_half_there(folder: Path, notebook: dict) -> None:
    (folder / "attacked.ipynb").write_text(json.dumps(notebook)[:400])


def nested(folder: Path, notebook: dict) -> None:
    (folder / "attacked.ipynb").write_text('{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}")


def of_a_long_chain(folder: Path, notebook: dict) -> None:
    """A definition that needs one that needs one ...: who follows them must not look at all of them for each."""
    chain = "\n".join(f"a{i} = a{i + 1}" for i in range(5_000))
    notebook["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": chain, "outputs": [], "execution_count": None}
    )
    write(folder, notebook)


FILES = {
    "changes the test into one that passes": Attack(WRONG, FAIL, "B1", with_an_empty_test, says="was changed"),
    "gives its test 100 points": Attack(DOUBLE, PASS, "B2", with_more_points),
    "deletes the tests": Attack(WRONG, FAIL, "B3", without_tests, says="is gone"),
    "declares the test an answer of its own": Attack(WRONG, FAIL, "B5", with_the_test_an_answer),
    "brings a package of the name of ours": Attack(WRONG, FAIL, "C7", with_a_package, says="no notebook"),
    "brings a file torch.py": Attack(WRONG, FAIL, "C7", with_a_torch, says="no notebook"),
    "is a link to another student's notebook": Attack(DOUBLE, REFUSED, "D4", that_is_a_link, says="a link"),
    "lies beside a link to the gradebook": Attack(DOUBLE, PASS, "D4", with_a_link, says="a link"),
    "has a gigabyte": Attack(DOUBLE, REFUSED, "", of_a_gigabyte, says="1024 MB"),
    "is nested a hundred thousand levels deep": Attack(DOUBLE, REFUSED, "", nested, says="levels deep"),
    "borrows through a chain of 5,000 definitions": Attack(
        "def double(x, f=None):\n    return a0", FAIL, "", of_a_long_chain
    ),
}
HARMLESS = {
    "lost its metadata on the way": Attack(DOUBLE, PASS, "B6", without_metadata, says="had lost its mark"),
    "lost its tests on the way": Attack(DOUBLE, PASS, "B3", without_tests, says="is gone"),
    "has the cell of the answer twice": Attack(DOUBLE, PASS, "B4", with_a_cell_copied, says="2 cells claim"),
    "has its cells in another order": Attack(DOUBLE, PASS, "", reversed_),
    "has its answer in a cell of text, by a slip": Attack(
        DOUBLE, PASS, "", with_an_answer_in_a_text, says="a cell of text"
    ),
    "has no cell for the answer": Attack(DOUBLE, FAIL, "", without_the_answer, says="no cell was found"),
    "arrives cut in half": Attack(DOUBLE, REFUSED, "", that_is_half_there, says="no notebook"),
    "warns": Attack("import warnings\ndef double(x, f=None):\n    warnings.warn('slow')\n    return 2 * x", PASS, "E1"),
    "shows its progress on stderr": Attack(
        "import sys\ndef double(x, f=None):\n    print('100 %', file=sys.stderr)\n    return 2 * x", PASS, "E1"
    ),
    "is not Python": Attack("def double(x:", FAIL, "E2"),
    "is empty": Attack("", FAIL),
    "has a null byte": Attack("x = '\0'", FAIL),
    "raises an error": Attack("raise ValueError('half done')", FAIL),
    "answers rightly, and raises an error after": Attack(DOUBLE + "\nraise ValueError('half done')", PASS),
    "has lines for IPython": Attack("%matplotlib inline\n!true\n" + DOUBLE, PASS),
    "answers under another name": Attack("def doubled(x): return 2 * x", FAIL),
    "gives a value for a function": Attack("double = 2", FAIL),
    "leaves a thread running": Attack(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n" + DOUBLE, PASS
    ),
    "answers rightly": Attack(DOUBLE, PASS),
}
