"""Grades the answers of one student: starts the two sides, keeps the time, and says what each test came to.

    coordinator (this; no torch, no student's data but short messages)
        tests server   -- fork per submission -- fork per test ------.
                                                                      one socket per test: data only
        answers server -- room per submission -- fork per test ------'
        (in the sandbox)

A room is disposable. Whatever ends one (a limit, a crash of a cell) is charged to the cell or test at hand; the tests
that are left start again in a fresh room. So nothing that a submission does costs it more than what did it, and there is
an outcome for every test.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cnnlab.grading.assignment import Assignment, Cell, Outcome
from cnnlab.grading.attempt import Attempt
from cnnlab.grading.sandbox import Level, probe
from cnnlab.grading.servers import Server

__all__ = ["Grader", "Level", "Limits", "probe"]


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Memory is beyond what a warm process has.

    Seconds are of the wall, without those in which its processes stood ready and other work had the machine's cores.
    """

    cell_seconds: float = 30
    test_seconds: float = 30
    total_seconds: float = 180
    memory_mb: int = 2048
    processes: int = 32
    file_mb: int = 64
    output_kb: int = 64
    message_mb: int = 64


class Grader:
    """A pair of warm servers. Use as a context manager; one submission at a time.

    At level "none" answers would run as the caller, so that takes `trust=True`; else a `PermissionError`.
    """

    def __init__(self, level: Level | None = None, limits: Limits | None = None, trust: bool = False):
        self.level, self.limits = level or probe(), limits or Limits()
        if self.level.name == "none" and not trust:
            raise PermissionError(
                "answers cannot be isolated on this machine: neither bubblewrap nor unshare works. Install bubblewrap, "
                "allow user namespaces, or say that you trust these submissions (--i-trust-these-submissions)."
            )
        isolated = "open" if self.level.name == "none" else "isolated"
        self.answers = Server("answers_server", self.level, isolated)
        self.tests = Server("tests_server", Level("none"))

    def __enter__(self) -> "Grader":
        self.answers.start()
        self.tests.start()
        return self

    def __exit__(self, *_) -> None:
        self.answers.stop()
        self.tests.stop()

    def grade(
        self,
        assignment: Assignment,
        answers: Mapping[str, str],
        tests: Collection[str] | None = None,
        seed: int = 0,
    ) -> list[Outcome]:
        """One outcome for each test, or for those named in `tests`, whatever the answers do.

        `answers` are the student's sources by the names of the answer cells; one that is missing is an empty cell.
        """
        wanted = [cell for cell in assignment.of_kind("test") if tests is None or cell.name in tests]
        unsaid: dict[str, tuple[str, str]] = {}  # cells that ended a room, and are left out from then on: verdict, why
        found: dict[str, Outcome] = {}
        self.__enter__()
        for each in (self.answers, self.tests):
            each.wait_until_warm()
        until = time.monotonic() + self.limits.total_seconds
        while left := [cell for cell in wanted if cell.name not in found]:
            if time.monotonic() > until:
                found |= {cell.name: _out_of_time(cell, self.limits.total_seconds) for cell in left}
                break
            attempt = Attempt(self.limits, assignment.cells, left, until)
            with attempt.between(self.tests, self.answers, answers, unsaid, seed):
                attempt.run()
            found |= attempt.outcomes
            unsaid |= attempt.broken
            until += attempt.waiting.seconds
        return [found[cell.name] for cell in wanted]


def _out_of_time(cell: Cell, seconds: float) -> Outcome:
    message = f"All tests together took longer than {seconds:g} s."
    return Outcome(cell.name, "out of time", 0.0, cell.points, message)
