"""Answers that change IPython, in which nbgrader runs answers and tests alike; ours run in no IPython."""

from hostile.rows import FAIL, PASS, Attack, inside

WRONG = "\n" + inside("return x")
TRICKS = {
    "makes every later cell empty": Attack(
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['\\n'])" + WRONG, FAIL, "C2"
    ),
    "replaces the function that runs cells": Attack(
        "from IPython.core.interactiveshell import InteractiveShell, ExecutionResult\n"
        "async def nothing(self, raw_cell, *a, **k):\n    return ExecutionResult(None)\n"
        "InteractiveShell.run_cell_async = nothing" + WRONG,
        FAIL,
        "C3",
    ),
    "writes its own points as the output of the test": Attack(
        "def double(x, f=None):\n    get_ipython().displayhook(2.0)\n    return x", FAIL, "C4"
    ),
    "writes 99 points as the output of the test": Attack(
        "def double(x, f=None):\n    get_ipython().displayhook(99.0)\n    return x", FAIL, "C5"
    ),
    "writes an output without text": Attack(
        "def double(x, f=None):\n    ip = get_ipython()\n    hook = ip.displayhook\n"
        "    hook.session.send(hook.pub_socket, 'execute_result', {'data': {}, 'metadata': {}, 'execution_count': 1},\n"
        "                      parent=hook.parent_header)\n    return x",
        FAIL,
        "C5",
    ),
    "hides errors": Attack(
        "ip = get_ipython()\nip.set_custom_exc((BaseException,), lambda *a, **k: None)" + WRONG, FAIL
    ),
    "prints a script into its own feedback": Attack(
        "from IPython.display import HTML, display\n"
        "def double(x, f=None):\n    display(HTML('<script>document.title = \"owned\"</script>'))\n    return 2 * x",
        PASS,
        "D5",
    ),
}
