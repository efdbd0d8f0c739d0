"""Answers that look for what they must not see, or try to become somebody else."""

from hostile.rows import FAIL, Attack, finds

LOOKS = {
    "opens a connection to the internet": Attack(
        finds("import socket; socket.create_connection(('1.1.1.1', 53), 1); found = True"), FAIL, "D6"
    ),
    "opens a connection to a server on this machine": Attack(
        finds("import socket; socket.create_connection(('127.0.0.1', PORT), 1); found = True"), FAIL, "D6"
    ),
    "reads a secret in the environment": Attack(finds("found = 'CNNLAB_GRADING_SECRET' in os.environ"), FAIL),
    "reads the environment of the other processes": Attack(
        finds(
            "for pid in [p for p in os.listdir('/proc') if p.isdigit()]:\n    try:\n"
            "        found = found or b'CNNLAB_GRADING' in open(f'/proc/{pid}/environ', 'rb').read()\n"
            "    except OSError: pass"
        ),
        FAIL,
    ),
    "reads what other processes run": Attack(
        finds(
            "pids = [p for p in os.listdir('/proc') if p.isdigit()]\n"
            "found = any(b'sleep' in open(f'/proc/{p}/cmdline', 'rb').read() for p in pids)"
        ),
        FAIL,
    ),
    "finds the course": Attack(finds("found = os.path.exists('COURSE/source')"), FAIL, "D1"),
    "reads the hidden tests in the source": Attack(
        finds("found = 'hidden ' + str(31337) in open('COURSE/source/attacked/attacked.ipynb').read()"), FAIL, "D3"
    ),
    "reads the hidden tests in the gradebook": Attack(
        finds("found = b'hidden ' + b'31337' in open('COURSE/gradebook.db', 'rb').read()"), FAIL, "D1"
    ),
    "reads another student's submission": Attack(
        finds("found = 'double' in open('COURSE/submitted/ada/attacked/attacked.ipynb').read()"), FAIL, "D3"
    ),
    "writes the gradebook: full marks and more for everybody": Attack(
        finds(
            "import sqlite3\nbook = sqlite3.connect('COURSE/gradebook.db', timeout=1)\n"
            "book.execute('update grade set manual_score = 5, extra_credit = 42')\nbook.commit()"
        ),
        FAIL,
        "D2",
    ),
    "empties another student's submission": Attack(
        finds("open('COURSE/submitted/ada/attacked/attacked.ipynb', 'w').write('{}')"), FAIL, "D3"
    ),
    "looks into the folders of others": Attack(
        finds("found = any(os.path.exists(os.sep + p) for p in ('home', 'var/lib', 'etc/passwd'))"), FAIL
    ),
    "looks for the test in memory": Attack(
        finds(
            "import gc\nword = 'hidden ' + str(31337)\nfor o in gc.get_objects():\n"
            "    held = list(o.values()) if isinstance(o, dict) else o if isinstance(o, list) else ()\n"
            "    found = found or any(isinstance(v, str) and word in v for v in held)"
        ),
        FAIL,
    ),
    "looks for the test among its callers": Attack(
        finds("frame = sys._getframe()\nwhile frame := frame.f_back:\n    found = found or 'secret' in frame.f_locals"),
        FAIL,
    ),
    "looks for the test behind a function it was given": Attack(
        "seen = []\n" + finds("seen.append(f and f.__globals__['In'][-1])\nfound = 'got' in seen[0]"), FAIL
    ),
    "prints the test that calls it, from IPython's history": Attack(
        "def double(x, f=None):\n    print(get_ipython().user_ns['In'][-1])\n    return x", FAIL, "C6"
    ),
}
BECOMES = {
    "opens a user namespace, to be root in it": Attack(
        finds("import ctypes; found = ctypes.CDLL(None).unshare(0x10000000) == 0"), FAIL
    ),
    "mounts over /proc": Attack(
        finds("import ctypes; found = ctypes.CDLL(None).mount(b'x', b'/proc', b'tmpfs', 0, None) == 0"), FAIL
    ),
    "unmounts /proc": Attack(finds("import ctypes; found = ctypes.CDLL(None).umount2(b'/proc', 2) == 0"), FAIL),
    "becomes root": Attack(finds("os.setuid(0); found = True"), FAIL),
    "writes into the package": Attack(
        finds("import cnnlab; open(cnnlab.__file__, 'a').write('#'); found = True"), FAIL
    ),
    "writes into Python": Attack(finds("open(os.__file__, 'a').write('#'); found = True"), FAIL),
    "writes into the root folder": Attack(finds("open('/here', 'w').write('1'); found = True"), FAIL),
    "attaches to the first process as a debugger": Attack(
        finds("import ctypes; found = ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0"), FAIL
    ),
}
