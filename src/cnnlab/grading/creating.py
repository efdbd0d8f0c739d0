"""Makes a course from the book's exercises, and the students' versions from the course."""

import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from cnnlab.choices import choose
from cnnlab.grading import dealing
from cnnlab.grading.assignment import read_assignment
from cnnlab.grading.course import CONFIG, Course, write
from cnnlab.grading.gradebook import configuration, gradebook

MARKERS = re.compile(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")
PRIVATE = (
    ".cnnlab/",
    "submitted/",
    "autograded/",
    "feedback/",
    "reports/",
    "gradebook.db*",
)  # what no repository is to hold


def shelf(where: Path | None = None) -> Path:
    """The folder of the book's exercises: in the clone that this package runs from, unless another one is named."""
    found = where or Path(__file__).resolve().parents[3] / "exercises"
    if not (found / "source").is_dir():
        raise ValueError(
            f"{found} holds no exercises; give --from the folder `exercises` of a clone of the book's repository"
        )
    return found


def create(
    folder: Path, slugs: Iterable[str], *, exercises: Path, database: str | None = None, seed: int | None = None
) -> Course:
    """A course with these exercises in `folder`; into one that exists, those that it lacks. Nothing is overwritten.

    With a seed, which stays that of the course, each exercise is dealt its twists (`dealing`).
    """
    there = {path.name: path for path in sorted((exercises / "source").iterdir()) if path.is_dir()}
    chosen = [choose(there, slug, "exercise") for slug in slugs] or list(there.values())
    if any((folder / "source" / each.name).exists() for each in chosen):
        doubled = next(each.name for each in chosen if (folder / "source" / each.name).exists())
        raise ValueError(f"{folder} has the exercise {doubled} already: name the others, or another folder")
    exists = (folder / CONFIG).exists()
    seed = dealing.seed_of(folder, seed, exists=exists)
    folder.mkdir(parents=True, exist_ok=True)
    if not exists:
        write(folder / CONFIG, _config((exercises / CONFIG).read_text("utf8"), folder.resolve().name, database))
        write(folder / ".gitignore", "\n".join(PRIVATE) + "\n")
    for path in chosen:
        _take(exercises, path.name, folder, seed)
    course = Course(folder.resolve())
    with gradebook(course):
        return course


def _take(exercises: Path, slug: str, folder: Path, seed: int | None) -> None:
    """An exercise as it is published, or with the twists that the seed draws."""
    if seed is not None:
        twists = dealing.drawn(dealing.read_twists(exercises, slug), slug, seed)
        dealing.deal(exercises, slug, twists, folder)
        published = read_assignment(exercises / "source" / slug / f"{slug}.ipynb").of_kind("answer")
        return dealing.note(folder, seed, slug, twists, {cell.name: cell.source for cell in published})
    for kind in ("source", "variants"):
        if (exercises / kind / slug).is_dir():
            shutil.copytree(exercises / kind / slug, folder / kind / slug)
    return None


def _config(text: str, course: str, database: str | None) -> str:
    text = re.sub(r"(course_id = ).*", lambda found: found[1] + repr(course), text)
    return text + (f"\nc.CourseDirectory.db_url = {database!r}\n" if database else "")


def release(course: Course, slugs: list[str]) -> Path:
    """The students' versions, made by nbgrader itself and entered into the gradebook, and one zip of all there are."""
    configuration(course)
    with gradebook(course):  # sets the path on which nbgrader finds alembic
        from nbgrader.apps import NbGraderAPI

        nbgrader = NbGraderAPI(config=configuration(course))
        for slug in slugs:
            course.assignment(slug)  # says what is amiss in words of ours
            done = nbgrader.generate_assignment(slug)
            if not done["success"]:
                last = (done.get("error") or done.get("log") or "").strip().split("\n")[-1]
                raise RuntimeError(f"nbgrader could not make the students' version of {slug}: {last}")
            if MARKERS.search(course.notebook("release", slug).read_text("utf8")):
                raise RuntimeError(
                    f"the students' version of {slug} shows a solution or a hidden test: do not give it out"
                )
    return _zipped(course)


def _zipped(course: Course) -> Path:
    """One archive of `release`, the same bytes for the same files."""
    target = course.root / "release.zip"
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((course.root / "release").rglob("*")):
            if path.is_file() and ".ipynb_checkpoints" not in path.parts:
                info = zipfile.ZipInfo(path.relative_to(course.root / "release").as_posix())
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, path.read_bytes())
    part.replace(target)
    return target
