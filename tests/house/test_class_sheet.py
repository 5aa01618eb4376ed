"""The class sheet's network stands in one file: everything else is made from the rubric's own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.core import class_sheet
from tests.house.syntax import nodes

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = "grader/core/class_sheet.py"
NAME = re.compile(r"(?<![A-Za-z0-9\\])(?:(?:a|out|net|z)_[ho]|[wbhoitE])[1-9](?![A-Za-z0-9])")
"""A quantity with its number."""
RANGE = re.compile(r"\[1-?[28]\]|\[[^\]]*(?<![0-9])(?:12|1-8)(?![0-9])[^\]]*\]")
"""Numbers of its units or weights in a pattern."""
SIZE = re.compile(r"\b2-2-2\b|\btwo (?:inputs|hidden|outputs)")
ELSEWHERE = {
    "grader/ingest/forms/typed.py": "headings of HTML",
    "grader/render/markdown.py": "headings of HTML",
    "grader/render/pictures/digits.py": "headings of HTML",
}
VALUES = (class_sheet.INPUTS, class_sheet.TARGETS, class_sheet.WEIGHTS, class_sheet.LEARNING_RATES)


def said(tree: tuple[ast.AST, ...]) -> Iterator[ast.Constant | ast.Tuple | ast.List]:
    """Constants and sequences, but for docstrings and texts behind an assignment, which are prose."""
    prose = {
        id(node.value) for node in tree if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in tree:
        if isinstance(node, ast.Constant | ast.Tuple | ast.List) and id(node) not in prose:
            yield node


def numbers(node: ast.Tuple | ast.List) -> tuple[object, ...]:
    return tuple(part.value for part in node.elts if isinstance(part, ast.Constant))


def of_the_sheet(node: ast.Constant | ast.Tuple | ast.List) -> bool:
    if isinstance(node, ast.Constant):
        text = node.value
        return isinstance(text, str) and any(p.search(text) for p in (NAME, RANGE, SIZE))
    found = numbers(node)
    return found == class_sheet.LAYERS or any(found[: len(v)] == v for v in VALUES)


def known_in(path: Path) -> list[str]:
    name = str(path.relative_to(ROOT))
    if name in ELSEWHERE:
        return []
    found = [node for node in said(nodes(path)) if of_the_sheet(node)]
    return [f"{name}:{node.lineno} {ast.unparse(node)[:80]}" for node in found]


def test_only_the_class_sheet_knows_its_network() -> None:
    paths = sorted(p for p in (ROOT / "grader").rglob("*.py") if str(p.relative_to(ROOT)) != DESCRIPTION)
    assert [line for path in paths for line in known_in(path)] == []


@pytest.mark.parametrize(
    "code",
    [
        'used = "a_h1"',
        'P = re.compile(r"w_?[1-8]")',
        'P = re.compile(r"[ho]_?[12]\\b")',
        "SIZES = (2, 2, 2)",
        "START = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)",
        "T = [0.01, 0.99]",
        'said = f"the gradient of w5 is {x}"',
        'said = "the 2-2-2 network"',
    ],
)
def test_the_search_finds_what_is_the_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "grader" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text(code, "utf-8")
    assert known_in(file)
