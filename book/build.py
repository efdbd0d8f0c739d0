"""Build the book into _build/html, as `make book` and the tests do. Any further argument goes to jupyter-book.

Two things that jupyter-book leaves open: its cache of executed chapters looks at their cells and not at the package
they import, so a new record or widget would not be drawn; and Sphinx warns of a page only in the build that reads it,
so a build that failed with -W would pass when repeated.
"""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
COMMAND = ["build", ".", "-W", "--keep-going", "--path-output", "."]


def fingerprint() -> str:
    """A hash over what pages are made from beside their text: code, records, widgets, our extension, what draws."""
    files = [p for p in (ROOT / "src").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    files += (ROOT / "book").glob("*.py")
    drawn_by = " ".join(importlib.metadata.version(name) for name in ("torch", "numpy", "matplotlib"))
    digest = hashlib.sha256(drawn_by.encode())
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(arguments: list[str]) -> int:
    """Run jupyter-book with what is outdated taken away; return its exit status."""
    code, passed = BUILD / ".code", BUILD / ".passed"
    BUILD.mkdir(exist_ok=True)
    now = fingerprint()
    if not code.exists() or code.read_text() != now:
        shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
        passed.unlink(missing_ok=True)
        code.write_text(now)
    if not passed.exists():
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
    passed.unlink(missing_ok=True)
    program = Path(sys.executable).with_name("jupyter-book")
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"  # the kernel is found beside it
    env = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    status = subprocess.run([str(program), *COMMAND, *arguments], cwd=ROOT, env=env, check=False).returncode
    if status == 0:
        passed.touch()
    return status


if __name__ == "__main__":
    sys.exit(build(sys.argv[1:]))
