"""What a room uses, read from the machine's own /proc, where nothing inside the room can hide it."""

import contextlib
import time
from pathlib import Path

KILOBYTE = 1024


def processes(root: int) -> list[int]:
    """The process and all its descendants. One that was orphaned in a room descends from the room's first process."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
            found.append(pid)
    return found


def private(pid: int) -> int:
    """Bytes of a process that stand in no file; pages that a fork shares with its parent count in both."""
    with contextlib.suppress(OSError):
        return _sum(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:", "VmSwap:"))
    return 0


def proportional(pid: int) -> int:
    """The same, with a page that n processes share counted as 1/n in each. Takes milliseconds."""
    with contextlib.suppress(OSError):
        return _sum(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:", "SwapPss:"))
    return 0


def delay(pid: int) -> float:
    """Seconds in which a process was ready to run and others had the cores; 0 where this Linux does not count them."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _sum(path: str, names: tuple[str, ...]) -> int:
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return sum(int(words[1]) for words in lines if words[0] in names) * KILOBYTE


class Watch:
    """A room's memory and processes against the limits; `warm` is what a fork of the server has to begin with."""

    def __init__(self, root: int, memory_mb: int, most: int):
        self.root, self.memory, self.most = root, memory_mb << 20, most
        self.warm = private(root)

    def exceeded(self) -> str:
        """The verdict if a limit is broken, else nothing. The exact look is taken only where the quick one is alarming."""
        pids = processes(self.root)
        if len(pids) > self.most:
            return "crashed"
        beyond = sum(map(private, pids)) - len(pids) * self.warm
        fresh = sum(private(pid) < self.warm for pid in pids) * self.warm  # started anew, not forked
        if beyond + fresh > self.memory / 2 and sum(map(proportional, pids)) > self.memory + self.warm:
            return "out of memory"
        return ""


class Waiting:
    """`seconds` that work on several sides, one at a time, has waited for a core. Looked at again and again."""

    def __init__(self):
        self.seconds, self.before, self.looked = 0.0, {}, time.monotonic()

    def look(self, *roots: int) -> None:
        """A look at the trees of these processes: in each who waits longest counts, all at most as the time itself."""
        now, sides = time.monotonic(), [{pid: delay(pid) for pid in processes(root)} for root in roots]
        lost = sum(max((new - self.before.get(pid, 0.0) for pid, new in side.items()), default=0.0) for side in sides)
        self.seconds += min(lost, now - self.looked)
        self.before, self.looked = {pid: new for side in sides for pid, new in side.items()}, now
