"""The filter of system calls: it refuses what it names, and lets pass what answers need."""

import errno
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnnlab.grading import syscalls

HERE = platform.machine()
pytestmark = pytest.mark.skipif(HERE not in syscalls.ARCHITECTURES, reason=f"no numbers of system calls for {HERE}")

# What is not given is -1, so that a call which is let through changes nothing.
LOOK = """
import ctypes, json, os
from cnnlab.grading import syscalls
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
place = list(syscalls.ARCHITECTURES).index(os.uname().machine)
clone, clone3, sockets, options = (numbers[place] for numbers in syscalls.PARTLY.values())
mmap = syscalls.MMAP[place]
def error(number, *arguments):
    done = libc.syscall(number, *map(ctypes.c_long, (*arguments, *[-1] * (6 - len(arguments)))))
    return 0 if done >= 0 else ctypes.get_errno()
def look():
    found = {name: error(numbers[place]) for name, numbers in syscalls.REFUSED.items()}
    found |= {f"sockets of family {family}": error(sockets, family, 1, 0) for family in (2, 10, 16, 17, 38, 40)}
    found |= {"a larger buffer": error(options, -1, 1, 7), "another option": error(options, -1, 1, 2)}
    for name, flags in {"shared": 0x21, "validated": 0x23, "huge": 0x40022, "private": 0x22}.items():
        found[f"{name} memory"] = error(mmap, 0, 4096, 3, flags, -1, 0)
    return found | {"sockets of this machine": error(sockets, 1, 1, 0), "another processor's": error(0x40000000)}
before = look()
libc.prctl(38, 1, 0, 0, 0)
syscalls.refuse()
spaces = {f"namespace {bit:#x}": error(clone, bit | 17, 0, 0, 0, 0) for bit in (1 << 17, *(1 << n for n in range(25, 31)))}
print(json.dumps([before, look() | spaces | {"clone3": error(clone3, 0, 0)}]))
"""
PASSES = {"another option": errno.EBADF, "private memory": 0, "sockets of this machine": 0}


def filtered(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)


def test_all_that_is_named_is_refused_and_by_the_filter():
    done = filtered(LOOK)
    before, after = json.loads(done.stdout or "[{}, {}]")
    assert after.pop("clone3") == errno.ENOSYS, done.stderr
    assert {name: after.pop(name) for name in PASSES} == PASSES == {name: before.pop(name) for name in PASSES}
    assert len(after) > 60 and set(after.values()) == {errno.EPERM}, after
    otherwise = {name for name, number in before.items() if number != errno.EPERM}
    assert len(otherwise) > 15 and {"memfd_create", "shmget", "shared memory"} < otherwise, (
        otherwise
    )  # more where no container refuses


NEEDED = """
import ctypes, multiprocessing, os, subprocess, threading
import torch
from torch.utils.data import DataLoader, TensorDataset
from cnnlab.grading import syscalls
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
syscalls.refuse()
data = TensorDataset(torch.arange(8.0))
assert sum(x.sum().item() for x, in DataLoader(data, batch_size=2, num_workers=2)) == 28
with multiprocessing.Pool(2) as pool:
    assert pool.map(abs, [-1, 2]) == [1, 2]
assert subprocess.run(["/bin/echo", "hello"], capture_output=True).stdout == b"hello\\n"
thread = threading.Thread(target=int)
thread.start()
thread.join()
conv = torch.nn.Conv2d(3, 4, 3)
conv(torch.randn(2, 3, 8, 8)).sum().backward()
torch.fft.fft(torch.randn(8)); torch.linalg.svd(torch.randn(4, 4))
print("all of it")
"""


def test_what_answers_need_works_under_the_filter():
    done = filtered(NEEDED)
    assert done.stdout == "all of it\n", done.stderr


def test_the_tables_have_a_number_for_each_processor_and_none_twice():
    calls = {**syscalls.REFUSED, **syscalls.PARTLY, "mmap": syscalls.MMAP}
    for place, machine in enumerate(syscalls.ARCHITECTURES):
        numbers = [each[place] for each in calls.values()]
        assert len(set(numbers)) == len(numbers)
        assert len(syscalls.program(machine)) // 8 < 4096  # BPF takes no more


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not here: apt-get install linux-libc-dev")
    place = list(syscalls.ARCHITECTURES).index(machine)
    lines = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    told = {name: int(number) for name, number in reversed(lines)}
    ours = {**syscalls.REFUSED, **syscalls.PARTLY, "mmap": syscalls.MMAP}
    assert {name: numbers[place] for name, numbers in ours.items()} == {name: told.get(name) for name in ours}
