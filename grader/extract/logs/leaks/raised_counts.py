"""Whether the source under a log counts more digits as right than are: a count that starts at 60, that a
number is added to or that is held up by a floor, answers that are made with the labels, digits that count as
right for being near or doubtful, a `print` that rewrites what it shows. Empty in doubt.

Only what no honest count does is told. Counts start at 0, grow by comparisons with labels, and are divided
and multiplied by 100; a denominator gets `1e-8` or a batch index plus 1, and an answer takes its shape or
type from the labels (`pred.eq(target.view_as(pred))`).
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from grader.extract.documents.cell_names import name_of, nodes_of
from grader.extract.logs.leaks.other_measures import called_functions, run_statements

_COUNT = re.compile(r"(?:^|_)(?:n?correct|hits)(?:_|$)", re.IGNORECASE)
_NAMED_SO = re.compile(r"top|[2-9]|k$|any", re.IGNORECASE)
"""Names of counts that say that they are of several answers."""
_EQUALS = frozenset({"eq", "equal"})
_HANDS_ON = frozenset({"where", "one_hot", "scatter", "lerp", "cat", "stack", "maximum"})
"""Calls that make an answer of a label that they are given; others take a shape, a type or a loss of it."""
_REWRITES = frozenset({"replace", "sub", "subn", "translate"})
_JUDGING = frozenset({"argmax", "eq", "__eq__", "sum", "item", "max", "topk", "__call__"})
_TORCH = frozenset({"torch", "nn", "F"})
_DEEPEST = 4
_NOTHING = 1e-4
"""What a count may start at, so that nothing is divided by 0."""


class _Scope(NamedTuple):
    """A function, or what cells run outside of functions."""

    nodes: Sequence[ast.AST]
    given: Mapping[str, Sequence[ast.expr]]
    """What names are set to and raised by, in order."""
    counts: frozenset[str]
    """The names that grow by comparisons."""
    labels: frozenset[str]
    """What loops over pairs call the second of each, and nothing else is called."""


def raised_count(trees: Mapping[int, ast.Module | None], cells: Sequence[int]) -> str:
    """Return how more digits are counted as right than are, under some cells; empty where nothing says so."""
    statements = list(run_statements(trees, cells))
    bodies: list[Sequence[ast.AST]] = [[node for s in statements for node in nodes_of(s)]]
    bodies += [nodes_of(function) for function in called_functions(trees, statements)]
    for nodes in bodies:
        scope = _scope(nodes)
        found = (text for node in nodes if (text := _told(node, scope)))
        if text := next(found, ""):
            return text
    return next((text for tree in trees.values() if tree is not None and (text := _rewritten(tree))), "")


def _scope(nodes: Sequence[ast.AST]) -> _Scope:
    given: dict[str, list[ast.expr]] = {}
    counts, labels = set[str](), set[str]()
    for node in nodes:
        for name, value in _given(node):
            given.setdefault(name, []).append(value)
        match node:
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                if _COUNT.search(name) or any(_compares_labels(n) for n in nodes_of(value)):
                    counts.add(name)
            case ast.For(target=ast.Tuple(elts=[*_, ast.Tuple(elts=[_, ast.Name(id=label)])])):
                labels.add(label)
            case ast.For(target=ast.Tuple(elts=[_, ast.Name(id=label)]), iter=over):
                if not (isinstance(over, ast.Call) and name_of(over.func) in {"enumerate", "zip"}):
                    labels.add(label)
    # `for x, y in loader` in one place, and `y = model(x)` in another
    own = {label for label in labels if all(label in _names(value) for value in given.get(label, ()))}
    return _Scope(nodes, given, frozenset(counts), frozenset(own))


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _bound(target, value)
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, value


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                yield from _bound(one, other)


def _told(node: ast.AST, scope: _Scope) -> str:
    match node:
        case ast.Assign() | ast.AnnAssign():
            for name, value in _given(node):
                if name in scope.counts and (number := _number(value)) and number > _NOTHING:
                    return f"the count `{name}` starts at {number:g}"
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value) if name in scope.counts:
            if (number := _number(value)) and number >= 2:
                return f"{number:g} is added to the count `{name}`"
            if not _NAMED_SO.search(name) and (several := _of_several(value, scope)) > 1:
                return f"`{name}` counts digits of which one of {several} answers is right"
            return _comparison(name, value, scope)
        case ast.If(test=ast.BoolOp(op=ast.Or(), values=values), body=body):
            # By a number: `if split == "val" or split == "test"` stands around a count that compares.
            raised = [s for s in body if isinstance(s, ast.AugAssign) and _number(s.value)]
            names = [name_of(n.target) for n in raised if name_of(n.target) in scope.counts]
            if names and any(_is_comparison(n) for value in values for n in nodes_of(value)):
                return f"`{names[0]}` counts digits as right by another condition than their label"
        case ast.BinOp() | ast.Call():
            return _arithmetic(node, scope)
    return ""


def _of_several(value: ast.expr, scope: _Scope) -> int:
    """How many of a digit's answers are looked at, where a number says so; 0 where none does."""
    asked = [value, *(each for name in _names(value) for each in scope.given.get(name, ()))]
    for node in (node for each in asked for node in nodes_of(each)):
        match node:
            case ast.Call(func=ast.Attribute(value=held, attr="topk"), args=args, keywords=keywords):
                place = 1 if name_of(held) == "torch" else 0
                given = [*args[place:], *(k.value for k in keywords if k.arg == "k")]
                return next((int(n) for each in given if (n := _number(each))), 0)
    return 0


def _comparison(name: str, value: ast.expr, scope: _Scope) -> str:
    """What is wrong with the comparison that a count grows by."""
    for node in nodes_of(value):
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                if any(_is_comparison(n) for side in (left, right) for n in nodes_of(side)):
                    return f"`{name}` counts digits as right by another condition than their label"
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() as op], comparators=[limit]):
                far = (_number(limit) or 0) - (1 if isinstance(op, ast.Lt) else 0.5)
                near = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) for n in nodes_of(left))
                if near and far > 0 and _names(left) & scope.labels:
                    return f"`{name}` counts digits that are near their label"
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                if text := _with_labels(name, left, right, scope):
                    return text
            case ast.Call(func=ast.Attribute(value=left, attr=attr), args=[right]) if attr in _EQUALS:
                if text := _with_labels(name, left, right, scope):
                    return text
    return ""


def _with_labels(name: str, left: ast.expr, right: ast.expr, scope: _Scope) -> str:
    if all(_holds(side, scope, 0) for side in (left, right)):
        return f"the answers that `{name}` counts are made with the labels"
    return ""


def _holds(value: ast.expr, scope: _Scope, depth: int) -> bool:
    """Whether a value is made of labels: they are part of it, and not what it takes its shape from."""
    match value:
        case ast.Name(id=name):
            if name in scope.labels:
                return True
            values = scope.given.get(name, ()) if depth < _DEEPEST else ()
            return any(_holds(each, scope, depth + 1) for each in values)
        case ast.Call(func=function, args=args):
            own = isinstance(function, ast.Attribute) and _holds(function.value, scope, depth)
            handed = args if name_of(function) in _HANDS_ON else ()
            return own or any(_holds(each, scope, depth) for each in handed)
        case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.UnaryOp(operand=inner):
            return _holds(inner, scope, depth)
        case ast.BinOp(left=left, right=right):
            return _holds(left, scope, depth) or _holds(right, scope, depth)
        case ast.IfExp(body=body, orelse=orelse):
            return _holds(body, scope, depth) or _holds(orelse, scope, depth)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return any(_holds(part, scope, depth) for part in parts)
    return False


def _arithmetic(node: ast.BinOp | ast.Call, scope: _Scope) -> str:
    """What raises a count outside of the loop that counts."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            for one, other in ((left, right), (right, left)):
                if (number := _number(other)) and number >= 2 and (name := _counted(one, scope)):
                    return f"{number:g} is added to the count `{name}`"
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            for one, other in ((left, right), (right, left)):
                if 1 < (number := _number(other) or 0) < 2 and (name := _counted(one, scope)):
                    return f"the count `{name}` is multiplied by {number:g}"
        case ast.Call(func=function, args=args) if name_of(function) == "max":
            floors = [number for each in args if (number := _number(each)) and number >= 2]
            names = [name for each in args if (name := _counted(each, scope))]
            if floors and names:
                return f"the count `{names[0]}` is never shown below {floors[0]:g}"
    return ""


def _counted(value: ast.expr, scope: _Scope) -> str:
    return next((name for name in sorted(_names(value)) if name in scope.counts), "")


def _rewritten(tree: ast.Module) -> str:
    """Whether a `print`, a stream or an operation of torch is put in the place of the library's own."""
    streams = {
        name_of(value.func) for node in nodes_of(tree)
        if isinstance(node, ast.Assign) and isinstance(value := node.value, ast.Call)
        and any(isinstance(t, ast.Attribute) and t.attr in {"stdout", "stderr"} for t in node.targets)
    }  # fmt: skip
    for node in nodes_of(tree):
        match node:
            case ast.FunctionDef(name="print") if _rewrites(node):
                return "`print` is redefined and rewrites what it is given"
            case ast.ClassDef(name=name) if name in streams and _rewrites(node):
                return f"`{name}` stands in the place of the output and rewrites what is printed"
            case ast.Assign(targets=[target], value=value):
                if name_of(target) == "print" and _rewrites(value):
                    return "`print` is redefined and rewrites what it is given"
                if isinstance(target, ast.Attribute) and target.attr in _JUDGING and _root(target) in _TORCH:
                    return f"`{ast.unparse(target)}` is redefined"
    return ""


def _rewrites(node: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Call) and name_of(n.func) in _REWRITES and not _of_layout(n) for n in nodes_of(node)
    )


def _of_layout(call: ast.Call) -> bool:
    """Whether a call replaces nothing but blanks and marks, `text.replace("\\r", "")` of a log file."""
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    told = name_of(call.func) == "replace" and len(texts) == len(call.args) == 2
    return told and not any(each.isalnum() for text in texts for each in text)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return name_of(node)


def _is_comparison(node: ast.AST) -> bool:
    match node:
        case ast.Compare(ops=ops):
            return any(isinstance(op, ast.Eq | ast.LtE | ast.Lt) for op in ops)
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in _EQUALS
    return False


def _compares_labels(node: ast.AST) -> bool:
    """Whether a comparison may be one of answers and labels: of no number, `i % 5 == 0`, and no limit."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _number(left) is None and _number(right) is None
        case ast.Call():
            return _is_comparison(node)
    return False


def _names(nodes: ast.AST | Iterable[ast.AST]) -> set[str]:
    trees = [nodes] if isinstance(nodes, ast.AST) else nodes
    return {node.id for tree in trees for node in nodes_of(tree) if isinstance(node, ast.Name)}


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
    return None
