"""What a piece of Python binds, what it needs from outside, and its text in words that need no IPython to be read."""

import ast
import builtins
import re
import symtable
import warnings
from functools import lru_cache
from typing import NamedTuple

TIMED = re.compile(
    r"^([ \t]*)%(?:%(?:time|prun|capture)\b.*|time[ \t]+)", flags=re.MULTILINE
)  # runs what stands behind it
# IPython reads a cell anew for each of its own lines in it: of more, it gives up, or takes minutes.
SPECIAL = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]")
SPECIAL_LINES, SPECIAL_READ = 200, 1_000_000  # lines, and characters times lines
MOST_ALTERED = 100  # names that a function changes for a call of it to be looked at


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
            one = getattr(each, "target", getattr(each, "name", None))  # the name of a type
            targets = getattr(each, "targets", [one])
            found |= {node.id for one in targets if one for node in ast.walk(one) if isinstance(node, ast.Name)}
            inside = _inside(each)
            if not inside:
                found |= {node.target.id for node in ast.walk(each) if isinstance(node, ast.NamedExpr)}
            waiting += inside
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
    """The statements of these cells that bind or alter what is wanted, and what they need in turn, in their order.

    What is `known` is never taken from them. Where a name is bound by none, `from x import *` may.
    """
    found = [each for source in cells for each in _statements(source)]
    modules = set().union(*(each.binds for each in found if each.imports))  # no call of theirs alters what is asked
    binding: dict[str, list[str]] = {}
    for each in found:
        for name in each.binds | each.alters - modules:
            binding.setdefault(name, []).append(each.text)
    waiting, asked, taken = list(wanted - known), set(), set()
    while waiting:  # each text is looked at once: a cell may hold tens of thousands that need each other
        name = waiting.pop()
        for text in binding.pop(name, () if name in asked else binding.get("*", ())):
            if text not in taken:
                taken.add(text)
                waiting += needed(text) - known
        asked.add(name)
    return list(dict.fromkeys(each.text for each in found if each.text in taken))


class Statement(NamedTuple):
    """One at the top level of a cell: the names it binds, and those whose objects it alters."""

    binds: set[str]
    alters: set[str]
    imports: bool
    text: str


@lru_cache(1000)
def _statements(source: str) -> list[Statement]:
    """Those of a cell, with their lines, decorators included."""
    tree, lines = parsed(source), source.split("\n")
    body = tree.body if tree else []
    functions = {each.name: _altered(each) for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    found = []
    for each in body:
        first = min([each.lineno, *(d.lineno for d in getattr(each, "decorator_list", ()))])
        text, imports = "\n".join(lines[first - 1 : each.end_lineno]), isinstance(each, ast.Import | ast.ImportFrom)
        found.append(Statement(binds(each), _alters(each, functions), imports, text))
    return found


def _alters(statement: ast.stmt, functions: dict[str, set[str]]) -> set[str]:
    """The names whose objects a statement may change without binding them: `x.append(1)`, `fill()`, `@register`."""
    definition = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    parts = statement.decorator_list if definition else [statement]
    called = {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)} & functions.keys()
    several = [functions[name] for name in called if len(functions[name]) <= MOST_ALTERED]
    return set().union(*map(_altered, parts), *several)


def _altered(tree: ast.AST) -> set[str]:
    """The same of all that stands in a tree: objects of which a part is set, a method called, `global` names."""
    found = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.Global):
            found |= set(each.names)
        elif isinstance(each, ast.Attribute | ast.Subscript) and not isinstance(each.ctx, ast.Load):
            found |= _base(each)
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            found |= _base(each.func)
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in ("setattr", "delattr"):
            found |= _base(each.args[0]) if each.args else set()
    return found


def _base(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
