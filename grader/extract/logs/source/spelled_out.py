"""Logs that a cell did not make: lines that stand in the notebook's own source, numbers that it lists, files
that it shows.

A saved output under such a cell is no record of a training, whoever trained before.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from grader.core.evidence.notebook import Channel, Notebook, NotebookCell
from grader.extract.documents.cell_names import name_of, nodes_of, python_tree
from grader.extract.logs.runs import Segment

MIN_LINE = 12
"""Characters from which a line that stands in the source as well as in the output was not printed by chance.
"""
MIN_NUMBERS = 3
"""Accuracies of a list from which an output that shows them is one of that list."""
_SHOWS = frozenset({"print", "display", "Markdown", "HTML", "Pretty", "pprint", "echo"})
_SHELL_SHOWS = re.compile(r"^\s*[!%]\s*(?:cat|type|tail|head|more|less|pycat)\b(?P<rest>.*)$")
FILE = re.compile(r"[\w./-]*\w\.(?:txt|log|out|md|csv|json|html)\b")
"""Names of files that may hold a log."""


class Spelled(NamedTuple):
    """What a cell can show without computing anything: texts and numbers; `whole` where that is all that it
    shows.
    """

    text: str
    numbers: frozenset[float]
    whole: bool = False


def spelled_out(cell: NotebookCell, notebook: Notebook) -> Spelled:
    """Return what a cell spells out: its own source but for comments, and constants of other cells that it
    only shows.

    A cell of nothing but literals computes nothing: the value that it shows is the text that stood there when
    it ran, whatever was typed into it since.
    """
    if all(output.channel is Channel.RESULT for output in cell.outputs) and _is_note(cell.source):
        return Spelled("", frozenset(), whole=True)
    texts, numbers = _shown(cell, notebook)
    return Spelled("\n".join(texts), frozenset(numbers))


def echoed(segment: Segment, spelled: Spelled) -> bool:
    """Whether most of these lines, or all of their numbers, are what the cell spells out."""
    readings = segment.readings
    same = sum(r.excerpt in spelled.text for r in readings if len(r.excerpt) > MIN_LINE)
    if spelled.whole or same * 2 > len(readings):
        return True
    listed = all(round(r.accuracy.percent, 4) in spelled.numbers for r in readings)
    return len(readings) >= MIN_NUMBERS and listed


def _is_note(source: str) -> bool:
    """Whether a cell holds literals and comments alone."""
    tree = tree_of(source)
    return (
        tree is not None
        and bool(tree.body)
        and all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in tree.body)
    )


def shows_a_file(cell: NotebookCell, notebook: Notebook) -> str:
    """Why a cell's output is that of a file that nothing in the notebook writes; empty where it is not."""
    lines = [line for line in cell.source.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    shell = [m["rest"] for line in lines if (m := _SHELL_SHOWS.match(line))]
    if shell and len(shell) == len(lines):
        names = [name for rest in shell for name in FILE.findall(rest)]
    else:
        names = _opened(cell.source)
    unwritten = [name for name in names if not _is_written(name, cell, notebook)]
    return (
        f"cell {cell.number} only shows {unwritten[0]}, which nothing in the notebook writes"
        if unwritten
        else ""
    )


def _opened(source: str) -> list[str]:
    """Files that a cell opens and prints, where it does nothing else."""
    tree = tree_of(source)
    if tree is None:
        return []
    calls = [node for node in nodes_of(tree) if isinstance(node, ast.Call)]
    named = [name_of(call.func) for call in calls]
    allowed = _SHOWS | {
        "open",
        "read",
        "readlines",
        "readline",
        "read_text",
        "Path",
        "strip",
        "splitlines",
        "split",
        "close",
    }
    if "open" not in named and "read_text" not in named:
        return []
    if not set(named) <= allowed or not _SHOWS & set(named):
        return []
    return [
        a.value
        for call in calls
        if name_of(call.func) in ("open", "Path")
        for a in call.args[:1]
        if isinstance(a, ast.Constant) and isinstance(a.value, str)
    ]


def _is_written(name: str, cell: NotebookCell, notebook: Notebook) -> bool:
    """Whether another cell names the file: `!python train.py > log.txt`, a logger, an open for writing."""
    base = name.rpartition("/")[2]
    return any(base in other.source for other in notebook.code_cells if other.number != cell.number)


def _shown(cell: NotebookCell, notebook: Notebook) -> tuple[list[str], set[float]]:
    """Texts and numbers that the cell can show without computing anything: its own source but for comments,
    and what it names of other cells' constants.
    """
    texts = ["\n".join(line for line in cell.source.split("\n") if not line.lstrip().startswith("#"))]
    numbers: set[float] = set()
    numbers |= _written(cell.source)
    names = _shown_names(cell.source)
    for other in notebook.code_cells if names else ():
        if other.number > cell.number:
            break
        for name, value in _constants(other.source):
            if name in names:
                found, listed = _flat(value)
                texts += found
                numbers |= listed
    return texts, numbers


def _written(source: str) -> set[float]:
    """Numbers that stand in lists of a cell that computes nothing but what print, zip and their like do."""
    tree = tree_of(source)
    if tree is None or any(_makes(node) for node in nodes_of(tree)):
        return set()
    listed = (node for node in nodes_of(tree) if isinstance(node, ast.List | ast.Tuple | ast.Dict))
    values = (n.value for node in listed for n in nodes_of(node) if isinstance(n, ast.Constant))
    return {number for value in values if not isinstance(value, str) for number in _flat(value)[1]}


def _shown_names(source: str) -> frozenset[str]:
    """Names whose values a cell prints, ends with, or goes through, where it calls nothing that computes."""
    tree = tree_of(source)
    if tree is None or any(_makes(node) for node in nodes_of(tree)):
        return frozenset()
    shown: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in _SHOWS:
            shown |= {n.id for a in node.args for n in nodes_of(a) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.For | ast.comprehension):
            shown |= {n.id for n in nodes_of(node.iter) if isinstance(n, ast.Name)}
    if tree.body and isinstance(tree.body[-1], ast.Expr) and isinstance(tree.body[-1].value, ast.Name):
        shown.add(tree.body[-1].value.id)
    return frozenset(shown)


HARMLESS = _SHOWS | {
    *(
        "enumerate",
        "zip",
        "range",
        "len",
        "max",
        "min",
        "sum",
        "round",
        "str",
        "int",
        "float",
        "list",
        "sorted",
        "format",
    ),
    *("join", "split", "splitlines", "strip", "index", "items", "keys", "values", "replace", "dedent"),
}
"""Names of calls that compute nothing."""


def _makes(node: ast.AST) -> bool:
    """Whether a node may compute something: a call of anything but print and its like."""
    return isinstance(node, ast.Call) and name_of(node.func) not in HARMLESS


@lru_cache(maxsize=2_048)
def _constants(source: str) -> tuple[tuple[str, object], ...]:
    return tuple(_assigned(source))


def _assigned(source: str) -> Iterator[tuple[str, object]]:
    tree = tree_of(source)
    for statement in tree.body if tree else ():
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    yield name, ast.literal_eval(_without_methods(value))
                except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                    continue


def _without_methods(value: ast.expr) -> ast.expr:
    """`\"\"\"...\"\"\".strip().split("\\n")` is the text all the same."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        value = value.func.value
    return value


def _flat(value: object) -> tuple[list[str], set[float]]:
    if isinstance(value, str):
        return [value], set()
    if isinstance(value, bool):
        return [], set()
    if isinstance(value, int | float):
        return [], {round(float(value) * by, 4) for by in (0.01, 1, 100)}
    parts: Iterable[object] = ()
    if isinstance(value, dict):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, list | tuple | set):
        parts = value
    texts: list[str] = []
    numbers: set[float] = set()
    for part in parts:
        found, listed = _flat(part)
        texts += found
        numbers |= listed
    return texts, numbers


def tree_of(source: str) -> ast.Module | None:
    """Return the tree of a cell, its magics passed over; None where it cannot be parsed."""
    return python_tree(re.sub(r"(?m)^(\s*)[!%].*$", r"\1pass", source))
