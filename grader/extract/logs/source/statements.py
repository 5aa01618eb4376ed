"""Statements of code that is followed: what they assign, and what they call."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence

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


def branches(
    test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], flags: Mapping[str, set[bool | None]]
) -> list[list[ast.stmt]]:
    """The branches that may run: one alone under `if False`, and under a name that is only ever `True` or
    only ever `False`.
    """
    known: set[bool | None] = {None}
    if isinstance(test, ast.Constant):
        known = {bool(test.value)}
    elif isinstance(test, ast.Name):
        known = flags.get(test.id, known)
    return [body, other] if len(known) > 1 or None in known else [body if known == {True} else other]


def given_names(
    function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call, *, method: bool
) -> list[tuple[str, ast.expr]]:
    """The parameters that a call gives a function, with what it gives."""
    asked = [a.arg for a in (*function.args.posonlyargs, *function.args.args)][1 if method else 0 :]
    named = ((k.arg, k.value) for k in call.keywords if k.arg)
    return [*zip(asked, call.args, strict=False), *named]


def networks_in(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    given: Sequence[tuple[str, ast.expr]],
    outside: Mapping[str, str],
    makes: Callable[[ast.Call], bool],
) -> dict[str, str]:
    """Names in a function with those of the networks that a call gives it, as they are called `outside`, and
    with its own ones, `function.name`.

    A network that it returns is none of its own: training goes on with it under another name.
    """
    nodes = list(nodes_of(function))
    pairs = [pair for n in nodes if isinstance(n, ast.stmt) for pair in assignments(n)]
    made = [(target.id, value) for target, value in pairs if isinstance(target, ast.Name)]
    returned = [n.value for n in nodes if isinstance(n, ast.Return) and n.value is not None]
    shared = {name for n in nodes if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    shared |= {n.id for value in returned for n in nodes_of(value) if isinstance(n, ast.Name)}
    found = {name: outside.get(v.id, v.id) for name, v in given if isinstance(v, ast.Name)}
    for name, value in (*given, *made):
        if name not in shared and any(isinstance(n, ast.Call) and makes(n) for n in nodes_of(value)):
            found[name] = f"{function.name}.{name}"
    return found
