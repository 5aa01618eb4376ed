"""Code cells from files as students save them."""

import json

import pytest

from grader.sandbox.worker.cells import Cell, read

CODE = "print('größer')"
V4 = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "markdown", "source": "# title"},
    {"cell_type": "code", "source": [CODE[:6], CODE[6:]], "outputs": [{"metadata": {"extra": 1}}]},
    {"cell_type": "raw", "source": "x"},
    {"cell_type": "code", "source": "2"},
]}  # fmt: skip
V3 = {
    "nbformat": 3,
    "worksheets": [
        {"cells": [{"cell_type": "code", "input": [CODE]}, {"cell_type": "heading"}]},
        {"cells": [{"cell_type": "code", "input": "2"}]},
    ],
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_every_encoding_and_version(encoding: str) -> None:
    text = json.dumps(V4, ensure_ascii=False)
    assert read("a.ipynb", text.encode(encoding)) == [Cell(2, CODE), Cell(4, "2")]
    text = json.dumps(V3, ensure_ascii=False)
    assert read("a.ipynb", text.encode(encoding)) == [Cell(1, CODE), Cell(3, "2")]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no object"),
        (b"{}", "no cells"),
        (b'{"cells": {}}', "no cells"),
        (json.dumps({"cells": [{"cell_type": "code", "source": ""}] * 2001}).encode(), "2001 cells"),
    ],
)
def test_what_is_no_notebook(data: bytes, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read("a.ipynb", data)


def test_odd_cells_are_passed_over() -> None:
    odd = {"cells": [None, 3, {"cell_type": "code"}, {"cell_type": "code", "source": 5}, {"source": "x"}]}
    assert read("a.ipynb", json.dumps(odd).encode()) == [Cell(3, ""), Cell(4, "")]


def test_a_null_among_the_lines_of_a_cell_is_no_code() -> None:
    cells = [{"cell_type": "code", "source": ["x = 1\n", None, "y = 2"]}]
    assert read("a.ipynb", json.dumps({"cells": cells}).encode()) == [Cell(1, "x = 1\ny = 2")]


def test_a_script_under_a_notebooks_name_is_run_as_one() -> None:
    assert read("a.ipynb", b"import torch\nx = 1\n") == [Cell(1, "import torch\nx = 1\n")]
    with pytest.raises(ValueError, match="no JSON"):
        read("a.ipynb", b"hello")


def test_python_files() -> None:
    assert read("a.py", b"x = 1\r\ny = 2\r\n") == [Cell(1, "x = 1\ny = 2\n")]
    parts = read("a.py", b"import os\n# %%\nx = 1\n#%% name\ny = 2\n# In[3]:\nz = 3\n")
    assert [p.source for p in parts] == [
        "import os\n",
        "# %%\nx = 1\n",
        "#%% name\ny = 2\n",
        "# In[3]:\nz = 3\n",
    ]
