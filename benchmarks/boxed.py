"""Inside the box of `attacks.py`: plain nbgrader on one submission, by its own API, and what can be seen from here.

`boxed.py COURSE UID REPORT`: lowers its rights, starts what an attack may look for, grades, writes the report.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import threading
from pathlib import Path

GIGABYTE = 1 << 30
CELL_SECONDS = 90  # nbgrader's default is 30; on a busy machine the import of torch alone may take that
PORT = 8123
BOUNDS = {  # so that an attack harms nothing but its own box; nbgrader sets none of them
    resource.RLIMIT_AS: 6 * GIGABYTE,
    resource.RLIMIT_NPROC: 120,
    resource.RLIMIT_FSIZE: GIGABYTE,
    resource.RLIMIT_NOFILE: 4096,
    resource.RLIMIT_CORE: 0,
}


def lower(uid: int) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    for kind, bound in BOUNDS.items():
        resource.setrlimit(kind, (bound, bound))


def listen() -> None:
    server = socket.create_server(("127.0.0.1", PORT))
    threading.Thread(target=lambda: [server.accept() for _ in range(99)], daemon=True).start()


def went_on() -> bool:
    """Whether the process that one attack starts is still there."""
    lines = [each / "cmdline" for each in Path("/proc").iterdir() if each.name.isdigit()]
    return any(b"4242" in line.read_bytes() for line in lines if line.exists())


def main() -> None:
    course, uid, report = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    lower(uid)
    listen()
    subprocess.Popen(["sleep", "31337"])
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    home = {"root": course, "course_id": "attacked"}
    api = NbGraderAPI(config=Config({"CourseDirectory": home, "Execute": {"timeout": CELL_SECONDS}}))
    report.with_name("begun").touch()
    done = api.autograde("attacked", "eve", force=True)
    found = {"success": done["success"], "went_on": went_on()}
    if done["success"]:
        api.generate_feedback("attacked", "eve", force=True)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    report.write_text(json.dumps(found))
    os._exit(0)


if __name__ == "__main__":
    main()
