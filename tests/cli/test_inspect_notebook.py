"""`grader inspect notebook`: one JSON object a file, and nothing is run with --no-exec."""

import json
from pathlib import Path

from click.testing import CliRunner

from grader.cli.commands.inspect_notebook import command
from grader.ingest.read import modules_beside

LOG = "".join(
    f"EPOCH: {n}\nTest set: Average loss: 0.05, Accuracy: {c}/10000 ({c / 100:.2f}%)\n"
    for n, c in enumerate((9712, 9941, 9920))
)
TABLE = "Layer (type)  Output Shape  Param #\nConv2d-1  [-1, 8, 26, 26]  80\nTotal params: 80\n"


def notebook(folder: Path) -> Path:
    cells = [
        {"cell_type": "markdown", "source": "Total params: 1,186", "metadata": {}},
        {
            "cell_type": "code",
            "source": "import torch\nsummary(model)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": TABLE}],
        },
        {
            "cell_type": "code",
            "source": "for epoch in range(3):\n    test(model)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": LOG}],
        },
    ]
    path = folder / "S4.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), "utf-8")
    return path


def test_json(tmp_path: Path) -> None:
    path = notebook(tmp_path)
    result = CliRunner().invoke(command, [str(path), "--no-exec", "--json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.output)
    assert (row["file"], row["framework"]) == (str(path), "torch")
    (log,) = row["logs"]
    kept = ("cell", "epochs", "best", "best_epoch", "best_epoch_printed", "last", "denominator", "complete")
    assert {k: log[k] for k in kept} == dict(zip(kept, (3, 3, 99.41, 2, 1, 99.2, 10000, True), strict=True))
    assert [(c["what"], c["value"], c["place"]) for c in row["claims"]] == [
        ("parameters", 1186.0, "S4.ipynb cell 1 line 1")
    ]
    assert [(s["total"], s["sums_up"]) for s in row["summaries"]] == [(80, "equal")]
    assert (row["models"], row["submitted_model"], row["shims"]) == ([], None, [])
    assert row["cells"] == {"code": 2, "run": 0, "failed": 0, "why": []}


def test_text_and_several_files(tmp_path: Path) -> None:
    path = notebook(tmp_path)
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": [', "utf-8")
    result = CliRunner().invoke(command, [str(path), str(broken), "--no-exec"])
    assert result.exit_code == 0, result.output
    assert "best 99.41" in result.output
    assert "broken.ipynb" in result.output
    assert "NotebookEvidence" in result.output


def test_no_such_file() -> None:
    result = CliRunner().invoke(command, ["nowhere.ipynb"])
    assert result.exit_code == 2
    assert "nowhere.ipynb" in result.output


def test_a_notebook_sees_the_modules_beside_it(tmp_path: Path) -> None:
    path = notebook(tmp_path)
    (tmp_path / "model.py").write_text("X = 1\n", "utf-8")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "net.py").write_text("Y = 1\n", "utf-8")
    assert modules_beside(path) == {"model.py": b"X = 1\n", "lib/net.py": b"Y = 1\n"}
