"""What the accuracy that a cell prints is, where its source shows that it is no plain one: an F1 score, a
top-5 accuracy, one of digits that noise was added to. Empty in doubt.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from grader.extract.documents.cell_names import name_of, nodes_of

_MEASURE = re.compile(
    r"(?<![a-z])(?:f1|fbeta|precision|recall|balanced|auc|roc|jaccard|kappa|mcc|top_?[2-9]|topk)(?![a-z])"
    r"|_(?:f1|precision|recall|auc)(?![a-z])",
    re.IGNORECASE,
)
"""Names of measures that are no share of right digits; `prec1` and `top1` are one."""
_LABEL = re.compile(r"acc(?:uracy|\.)?(?![a-z])[^{}%]*$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%[-+ #0-9.*]*[a-zA-Z]")
_NOISE = re.compile(r"randn|rand_like|noise|noisy|normal_|perturb|adversar|fgsm|pgd|corrupt", re.IGNORECASE)
_OF_A_TEST = re.compile(r"test|val(?!ue)|eval", re.IGNORECASE)
_DEEPEST = 3


def other_measure(trees: Mapping[int, ast.Module | None], cells: Sequence[int]) -> str:
    """Return what the accuracy that some cells print is of, in a sentence for a person; empty where nothing
    says that it is no plain one.
    """
    reached = list(_reached(trees, cells))
    given: dict[str, list[ast.expr]] = {}
    for node in reached:
        for name, value in _given(node):
            given.setdefault(name, []).append(value)
    for node in reached:
        for shown in _printed(node):
            if measure := _measure(shown, given, 0):
                return f"what is printed as accuracy is {measure}"
    for node in reached:
        if isinstance(node, ast.For) and any(_OF_A_TEST.search(n) for n in _names(node.iter)):
            noise = next((n for part in node.body for n in _names(part) if _NOISE.search(n)), "")
            if noise:
                return f"the digits that it tests on are changed ({noise})"
    return ""


def _reached(trees: Mapping[int, ast.Module | None], cells: Sequence[int]) -> Iterator[ast.AST]:
    """Every node of some cells, and of the functions that these call by name, which stand in any cell."""
    statements = list(run_statements(trees, cells))
    for body in (*statements, *called_functions(trees, statements)):
        yield from nodes_of(body)


def run_statements(trees: Mapping[int, ast.Module | None], cells: Sequence[int]) -> Iterator[ast.stmt]:
    """What some cells run, outside of functions and classes."""
    for cell in cells:
        if (tree := trees.get(cell)) is not None:
            yield from (s for s in tree.body if not isinstance(s, ast.FunctionDef | ast.ClassDef))


def called_functions(
    trees: Mapping[int, ast.Module | None], statements: Iterable[ast.stmt]
) -> Iterator[ast.FunctionDef]:
    """The functions of any cell that some statements call by name, and those that these call."""
    functions = {
        n.name: n for tree in trees.values() if tree is not None for n in nodes_of(tree)
        if isinstance(n, ast.FunctionDef)
    }  # fmt: skip
    open_: list[ast.AST] = list(statements)
    seen: set[str] = set()
    while open_:
        for node in nodes_of(open_.pop()):
            name = name_of(node.func) if isinstance(node, ast.Call) else ""
            if name in functions and name not in seen:
                seen.add(name)
                open_.append(functions[name])
                yield functions[name]


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.FunctionDef(name=name):
            for inner in nodes_of(node):
                if isinstance(inner, ast.Return) and inner.value and not isinstance(inner.value, ast.Tuple):
                    yield name, inner.value
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, value


def _printed(node: ast.AST) -> Iterator[ast.expr]:
    """What stands behind the word accuracy in what is printed."""
    match node:
        case ast.JoinedStr(values=values):
            for before, value in itertools.pairwise(values):
                match before, value:
                    case ast.Constant(value=str() as text), ast.FormattedValue(value=shown):
                        if _LABEL.search(text):
                            yield shown
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format"), args=args):
            yield from _at(text, args)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod(), right=ast.Tuple(elts=args)):
            yield from _at(text, args)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod(), right=shown):
            yield from _at(text, [shown])
        case ast.Call(func=ast.Name(id="print"), args=args):
            for label, shown in itertools.pairwise(args):
                if isinstance(label, ast.Constant) and _LABEL.search(str(label.value)):
                    yield shown


def _at(text: str, args: Sequence[ast.expr]) -> Iterator[ast.expr]:
    for index, found in enumerate(_PLACEHOLDER.finditer(text)):
        if index < len(args) and _LABEL.search(text[: found.start()]):
            yield args[index]


def _measure(shown: ast.expr, given: Mapping[str, Iterable[ast.expr]], depth: int) -> str:
    names = list(_names(shown))
    for name in names:
        if _MEASURE.search(name):
            return name
    if depth < _DEEPEST:
        values = [v for name in dict.fromkeys(names) for v in given.get(name, ())]
        found = [_measure(value, given, depth + 1) for value in values]
        return found[0] if found and all(found) else ""
    return ""


def _names(node: ast.AST) -> Iterator[str]:
    for inner in nodes_of(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
