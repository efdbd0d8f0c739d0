"""The room in which answers run: what isolation this machine gives, tried for real, and the command that opens it.

What the two upper levels guarantee: no network; no file but the Python installation and this package, read-only, and an
empty scratch folder in memory; no process in sight but one's own; no environment of the caller's. `isolation` adds, for
each submission, a user, processes and files of its own, and limits. What they do not: the kernel is shared, so a hole in
it is a way out; time on the processor and in its caches is shared; memory is watched ten times a second, not metered.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from platform import machine

import cnnlab
from cnnlab.grading import syscalls

PACKAGE = "/package"  # where the sandbox sees the folder that holds cnnlab
SCRATCH = "/scratch"  # the one place where a room may write; /tmp is another name of it
SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
)
START = "import sys; sys.path.insert(0, sys.argv[1]); from cnnlab.grading.{0} import main; main()"
DEVICES = ("null", "full", "random", "urandom")  # no zero: a shared mapping of it is memory that no process owns
STAGE = "/sys"  # stands on every machine, and holds nothing that a room needs: there the script puts its room together
COVERS = {
    "bubblewrap": "no network, no files but Python's (read-only), own processes, users and scratch files per submission",
    "unshare": "as bubblewrap, with the folders put together by a shell script instead of an audited program",
    "none": "NO ISOLATION: answers run as you, with the network and all your files; only time and memory are limited",
}
TRIAL = "import os; os.listdir('/proc'); assert not os.path.exists('/home'); print('open')"


@dataclass(frozen=True)
class Level:
    """`name` is bubblewrap, unshare or none; `as_root`: opened by the machine's root, so that answers can run as nobody."""

    name: str
    as_root: bool = False

    @property
    def covers(self) -> str:
        if self.name == "none":
            return COVERS[self.name]
        user = "; answers run as an unprivileged user" if self.as_root else ""
        calls = "system calls are filtered" if syscalls.is_available() else f"NO FILTER of system calls on {machine()}"
        return f"{COVERS[self.name]}{user}; {calls}"

    def command(self, python: list[str]) -> list[str]:
        return {"bubblewrap": _bubblewrap, "unshare": _unshare, "none": lambda _, python: python}[self.name](
            self, python
        )


def server(module: str, level: Level, *arguments: str) -> list[str]:
    """The command that starts a server module of this package at a level; outside of a sandbox that is level none."""
    inside = str(_package().parent) if level.name == "none" else PACKAGE
    python = [_python(), "-I", "-B", "-c", START.format(module), inside, *arguments]
    return level.command(python)


def environment() -> dict[str, str]:
    """What a server sees of the caller's environment: nothing. One thread, no GPU: both servers fork.

    `torch.compile` leaves a function as it is: there need be no compiler here, and its files would be larger than allowed.
    """
    scratch = {"HOME": SCRATCH, "TMPDIR": SCRATCH, "USER": "nobody", "MPLBACKEND": "agg", "LANG": "C.UTF-8"}
    machine = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TORCHDYNAMO_DISABLE": "1"}
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **machine, **scratch}


@cache
def probe() -> Level:
    """The best level at which a trial program runs here, in a room of its own; "none" if none does."""
    wanted = [Level("bubblewrap"), Level("unshare")]
    if os.getuid() == 0:  # root can give each submission a user that is not root; inside a container it may not
        wanted = [each for name in ("bubblewrap", "unshare") for each in (Level(name, as_root=True), Level(name))]
    return next((level for level in wanted if attained(level)), Level("none"))


def attained(level: Level) -> bool:
    if level.name == "none":
        return True
    if not shutil.which({"bubblewrap": "bwrap"}.get(level.name, level.name)):
        return False
    command = level.command([_python(), "-I", "-B", "-c", TRIAL])
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout == b"open\n"


def _python() -> str:
    """The interpreter by its real place, which is the one that the sandbox shows."""
    return str(Path(sys.prefix).resolve() / "bin" / Path(sys.executable).name)


def _python_folders() -> list[Path]:
    """The Python installation: the environment's own folder, the one it was made from, packages that it takes from others."""
    found = [Path("/usr")]
    for each in (sys.prefix, sys.base_prefix, *(path for path in sys.path if Path(path).name == "site-packages")):
        if not any(Path(each).resolve().is_relative_to(folder) for folder in found):
            found.append(Path(each).resolve())
    return found[1:]


def _package() -> Path:
    return Path(cnnlab.__file__).resolve().parent


def tmp_is_taken() -> bool:
    """Whether Python itself lies in /tmp: then a room has no /tmp to write to, only the folder that `tempfile` finds."""
    return any(folder.is_relative_to("/tmp") for folder in _python_folders())


def _bubblewrap(level: Level, python: list[str]) -> list[str]:
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += [] if level.as_root else ["--unshare-user"]
    command += ["--die-with-parent", "--new-session", "--tmpfs", SCRATCH, "--perms", "0755", "--dir", "/etc"]
    command += ["--perms", "0755", "--tmpfs", "/dev", "--perms", "0755", "--dir", "/dev/shm"]
    for device in DEVICES:
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    command += ["--symlink", "/proc/self/fd", "/dev/fd", "--bind", "/proc", "/proc"]  # a room has its own over it
    command += [] if tmp_is_taken() else ["--symlink", SCRATCH, "/tmp"]
    for path in filter(Path.exists, map(Path, SYSTEM)):
        command += (
            ["--symlink", str(path.readlink()), str(path)] if _is_link(path) else ["--ro-bind", str(path), str(path)]
        )
    for folder in _python_folders():
        for parent in reversed(folder.parents[:-1]):
            command += ["--perms", "0755", "--dir", str(parent)]  # else for root only
        command += ["--ro-bind", str(folder), str(folder)]
    command += ["--perms", "0755", "--dir", PACKAGE, "--ro-bind", str(_package()), f"{PACKAGE}/cnnlab"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH, *python]


def _is_link(path: Path) -> bool:
    """/lib, /bin and the like, where they are links into /usr."""
    return path.is_symlink() and path.is_dir()


def _unshare(level: Level, python: list[str]) -> list[str]:
    """The same room by util-linux: a tree in memory with the folders bound into it, which becomes the root."""
    lines = ["set -e", "mount --make-rprivate /", f"mount -t tmpfs none {STAGE}", f"cd {STAGE}"]
    lines += [f"mkdir -p proc dev etc old .{SCRATCH} .{PACKAGE}", f"mount -t tmpfs none .{SCRATCH}"]
    lines += ["mount -t proc proc proc", "mkdir dev/shm", "ln -s /proc/self/fd dev/fd"]
    lines += [] if tmp_is_taken() else [f"ln -s {SCRATCH} tmp"]
    lines += [f"touch dev/{each}; mount --bind /dev/{each} dev/{each}" for each in DEVICES]
    places = {path: path for path in (*filter(Path.exists, map(Path, SYSTEM)), *_python_folders())}
    for path, inside in (places | {_package(): Path(PACKAGE, "cnnlab")}).items():
        there = shlex.quote(str(inside).lstrip("/"))
        if _is_link(path) and str(path) in SYSTEM:
            lines.append(f"ln -s {shlex.quote(str(path.readlink()))} {there}")
            continue
        lines.append(f"mkdir -p {there}" if path.is_dir() else f"touch {there}")
        lines.append(f"mount --bind {shlex.quote(str(path))} {there}")
        lines.append(f"mount -o remount,bind,ro,nosuid,nodev {there}")
    lines += [
        "pivot_root . old",
        f"cd {SCRATCH}",
        "umount -l /old",
        "rmdir /old",
        "mount -o remount,bind,ro /",
        'exec "$@"',
    ]
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--pid",
        "--net",
        "--ipc",
        "--uts",
        "--fork",
        "--kill-child",
    ]
    command += [] if level.as_root else ["--user", "--map-root-user"]
    return [*command, "sh", "-c", "\n".join(lines), "room", *python]
