"""What a cell finds where a kernel would have IPython: the names are there, and do nothing."""

from collections.abc import Callable


class Shell:
    """Stands for `get_ipython()`: takes every call. No magic, no command is run."""

    def getoutput(self, *_, **__) -> list[str]:
        """What `x = !command` binds."""
        return []

    def __getattr__(self, name: str) -> Callable:
        return lambda *_, **__: None


def ipython_names() -> dict:
    """What IPython adds to a notebook's namespace, and cells use without an import."""
    shell = Shell()
    return {"get_ipython": lambda: shell, "display": lambda *values, **_: print(*values)}
