"""No module of ours imports, at its top or inside a function, one that imports it."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.house.syntax import nodes

GRADER = Path(__file__).parents[2] / "grader"


def _modules() -> dict[str, Path]:
    names = {
        ".".join(("grader", *p.relative_to(GRADER).with_suffix("").parts)): p for p in GRADER.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


def _imports(path: Path, modules: dict[str, Path]) -> set[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {n if n in modules else node.module for n in named}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules.keys()


def test_no_import_goes_in_a_circle() -> None:
    """The trainer, what it was asked and the lines that it prints imported one another, each inside a
    function.
    """
    modules = _modules()
    graph = {name: _imports(path, modules) for name, path in modules.items()}
    assert sum(map(len, graph.values())) > 1_000
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        raise AssertionError(" > ".join(circle.args[1])) from None
