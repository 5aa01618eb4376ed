"""Lines and places of Markdown and notebooks."""

import json

import pytest

from grader.core.evidence.documents import Block
from grader.extract.documents.documents import read_documents
from grader.extract.documents.markdown import markdown_lines, pictures_in
from grader.ingest.read import from_bytes

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


def test_a_fence_that_is_never_closed_hides_nothing_below_it() -> None:
    assert [line.block for line in markdown_lines("```\na\n# b", "a.md")] == [
        Block.FENCE, Block.PROSE, Block.HEADING,
    ]  # fmt: skip


def test_a_fence_that_is_opened_inside_another_ends_what_was_not_closed() -> None:
    blocks = [line.block.value for line in markdown_lines("```bash\na\nb\n```python\nc\n```\nd", "a.md")]
    assert blocks == ["fence", "prose", "prose", "fence", "fence", "fence", "prose"]


def test_a_longer_fence_may_hold_shorter_ones() -> None:
    blocks = [line.block.value for line in markdown_lines("````md\n```python\na\n```\n````\nb", "a.md")]
    assert blocks == ["fence"] * 5 + ["prose"]


def test_code_between_backticks_on_one_line_opens_no_fence() -> None:
    blocks = [line.block.value for line in markdown_lines("```x = 1``` is code\nafter", "a.md")]
    assert blocks == ["prose", "prose"]


def test_lines_of_a_notebook_of_either_format() -> None:
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
    files = {"S.ipynb": json.dumps(new).encode(), "T.ipynb": json.dumps(old).encode()}
    lines = [line for d in read_documents(from_bytes("s", files)).documents for line in d.lines]
    assert [(str(line.place), line.text, line.block.value) for line in lines] == [
        ("S.ipynb cell 1 line 1", "# T", "heading"),
        ("S.ipynb cell 1 line 2", "h1 = 2", "prose"),
        ("S.ipynb cell 2 line 1", "x = 1", "code"),
        ("T.ipynb cell 1 line 1", "x = 1", "code"),
    ]


def test_images_whose_address_is_a_formula_are_text() -> None:
    text = "![a](a.png) <img src='b.png'>\n![f](https://latex.codecogs.com/svg.latex?E_1)\n```\n![no](x)\n```"
    found = pictures_in(markdown_lines(text, "a.md"))
    assert [(str(p.place), p.target, p.text) for p in found] == [
        ("a.md:1", "a.png", "a"),
        ("a.md:1", "b.png", ""),
    ]


def test_a_badge_is_no_picture() -> None:
    text = (
        "[![Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://x) "
        "![b](https://img.shields.io/a.svg)"
    )
    assert pictures_in(markdown_lines(text, "a.md")) == ()


def test_a_picture_may_be_named_by_a_label() -> None:
    (found,) = pictures_in(markdown_lines("![loss][curve]\n\n[curve]: img/loss.png 'title'", "a.md"))
    assert (found.target, found.file) == ("img/loss.png", "loss.png")


@pytest.mark.parametrize(
    ("target", "own"),
    [
        ("C:\\Users\\x\\a.png", True),
        ("file:///home/x/a.png", True),
        ("/Users/x/Desktop/a%20b.png", True),
        ("D:/pics/a.png", True),
        ("~/a.png", True),
        ("img/a.png", False),
        ("/img/a.png", False),
        ("https://host/home/x/a.png", False),
        ("attachment:a.png", False),
    ],
)
def test_a_path_on_the_authors_own_disk_is_known(target: str, own: bool) -> None:
    (found,) = pictures_in(markdown_lines(f"![a](<{target}>)", "a.md"))
    assert found.on_own_disk is own
