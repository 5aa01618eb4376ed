"""Trees of cells, and their nodes: asked often, made once."""

import ast
import gc
import weakref

import pytest

from grader.extract.documents.cell_names import nodes_of, python_tree

CODE = (
    "import torch\nfor epoch in range(3):\n    class A(B, c=1):\n        def f(self, *, x=1): return x @ x\n"
)


def test_nodes_are_those_of_a_walk_in_its_order_also_when_asked_again() -> None:
    tree = ast.parse(CODE)
    walked = list(ast.walk(tree))
    for _ in range(2):
        assert [id(n) for n in nodes_of(tree)] == [id(n) for n in walked]
    for node in walked:
        assert nodes_of(node) == tuple(ast.walk(node))


def test_nodes_that_are_kept_make_no_circle_so_a_tree_goes_with_its_last_user() -> None:
    class Tree(ast.Module):
        """A tree that can be watched."""

    tree = Tree(body=ast.parse(CODE).body, type_ignores=[])
    assert len(nodes_of(tree)) > 10
    gone = weakref.ref(tree)
    gc.disable()
    try:
        del tree
        assert gone() is None
    finally:
        gc.enable()


def test_a_source_has_one_tree() -> None:
    assert python_tree(CODE) is python_tree("".join(CODE))


def test_a_long_source_is_parsed_and_not_kept() -> None:
    long = "\n".join(f"x{i} = {i}" for i in range(2_000))
    first, again = python_tree(long), python_tree(long)
    assert first is not None
    assert again is not None
    assert first is not again
    assert ast.dump(first) == ast.dump(again)


@pytest.mark.parametrize("code", ["def", "x = '\0'", "(" * 500, "\ud800"])
def test_what_is_no_python_has_no_tree(code: str) -> None:
    assert python_tree(code) is None
