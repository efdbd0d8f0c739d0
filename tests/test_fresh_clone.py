"""What a stranger does: clone, one command, a book. Downloads gigabytes, so it runs in `make test-all` only."""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_one_command_from_a_fresh_clone_to_the_book(tmp_path):
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    env = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH", "CNNLAB_DATA"}}
    for attempt in ("first", "again"):
        started = time.monotonic()
        done = subprocess.run(["make", "book"], cwd=tmp_path / "clone", env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        print(f"make book, {attempt}: {time.monotonic() - started:.0f} s")
    assert "The book: file://" in done.stdout
    page = tmp_path / "clone/_build/html/chapters/initialization.html"
    assert "widget-view+json" in page.read_text(encoding="utf-8")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path / "clone", capture_output=True, text=True)
    assert status.stdout == "", "building the book left something behind in the tree"
