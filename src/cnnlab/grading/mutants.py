"""Small wrong changes to a solution, made by machine: a test that notices none of them tests nothing."""

import ast
import random
from collections.abc import Callable, Iterator

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult,
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And, ast.USub: ast.UAdd,
}  # fmt: skip


def mutants(source: str, most: int = 10, seed: int = 0) -> list[str]:
    """At most `most` versions of a solution, each with one operator, constant or condition changed, drawn by `seed`."""
    count = sum(1 for _ in _changes(ast.parse(source)))
    found = []
    for number in range(count):
        tree = ast.parse(source)
        next(change for i, change in enumerate(_changes(tree)) if i == number)()
        found.append(ast.unparse(ast.fix_missing_locations(tree)))
    unlike = [each for each in dict.fromkeys(found) if each != ast.unparse(ast.parse(source))]
    return random.Random(seed).sample(unlike, min(most, len(unlike)))


def _changes(tree: ast.Module) -> Iterator[Callable[[], None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp | ast.AugAssign) and type(node.op) in SWAPS:
            yield lambda node=node: setattr(node, "op", SWAPS[type(node.op)]())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            yield lambda node=node: node.ops.__setitem__(0, SWAPS[type(node.ops[0])]())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield lambda node=node: setattr(node, "value", node.value + 1)
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            yield lambda node=node: setattr(node, "value", not node.value)
        elif isinstance(node, ast.Return) and node.value is not None:
            yield lambda node=node: setattr(node, "value", ast.Constant(None))
