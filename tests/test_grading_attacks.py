"""Every row of `hostile` has the verdict promised and harms nobody, and the page that says so was measured."""

import json
import os
import socket
import subprocess

import pytest
from conftest import book_script
from hostile import ASSIGNMENT, ATTACKS, FAMILIES, LIMITS, PASS
from hostile.course import answers, collected, make
from hostile.record import RECORD, fingerprint

from cnnlab.grading.engine import Grader, probe

ANSWERS = [name for name, attack in ATTACKS.items() if not attack.file]
FILES = [name for name, attack in ATTACKS.items() if attack.file]
# Rows of the table of nbgrader's weaknesses that was measured before this package was written.
WEAKNESSES = {f"{letter}{number}" for letter, count in zip("ABCDE", (7, 6, 7, 6, 2), strict=True)
              for number in range(1, count + 1)}  # fmt: skip


@pytest.fixture(scope="module")
def grader():
    if probe().name == "none":
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs bubblewrap: apt-get install bubblewrap")
    os.environ["CNNLAB_GRADING_SECRET"] = "31337"
    with Grader(limits=LIMITS) as grader:
        yield grader
    del os.environ["CNNLAB_GRADING_SECRET"]


@pytest.fixture(scope="module")
def prey(tmp_path_factory):
    """What an attack may look for: a course that all may write, a server, somebody else's process; all as it was after."""
    course = make(tmp_path_factory.mktemp("prey"))
    for path in [course.root, *course.root.rglob("*")]:
        path.chmod(0o777)
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    other = subprocess.Popen(["sleep", "31337"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield course, server.getsockname()[1]
    assert other.poll() is None
    other.kill()
    other.wait()
    assert {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()} == before


def judged(grader, name: str, said: dict[str, str]) -> None:
    attack = ATTACKS[name]
    mine, other = grader.grade(ASSIGNMENT, said)
    assert mine.verdict in attack.promised, mine
    assert mine.points == (2.0 if mine.verdict == PASS else 0.0)
    assert attack.spoils or (other.verdict, other.points) == (PASS, 3.0), other
    shown = mine.message + other.message
    assert "31337" not in shown and len(shown) < 8000


@pytest.mark.parametrize("name", ANSWERS)
def test_an_attack_has_the_verdict_promised_and_harms_no_other_test(grader, prey, name):
    course, port = prey
    judged(grader, name, answers(ATTACKS[name], str(course.root), port))


@pytest.mark.parametrize("name", FILES)
def test_what_is_done_to_a_file_has_the_verdict_promised_and_is_told(grader, tmp_path, name):
    said, told = collected(ATTACKS[name], make(tmp_path / "course"), tmp_path / "inbox")
    assert ATTACKS[name].says in told
    if said is None:
        assert ATTACKS[name].promised == {"refused"}
    else:
        judged(grader, name, said)


def test_the_corpus_is_large_enough_and_has_every_weakness_that_was_measured():
    assert len(ATTACKS) == sum(map(len, FAMILIES.values())) >= 45
    assert {attack.row for attack in ATTACKS.values()} - {""} == WEAKNESSES


# The record, and the page that is drawn from it.


@pytest.fixture(scope="module")
def record():
    return json.loads(RECORD.read_text("utf8"))


def test_the_record_has_every_row_as_it_is_now(record):
    now = {name: (family, fingerprint(attack)) for family, rows in FAMILIES.items() for name, attack in rows.items()}
    then = {row["name"]: (row["family"], row["fingerprint"]) for row in record["rows"]}
    assert then == now, "the rows have changed since they were measured; run: python benchmarks/attacks.py"


def test_what_the_record_says_of_ours_is_what_is_promised(record):
    for row in record["rows"]:
        attack, ours = ATTACKS[row["name"]], row["ours"]
        assert ours["verdict"] in attack.promised and not ours["harm"], row
        assert attack.spoils or ours["points"][1] in (3.0, None), row


def test_the_page_counts_what_the_record_has(record):
    page = book_script("attacks").page(record)
    rows = record["rows"]
    assert f"**{len(rows)}**" in page and all(row["name"][1:] in page for row in rows)
