"""Lines and places of Markdown and notebooks."""

import json

import pytest

from grader.extract.markdown import (
    Block,
    NotebookFault,
    count_images,
    markdown_lines,
    notebook_cells,
    notebook_lines,
)

DOCUMENT = """# Part 1
h1 = w1*i1
```python
dw1 = a
~~~
```
after
| a | b |
$$
E = E1 + E2
$$
$$ one line $$
last"""


def test_blocks_and_places() -> None:
    lines = markdown_lines(DOCUMENT, "README.md")
    assert [line.block.value for line in lines] == [
        "heading", "prose", "fence", "fence", "fence", "fence", "prose", "table", "math", "math", "math", "prose", "prose",
    ]  # fmt: skip
    assert str(lines[1].place) == "README.md:2"
    assert lines[1].text == "h1 = w1*i1"


def test_an_unclosed_fence_reaches_to_the_end() -> None:
    assert [line.block for line in markdown_lines("```\na\nb", "a.md")] == [Block.FENCE] * 3


def test_notebook_of_either_format() -> None:
    new = {
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": ["# T\n", "h1 = 2"]},
            {"cell_type": "code", "source": "x = 1"},
        ],
    }
    old = {
        "nbformat": 3,
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "metadata": {}}]}],
    }
    lines = notebook_lines(json.dumps(new).encode(), "S.ipynb")
    assert [(str(line.place), line.text, line.block.value) for line in lines] == [
        ("S.ipynb cell 1 line 1", "# T", "heading"),
        ("S.ipynb cell 1 line 2", "h1 = 2", "prose"),
        ("S.ipynb cell 2 line 1", "x = 1", "code"),
    ]
    assert notebook_cells(json.dumps(old).encode())[0].source == "x = 1"


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"cells": 3}', b"\xff\xfe", b"[" * 5000])
def test_no_notebook_is_said(data: bytes) -> None:
    with pytest.raises(NotebookFault, match="not a Jupyter notebook"):
        notebook_cells(data)


def test_images_whose_address_is_a_formula_are_text() -> None:
    text = "![a](a.png) <img src='b.png'>\n![f](https://latex.codecogs.com/svg.latex?E_1)\n```\n![no](x)\n```"
    assert count_images(markdown_lines(text, "a.md")) == (2, 1)
