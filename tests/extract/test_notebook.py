"""The notebook reader: every format Jupyter opens, every damage an upload does, and its bounds."""

import json
import sys

import msgspec
import pytest

from grader.core.evidence.notebook import CellKind, Channel, Framework
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.extract.documents import notebook as reader
from grader.extract.documents import notebook_json
from grader.extract.documents.documents import read_documents
from grader.extract.documents.notebook import html_to_text, plain_text, read_notebook, read_notebooks
from grader.ingest.read import from_bytes

CELLS = [
    {"cell_type": "markdown", "source": ["# Größe\n", "text"], "metadata": {}},
    {
        "cell_type": "code",
        "source": "import torch\nprint('x')",
        "execution_count": 3,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]}],
    },
]


def book(cells: object = CELLS, **extra: object) -> bytes:
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **extra}, ensure_ascii=False
    ).encode()


@pytest.mark.parametrize(
    "data",
    [
        book(),
        b"\xef\xbb\xbf" + book(),
        book().decode().encode("utf-16"),
        book().decode().encode("utf-16-le"),
        book().decode().encode("utf-16-be"),
        book().decode().encode("latin-1"),
        book(unknown_key={"a": 1}),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "extra key"],
)
def test_encodings(data: bytes) -> None:
    read = read_notebook(data, "S4.ipynb")
    assert not read.problem
    assert read.format == "4.5"
    assert read.framework is Framework.TORCH
    assert [c.kind for c in read.cells] == [CellKind.MARKDOWN, CellKind.CODE]
    assert read.cells[0].source == "# Größe\ntext"
    assert read.cells[1].execution_count == 3
    assert read.cells[1].outputs[0].text == "a\nb\n"


def test_format_3() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Part 2"},
        {
            "cell_type": "code",
            "input": "1 + 1",
            "prompt_number": 7,
            "outputs": [
                {"output_type": "pyout", "text": ["2"], "prompt_number": 7},
                {"output_type": "stream", "stream": "stderr", "text": "warn"},
                {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mE\x1b[0m: v"]},
            ],
        },
    ]
    read = read_notebook(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode(), "old.ipynb")
    assert read.format == "3.0"
    assert read.cells[0].source == "## Part 2"
    assert read.cells[1].source == "1 + 1"
    assert read.cells[1].execution_count == 7
    assert [(o.channel, o.text) for o in read.cells[1].outputs] == [
        (Channel.RESULT, "2"),
        (Channel.STDERR, "warn"),
        (Channel.ERROR, "E: v"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (book()[:60], "cut off while uploading"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"hello", "no JSON"),
        (b"[1, 2]", "a list where a notebook is an object"),
        (b'{"a": 1}', 'no list "cells"'),
        (b'{"cells": 3}', 'no list "cells"'),
        (b'{"cells": [' + b"[" * 5000 + b"]" * 5000 + b"]}", "nested deeper"),
        (b'{"cells": [], "x": ' + b"9" * 5000 + b"}", ""),
        (b'{"cells": [}, "nbformat": 4, "metadata": {}}', "broken JSON at line 1"),
    ],
)
def test_what_is_no_notebook(data: bytes, words: str) -> None:
    read = read_notebook(data, "S4.ipynb")
    assert words in read.problem
    assert not read.cells


def test_what_the_schema_calls_invalid_is_told_in_its_words() -> None:
    cells = [{"cell_type": "code", "source": ["a", None], "outputs": [], "metadata": {}}, 3]
    read = read_notebook(book(cells), "S4.ipynb")
    assert read.notes[:2] == (
        "cell 1, source: ['a', None] is not valid under any of the given schemas (nbformat)",
        "cell 2: 3 is not of type 'object' (nbformat)",
    )
    assert [c.source for c in read.cells] == ["a", ""]


def test_a_kind_over_which_the_schema_stumbles_is_read_as_raw() -> None:
    read = read_notebook(book([{"cell_type": [], "source": "x"}]), "S4.ipynb")
    assert [c.kind for c in read.cells] == [CellKind.RAW]


def test_a_current_notebook_is_not_shown_to_nbformat(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "nbformat"] or ["nbformat"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert read_notebook(book(), "S4.ipynb").notes == ()


@pytest.mark.parametrize("broken", [{"metadata": 3}, {"worksheets": [{"cells": [None, {"input": "x = 1"}]}]}])
def test_what_nbformat_refuses_is_read_all_the_same(broken: dict[str, object]) -> None:
    cells = [{"cell_type": "code", "input": "x = 1", "outputs": []}]
    data = json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}], **broken}).encode()
    read = read_notebook(data, "old.ipynb")
    assert (read.problem, read.format, read.cells[-1].source) == ("", "3.0", "x = 1")


def test_a_source_that_the_conversion_loses_is_kept() -> None:
    cells = [{"cell_type": "code", "input": "x = 1", "outputs": []}]
    read = read_notebook(json.dumps({"nbformat": 1, "cells": cells}).encode(), "oldest.ipynb")
    assert read.cells[0].source == "x = 1"


def test_what_stands_before_the_damage_is_read() -> None:
    read = read_notebook(book()[:-40], "S4.ipynb")
    assert "cut off while uploading" in read.problem
    assert "(1 cell before that could be read)" in read.problem
    assert [c.source for c in read.cells] == ["# Größe\ntext"]


def test_half_an_emoji_becomes_something_that_a_store_can_keep() -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": ["ok \ud83d\ude00 \ud83d"]}]
    data = json.dumps({"cells": [{"cell_type": "code", "source": "\udc00", "outputs": outputs}]}).encode()
    (cell,) = read_notebook(data, "S4.ipynb").cells
    assert (cell.source, cell.outputs[0].text) == ("\ufffd", "ok 😀 \ufffd")
    assert msgspec.msgpack.encode(cell)


def test_a_count_beyond_what_a_store_can_keep_is_none() -> None:
    cells = [{"cell_type": "code", "source": "x", "execution_count": 2**70, "outputs": []}]
    read = read_notebook(book(cells), "S4.ipynb")
    assert read.cells[0].execution_count is None


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [{"cell_type": "code", "source": "", "outputs": []}] * (notebook_json.MAX_CELLS + 1)
    assert "2001 cells" in read_notebook(book(many), "S4.ipynb").problem
    monkeypatch.setattr(notebook_json, "MAX_BYTES", 10)
    assert "MB" in read_notebook(book(), "S4.ipynb").problem
    monkeypatch.undo()
    monkeypatch.setattr(reader, "MAX_OUTPUT_CHARS", 3)
    cut = read_notebook(book(), "S4.ipynb")
    assert cut.cells[1].outputs[0].text == "a\nb"
    assert any("output cut" in note for note in cut.notes)


def test_odd_cells_are_read_as_far_as_they_go() -> None:
    cells = [
        3,
        None,
        {"cell_type": "code", "source": None, "outputs": "none", "execution_count": True},
        {"source": ["a", 1, "b"]},
    ]
    read = read_notebook(book(cells), "S4.ipynb")
    assert not read.problem
    assert [c.source for c in read.cells] == ["", "", "", "ab"]
    assert read.cells[2].execution_count is None


def test_not_a_number_and_lone_surrogates() -> None:
    data = b'{"cells": [{"cell_type": "code", "source": "\\ud800", "outputs": []}], "x": NaN}'
    assert not read_notebook(data, "S4.ipynb").problem


def test_output_lines_count_over_all_outputs_of_a_cell() -> None:
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": "one\ntwo"},
        {"output_type": "stream", "name": "stdout", "text": "three\n"},
        {"output_type": "display_data", "data": {"image/png": "AAAA"}},
        {"output_type": "execute_result", "data": {"text/plain": ["four"]}},
    ]
    read = read_notebook(book([{"cell_type": "code", "source": "", "outputs": outputs}]), "S4.ipynb")
    assert [(o.line, o.text) for o in read.cells[0].outputs] == [(1, "one\ntwo"), (3, "three\n"), (4, "four")]


def test_escapes_and_redraws() -> None:
    assert plain_text("\x1b[1;32mok\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07") == "ok link"
    assert plain_text("10%\b\b\b20%\r\n") == "10%\r20%\n"


def test_html_tables_become_rows() -> None:
    html = (
        "<style>p "
        "{}</style><table><tr><th>epoch</th><th>test_acc</th></tr>\n<tr><td>1</td><td>98.5&nbsp;%</td></tr></table>"
    )
    assert html_to_text(html).replace("\xa0", " ") == "epoch | test_acc\n1 | 98.5 %"


def test_keras_is_recognised() -> None:
    cells = [{"cell_type": "code", "source": "from keras.models import Sequential", "outputs": []}]
    assert read_notebook(book(cells), "k.ipynb").framework is Framework.KERAS


def test_provider_says_what_is_missing() -> None:
    with pytest.raises(Unavailable) as none:
        read_notebooks(read_documents(from_bytes("s", {"README.md": b"# hi"})))
    assert none.value.verdict is Verdict.SKIPPED
    with pytest.raises(Unavailable) as broken:
        read_notebooks(read_documents(from_bytes("s", {"S4.ipynb": book()[:-40]})))
    assert broken.value.verdict is Verdict.UNKNOWN
    assert "S4.ipynb" in broken.value.reason


def test_provider_reads_all_and_puts_the_main_one_first() -> None:
    small = book([{"cell_type": "code", "source": "print(1)", "outputs": []}])
    large = book(
        [
            {
                "cell_type": "code",
                "source": "import torch\nclass Net(nn.Module): pass\nMNIST\nloss.backward()",
                "outputs": [],
            }
        ]
    )
    files = {"a.ipynb": small, "b.ipynb": large, "c.ipynb": b"{"}
    found = read_notebooks(read_documents(from_bytes("s", files)))
    assert [n.artefact for n in found.notebooks] == ["b.ipynb", "a.ipynb", "c.ipynb"]
    assert [n.artefact for n in found.readable] == ["b.ipynb", "a.ipynb"]
    assert dict(found.reading())["c.ipynb"]
