"""Builds the notebooks of the sample class from the cell files in `cells/`.

A cell file is plain text: a line `%% code` or `%% markdown` begins a cell. `run.py` executes what is built here and
stores the outputs; `finish` is what happens to a file after its run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import nbformat

HERE = Path(__file__).resolve().parent
CLASS = HERE.parent

COLAB = {
    "accelerator": "GPU",
    "colab": {"name": "", "provenance": []},
    "kernelspec": {"display_name": "Python 3", "name": "python3"},
    "language_info": {"name": "python"},
}
JUPYTER = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


class Notebook(NamedTuple):
    """Where a cell file's notebook goes, and how much of the finished file is kept."""

    path: str
    colab: bool = True
    cut_after: int | None = None  # bytes: a download that broke off


NOTEBOOKS = {
    "contradicting-readme": Notebook("contradicting-readme/S4.ipynb"),
    "hostile": Notebook("hostile/mnist.ipynb", colab=False),
    "inherited-class-error": Notebook("inherited-class-error/MNIST_small.ipynb"),
    "mojibake": Notebook("mojibake/mnist_assignment.ipynb", colab=False),
    "no-global-pooling": Notebook("no-global-pooling/Part2.ipynb"),
    "over-budget": Notebook("over-budget/mnist_wide.ipynb", colab=False),
    "perfect": Notebook("perfect/Session4_MNIST.ipynb"),
    "truncated-notebook": Notebook("truncated-notebook/session4.ipynb", cut_after=4669),
    "two-notebooks-final": Notebook("two-notebooks/final_model.ipynb"),
    "two-notebooks-first": Notebook("two-notebooks/attempt_1.ipynb"),
    "wrong-gradient": Notebook("wrong-gradient/MNIST.ipynb", colab=False),
}


def target(name: str) -> Path:
    return CLASS / NOTEBOOKS[name].path


def build(name: str) -> str:
    """The JSON text (nbformat 4) of a notebook without outputs, as nbformat checks and writes it."""
    notebook = NOTEBOOKS[name]
    metadata = json.loads(json.dumps(COLAB if notebook.colab else JUPYTER))
    if notebook.colab:
        metadata["colab"]["name"] = Path(notebook.path).name
    cells = [
        as_cell(kind, text) for kind, text in cells_of((HERE / "cells" / f"{name}.txt").read_text("utf-8"))
    ]
    content = {
        "cells": cells,
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 0 if notebook.colab else 4,
    }
    book = nbformat.from_dict(content)
    nbformat.validate(book)
    return nbformat.writes(book, version=nbformat.NO_CONVERT) + "\n"


def cells_of(text: str) -> list[tuple[str, str]]:
    """(kind, source) of each cell."""
    cells: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("%% "):
            cells.append((line[3:].strip(), []))
        else:
            cells[-1][1].append(line)
    return [(kind, "\n".join(lines).strip("\n")) for kind, lines in cells]


def as_cell(kind: str, source: str) -> dict[str, object]:
    lines = source.splitlines(keepends=True)
    if kind == "markdown":
        return {"cell_type": "markdown", "metadata": {}, "source": lines}
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}


def finish(name: str) -> None:
    """Cuts the file where the sample wants it cut."""
    cut = NOTEBOOKS[name].cut_after
    if cut is not None:
        path = target(name)
        path.write_bytes(path.read_bytes()[:cut])
