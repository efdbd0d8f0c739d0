"""A user who owns nothing, and can read Python and a copy of this clone: what root runs as one, and others as themselves."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
USER = "54321"  # no machine has it
COPIED = ("src", "exercises", "tests", "pyproject.toml")


@contextmanager
def home() -> Iterator[Path]:
    """The user's home, with a copy of the clone in it; pytest's own folders are closed to all but one."""
    folder = Path(tempfile.mkdtemp(prefix="cnnlab-plain-"))
    try:
        folder.chmod(0o755)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        (folder / "tmp").mkdir()
        for path in (folder, *folder.rglob("*")) if os.getuid() == 0 else ():
            os.chown(path, int(USER), int(USER))
        yield folder
    finally:
        shutil.rmtree(folder)


def command(home: Path, *words: str) -> list[str]:
    """In a mount namespace of its own, where what holds Python is open even if it lies in root's home.

    Where the tests' own user is plain, the command as it stands.
    """
    if os.getuid() != 0:
        return list(words)
    places = [Path(each).resolve() for each in (sys.prefix, sys.base_prefix)]
    closed = [next((p for p in reversed(place.parents) if not p.stat().st_mode & 1), None) for place in places]
    lines, doors = ["set -e", f"mount -t tmpfs none {shlex.quote(str(home / 'tmp'))}"], []
    for number, (place, door) in enumerate(zip(places, closed, strict=True)):
        there, kept = shlex.quote(str(place)), shlex.quote(f"{home}/tmp/{number}")
        lines += [f"mkdir {kept}", f"mount --bind {there} {kept}"] if door else []
        doors += [f"mkdir -p {there}", f"mount --bind {kept} {there}"] if door else []
    lines += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(door))}" for door in {*closed} - {None}]
    lines += [*doors, f"umount -l {shlex.quote(str(home / 'tmp'))}"]
    lines += [f'exec setpriv --reuid {USER} --regid {USER} --clear-groups "$@"']
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines), "plain", *words]


def environment(home: Path, **more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin"
    own = {"HOME": home, "TMPDIR": home / "tmp", "PATH": path, "PYTHONPATH": f"{home}/src:{home}/tests"}
    kept = {name: os.environ[name] for name in ("CI", "OMP_NUM_THREADS", "LANG") if name in os.environ}
    return {name: str(value) for name, value in (kept | own | {"PYTHONDONTWRITEBYTECODE": 1} | more).items()}


def run(home: Path, words: list[str], **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(home, *words), env=environment(home, **more), cwd=home, capture_output=True, text=True, timeout=900
    )
