"""Answers by somebody who has read `src/cnnlab/grading/`."""

from hostile.rows import CRASH, FAIL, LOST, MEMORY, TIME, Attack, inside
from hostile.wire import answers, frames

LAYER = "'name': 'L', 'training': True, 'parameters': {}, 'buffers': {}, 'children': {}"


def hoards(first: str) -> str:
    """Six processes with 120 MB each, after a trick that shall hide them from the watch."""
    return inside(
        f"import ctypes, time\n{first}\nfor _ in range(6):\n    if not os.fork():\n"
        "        hold = b'1' * (120 << 20)\n        time.sleep(60)\ntime.sleep(2)\nreturn 2 * x"
    )


AIMS = {
    "says again and again that its cell has just begun": Attack(
        "import os, time\nwhile True:\n    for fd in range(3, 256):\n"
        '        try: os.write(fd, b\'{"begins": "double"}\')\n        except OSError: pass\n    time.sleep(0.2)',
        TIME,
    ),
    "says that the cell of another question has begun, and ends": Attack(
        "import os\nfor fd in range(3, 256):\n"
        '    try: os.write(fd, b\'{"begins": "total"}\')\n    except OSError: pass\nos._exit(0)',
        CRASH,
        spoils=True,
    ),
    "hides the memory of its processes from others": Attack(hoards("ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"), MEMORY),
    "calls itself what makes its line in /proc unreadable": Attack(
        hoards("ctypes.CDLL(None).prctl(15, b') R 1 1 (', 0, 0, 0)"), MEMORY
    ),
    "returns a list that holds itself": Attack(answers("['list', ['same', 0]]"), FAIL),
    "returns the test's own function": Attack(answers("['yours', 1]"), FAIL),
    "returns a range of a million billion numbers": Attack(answers("['range', 0, 10 ** 15, 1]"), FAIL),
    "returns a dictionary whose keys all collide": Attack(
        frames(
            "send({'serial': 2, 'answer': ['dict'] + [v for i in range(60000) for v in (i * (2 ** 61 - 1), 0)]})\n"
            "import time; time.sleep(9)"
        ),
        LOST,
    ),
    "returns a layer that would grow its input a million times": Attack(
        answers(f"['model', 1, {{'kind': 'Upsample', 'attributes': {{'scale_factor': 1e6}}, {LAYER}}}]"), FAIL
    ),
    "returns a layer with something of torch's replaced": Attack(
        answers(f"['model', 1, {{'kind': 'Linear', 'attributes': {{'forward': 'x'}}, {LAYER}}}]"), CRASH
    ),
    "has torch import something by the name of a dtype": Attack(answers("['dtype', 'onnx']"), CRASH),
    "names its error, and the place of it, after the hidden input": Attack(
        inside(
            "class E(Exception): pass\nE.__name__ = str(x.tolist())\n"
            "if x.ndim == 1: exec(compile('raise E(1)', f'<answer {x.tolist()}>', 'exec'), {'E': E})\nreturn 2 * x"
        ),
        FAIL,
    ),
    "makes the test's tensor too large to be sent": Attack(
        inside("x.data = torch.zeros(900_000)\nx.grad = torch.zeros(900_000)\nreturn f(x)"), FAIL
    ),
    "hides memory in files without a name": Attack(
        inside(
            "import time\nhold = [os.memfd_create('x') for _ in range(90)]\n"
            "for file in hold: os.write(file, bytes((8 << 20) - 1))\ntime.sleep(2)\nreturn 2 * x"
        ),
        FAIL,
    ),
    "hides memory in segments that no process holds": Attack(
        inside(
            "import ctypes, time\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
            "libc.shmdt.argtypes = [ctypes.c_void_p]\nfor _ in range(12):\n"
            "    place = libc.shmat(libc.shmget(0, 60 << 20, 0o1600), None, 0)\n"
            "    if place == 2 ** 64 - 1: raise MemoryError\n"
            "    ctypes.memset(place, 1, 60 << 20)\n    libc.shmdt(place)\ntime.sleep(2)\nreturn 2 * x"
        ),
        {FAIL, MEMORY},
    ),
    "hides memory in the buffers of sockets": Attack(
        inside(
            "import socket\nhold = [end for _ in range(50) for end in socket.socketpair()]\nfor end in hold:\n"
            "    end.setsockopt(1, 7, 1 << 30)\n    end.setblocking(False)\n    try:\n"
            "        while True: end.send(bytes(1 << 16))\n    except BlockingIOError: pass\nreturn 2 * x"
        ),
        FAIL,
    ),
}
