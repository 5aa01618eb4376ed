"""Statements of code that is followed: what they assign, and what they call."""

import ast
from collections.abc import Iterator

from grader.extract.documents.cell_names import name_of, nodes_of


def worked_out(left: int | None, op: ast.operator, right: int | None) -> int | None:
    """A sum, a difference or a product; None where a side is not known."""
    if left is None or right is None:
        return None
    if isinstance(op, ast.Mult):
        return left * right
    return left + right if isinstance(op, ast.Add) else left - right


def assignments(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets of a statement with what each is given."""
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            yield from zip(names, values, strict=False)
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield target, value


def takes_remainder(test: ast.expr) -> bool:
    """Whether a condition takes a remainder: `epoch % 5 == 0`."""
    return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod) for n in ast.walk(test))


def is_counted(over: ast.expr) -> bool:
    """Whether a loop goes over a range, whatever is drawn around it."""
    return any(name_of(n.func) in ("range", "trange") for n in nodes_of(over) if isinstance(n, ast.Call))


def calls(statement: ast.stmt) -> list[ast.Call]:
    """Calls of a statement in the order in which they run, outer ones last."""
    found = [n for n in nodes_of(statement) if isinstance(n, ast.Call)]
    return sorted(found, key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0))
