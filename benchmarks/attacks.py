"""Every row of `tests/hostile` against plain nbgrader and against ours: writes `book/attacks.json`.

    python benchmarks/attacks.py [--fresh] [--only WORDS] [--jobs N]

nbgrader's autograde runs unmodified, with its defaults but for the time that a cell may take, in a box of bubblewrap's: no
network, a throwaway copy of a course, bounds on memory, processes and files. Rows whose code has not changed since they were
measured are kept; `--fresh` measures all.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import boxed

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hostile import ASSIGNMENT, FAMILIES, LIMITS, Attack  # noqa: E402
from hostile.course import SLUG, answers, collected, hand_in, make, notebook, put  # noqa: E402
from hostile.record import RECORD, fingerprint  # noqa: E402

from cnnlab.grading.engine import Grader  # noqa: E402
from cnnlab.grading.sandbox import SYSTEM  # noqa: E402

PATIENCE = 300  # seconds for one submission, all in all
NOBODY = 61000  # and above: a user for each box, since processes are counted by user
# What the box itself keeps out, so that nothing can be said of nbgrader.
BOXED = {
    "opens a connection to the internet",
    "writes into Python",
    "writes into the root folder",
    "looks into the folders of others",
}


class Course:
    """A course of nbgrader's with one honest submission, graded; copied for each attack."""

    def __init__(self, root: Path):
        from nbgrader.apps import NbGraderAPI
        from traitlets.config import Config

        self.root = root
        put(root / "source" / SLUG, notebook({}))
        (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'attacked'\n")
        api = NbGraderAPI(config=Config({"CourseDirectory": {"root": str(root), "course_id": "attacked"}}))
        with contextlib.redirect_stderr(io.StringIO()):
            self._done(api.generate_assignment(SLUG))
            self.release = json.loads((root / f"release/{SLUG}/{SLUG}.ipynb").read_text())
            hand_in(FAMILIES["Means no harm"]["answers rightly"], self.release, root / "submitted/ada" / SLUG, "")
            self._done(api.autograde(SLUG, "ada"))

    @staticmethod
    def _done(said: dict) -> None:
        if not said["success"]:
            raise RuntimeError(said["error"] or said["log"][-2000:])


def box(folder: Path) -> list[str]:
    """The command that opens the box, with `folder` as its one place to write."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--dev", "/dev", "--proc", "/proc"]
    if os.getuid() == 0:  # opened by root, so that the attack can be somebody else; that needs no user namespace
        command[1:2] = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    for path in filter(Path.exists, map(Path, SYSTEM)):
        link = path.is_symlink() and path.is_dir()
        command += ["--symlink", str(path.readlink()), str(path)] if link else ["--ro-bind", str(path), str(path)]
    for prefix in {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}:
        for parent in reversed(prefix.parents[:-1]):
            command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind", str(prefix), str(prefix)]
    command += ["--perms", "1777", "--tmpfs", "/tmp", "--bind", str(folder / "course"), "/course"]
    command += ["--bind", str(folder / "package"), "/package", "--bind", str(folder / "report"), "/report"]
    return [*command, "--ro-bind", str(Path(boxed.__file__)), "/boxed.py", "--chdir", "/course"]


def by_nbgrader(attack: Attack, course: Course, uid: int) -> dict:
    """What plain nbgrader gives for a row, and what else is seen to have happened."""
    folder = Path(tempfile.mkdtemp(prefix="cnnlab-attack-"))
    folder.chmod(0o755)
    try:
        shutil.copytree(course.root, folder / "course")
        shutil.copytree(
            ROOT / "src/cnnlab", folder / "package/cnnlab", ignore=shutil.ignore_patterns("experiments", "*.js")
        )
        (folder / "report").mkdir()
        hand_in(attack, course.release, folder / "course/submitted/eve" / SLUG, "/course", boxed.PORT)
        if os.getuid() == 0:
            subprocess.run(["chown", "-Rh", f"{uid}:{uid}", str(folder)], check=True)
        python = str(Path(sys.prefix).resolve() / "bin" / Path(sys.executable).name)
        arguments = ["/course", str(uid), "/report/said.json"]
        environment = {"HOME": "/tmp", "PATH": f"{Path(python).parent}:/usr/bin:/bin", "PYTHONPATH": "/package"}
        environment |= {"OMP_NUM_THREADS": "1", "CNNLAB_GRADING_SECRET": "31337", "PYTHONDONTWRITEBYTECODE": "1"}
        with (folder / "out").open("w") as out:
            command, late = [*box(folder), python, "/boxed.py", *arguments], []
            try:
                subprocess.run(command, env=environment, timeout=PATIENCE, stdout=out, stderr=out)
            except subprocess.TimeoutExpired:
                late = [f"kept nbgrader waiting until we ended it, after {PATIENCE // 60} minutes"]
        if not (folder / "report/begun").exists():
            raise RuntimeError(f"the box does not open; it said:\n{(folder / 'out').read_text()[-2000:]}")
        return seen(folder / "course", folder / "report/said.json", course.root, late)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seen(root: Path, report: Path, before: Path, harm: list[str]) -> dict:
    """Points from the gradebook, and harm from what lies in the course afterwards."""
    said = json.loads(report.read_text()) if report.exists() else {}
    marks = points(root / "gradebook.db")
    harm += [] if said or harm else ["ended nbgrader itself"]
    harm += ["changed another student's grade"] if marks.get("ada") != [2.0, 3.0] else []
    other = f"submitted/ada/{SLUG}/{SLUG}.ipynb"
    harm += (
        ["changed another student's submission"] if (root / other).read_bytes() != (before / other).read_bytes() else []
    )
    harm += ["left a process running"] if said.get("went_on") else []
    own = root / f"autograded/eve/{SLUG}"
    harm += (
        ["got a copy of the gradebook"]
        if any(b"SQLite" in path.read_bytes()[:20] for path in own.glob("*.txt"))
        else []
    )
    cells = json.loads((own / f"{SLUG}.ipynb").read_text())["cells"] if (own / f"{SLUG}.ipynb").is_file() else []
    outputs = [each for cell in cells for each in cell.get("outputs", []) if each["output_type"] != "error"]
    harm += ["printed the hidden test"] if "31337" in json.dumps(outputs) else []
    page = root / f"feedback/eve/{SLUG}/{SLUG}.html"
    script = page.is_file() and "<script>document.title" in page.read_text()
    harm += ["put a script into the feedback page"] if script else []
    got = marks.get("eve") if said.get("success") else None
    return {"points": got, "harm": harm, "peak_mb": said.get("peak_mb", 0)}


def points(book: Path) -> dict[str, list]:
    """The points of each student in the two tests; None where a person is to look."""
    ask = """select sa.student_id, c.name, coalesce(g.manual_score, g.auto_score), coalesce(g.extra_credit, 0)
        from grade g join base_cell c on g.cell_id = c.id join submitted_notebook n on g.notebook_id = n.id
        join submitted_assignment sa on n.assignment_id = sa.id"""
    found: dict[str, list] = {}
    with contextlib.closing(sqlite3.connect(book)) as open_:
        for student, test, score, extra in open_.execute(ask):
            place = found.setdefault(student, [None, None])
            place[test == "test-total"] = None if score is None else score + extra
    return found


def by_us(attack: Attack, grader: Grader, port: int) -> dict:
    """What `collect` and the engine give."""
    with tempfile.TemporaryDirectory() as folder:
        course, told = make(Path(folder, "course")), ""
        before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
        if attack.file:
            said, told = collected(attack, course, Path(folder, "inbox"))
            if said is None:
                return {
                    "verdict": "refused",
                    "points": [None, None],
                    "harm": [],
                    "told": told.replace(folder, "")[:300],
                }
        else:
            said = answers(attack, str(course.root), port)
        mine, other = grader.grade(ASSIGNMENT, said)
        changed = any(path.read_bytes() != data for path, data in before.items())
        harm = ["printed the hidden test"] if "31337" in mine.message + other.message else []
        harm += ["changed a file of the course"] if changed else []
    return {"verdict": mine.verdict, "points": [mine.points, other.points], "harm": harm, "told": told[:300]}


def measure(only: str, fresh: bool, jobs: int) -> None:
    old = {} if fresh or not RECORD.exists() else {row["name"]: row for row in json.loads(RECORD.read_text())["rows"]}
    rows = {(family, name): attack for family, found in FAMILIES.items() for name, attack in found.items()}
    kept = {name: row for name, row in old.items() if (row["family"], name) in rows}
    todo = {
        key: attack
        for key, attack in rows.items()
        if only in key[1] and (only or kept.get(key[1], {}).get("fingerprint") != fingerprint(attack))
    }
    lock, started = threading.Lock(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Grader(limits=LIMITS) as grader, ThreadPoolExecutor(jobs) as pool:
        Path(folder).chmod(0o755)
        course = Course(Path(folder, "course"))
        server = boxed.socket.create_server(("127.0.0.1", 0))
        alone = threading.Lock()

        def row(key: tuple[str, str], attack: Attack) -> None:
            theirs = None if key[1] in BOXED else by_nbgrader(attack, course, NOBODY + list(rows).index(key))
            with alone:
                ours = by_us(attack, grader, server.getsockname()[1])
            with lock:
                about = {"family": key[0], "name": key[1], "row": attack.row, "deserves": attack.deserves}
                kept[key[1]] = about | {"fingerprint": fingerprint(attack), "nbgrader": theirs, "ours": ours}
                write([kept[name] for _, name in rows if name in kept], grader.level)
                print(
                    f"{len(kept)} of {len(rows)}, {time.monotonic() - started:.0f} s: {key[1]}: {theirs} | {ours}",
                    flush=True,
                )

        for done in [pool.submit(row, key, attack) for key, attack in todo.items()]:
            done.result()
        write([kept[name] for _, name in rows if name in kept], grader.level)


def write(rows: list[dict], level) -> None:
    head = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "level": level.name, "cell_seconds": boxed.CELL_SECONDS}
    head |= {"versions": {name: version(name) for name in ("nbgrader", "ipykernel", "torch")}}
    text = json.dumps(head | {"rows": rows}, indent=1, ensure_ascii=False)
    RECORD.with_suffix(".part").write_text(text + "\n")
    RECORD.with_suffix(".part").replace(RECORD)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="measure every row, also those that are known")
    parser.add_argument("--only", default="", help="only rows in whose name these words stand")
    parser.add_argument("--jobs", type=int, default=1, help="so many at the same time")
    given = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    os.environ["CNNLAB_GRADING_SECRET"] = "31337"
    measure(given.only, given.fresh, given.jobs)
