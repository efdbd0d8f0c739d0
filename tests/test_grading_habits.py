"""Right answers, written with the habits of students: each keeps full marks."""

import os

import pytest

from cnnlab.grading.assignment import Assignment, Cell
from cnnlab.grading.definitions import plain
from cnnlab.grading.engine import Grader, Limits, probe

DOUBLE = "def double(x):\n    return 2 * x\n"
TEST = """x = torch.randn(3, requires_grad=True)
check.close(double(x), 2 * x)
double(x).sum().backward()
check.close(x.grad, torch.full((3,), 2.0))
check.close(double(1.5), 3.0)
"""
ASSIGNMENT = Assignment(
    "habits",
    (
        Cell("given", "setup", "import torch\nfrom torch import nn\n\nfrom cnnlab import check"),
        Cell("answer", "double", DOUBLE, binds=("double",)),
        Cell("test", "test-double", TEST, 2.0),
    ),
)
WRAPPED = "inner = double\ndef double(*a, **k):\n    "
HABITS = {
    "a partial": DOUBLE + "import functools\ndouble = functools.partial(double)",
    "an object that is called": DOUBLE + "inner = double\nclass Double:\n"
    "    def __call__(self, x):\n        return inner(x)\ndouble = Double()",
    "a module": "class Double(nn.Module):\n    def forward(self, x):\n        return 2 * x\ndouble = Double()",
    "a lambda": "double = lambda x: 2 * x",
    "a decorator": "import functools\ndef loud(f):\n    @functools.wraps(f)\n    def inner(*a):\n        print(a)\n"
    "        return f(*a)\n    return inner\n@loud\n" + DOUBLE,
    "a cache": "import functools\n@functools.lru_cache\n" + DOUBLE,
    "annotations of the future": "from __future__ import annotations\ndef double(x: Undefined) -> Unknown:\n    return 2 * x",
    "prints, warnings, logs": DOUBLE
    + WRAPPED
    + "import warnings, logging, sys\n    print('x', a)\n    warnings.warn('hm')\n"
    "    logging.warning('hm')\n    print('e', file=sys.stderr)\n    return inner(*a)",
    "logging set up": "import logging\nlogging.basicConfig(level=logging.DEBUG)\nlogging.info('x')\n" + DOUBLE,
    "threads": DOUBLE
    + "from concurrent.futures import ThreadPoolExecutor\n"
    + WRAPPED
    + "with ThreadPoolExecutor(2) as pool:\n        return pool.submit(inner, *a).result()",
    "a timed cell": "%%time\n" + DOUBLE,
    "a captured cell": "%%capture out\n" + DOUBLE,
    "a timed line": DOUBLE + "%time y = double(3)\nassert y == 6\n%timeit -n 1 double(2)",
    "magics and commands": "%matplotlib inline\n!pip install -q torch\nfiles = !ls\n" + DOUBLE + "double?",
    "magics in a branch": "if True:\n    %cd /\n    !ls\n    a = 2\n" + "def double(x):\n    return a * x",
    "a pasted prompt": ">>> def double(x):\n...     return 2 * x\n",
    "get_ipython": "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('ls')\n" + DOUBLE,
    "display": "display(3)\nfrom IPython.display import HTML, clear_output\nclear_output()\nHTML('x')\n" + DOUBLE,
    "a progress bar": DOUBLE + "from tqdm.auto import tqdm\nfor i in tqdm(range(3)):\n    pass",
    "a plot": DOUBLE + "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('x')\nplt.show()",
    "a main part": DOUBLE + "if __name__ == '__main__':\n    seen = True\nassert seen",
    "seeds, threads, device": "import numpy as np, random, os\nos.environ['OMP_NUM_THREADS'] = '4'\ntorch.manual_seed(0)\n"
    "np.random.seed(0)\nrandom.seed(0)\ntorch.set_num_threads(4)\n"
    "torch.set_default_device('cuda' if torch.cuda.is_available() else 'cpu')\n" + DOUBLE,
    "torch's switches": "torch.autograd.set_detect_anomaly(True)\ntorch.set_printoptions(precision=2)\n"
    "torch.use_deterministic_algorithms(True)\n" + DOUBLE,
    "torch.func": "from torch.func import grad, vmap\nvmap(grad(lambda x: x**2))(torch.arange(3.0))\n" + DOUBLE,
    "a scripted function": "@torch.jit.script\ndef inner(x: torch.Tensor):\n    return 2 * x\n"
    "def double(x):\n    return inner(x) if isinstance(x, torch.Tensor) else 2 * x",
    "a function of autograd": "class Twice(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
    "        return 2 * x\n    @staticmethod\n    def backward(ctx, g):\n        return 2 * g\n"
    "def double(x):\n    return Twice.apply(x) if torch.is_tensor(x) else 2 * x",
    "inspection": DOUBLE + "import inspect\nassert inspect.getsource(double).startswith('def')\nhelp(double)",
    "files of one's own": DOUBLE
    + "import tempfile, pathlib\nwith tempfile.NamedTemporaryFile('w') as f:\n    f.write('x')\n"
    "pathlib.Path('notes.txt').write_text('hi')",
    "a dataclass": "from dataclasses import dataclass\n@dataclass\nclass Box:\n    by: int = 2\n"
    "def double(x):\n    return Box().by * x",
    "a closure that counts": "calls = 0\ndef double(x):\n    global calls\n    calls += 1\n    return 2 * x",
    "windows' line ends": DOUBLE.replace("\n", "\r\n"),
    "tabs": DOUBLE.replace("    ", "\t"),
    "letters of all kinds": "# Größe µ 深層\nπ = 2\ndef double(x):\n    return π * x",
    "an error after the answer": DOUBLE + "double(3) + undefined",
    "a test of one's own": DOUBLE + "assert double(3) == 6\ndouble(4)",
    "pieces with semicolons": "a = 2; b = 1;\ndef double(x): return a * b * x",
    "a larger recursion limit": "import sys\nsys.setrecursionlimit(5000)\n" + DOUBLE,
    "an async helper": "import asyncio\nasync def inner(x):\n    return 2 * x\n"
    "def double(x):\n    return asyncio.run(inner(x))",
}


@pytest.fixture(scope="module")
def grader():
    if probe().name == "none":
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs bubblewrap: apt-get install bubblewrap")
    with Grader(limits=Limits()) as grader:
        yield grader


@pytest.mark.parametrize("habit", HABITS)
def test_a_right_answer_keeps_its_points_whatever_its_habits(grader, habit):
    (outcome,) = grader.grade(ASSIGNMENT, {"double": plain(HABITS[habit])})
    assert outcome.verdict == "passed", (outcome.message, outcome.notes)
