"""Whether luck can decide on marks: a test with drawn numbers is run with other seeds, and how near it comes to failing.

Each comparison of `cnnlab.check` within a tolerance is measured in units of it: at 1 the test would fail. Its margin is how
many standard deviations over the seeds lie between the mean and 1. `python -m cnnlab.grading.chance` reads `{"cells": [[kind,
name, source], ...], "answers": {name: source}, "test": name, "seeds": n}` and writes what `measure` gives.
"""

import ast
import contextlib
import json
import math
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev

from cnnlab.grading.definitions import plain

SEEDING = ("manual_seed", "Random", "seed", "default_rng")  # what takes a seed as its first argument
STRIDE = 10_007  # between two seeds, so that a test's own seeds do not meet
STILL = 1e-9  # of a tolerance: what moves less than that does not
FAR = 100.0  # standard deviations: beyond, the number says nothing more


class Dice:
    """Moves every seed that the text of a notebook sets. `thrown` says whether one was set since `throw`."""

    def throw(self, number: int) -> None:
        import numpy as np
        import torch

        self.by, self.thrown = STRIDE * number, False
        random.seed(number)
        np.random.seed(number)
        torch.manual_seed(number)
        self.before = self._states()

    def moved(self, seed: int) -> int:
        self.thrown = True
        return seed + self.by

    @property
    def used(self) -> bool:
        """Whether anything was drawn, or a seed set, since `throw`."""
        return self.thrown or self._states() != self.before

    def _states(self) -> list:
        import numpy as np
        import torch

        return [random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()]


class Moving(ast.NodeTransformer):
    """Sends every seed in a source through `_moved`."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in SEEDING and node.args:
            node.args[0] = self._call(node.args[0])
        for keyword in node.keywords:
            if keyword.arg == "seed":
                keyword.value = self._call(keyword.value)
        return node

    @staticmethod
    def _call(seed: ast.expr) -> ast.Call:
        return ast.Call(ast.Name("_moved", ast.Load()), [seed], [])


def measure(cells: list[list[str]], answers: dict[str, str], test: str, seeds: int) -> dict | None:
    """Failures and the nearest margin of a test over seeds, `FAR` at most; None where nothing is drawn at all."""
    dice, seen, failures = Dice(), [], 0
    names: dict[str, object] = {"__name__": "__main__", "_moved": dice.moved}
    dice.throw(0)
    for kind, name, source in cells[: [name for _, name, _ in cells].index(test)]:
        if kind != "test":
            exec(_compiled(answers.get(name, source), name), names)  # noqa: S102
    code = _compiled(next(source for _, name, source in cells if name == test), test)
    for number in range(seeds):
        dice.throw(number)
        with _tolerances() as shares:
            try:
                exec(code, dict(names))  # noqa: S102
                seen.append(shares)
            except Exception:  # of whatever kind: a student would lose the marks
                failures += 1
        if not dice.used:
            return None
    return {"failures": failures, "margin": round(min([FAR, *map(_margin, zip(*seen, strict=False))]), 1)}


def _compiled(source: str, name: str):
    return compile(ast.fix_missing_locations(Moving().visit(ast.parse(plain(source)))), f"<{name}>", "exec")


def _margin(shares: tuple[float, ...]) -> float:
    """Standard deviations between the mean and the nearer of -1 and 1."""
    spread = stdev(shares) if len(shares) > 1 else 0.0
    return (1 - abs(fmean(shares))) / spread if spread > STILL else FAR


@contextlib.contextmanager
def _tolerances() -> Iterator[list[float]]:
    """Collects which share of its tolerance each comparison within one has used."""
    from torch import Tensor

    from cnnlab import check

    shares, own = [], check._difference

    def difference(got: object, want: object, rtol: float, atol: float) -> str:
        complaint = own(got, want, rtol, atol)
        if isinstance(want, float | Tensor) and not complaint:
            shares.append(_share(check._number(got), check._number(want), rtol, atol))
        return complaint

    check._difference = difference
    try:
        yield shares
    finally:
        check._difference = own


def _share(got: object, want: object, rtol: float, atol: float) -> float:
    if isinstance(want, int | float):
        tolerance = atol + rtol * abs(want)
        return (got - want) / tolerance if tolerance and math.isfinite(want) else 0.0
    error, tolerance = (got.detach() - want).double().abs(), atol + rtol * want.double().abs()
    used = (error / tolerance.clamp(min=1e-300)).nan_to_num(0.0)
    return used.max().item() if used.numel() else 0.0


def main() -> None:
    import torch

    torch.set_num_threads(1)
    task = json.load(sys.stdin)
    said = sys.stdout
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        found = measure(**task)
    print(json.dumps(found), file=said)


if __name__ == "__main__":
    main()
