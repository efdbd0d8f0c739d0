"""What each submission gets inside the sandbox, by Linux's own means: a user, processes and files of its own, and limits.

    server (trusted, warm) -- fork --> unshare, then fork --> first process of the room -- fork --> cells of the student
                                                               (reaps; if it dies all die)

In its namespaces the room sees its own processes only, an empty /scratch and /dev/shm of bounded size, and no way to become
anybody: no capabilities, no new privileges, no further user namespaces, and few of the kernel's odder calls (`syscalls`).
"""

import contextlib
import ctypes
import math
import os
import re
import resource
import signal
import socket
import struct
from pathlib import Path

from cnnlab.grading import syscalls

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC = 2, 4, 8
PARENT_DEATH_SIGNAL, NO_NEW_PRIVS, CAPBSET_DROP, CAPABILITY_VERSION = 1, 38, 24, 0x20080522
NOBODY = 65534  # in the room
FIRST_USER = 0x70000000  # on the machine, where root opens the room: a number that nothing else uses, by the room's own
FIRST_KILLED = "1000"  # the score of a process that goes before all others when the machine's memory is full
MEGABYTE = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def enter_room() -> bool:
    """Forks. In the server: False. In the room's first process: True; it must close the room before anything else."""
    ask, answer = socket.socketpair()
    if pid := os.fork():
        answer.close()
        _map_user(ask)
        ask.close()
        os.waitpid(pid, 0)
        _reap()
        return False
    try:
        with contextlib.suppress(OSError):
            _write("/proc/self/oom_score_adj", FIRST_KILLED)
        _call("unshare", NEWUSER | NEWNS | NEWPID | NEWIPC | NEWUTS | NEWNET)
        answer.send(str(Path("/proc/self").readlink()).encode())  # its number where this /proc comes from
        answer.recv(1)
        ask.close()
        answer.close()
        if os.fork():
            os._exit(0)
    except BaseException:
        os._exit(1)
    return True


def _reap() -> None:
    """Rooms that ended, where the server is the first process of its namespace and so inherits them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _map_user(ask: socket.socket) -> None:
    """Inside, everybody is nobody. Outside it is the server's own user, or, where that is root, nobody that there is.

    What the kernel counts by user (pipes, files under way, keys) one room so cannot use up for another.
    """
    pid = ask.recv(16).decode()
    if not pid:
        return
    stranger = FIRST_USER + int(pid) if _is_machine_root() else None
    _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", f"{NOBODY} {stranger or os.getuid()} 1")
    _write(f"/proc/{pid}/gid_map", f"{NOBODY} {stranger or os.getgid()} 1")
    ask.send(b"1")


def _is_machine_root() -> bool:
    return os.getuid() == 0 and Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def close_room(limits: dict) -> None:
    """The room as its inhabitants find it; from here on nothing in it has any power over it."""
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    size = f"size={limits['file_mb']}m,nr_inodes=4096,mode=1777".encode()
    _mount(b"proc", b"/proc", NOSUID | NODEV | NOEXEC, None)
    _mount(b"tmpfs", b"/scratch", NOSUID | NODEV, size)
    _mount(b"tmpfs", b"/dev/shm", NOSUID | NODEV, size)
    _write("/proc/sys/user/max_user_namespaces", "0")
    os.chdir("/scratch")
    os.setsid()
    _drop_capabilities()
    if syscalls.is_available():
        syscalls.refuse()


def limit(limits: dict, files: int, own: int) -> None:
    """For this process and each that it starts, on top of what the warm server has; `own` processes come on top, too."""
    warm = address_space()
    bounds = {
        resource.RLIMIT_AS: warm + limits["memory_mb"] * MEGABYTE,
        resource.RLIMIT_FSIZE: limits["file_mb"] * MEGABYTE,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_CPU: math.ceil(limits["total_seconds"]),
    }
    if _counts_by_namespace():
        bounds[resource.RLIMIT_NPROC] = own + limits["processes"]
    for kind, bound in bounds.items():
        _, most = resource.getrlimit(kind)
        bound = bound if most == resource.RLIM_INFINITY else min(bound, most)
        resource.setrlimit(kind, (bound, bound))


def _counts_by_namespace() -> bool:
    """Whether the kernel counts a user's processes in each room apart. Before, the watch alone does."""
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (5, 14)


def die_with_parent() -> None:
    """Whoever kills the coordinator, or a server, leaves nothing behind. In a room all end with its first process."""
    _call("prctl", PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _drop_capabilities() -> None:
    for capability in range(64):
        _libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
    _call("prctl", NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("capset", struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24))


def _mount(kind: bytes, place: bytes, flags: int, options: bytes | None) -> None:
    _call("mount", kind, place, kind, flags, options)


def _call(name: str, *arguments) -> None:
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    Path(path).write_text(text)
