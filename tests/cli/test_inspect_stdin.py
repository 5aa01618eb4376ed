"""`grader inspect ... -`: each kind reads standard input, and names it as such where it cannot be read."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.commands.inspect import command

SAMPLE = Path(__file__).parents[2] / "submissions" / "wrong-gradient"


class Bytes(io.TextIOWrapper):
    """A standard input with bytes behind it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8")


def inspect(*words: str, content: bytes) -> str:
    done = CliRunner().invoke(command, list(words), input=Bytes(content))
    assert done.exit_code == 0, done.output
    return done.output


def derivation(folder: Path) -> Path:
    """A notebook that derives in its text, as some students do."""
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1",
    }
    path = folder / "derivation.ipynb"
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}), "utf-8"
    )
    return path


@pytest.mark.parametrize(
    ("kind", "file"),
    [("formulas", "README.md"), ("formulas", "derivation.ipynb"), ("workbook", "neural_network.xlsx")],
)
def test_standard_input_is_read_as_the_file_is(kind: str, file: str, tmp_path: Path) -> None:
    path = derivation(tmp_path) if file.endswith(".ipynb") else SAMPLE / file
    rows = [json.loads(inspect(kind, name, "--json", content=path.read_bytes())) for name in (str(path), "-")]
    for row in [r for found in rows for r in found]:
        row.pop("file")
    assert rows[0] == rows[1]
    assert rows[0]


def test_a_notebook_is_read_from_standard_input() -> None:
    content = (SAMPLE / "MNIST.ipynb").read_bytes()
    (row,) = json.loads(inspect("notebook", "--no-exec", "--json", "-", content=content))
    assert row["file"] == "-"
    assert [log["denominator"] for log in row["logs"]] == [10_000]


@pytest.mark.parametrize(
    ("content", "said"), [(b"hello", "is no workbook"), (b"", "is empty"), (b"PK\x03\x04", "")]
)
def test_what_is_no_workbook_is_unknown_and_says_why(content: bytes, said: str) -> None:
    output = inspect("workbook", "-", content=content)
    assert output.startswith("standard input: unknown: ")
    assert said in output
