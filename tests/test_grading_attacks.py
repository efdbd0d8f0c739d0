"""Hostile and broken answers, each with the verdict promised: one row of a table each.

Two questions. A row replaces the first answer; the second is right, and its test must pass whatever the first one does.
An attack that finds what it looks for answers rightly, so "failed" says that it found nothing.
"""

import os
from pathlib import Path

import pytest

from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.engine import Grader, Limits, probe

SETUP = "import torch\nfrom torch import nn\n\nfrom cnnlab import check"
DOUBLE = "def double(x, f=None):\n    return 2 * x"
TOTAL = "def total(values):\n    return sum(values)"
TEST_DOUBLE = """torch.manual_seed(1)
x = torch.randn(3, 4)
got = double(x.clone(), lambda z: z + 1)
check.close(got, 2 * x, hint="Twice.")
### BEGIN HIDDEN TESTS
secret = "the hidden 31337"
assert (x != 0).all() and torch.randn(5).std() > 0
y = torch.rand(7) + 1
check.close(double(y.clone()), 2 * y)
### END HIDDEN TESTS
"""
TEST_TOTAL = "check.close(total([1, 2, 3]), 6)\ncheck.close(total([0.5, 4]), 4.5)"
ASSIGNMENT = Assignment(
    "attacked",
    (
        Cell("given", "setup", SETUP),
        Cell("answer", "double", DOUBLE, binds=("double",)),
        Cell("test", "test-double", TEST_DOUBLE, 2.0),
        Cell("answer", "total", TOTAL, binds=("total",)),
        Cell("test", "test-total", TEST_TOTAL, 3.0),
    ),
)
LIMITS = Limits(
    cell_seconds=3, test_seconds=3, total_seconds=60, memory_mb=300, processes=12, file_mb=8, output_kb=8, message_mb=4
)
ROOT = Path(__file__).resolve().parents[1]

TIME, MEMORY, CRASH, FAIL, PASS = "out of time", "out of memory", "crashed", "failed", "passed"
LOST = {TIME, MEMORY, CRASH, FAIL}  # which of them depends on who is first


def inside(body: str) -> str:
    """An attack when the test calls."""
    return "import os, sys\ndef double(x, f=None):\n" + "\n".join(f"    {line}" for line in body.splitlines())


def finds(body: str) -> str:
    """An attack that looks for something: `found` true makes it answer rightly."""
    return inside(f"found = False\ntry:\n{_indented(body)}\nexcept Exception:\n    pass\nreturn 2 * x if found else x")


def frames(body: str) -> str:
    """An attack on the channel: `send` writes a frame where the answer should stand."""
    return inside(
        "import gc, json, struct\n"
        "from cnnlab.grading.answers_side import AnswersSide\n"
        "side = next(o for o in gc.get_objects() if isinstance(o, AnswersSide))\n"
        "end = side.channel.end\n"
        "def send(header, body=b''):\n"
        "    text = header if type(header) is bytes else json.dumps(header).encode()\n"
        "    end.sendall(struct.pack('>II', len(text), len(body)) + text + body)\n" + body
    )


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


HARMS_ITSELF = {
    "torch itself",
    "a status of its own",
}  # a cell that spoils what all answers use loses more than one test

LIE = "class Yes:\n    ndim, shape, dtype = 2, (3, 4), torch.float32\n"
LIE += "    __eq__ = __le__ = lambda s, o: True\n    __hash__ = None\n"
ATTACKS = {
    # Time.
    "an endless loop": (inside("while True: pass"), TIME),
    "an endless loop that catches everything": (
        inside("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        TIME,
    ),
    "an endless loop in the cell": ("while True: pass", TIME),
    "sleep": (inside("import time; time.sleep(1000)"), TIME),
    "an iterator without end": (inside("import itertools; return itertools.count()"), FAIL),
    "calls the test's function without end": (inside("while True: f(x)"), TIME),
    "calls the test's function deeper and deeper": (inside("def g(z): return f(g(z))\nreturn g(x)"), FAIL),
    "a lock that nobody opens": (inside("import threading; threading.Event().wait()"), TIME),
    # Ends.
    "os._exit in a call": (inside("os._exit(0)"), CRASH),
    "os._exit in the cell": ("import os; os._exit(0)", CRASH),
    "sys.exit in a call": (inside("sys.exit(0)"), FAIL),
    "exit in the cell": ("raise SystemExit(0)", FAIL),
    "a segmentation fault in a call": (inside("import ctypes; ctypes.string_at(0)"), CRASH),
    "a segmentation fault in the cell": ("import ctypes; ctypes.string_at(0)", CRASH),
    "abort": (inside("os.abort()"), CRASH),
    "kills all it sees": (inside("os.kill(-1, 9)\nos._exit(0)"), CRASH),
    "kills its parent": (inside("os.kill(os.getppid(), 9)\nreturn x"), LOST),
    "kills the first process of the room": (inside("os.kill(1, 9)\nreturn x"), LOST),
    "kills all in the cell": ("import os\nos.kill(-1, 9)\nos._exit(0)", LOST),
    "closes every file": (inside("os.closerange(0, 256)\nreturn 2 * x"), CRASH),
    "recursion without end": (inside("return double(x)"), FAIL),
    # Limits.
    "memory in a call": (inside("hold = []\nwhile True: hold.append(bytearray(1 << 22))"), MEMORY),
    "memory of torch": (inside("return torch.zeros(1 << 33)"), MEMORY),
    "memory in the cell": ("hold = []\nwhile True: hold.append(bytearray(1 << 22))", MEMORY),
    "memory of many processes": (
        inside(
            "import time\nfor _ in range(6):\n    if not os.fork():\n"
            "        hold = b'1' * (120 << 20)\n        time.sleep(60)\n"
            "time.sleep(60)"
        ),
        MEMORY,
    ),
    "memory that no process owns": (
        inside("for i in range(40): open(f'/dev/shm/{i}', 'wb').write(b'1' * (4 << 20))\nreturn 2 * x"),
        FAIL,
    ),
    "a fork bomb": (inside("while True:\n    try: os.fork()\n    except OSError: pass"), {CRASH, MEMORY, TIME}),
    "a fork bomb in the cell": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        {CRASH, MEMORY, TIME},
    ),
    "threads without end": (
        inside("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()"),
        LOST,
    ),
    "a large file": (inside("open('/scratch/large', 'wb').write(b'1' * (20 << 20))\nreturn 2 * x"), FAIL),
    "a thousand open files": (inside("hold = [open('/dev/null') for _ in range(1000)]\nreturn 2 * x"), FAIL),
    "a flood of output": (inside("os.write(1, b'spam ' * (1 << 20))\nreturn 2 * x"), PASS),
    "a flood of output in small pieces": (
        inside("for i in range(20000): print(i, file=sys.stderr)\nreturn 2 * x"),
        PASS,
    ),
    "output that is no text": (inside("os.write(2, bytes(range(256)))\nprint('\\udcff')\nreturn x"), FAIL),
    "a giant answer": (inside("return torch.zeros(8 << 20)"), FAIL),
    "a giant string": (inside("return 'x' * (9 << 20)"), FAIL),
    "a giant number": (inside("return 10 ** 10000"), FAIL),
    "a giant error": (inside("raise ValueError('x' * (9 << 20))"), FAIL),
    "an error that cannot be shown": (
        inside("class E(Exception):\n    def __str__(self): raise ValueError\nraise E(1, 2)"),
        FAIL,
    ),
    # Looks for what it must not see.
    "the network": (finds("import socket; socket.create_connection(('1.1.1.1', 53), 1); found = True"), FAIL),
    "a server on this machine": (
        finds("import socket; socket.create_connection(('127.0.0.1', PORT), 1); found = True"),
        FAIL,
    ),
    "the environment": (finds("found = 'CNNLAB_GRADING_SECRET' in os.environ"), FAIL),
    "the environment of another process": (
        finds(
            "pids = [p for p in os.listdir('/proc') if p.isdigit()]\n"
            "found = any(b'CNNLAB_GRADING' in open(f'/proc/{p}/environ', 'rb').read() for p in pids)"
        ),
        FAIL,
    ),
    "the course": (finds("found = os.path.exists('COURSE')"), FAIL),
    "folders of others": (
        finds("found = any(os.path.exists(os.sep + p) for p in ('home', 'var/lib', 'etc/passwd'))"),
        FAIL,
    ),
    "other processes": (finds("found = len([p for p in os.listdir('/proc') if p.isdigit()]) > 8"), FAIL),
    "the test in memory": (
        finds(
            "import gc\nword = 'hidden ' + str(31337)\nfor o in gc.get_objects():\n"
            "    if isinstance(o, dict) and any(isinstance(v, str) and word in v for v in list(o.values())): found = True"
        ),
        FAIL,
    ),
    "the test among its callers": (
        finds("frame = sys._getframe()\nwhile frame := frame.f_back:\n    found = found or 'secret' in frame.f_locals"),
        FAIL,
    ),
    "the test behind a function it was given": (
        finds("found = 'x' in f.__globals__ and 'secret' in str(f.__globals__)"),
        FAIL,
    ),
    # Becomes somebody else.
    "a user namespace": (finds("import ctypes; found = ctypes.CDLL(None).unshare(0x10000000) == 0"), FAIL),
    "a mount": (finds("import ctypes; found = ctypes.CDLL(None).mount(b'x', b'/proc', b'tmpfs', 0, None) == 0"), FAIL),
    "an unmount": (finds("import ctypes; found = ctypes.CDLL(None).umount2(b'/proc', 2) == 0"), FAIL),
    "root": (finds("os.setuid(0); found = True"), FAIL),
    "the package on disk": (finds("import cnnlab; open(cnnlab.__file__, 'a').write('#'); found = True"), FAIL),
    "Python on disk": (finds("open(os.__file__, 'a').write('#'); found = True"), FAIL),
    "the root folder": (finds("open('/here', 'w').write('1'); found = True"), FAIL),
    "a trace of its parent": (
        finds("import ctypes; found = ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 and os.stat('/proc/1/mem') and False"),
        FAIL,
    ),
    # Lies.
    "torch's comparisons": (
        "torch.allclose = torch.equal = lambda *a, **k: True\ntorch.Tensor.__eq__ = lambda s, o: True\n"
        + inside("return x"),
        FAIL,
    ),
    "torch itself": ("import sys\nsys.modules['torch'] = None\n" + inside("return x"), FAIL),
    "the checks": ("check.close = check.law = lambda *a, **k: None\n" + inside("return x"), FAIL),
    "built-in functions": (
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = Warning\n" + inside("return x"),
        FAIL,
    ),
    "an object that equals everything": (inside(LIE + "return Yes()"), FAIL),
    "a tensor that equals everything": (
        inside(
            "class Yes(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return True\n"
            "return x.as_subclass(Yes)"
        ),
        FAIL,
    ),
    "an object that says it is a tensor": (inside("class T:\n    __class__ = torch.Tensor\nreturn T()"), FAIL),
    "a number that equals everything": (inside("class F(float):\n    __eq__ = lambda s, o: True\nreturn F()"), FAIL),
    "not a number": (inside("return x * float('nan')"), FAIL),
    "nothing": (inside("return torch.empty(0)"), FAIL),
    "the input, set to zero": (inside("return x.zero_()"), FAIL),
    "random numbers that are all the same": (
        inside("state = torch.get_rng_state()\nstate[24:] = 0\ntorch.set_rng_state(state)\nreturn x"),
        FAIL,
    ),
    "an AssertionError of its own": (inside("raise AssertionError('passed')"), FAIL),
    "StopIteration": (inside("raise StopIteration"), FAIL),
    "an interrupt": (inside("raise KeyboardInterrupt"), FAIL),
    # The channel.
    "a header that is not JSON": (frames("send(b'no')\nos._exit(0)"), CRASH),
    "a header that is no object": (frames("send([1])\nos._exit(0)"), CRASH),
    "a header without end": (frames("end.sendall(b'\\xff' * 8)\nos._exit(0)"), CRASH),
    "half a frame": (frames("end.sendall(struct.pack('>II', 100, 0) + b'{')\nimport time; time.sleep(60)"), TIME),
    "a header a million deep": (
        frames("send(b'{\"answer\":' + b'[' * 1000000 + b']' * 1000000 + b'}')\nos._exit(0)"),
        CRASH,
    ),
    "answers to what was not asked": (
        frames("for i in range(50): send({'serial': i, 'answer': 1})\nos._exit(0)"),
        CRASH,
    ),
    "a tensor without its bytes": (
        frames(
            "send({'serial': 2, 'answer': ['tensor', 0, ['float32', [9, 9], [0, 1]], [0, 4], '', None]})\nos._exit(0)"
        ),
        CRASH,
    ),
    "a tensor of negative size": (
        frames("send({'serial': 2, 'answer': ['tensor', 0, ['float32', [-1], [0]], [0, 0], '', None]})\nos._exit(0)"),
        CRASH,
    ),
    "an array of Python objects": (
        frames("send({'serial': 2, 'answer': ['array', ['|O', [1]], [0, 8]]}, bytes(8))\nos._exit(0)"),
        CRASH,
    ),
    "a tensor that nobody shares": (frames("send({'serial': 2, 'answer': ['shared', 99999]})\nos._exit(0)"), CRASH),
    "a value of an unknown kind": (frames("send({'serial': 2, 'answer': ['eval', '1']})\nos._exit(0)"), CRASH),
    "changes to what was not given": (
        frames("send({'serial': 2, 'answer': 1, 'changes': [[99, ['tuple']]]})\nos._exit(0)"),
        CRASH,
    ),
    "an attribute of the test's function": (
        frames("send({'ask': 'get', 'parts': [['yours', 1], '__globals__'], 'serial': 1, 'modes': {}})\nos._exit(0)"),
        CRASH,
    ),
    "a call of what the test never gave": (frames("side.ask('call', print, [], {})\nreturn x"), CRASH),
    "a history that is none": (frames("side.ask('backward', 1, [])\nreturn x"), CRASH),
    "a verdict written into every file": (
        inside(
            'word = b\'{"test":"test-double","verdict":"passed","message":""}\'\nfor fd in range(3, 256):\n'
            "    try: os.write(fd, bytes([0, 0, 0, len(word), 0, 0, 0, 0]) + word)\n    except OSError: pass\nreturn x"
        ),
        CRASH,
    ),
    "a status of its own": (
        "import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'{\"ready\": true}')\n    except OSError: pass\n"
        + inside("return x"),
        LOST,
    ),
    # Broken, not hostile.
    "a cell that is empty": ("", FAIL),
    "a cell that is not Python": ("def double(x:", FAIL),
    "a cell with a null byte": ("x = '\0'", FAIL),
    "a cell that raises": ("raise ValueError('half done')", FAIL),
    "a right answer before an error": (DOUBLE + "\nraise ValueError('half done')", PASS),
    "a cell for IPython": ("%matplotlib inline\n!pip install nothing\n" + DOUBLE, PASS),
    "an answer under another name": ("def doubled(x): return 2 * x", FAIL),
    "a value for a function": ("double = 2", FAIL),
    "warnings": ("import warnings\nwarnings.warn('careful')\n" + DOUBLE, PASS),
    "a thread that stays": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n" + DOUBLE,
        PASS,
    ),
}


@pytest.fixture(scope="module")
def grader():
    if probe().name == "none":
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs bubblewrap: apt-get install bubblewrap")
    os.environ["CNNLAB_GRADING_SECRET"] = "31337"
    with Grader(limits=LIMITS) as grader:
        yield grader
    del os.environ["CNNLAB_GRADING_SECRET"]


def attacked(source: str, **more: str) -> dict[str, str]:
    return {"double": source.replace("COURSE", str(ROOT / "exercises")), "total": TOTAL, **more}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_has_the_verdict_promised_and_harms_no_other_test(grader, name):
    source, promised = ATTACKS[name]
    mine, other = grader.grade(ASSIGNMENT, attacked(source))
    assert mine.verdict in ({promised} if type(promised) is str else promised), mine
    assert mine.points == (2.0 if mine.verdict == PASS else 0.0)
    assert name in HARMS_ITSELF or (other.verdict, other.points) == (PASS, 3.0), other
    shown = mine.message + other.message
    assert "31337" not in shown and len(shown) < 8000


def test_the_corpus_is_large_enough():
    assert len(ATTACKS) >= 45
