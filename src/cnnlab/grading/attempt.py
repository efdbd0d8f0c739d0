"""One room and one process of tests, from opening them to their end, and what to charge if they do not come to one."""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict

from cnnlab.grading.assignment import Cell, Outcome
from cnnlab.grading.cells import MOST
from cnnlab.grading.channel import Broken, Channel
from cnnlab.grading.servers import Server
from cnnlab.grading.watch import Waiting, Watch

CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: written by the kernel, so that no room can say who it is
MOST_STATUS = 16_384
GO = b"!"
LOOK = 0.1  # seconds between two looks at the limits
PATIENCE = 3  # times a limit that waiting for a core may add to it: who keeps all cores busy himself gains no more
FULL = ("MemoryError", "can't allocate memory")  # how a cell ends that Linux gives no more
TAIL = 1000  # characters of what was printed, for the instructor


class Attempt:
    """Runs the cells and then `left`, the tests without outcome. After `run`: `outcomes`, and `broken` cells with why."""

    def __init__(self, limits, cells: tuple[Cell, ...], left: list[Cell], until: float):
        self.limits, self.cells, self.left, self.until = limits, cells, {cell.name: cell for cell in left}, until
        self.outcomes: dict[str, Outcome] = {}
        self.broken: dict[str, tuple[str, str]] = {}  # cell: verdict and why
        self.unsaid: Mapping[str, tuple[str, str]] = {}  # the same of cells that ended an earlier room
        self.errors: dict[str, str] = {}  # of answer cells
        self.coming = [cell.name for cell in cells if cell.kind != "test"]  # the cells that have not begun
        self.ready = self.done = False
        self.room = self.watch = self.testers = None
        self.waiting = Waiting()
        self._turn("")
        self.printed, self.output_bytes = b"", 0

    @contextlib.contextmanager
    def between(
        self, tests: Server, answers: Server, sources: Mapping[str, str], unsaid: Mapping[str, tuple], seed: int
    ):
        """Both sides, with a socket for each test between them; after it both are gone."""
        self.unsaid, self.words = unsaid, lambda: tests.words() + answers.words()
        pairs = [socket.socketpair() for _ in self.left]
        self.status, status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.status.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        report, theirs = socket.socketpair()
        self.report = Channel(report)
        self.output, output = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(output, True)
        job = {"seed": seed, "limits": asdict(self.limits), "tests": list(self.left)}
        try:
            tests.send(job | {"cells": self._for_tests()}, [theirs.fileno(), *(a.fileno() for a, _ in pairs)])
            cells = self._for_answers(sources, unsaid)
            answers.send(job | {"cells": cells}, [status.fileno(), output, *(b.fileno() for _, b in pairs)])
            for end in (status, theirs, *(end for pair in pairs for end in pair)):
                end.close()
            os.close(output)
            yield self
        finally:
            self._end()

    def _for_tests(self) -> list[dict]:
        """All but the student's words."""
        return [asdict(cell) | {"source": "" if cell.kind == "answer" else cell.source} for cell in self.cells]

    def _for_answers(self, sources: Mapping[str, str], unsaid: Mapping[str, tuple]) -> list[dict]:
        """All but the tests. A cell that ended an earlier room raises instead."""
        said = {cell.name: cell.source for cell in self.cells if cell.kind == "given"}
        said |= {cell.name: sources.get(cell.name, "") for cell in self.cells if cell.kind == "answer"}
        said |= {name: f"raise RuntimeError({why!r})" for name, (_, why) in unsaid.items()}
        return [{"kind": cell.kind, "name": cell.name, "source": said.get(cell.name, "")} for cell in self.cells]

    # What comes in.

    def run(self) -> None:
        looked = time.monotonic()
        streams = {self.status: self._status, self.output: self._output}
        streams[self.report.end] = self._report  # last: a verdict takes the words that came before it
        while not self.done:
            ready, _, _ = select.select(list(streams), [], [], LOOK)
            for stream in streams:
                if stream in ready and not self.done:
                    streams[stream]()
            if not self.done and time.monotonic() - looked > LOOK:
                looked = time.monotonic()
                self._look()

    def _status(self) -> None:
        """From the room. Whatever a student's code writes here, it can only charge itself."""
        try:
            words, control, _, _ = self.status.recvmsg(MOST_STATUS, socket.CMSG_SPACE(CREDENTIALS.size))
        except OSError:
            words = b""
        if not words:
            return self._charge("crashed", "The process ended.")
        if self.room is None:
            pid = CREDENTIALS.unpack(control[0][2][: CREDENTIALS.size])[0]
            self.room = os.pidfd_open(pid)
            self.watch = Watch(pid, self.limits.memory_mb, self.limits.processes + len(self.left) + 2)
            return None
        try:
            told = json.loads(words)
            self._told(told if type(told) is dict else {})
        except (ValueError, RecursionError):
            self._charge("crashed", "The process broke the rules.")

    def _told(self, told: dict) -> None:
        if self.coming[:1] == [told.get("begins")] and not self.ready:  # in their order, and each once
            self._turn(self.coming.pop(0))
        elif told.get("error") and not self.ready:
            if (name := told.get("ends")) in [cell.name for cell in self.cells]:
                self.errors[name] = str(told["error"])[:MOST]
                if name not in self.unsaid and any(words in self.errors[name] for words in FULL):
                    self._charge("out of memory", self._too_much())  # what it holds would be missing to all that comes
        elif "ready" in told and not self.ready:
            self.ready = True
            self._turn("")
            self.report.end.send(GO)

    def _report(self) -> None:
        """From the tests."""
        try:
            told, _ = self.report.receive()
        except Broken:
            return self._charge("crashed", "The process of the tests ended.")
        if "pid" in told:
            self.testers = told["pid"]
        elif "begins" in told:
            self._turn(told["begins"])
        elif told["test"] == self.at and self._may_be_another(told["verdict"]):
            self.done = True
        elif told["test"] == self.at:
            self._settle(told.pop("verdict"), told.pop("message"), told.pop("hidden", False), told.pop("notes", ()))
        return None

    def _output(self) -> None:
        with contextlib.suppress(BlockingIOError):
            new = os.read(self.output, 1 << 20)
            self.output_bytes += len(new)
            self.printed = (self.printed + new)[-self.limits.output_kb * 1024 :]
            if not new:
                time.sleep(0.001)

    # Limits.

    def _turn(self, name: str) -> None:
        """The cell, then the test, at hand is another one, or none."""
        self.at, self.since, self.waited = name, time.monotonic(), self.waiting.seconds

    def _look(self) -> None:
        if self.watch:
            self.waiting.look(self.watch.root, *filter(None, [self.testers]))
        now, waited = time.monotonic(), self.waiting.seconds
        seconds, total = self.limits.test_seconds if self.ready else self.limits.cell_seconds, self.limits.total_seconds
        if now - min(waited, PATIENCE * total) > self.until:
            self._charge("out of time", f"All tests together took longer than {total:g} s.")
        elif now - self.since - min(waited - self.waited, PATIENCE * seconds) > seconds:
            self._charge("out of time", f"It took longer than {seconds:g} s.")
        elif self.watch and (verdict := self.watch.exceeded()):
            few = f"more than {self.limits.processes} processes"
            self._charge(verdict, f"It used {few}." if verdict == "crashed" else self._too_much())

    def _too_much(self) -> str:
        return f"It used more than {self.limits.memory_mb} MB."

    def _charge(self, verdict: str, why: str) -> None:
        """Ends the attempt at the expense of the cell or test at hand."""
        self.done = True
        if self.room is None:
            raise RuntimeError(f"no room opens ({why}); the servers said:\n{self.words()}")
        if not self.ready and self.at and self.at not in self.unsaid:
            self.broken[self.at] = verdict, why
        elif not self._may_be_another(verdict):
            self.at = self.at if self.at in self.left else next(name for name in self.left if name not in self.outcomes)
            self._settle(verdict, why)

    def _may_be_another(self, verdict: str) -> bool:
        """Whether a test that ran before in this room may be to blame, or speaks from it: then it runs in a fresh one.

        What an answer saw of a hidden test it could keep in a file, and say where a later test shows its words.
        """
        before = self.outcomes.values()
        seen = any(each.hidden or each.verdict != "failed" for each in before)
        return bool(before) and (
            verdict in ("crashed", "out of memory") or (seen and verdict in ("failed", "not gradable"))
        )

    def _settle(self, verdict: str, message: str, hidden: bool = False, notes: tuple = ()) -> None:
        cell, lines = self.left[self.at], [message]
        if verdict != "passed":
            for each in (each for each in self.cells if each.name in self.errors and set(each.binds) & cell.mentions):
                short = "out of memory" if "MemoryError" in self.errors[each.name] else verdict
                verdict = self.unsaid[each.name][0] if each.name in self.unsaid else short
                lines.append(f"The cell {each.name}: {self.errors[each.name]}")
            said = self.printed[-TAIL:].decode(errors="replace")
            notes = (*notes, *([f"printed {self.output_bytes:,} bytes; the end: {said}"] if said else ()))
        points = cell.points if verdict == "passed" else 0.0
        seconds = time.monotonic() - self.since
        self.outcomes[self.at] = Outcome(
            self.at, verdict, points, cell.points, "\n".join(lines), hidden, seconds, tuple(notes)
        )
        self._turn("")
        self.done = self.done or len(self.outcomes) == len(self.left)

    def _end(self) -> None:
        if self.room is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self.room, signal.SIGKILL)
            select.select([self.room], [], [], 5)
            os.close(self.room)
        if self.testers and len(self.outcomes) < len(self.left):
            with contextlib.suppress(OSError):
                os.killpg(self.testers, signal.SIGKILL)
        self.status.close()
        self.report.end.close()
        os.close(self.output)
