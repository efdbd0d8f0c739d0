"""What a piece of Python binds, what it needs from outside, and its text in words that need no IPython to be read."""

import ast
import builtins
import re
import symtable
import warnings
from functools import lru_cache

TIMED = re.compile(
    r"^([ \t]*)%(?:%(?:time|prun|capture)\b.*|time[ \t]+)", flags=re.MULTILINE
)  # runs what stands behind it
# IPython reads a cell anew for each of its own lines in it: of more, it gives up, or takes minutes.
SPECIAL = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]")
SPECIAL_LINES, SPECIAL_READ = 200, 1_000_000  # lines, and characters times lines


def parsed(source: str) -> ast.Module | None:
    """The syntax tree, or None where the text is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python says of "\d" is for its author
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(1000)
def plain(source: str) -> str:
    """The source; where it is no Python but a cell for IPython (`%time`, `!pip`, `f?`, `>>> x`), what IPython makes of it."""
    lines = sum(SPECIAL.search(line) is not None for line in source.split("\n"))
    if parsed(source) is not None or lines > SPECIAL_LINES or lines * len(source) > SPECIAL_READ:
        return source
    try:
        from IPython.core.inputtransformer2 import TransformerManager

        text = TransformerManager().transform_cell(TIMED.sub(r"\1", source))
    except (ImportError, SyntaxError, ValueError, RuntimeError, MemoryError):
        return source
    return text if parsed(text) is not None else source


def binds(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top level of a cell gives a meaning, in whatever branch of it."""
    found, waiting = set(), [statement]
    while waiting:  # no recursion: a thousand times elif is Python
        each = waiting.pop()
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(each.name)
        elif isinstance(each, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in each.names}
        else:
            targets = getattr(each, "targets", [getattr(each, "target", None)])
            found |= {node.id for one in targets if one for node in ast.walk(one) if isinstance(node, ast.Name)}
            waiting += _inside(each)
    return found


def _inside(statement: ast.stmt) -> list[ast.stmt]:
    """The statements in the branches of a compound one: `try: import x`, `if ...: device = ...`."""
    parts = [statement, *getattr(statement, "handlers", ())]
    return [each for part in parts for key in ("body", "orelse", "finalbody") for each in getattr(part, key, ())]


@lru_cache(1000)
def bound(source: str) -> frozenset[str]:
    """The names that a cell binds at its top level; none where it is no Python."""
    tree = parsed(source)
    return frozenset(name for statement in tree.body for name in binds(statement)) if tree else frozenset()


def needed(source: str) -> set[str]:
    """The global names that a cell reads, those of Python itself aside; none where it is no Python."""
    try:
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return _reads(table, top=True) - set(dir(builtins))


def _reads(table: symtable.SymbolTable, top: bool = False) -> set[str]:
    own = {each.get_name() for each in table.get_symbols() if each.is_referenced() and (top or each.is_global())}
    return own.union(*(_reads(child) for child in table.get_children()))


def borrowed(wanted: set[str], cells: list[str], known: set[str]) -> list[str]:
    """The statements of these cells that bind what is wanted, and what they need in turn, in their order.

    What is `known` is never taken from them.
    """
    found = [pair for source in cells for pair in _statements(source)]
    binding: dict[str, list[str]] = {}
    for names, text in found:
        for name in names:
            binding.setdefault(name, []).append(text)
    waiting, taken = list(wanted - known), set()
    while waiting:  # each text is looked at once: a cell may hold tens of thousands that need each other
        for text in binding.pop(waiting.pop(), ()):
            if text not in taken:
                taken.add(text)
                waiting += needed(text) - known
    return list(dict.fromkeys(text for _, text in found if text in taken))


@lru_cache(1000)
def _statements(source: str) -> list[tuple[set[str], str]]:
    """Each statement of a cell that binds names: those, and its lines, decorators included."""
    tree, lines = parsed(source), source.split("\n")
    found = []
    for each in tree.body if tree else ():
        if names := binds(each):
            first = min([each.lineno, *(d.lineno for d in getattr(each, "decorator_list", ()))])
            found.append((names, "\n".join(lines[first - 1 : each.end_lineno])))
    return found
