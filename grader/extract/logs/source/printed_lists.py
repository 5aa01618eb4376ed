"""Lists of the test accuracies of all epochs that a notebook prints at once, by what fills them.

`print(accuracies)` behind a loop that appends the test accuracy of each epoch to an empty list, and nothing
else to it, tells as much as a line for each. A list that is written down is none.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from grader.extract.documents.cell_names import nodes_of
from grader.extract.logs.source.printed_lines import Known, known_names, pieces, prints, statements_of

_VALUES = r"\[(?P<values>[\d.,\s]+)\]"
_CHANGES = frozenset({"extend", "insert", "pop", "remove", "sort", "reverse", "clear"})


def printed_lists(trees: Mapping[int, ast.Module | None], cell: int) -> list[re.Pattern[str]]:
    """Return the lines under a cell that show a list of test accuracies, with the group `values`."""
    before = [s for number, tree in trees.items() if number <= cell for s in statements_of(tree)]
    lists = _filled(known_names(trees, before))
    if not lists:
        return []
    calls = (n for s in statements_of(trees.get(cell)) for n in nodes_of(s) if isinstance(n, ast.Call))
    lines = (_line(call.args, lists) for call in calls if prints(call.func))
    return [re.compile(line) for line in lines if "values>" in line]


def _filled(known: Known) -> frozenset[str]:
    """The lists that are empty at first and are given test accuracies, and nothing else is done to."""
    given: dict[str, list[bool]] = {}
    for name, part in known.scopes:
        accuracies = known.accuracies(name, part)
        for node in (n for s in part for n in nodes_of(s)):
            for changed, right in _changes(node, known, accuracies):
                given.setdefault(changed, []).append(right)
    return frozenset(name for name, rights in given.items() if len(rights) > 1 and all(rights))


def _changes(node: ast.AST, known: Known, accuracies: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """The lists that a node makes, fills or changes, and whether by an empty list or a test accuracy."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in (t for one in targets for t in ast.walk(one) if isinstance(t, ast.Name)):
                yield target.id, isinstance(value, ast.List) and not value.elts
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, False
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
            yield name, known.is_accuracy(value, accuracies)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _CHANGES:
            yield name, False


def _line(args: Sequence[ast.expr], lists: frozenset[str]) -> str:
    """The pattern of what a print statement writes; it has a group `values` where it writes a list."""
    parts: list[str] = []
    shown = False
    for piece in pieces(args):
        if isinstance(piece, str):
            parts.append(r"\s*".join(map(re.escape, piece.split())))
        elif isinstance(piece, ast.Name) and piece.id in lists and not shown:
            parts.append(_VALUES)
            shown = True
        else:
            parts.append(r"\S+")
    return r"\s*".join(part for part in parts if part)
