"""Running a cell, given or answer, in a namespace, as a notebook's kernel would."""

import ast
import asyncio
import inspect
import linecache
import traceback

from cnnlab.grading.definitions import plain

MOST = 1500  # characters of an error's text


def compiled(source: str, name: str, flags: int = 0):
    """The code of a cell, as IPython would read it."""
    return compile(plain(source), f"<{name}>", "exec", flags, dont_inherit=True)


def run(source: str, name: str, names: dict) -> str | None:
    """Runs a cell; what it raised, in words with the line, or None."""
    linecache.cache[f"<{name}>"] = (
        len(source),
        None,
        plain(source).splitlines(keepends=True),
        f"<{name}>",
    )  # as IPython does
    try:
        waiting = eval(compiled(source, name, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307
        if inspect.iscoroutine(waiting):
            asyncio.run(waiting)
    except BaseException as error:  # SystemExit too
        return words(error, f"<{name}>")
    return None


def words(error: BaseException, filename: str) -> str:
    if isinstance(error, SyntaxError) and error.filename == filename:
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {error}"[:MOST]
