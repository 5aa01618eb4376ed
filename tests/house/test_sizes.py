"""The sizes of a data set stand in its description, and nowhere else in grader."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.core.assigned_data import MNIST
from reference import mnist
from tests.house.syntax import nodes

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = "grader/core/assigned_data.py"
SIZES = {
    MNIST.side,
    MNIST.pixels,
    MNIST.training_images,
    MNIST.test_images,
    MNIST.training_images - MNIST.test_images,
}
ELSEWHERE = {
    "grader/execute/engine/recipes/recipe.py": "the largest batch that is followed",
    "grader/execute/graph/validate.py": "the largest argument of an operator",
    "grader/execute/replay/learning_rates.py": "the largest learning rate that is tried",
    "grader/sandbox/limits.py": "the frames of a run",
    "grader/cli/commands/rules.py": "a column of a table",
    "grader/schedule/dispatch.py": "jobs that are with nodes",
    "grader/sandbox/choose.py": "user namespaces that a kernel allows",
    "grader/sandbox/doctor.py": "a version of torchvision",
}
"""Files that have the same number for another reason."""
WHERE = ("grader/core", "grader/execute", "grader/sandbox/worker", "grader/checks", "grader/extract")
"""Folders in which a number may be a size; words are looked for everywhere."""
WORDS = re.compile(r"\b(?:28\s?[x×]\s?28|(?:10|50|60)[,_]?000\b(?! to\b)|9[,_]?940)\b")
CLASSES = ("grader/execute", "grader/sandbox/worker", "grader/checks/retrain", "grader/core")
TENS = {
    "grader/core/machine.py": "thresholds of the garbage collector",
    "grader/core/assigned_network.py": "numbers of one digit",
    "grader/core/retrain_rule.py": "tenths of a deviation",
    "grader/execute/engine/recipes/augmentation.py": "tries of torchvision's RandomErasing",
    "grader/execute/graph/ablation.py": "a power of ten",
    "grader/execute/measure.py": "one in ten images",
    "grader/execute/notebook.py": "a share of the time",
    "grader/execute/replay/book/charts.py": "one in ten rows",
    "grader/execute/wrong_digits.py": "digits in a row of a picture",
    "grader/sandbox/worker/channel.py": "the number of a kind of frame",
}


def modules() -> list[Path]:
    return sorted(p for p in (ROOT / "grader").rglob("*.py") if str(p.relative_to(ROOT)) != DESCRIPTION)


def said(tree: tuple[ast.AST, ...]) -> Iterator[tuple[int, object]]:
    """Constants with their lines, but for docstrings and texts behind an assignment, which are prose."""
    prose = {
        id(node.value) for node in tree if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in tree:
        if isinstance(node, ast.Constant) and id(node) not in prose:
            yield node.lineno, node.value


def sizes_in(path: Path) -> list[str]:
    name, found = str(path.relative_to(ROOT)), []
    for line, value in said(nodes(path)):
        number = isinstance(value, int) and not isinstance(value, bool)
        ten = value == MNIST.classes and name.startswith(CLASSES) and name not in TENS
        size = value in SIZES and name.startswith(WHERE) and name not in ELSEWHERE
        if number and (size or ten):
            found.append(f"{name}:{line} {value}")
        if isinstance(value, str) and WORDS.search(value) and name not in ELSEWHERE:
            found.append(f"{name}:{line} {value[:60]}")
    return found


def test_only_the_description_knows_how_large_a_data_set_is() -> None:
    assert [line for path in modules() for line in sizes_in(path)] == []


@pytest.mark.parametrize("code", ["SIDE = 28", "x = f'of {n} of 10,000'", "n = 60_000"])
def test_the_search_finds_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "grader" / "core" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text(code, "utf-8")
    assert sizes_in(file)


def test_the_oracle_and_the_description_know_the_same_files() -> None:
    """`reference` imports nothing of grader, so it has MNIST's digests itself."""
    assert {file.name: file.digest for file in MNIST.files} == mnist.SHA256
    assert (MNIST.side, MNIST.folders) == (mnist.MNIST.side, mnist.LAYOUTS)
