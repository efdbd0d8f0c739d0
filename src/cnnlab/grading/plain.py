"""Runs notebooks as an ordinary kernel does, all cells in one interpreter, for answers that are trusted: the authors' own.

`python -m cnnlab.grading.plain` reads `{"cells": [[kind, name, source], ...], "trials": [[{name: source}, [test, ...]],
...]}` and writes, a line for each trial, which of its tests passed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from cnnlab.grading.cells import compiled

SECONDS = 600  # for one notebook: a busy machine is no fault of the exercise


def run(cells: list[list[str]], answers: dict[str, str], tests: list[str]) -> list[str]:
    """The names of the tests that pass, in one namespace; an answer that raises leaves its names undefined."""
    names, passed = {"__name__": "__main__"}, []
    for kind, name, source in cells:
        if kind == "test" and name not in tests:
            continue
        try:
            exec(compiled(answers.get(name, "") if kind == "answer" else source, name), names)  # noqa: S102
        except Exception:
            if kind == "given":
                raise
        else:
            passed += [name] if kind == "test" else []
    return passed


def apart(cells: list[list[str]], answers: dict[str, str], tests: list[str]) -> list[str]:
    """`run` in a process of its own; one that ends, or takes too long, has passed nothing."""
    read, write = os.pipe()
    if os.fork() == 0:
        signal.alarm(SECONDS)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        os.write(write, json.dumps(run(cells, answers, tests)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        found = said.read()
    os.wait()
    return json.loads(found) if found else []


def say(module: str, task: dict) -> Iterator[object]:
    """What a process of this module, or one like it, says of a task, a line at a time; a `RuntimeError` if it fails."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        running.stdin.write(json.dumps(task))
        running.stdin.close()
        yield from map(json.loads, running.stdout)
    if running.returncode:
        raise RuntimeError(f"the exercise does not run in one interpreter: {module} ended with {running.returncode}")


def main() -> None:
    import torch

    torch.set_num_threads(1)  # before a fork
    task = json.load(sys.stdin)
    for trial in task["trials"]:
        print(json.dumps(apart(task["cells"], *trial)), flush=True)


if __name__ == "__main__":
    main()
