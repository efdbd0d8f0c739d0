"""Answers that take too long, end their process, or use up the machine."""

from hostile.rows import CRASH, DOUBLE, FAIL, LOST, MEMORY, PASS, TIME, Attack, inside

TIME_OUT = {
    "loops without end": Attack(inside("while True: pass"), TIME, "A1"),
    "loops, and ignores every interrupt": Attack(
        inside("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"), TIME, "A2"
    ),
    "loops, and catches every error": Attack(
        inside("while True:\n    try:\n        while True: pass\n    except BaseException: pass"), TIME
    ),
    "loops in the cell itself": Attack("while True: pass", TIME),
    "sleeps": Attack(inside("import time; time.sleep(1000)"), TIME),
    "returns an iterator without end": Attack(inside("import itertools; return itertools.count()"), FAIL),
    "calls the test's own function without end": Attack(inside("while True: f(x)"), TIME),
    "calls the test's own function deeper and deeper": Attack(inside("def g(z): return f(g(z))\nreturn g(x)"), FAIL),
    "waits for a lock that nobody opens": Attack(inside("import threading; threading.Event().wait()"), TIME),
}
ENDS = {
    "ends the process with os._exit": Attack(inside("os._exit(0)"), CRASH, "A3"),
    "ends the process in the cell itself": Attack("import os; os._exit(0)", CRASH, "A3"),
    "calls sys.exit": Attack(inside("sys.exit(0)"), FAIL, "A4"),
    "raises SystemExit in the cell itself": Attack("raise SystemExit(0)", FAIL),
    "reads memory that is not there": Attack(inside("import ctypes; ctypes.string_at(0)"), CRASH),
    "reads memory that is not there, in the cell": Attack("import ctypes; ctypes.string_at(0)", CRASH),
    "aborts": Attack(inside("os.abort()"), CRASH),
    "kills every process it may": Attack(inside("os.kill(-1, 9)\nos._exit(0)"), CRASH),
    "kills every process in the cell itself": Attack("import os\nos.kill(-1, 9)\nos._exit(0)", LOST),
    "kills its parent": Attack(inside("os.kill(os.getppid(), 9)\nreturn x"), LOST),
    "kills the first process it sees": Attack(inside("os.kill(1, 9)\nreturn x"), LOST),
    "closes every open file": Attack(inside("os.closerange(0, 256)\nreturn 2 * x"), CRASH),
    "calls itself without end": Attack(inside("return double(x)"), FAIL),
}
SHARE = {
    "takes memory without end": Attack(inside("hold = []\nwhile True: hold.append(bytearray(1 << 22))"), MEMORY, "A5"),
    "asks torch for 32 GB": Attack(inside("return torch.zeros(1 << 33)"), MEMORY),
    "takes memory without end in the cell itself": Attack(
        "hold = []\nwhile True: hold.append(bytearray(1 << 22))", MEMORY
    ),
    "takes memory in many processes": Attack(
        inside(
            "import time\nfor _ in range(6):\n    if not os.fork():\n"
            "        hold = b'1' * (120 << 20)\n        time.sleep(60)\n"
            "time.sleep(60)"
        ),
        MEMORY,
    ),
    "fills files that live in memory": Attack(
        inside("for i in range(40): open(f'/dev/shm/{i}', 'wb').write(b'1' * (4 << 20))\nreturn 2 * x"), FAIL
    ),
    "forks without end": Attack(
        inside("while True:\n    try: os.fork()\n    except OSError: pass"), {CRASH, MEMORY, TIME}
    ),
    "forks without end in the cell itself": Attack(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", {CRASH, MEMORY, TIME}
    ),
    "starts threads without end": Attack(
        inside("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()"), LOST
    ),
    "leaves a process behind": Attack(
        "import subprocess\nsubprocess.Popen(['sleep', '4242'], start_new_session=True)\n" + DOUBLE, PASS, "A6"
    ),
    "writes a large file": Attack(
        inside("import tempfile\nopen(tempfile.gettempdir() + '/large', 'wb').write(b'1' * (20 << 20))\nreturn 2 * x"),
        FAIL,
    ),
    "opens a thousand files": Attack(inside("hold = [open('/dev/null') for _ in range(1000)]\nreturn 2 * x"), FAIL),
    "prints 5 MB": Attack(inside("os.write(1, b'spam ' * (1 << 20))\nreturn 2 * x"), PASS),
    "prints 40,000 lines": Attack(inside("for i in range(20_000): print(i)\nreturn 2 * x"), PASS, "A7"),
    "prints what is no text": Attack(inside("os.write(2, bytes(range(256)))\nprint('\\udcff')\nreturn x"), FAIL),
    "returns a tensor of 32 MB": Attack(inside("return torch.zeros(8 << 20)"), FAIL),
    "returns a string of 9 MB": Attack(inside("return 'x' * (9 << 20)"), FAIL),
    "returns a number of ten thousand digits": Attack(inside("return 10 ** 10000"), FAIL),
    "raises an error of 9 MB": Attack(inside("raise ValueError('x' * (9 << 20))"), FAIL),
    "raises an error that cannot be shown": Attack(
        inside("class E(Exception):\n    def __str__(self): raise ValueError\nraise E(1, 2)"), FAIL
    ),
}
