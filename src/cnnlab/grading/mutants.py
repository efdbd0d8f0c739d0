"""Small wrong changes to a solution, as a slip would make them: a test that notices none of them tests nothing."""

import ast
import random
from collections.abc import Callable, Iterator

Edit = Callable[[ast.AST], None]

OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitOr: [ast.BitAnd], ast.BitAnd: [ast.BitOr],
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn],
    ast.NotIn: [ast.In], ast.And: [ast.Or], ast.Or: [ast.And], ast.USub: [ast.UAdd],
}  # fmt: skip
PAIRS = ["mean sum", "max min", "amax amin", "any all", "expm1 exp", "sqrt square", "var std", "train eval"]
PARTNERS = {a: b for pair in map(str.split, PAIRS) for a, b in (pair, pair[::-1])}  # methods taken for each other


def mutants(source: str, most: int = 1000, seed: int = 0) -> dict[str, str]:
    """Versions of a solution with one slip each, by the line that differs; of more than `most` a draw by `seed`."""
    before, found = ast.unparse(ast.parse(source)), {}
    for place, node in enumerate(ast.walk(ast.parse(source))):
        for edit in _edits(node):
            tree = ast.parse(source)
            edit(next(each for i, each in enumerate(ast.walk(tree)) if i == place))
            text = ast.unparse(ast.fix_missing_locations(tree))
            if text != before:
                found[_name(before, text)] = text
    if most >= len(found):
        return found
    return {name: found[name] for name in random.Random(seed).sample(sorted(found), most)}


def _name(before: str, after: str) -> str:
    pairs = enumerate(zip(before.splitlines(), after.splitlines(), strict=True), start=1)
    number, (old, new) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
    return f"line {number}: {old.strip()} -> {new.strip()}"


def _edits(node: ast.AST) -> Iterator[Edit]:
    """Each change of this node alone, as a function that makes it in place in a like one."""
    for kinds, edits in EDITS.items():
        if isinstance(node, kinds):
            yield from edits(node)


def _operator(node: ast.BinOp | ast.AugAssign | ast.BoolOp | ast.UnaryOp) -> Iterator[Edit]:
    for other in OPERATORS.get(type(node.op), ()):
        yield lambda n, other=other: setattr(n, "op", other())
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "operand", ast.UnaryOp(n.op, n.operand))


def _compare(node: ast.Compare) -> Iterator[Edit]:
    for i, operator in enumerate(node.ops):
        for other in OPERATORS[type(operator)]:
            yield lambda n, i=i, other=other: n.ops.__setitem__(i, other())


def _constant(node: ast.Constant) -> Iterator[Edit]:
    if type(node.value) is bool:
        yield lambda n: setattr(n, "value", not n.value)
    elif type(node.value) is int:
        yield lambda n: setattr(n, "value", n.value + 1)
        yield lambda n: setattr(n, "value", n.value - 1)
    elif type(node.value) is float:
        yield lambda n: setattr(n, "value", 2 * n.value)


def _condition(node: ast.If | ast.IfExp) -> Iterator[Edit]:
    yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def _call(node: ast.Call) -> Iterator[Edit]:
    for i in range(len(node.keywords)):
        yield lambda n, i=i: n.keywords.pop(i)
    if len(node.args) >= 2:
        yield lambda n: n.args.__setitem__(slice(2), n.args[1::-1])


def _attribute(node: ast.Attribute) -> Iterator[Edit]:
    if other := PARTNERS.get(node.attr):
        yield lambda n: setattr(n, "attr", other)


def _body(node: ast.FunctionDef | ast.For | ast.While | ast.With | ast.If) -> Iterator[Edit]:
    for i, statement in enumerate(node.body):
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
            yield lambda n, i=i: n.body.__setitem__(i, ast.Pass())


EDITS = {
    (ast.BinOp, ast.AugAssign, ast.BoolOp, ast.UnaryOp): _operator,
    ast.Compare: _compare,
    ast.Constant: _constant,
    (ast.If, ast.IfExp): _condition,
    ast.Call: _call,
    ast.Attribute: _attribute,
    (ast.FunctionDef, ast.For, ast.While, ast.With, ast.If): _body,
}
