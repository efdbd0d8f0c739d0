"""Answers that say the same: equal as programs once their own names are numbered. A hint for a human, no proof."""

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cnnlab.grading.definitions import parsed

SHORT = 40  # nodes of a syntax tree: shorter answers are alike because there is one way to write them


@dataclass(frozen=True)
class Alike:
    """One answer that several students, or one and the published solution, have in common."""

    answer: str
    students: tuple[str, ...]
    published: bool


def alike(reference: Mapping[str, str], answers: Mapping[str, Mapping[str, str]]) -> list[Alike]:
    """The answers that are equal to the published ones or to one another; `answers` by student, then by name."""
    found = []
    for name, solution in reference.items():
        groups: dict[str, list[str]] = {}
        for student, theirs in answers.items():
            if form := normal_form(theirs.get(name, "")):
                groups.setdefault(form, []).append(student)
        published = normal_form(solution)
        for form, students in groups.items():
            if len(students) > 1 or form == published:
                found.append(Alike(name, tuple(sorted(students)), form == published))
    return found


def normal_form(source: str) -> str:
    """A fingerprint that names, comments, docstrings and annotations do not change; empty for what is short or no Python."""
    tree = parsed(source)
    try:
        if tree is None or sum(1 for _ in ast.walk(tree)) < SHORT:
            return ""
        return hashlib.sha256(ast.dump(_Numbered().visit(tree)).encode()).hexdigest()
    except RecursionError:
        return ""


class _Numbered(ast.NodeTransformer):
    """Gives the names that a program binds numbers, in the order in which they come."""

    def __init__(self):
        self.names: dict[str, str] = {}

    def visit_Module(self, node):  # noqa: N802, ast names them
        for each in ast.walk(node):
            bound = isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            name = each.id if bound else getattr(each, "arg", None) if isinstance(each, ast.arg) else None
            name = each.name if isinstance(each, ast.FunctionDef | ast.ClassDef) else name
            if name:
                self.names.setdefault(name, f"_{len(self.names)}")
        return self.generic_visit(node)

    def visit_Name(self, node):  # noqa: N802
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg, node.annotation = self.names.get(node.arg, node.arg), None
        return node

    def visit_FunctionDef(self, node):  # noqa: N802
        node.name, node.returns = self.names.get(node.name, node.name), None
        self.generic_visit(node)
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]
        return node
