"""The warm server on the student's side: imports torch once, then forks a room for each submission.

It never runs a line of a student's itself. In a room, given and answer cells run in order; at each test's place a child
is forked that answers for the state the notebook has there, so that one test cannot spoil the next.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import time
import types

from cnnlab.grading.cells import run
from cnnlab.grading.channel import Broken, Channel, read_job, receive_job
from cnnlab.grading.huge import settle
from cnnlab.grading.isolation import close_room, die_with_parent, enter_room, limit
from cnnlab.grading.shell import ipython_names
from cnnlab.grading.warm import warm_up

HELLO = b"!"
OWN = 2  # processes of a room that are ours, beside one for each test: the first, and that of the cells
FILES = 64  # that a process of a student's may have open: what it can make the kernel keep for it is bounded by them


def main() -> None:
    """`sys.argv`: the package's folder, the number of the control socket, and whether to isolate."""
    die_with_parent()
    control, isolate = socket.socket(fileno=int(sys.argv[2])), sys.argv[3] == "isolated"
    warm_up()
    settle()
    control.send(HELLO)
    while fds := receive_job(control):
        if enter_room() if isolate else fork_off():
            control.close()
            job = read_job(fds)
            if isolate:
                close_room(job["limits"])
            live(job, fds)
        for fd in fds:
            os.close(fd)


def fork_off() -> bool:
    """What a room is without isolation: a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reaps them
    if os.fork():
        return False
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    die_with_parent()
    return True


def live(job: dict, fds: list[int]) -> None:
    """The room's first process: starts the one that runs the cells, reaps, and ends with it."""
    try:
        status, output, *ends = fds
        socket.socket(fileno=os.dup(status)).send(HELLO)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        sys.stdout.reconfigure(line_buffering=True)  # whoever is killed has said what it said
        worker = os.fork()
        if not worker:
            run_cells(job, socket.socket(fileno=status), ends)
        for fd in (status, *ends):
            os.close(fd)
        while os.wait()[0] != worker:
            pass
    finally:
        os._exit(0)


def run_cells(job: dict, status: socket.socket, ends: list[int]) -> None:
    """Tells the coordinator which cell begins, and how it ended."""
    from cnnlab.grading import answers_side  # noqa: F401 - before a cell can spoil what it imports

    die_with_parent()
    names = namespace()
    places = dict(zip(job["tests"], ends, strict=True))
    prepare(job)
    limit(job["limits"], files=max([status.fileno(), *ends]) + 1 + FILES, own=len(ends) + OWN)
    for cell in job["cells"]:
        if cell["kind"] != "test":
            tell(status, begins=cell["name"])
            tell(status, ends=cell["name"], error=run(cell["source"], f"{cell['kind']} {cell['name']}", names))
        elif cell["name"] in places and not os.fork():
            answer(job, names, places[cell["name"]], set(ends), status)
    tell(status, ready=True)
    for end in ends:
        os.close(end)
    wait_for_the_end(status)


def wait_for_the_end(status: socket.socket) -> None:
    """Until the coordinator ends the room, or is gone: a process that ends before is a sign that something ended it."""
    with contextlib.suppress(OSError):  # a cell may have closed what it found open
        while status.recv(1):
            pass
        os._exit(0)
    while True:
        time.sleep(3600)


def tell(status: socket.socket, **what: object) -> None:
    status.send(json.dumps(what).encode())


def answer(job: dict, names: dict, end: int, ends: set[int], status: socket.socket) -> None:
    """The child for one test: serves until the test is over."""
    from cnnlab.grading.answers_side import AnswersSide

    die_with_parent()
    status.close()
    for other in ends - {end}:
        os.close(other)
    try:
        AnswersSide(Channel(socket.socket(fileno=end), job["limits"]["message_mb"] << 20), names).serve()
    except Broken:
        pass
    finally:
        os._exit(0)


def namespace() -> dict:
    """A fresh `__main__`, as in a notebook's kernel."""
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    vars(module).update(ipython_names())
    return vars(module)


def prepare(job: dict) -> None:
    import random

    import numpy as np
    import torch

    random.seed(job["seed"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
