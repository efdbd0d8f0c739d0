"""The warm server on the test's side: it runs given cells and tests, and never a line of a student's.

Forks once for each submission, and from there once for each test, so that each starts from what the given cells left.
Results go to the coordinator over a socket of their own.
"""

import ast
import os
import resource
import signal
import socket
import sys

from cnnlab.grading.answers_server import HELLO, namespace, prepare
from cnnlab.grading.cells import run
from cnnlab.grading.channel import Channel, read_job, receive_job
from cnnlab.grading.huge import settle
from cnnlab.grading.isolation import address_space, die_with_parent
from cnnlab.grading.warm import warm_up


def main() -> None:
    die_with_parent()
    control = socket.socket(fileno=int(sys.argv[2]))
    warm_up()
    from cnnlab.grading import verdict  # noqa: F401

    settle()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.send(HELLO)
    while fds := receive_job(control):
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            grade(read_job(fds), fds)
        for fd in fds:
            os.close(fd)


def grade(job: dict, fds: list[int]) -> None:
    """The process of one submission: given cells in order, and at each test's place a child that runs it."""
    try:
        os.setsid()
        die_with_parent()
        report = Channel(socket.socket(fileno=fds[0]))
        report.send({"pid": os.getpid()})
        _quiet(job["limits"])
        prepare(job)
        _go_through(job, report, dict(zip(job["tests"], fds[1:], strict=True)))
    finally:
        os._exit(0)


def _go_through(job: dict, report: Channel, ends: dict[str, int]) -> None:
    names, given, late, broken, waiting = namespace(), {}, [], None, True
    unsure: set[str] = set()  # names that the student's side binds
    for cell in job["cells"]:
        if cell["kind"] == "answer":
            unsure |= set(cell["binds"])
        elif cell["kind"] == "given" and unsure & mentioned(cell["source"]):
            late.append(cell)  # needs answers: runs in each test, which can ask for them
            unsure |= bound(cell["source"])
        elif cell["kind"] == "given":
            broken = broken or run(cell["source"], f"given {cell['name']}", names)
            given |= names
        elif cell["name"] in ends:
            waiting = waiting and not report.end.recv(1)  # until the student's side is ready
            report.send({"begins": cell["name"]})
            test = {"cell": cell, "late": late, "binds": sorted(unsure), "broken": broken}
            _in_a_child(test, job, report, ends.pop(cell["name"]), names, given, ends)


def _in_a_child(test, job, report, end, names, given, ends) -> None:
    if child := os.fork():
        os.close(end)
        _, status = os.waitpid(child, 0)
        if status:
            report.send({"test": test["cell"]["name"], "verdict": "crashed", "message": "The test could not go on."})
        return
    die_with_parent()
    for other in ends.values():
        os.close(other)
    from cnnlab.grading.verdict import judge

    report.send(judge(test, Channel(socket.socket(fileno=end), job["limits"]["message_mb"] << 20), names, given))
    os._exit(0)


def _quiet(limits: dict) -> None:
    """What cells print goes nowhere; and answers cannot fill the memory of this side either."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    most = address_space() + 2 * (limits["memory_mb"] << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def mentioned(source: str) -> set[str]:
    try:
        return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    except SyntaxError:
        return set()


def bound(source: str) -> set[str]:
    from cnnlab.grading.assignment import bound_names

    return set(bound_names(source, "a given cell"))
