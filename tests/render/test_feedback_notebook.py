"""A notebook with findings in it: the student's cells are his own, ours hold text alone, nbformat takes it."""

import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.submission import Kind
from grader.extract.documents.notebook import read_notebook
from grader.extract.documents.own_cells import is_ours, without_ours
from grader.render import strings
from grader.render.feedback.notebook_copy import annotated, source_of, spans_of
from grader.render.feedback.told import Row, Told, told_of
from tests.extract.test_notebook_view import code, notebook, shown, stream
from tests.render.samples import HOSTILE, artefact, marked, report

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(p for p in ROOT.glob("submissions/*/*.ipynb") if p.parent.name != "truncated-notebook")


def told(cell: int | None, text: str = "the log ends early", code: str = "TR501") -> Told:
    row = Row(label="Found", text=text)
    return Told(
        code=code, word="To correct", sentence=text, place=Place(artefact="a", cell=cell), rows=(row,)
    )


def cells_of(data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(data)["cells"]
    return found


def texts_of(data: bytes) -> list[str]:
    """The JSON text of every cell of the student, as it stands in the file."""
    text = data.decode("utf-8-sig")
    return [text[span.start : span.end] for span in spans_of(text)[1] if not is_ours(span.cell)]


def is_valid(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nbformat.validate(json.loads(data))
    return True


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_without_our_cells_it_is_the_students_notebook(path: Path) -> None:
    data = path.read_bytes()
    count = len(cells_of(data))
    made = annotated(data, tuple(told(n) for n in (None, 1, 1, count, count + 7)))
    assert not made.problem
    assert is_valid(made.data)
    assert texts_of(made.data) == texts_of(data), "byte for byte"
    ours = [cell for cell in cells_of(made.data) if is_ours(cell)]
    assert len(ours) == 5
    assert [cell["cell_type"] for cell in ours] == ["markdown"] * 5
    assert all("trusted" not in cell["metadata"] for cell in ours)
    whole, before = json.loads(made.data), json.loads(data)
    assert {k: v for k, v in whole.items() if k != "cells"} == {
        k: v for k, v in before.items() if k != "cells"
    }


def test_a_finding_stands_above_its_cell() -> None:
    made = annotated(notebook(code(source="a"), code(source="b"), code(source="c")), (told(2), told(None)))
    kinds = ["ours" if is_ours(cell) else cell["source"] for cell in cells_of(made.data)]
    assert kinds == ["ours", "a", "ours", "b", "c"]
    first, _, second, *_ = ("".join(cell["source"]) for cell in cells_of(made.data))
    assert strings.FEEDBACK_WHOLE in first
    assert "**grader: TR501**, To correct" in second


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SOURCE = st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=3)
CELL = st.builds(
    lambda source, metadata, n: {
        "cell_type": "code",
        "execution_count": n,
        "id": f"c{n}",
        "metadata": metadata,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": source}],
        "source": source,
    },
    SOURCE,
    st.dictionaries(
        st.text(max_size=6).filter(lambda k: k not in nbformat.v4.nbbase.__dict__), JSON, max_size=2
    ),
    st.integers(0, 10**6),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CELL, max_size=5, unique_by=lambda c: str(c["id"])),
    st.lists(st.integers(1, 6), max_size=4),
    st.sampled_from([None, 0, 1, 4]),
)
def test_removing_our_cells_gives_back_any_notebook(
    cells: list[dict[str, Any]], places: list[int], indent: int | None
) -> None:
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    data = json.dumps(book, indent=indent, ensure_ascii=bool(indent)).encode("utf-8", "surrogatepass")
    made = annotated(data, tuple(told(n, HOSTILE) for n in places))
    if made.problem:  # metadata that nbformat's schema refuses, of which none of these should be
        pytest.fail(made.problem)
    assert texts_of(made.data) == texts_of(data)
    assert without_ours(cells_of(made.data)) == cells_of(data)
    again = annotated(made.data, tuple(told(n, "else") for n in places))
    assert texts_of(again.data) == texts_of(data), "cells of an earlier time are not kept"
    assert sum(map(is_ours, cells_of(again.data))) == 1 + (len(places) if cells else 0)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text("`~$\\<>[]()!*_#&|:/\n a1", max_size=200))
def test_nothing_in_our_cells_is_markup(text: str) -> None:
    of_report = told_of(_report(text), artefact("a.ipynb", Kind.NOTEBOOK))
    source = source_of(of_report[0])
    tokens = MarkdownIt("commonmark").parse(source)
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close", "fence"]
    assert tokens[-1].content.rstrip("\n") == of_report[0].text().rstrip("\n"), "all of it is in the block"
    assert all(t.type in ("text", "strong_open", "strong_close") for t in tokens[1].children or ())


def _report(text: str) -> Any:
    finding = Finding(
        message=f"m{text}",
        place=Place(artefact="a.ipynb", cell=1, line=2),
        expected=text,
        found=text,
        hint=text,
    )
    return report("x", (marked("TR501", Verdict.FAIL, title=f"t{text}", summary="s", findings=(finding,)),))


def test_what_is_told_of_a_file() -> None:
    place = Place(artefact="a.ipynb", cell=3, line=2)
    fault = Finding(
        message="too low", place=place, expected="x = 2", found="x = 1", hint="train", others=("x = 3",)
    )
    remark = Finding(message="odd", weight=Weight.REMARK)
    other = Finding(message="elsewhere", place=Place(artefact="b.ipynb"))
    made = report("x", (
        marked("TR501", Verdict.PARTIAL, title="The log", summary="s", credit=0.5, findings=(fault, other)),
        marked("NN401", Verdict.PASS, title="The budget", summary="s", findings=(remark,)),
        marked("WB201", Verdict.PASS, title="The columns", summary="s", findings=(remark,)),
    ))  # fmt: skip
    first, second = told_of(made, artefact("a.ipynb", Kind.NOTEBOOK))
    assert (first.code, first.word, first.sentence, first.place) == ("TR501", "To correct", "Too low", place)
    assert [(row.label, row.text) for row in first.rows] == [
        ("Line", "2"), ("You wrote", "x = 1"), ("It should be", "x = 2"), ("or just as well", "x = 3"),
        ("What to do", "train"), ("Asked for", "The log"),
    ]  # fmt: skip
    assert (second.code, second.word, second.place.cell) == ("NN401", strings.FINDING_REMARK, None)
    assert not told_of(made, artefact("a.ipynb", Kind.NOTEBOOK, main=False))[1:], (
        "what names no file is the main one's"
    )


def test_old_formats_are_brought_up_to_date() -> None:
    old = {
        "nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
        "worksheets": [{"metadata": {}, "cells": [
            {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Title"]},
            {"cell_type": "code", "collapsed": False, "input": ["x = 1\n", "x"], "language": "python", "metadata": {},
             "outputs": [{"output_type": "pyout", "prompt_number": 1, "metadata": {}, "text": ["1"]}], "prompt_number": 1},
        ]}],
    }  # fmt: skip
    made = annotated(json.dumps(old).encode(), (told(2),))
    assert not made.problem
    assert is_valid(made.data)
    assert json.loads(made.data)["nbformat"] == 4
    assert ["".join(c["source"]) for c in without_ours(cells_of(made.data))] == ["## Title", "x = 1\nx"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "sou', "cannot be opened as a notebook"),
        (b"<html></html>", "cannot be opened as a notebook"),
        (notebook({"cell_type": "code", "source": 3}), "no valid notebook by nbformat"),
        (notebook({"cell_type": "code", "metadata": {}, "source": "x"}), "no valid notebook by nbformat"),
        (b'{"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [{"cell_type": "raw", "metadata": {}, "source": "a\tb"}]}', "cannot be opened"),
        (b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": 7}]}]}', "old format"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_gives_none(data: bytes, words: str) -> None:
    made = annotated(data, (told(1),))
    assert words in made.problem
    assert not made.data


def test_odd_files_are_copied_as_they_are() -> None:
    data = (
        b'\xef\xbb\xbf{"nbformat": 4, "nbformat_minor": 2, "metadata": {"x": NaN},\r\n "cells": [] , "cells": [ '
        b'{"cell_type": "raw", "metadata": {"n": 1.500e+01}, "source": "\\ud83d"} ]}'
    )
    made = annotated(data, (told(1),))
    assert not made.problem
    assert texts_of(made.data) == ['{"cell_type": "raw", "metadata": {"n": 1.500e+01}, "source": "\\ud83d"}']
    none = annotated(
        b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', (told(3, "said all the same"),)
    )
    assert "said all the same" in none.data.decode()


def test_cells_of_ours_are_not_read_when_they_are_handed_in_again() -> None:
    """A finding quotes what was wrong: read as the student's, it would be found wrong for ever."""
    data = notebook(code(stream("Epoch 1"), source="a"), code(shown(text_plain="1"), source="b"))
    made = annotated(data, (told(2, "∂E/∂w1 = wrong"),))
    before, after = read_notebook(data, "a.ipynb"), read_notebook(made.data, "a.ipynb")
    assert after.cells == before.cells
    assert after.notes == (*before.notes, "2 cells with findings of grader, which were not read")


def test_a_cell_of_ours_that_somebody_wrote_over_is_the_students() -> None:
    made = annotated(notebook(code(source="a")), (told(1),))
    book = json.loads(made.data)
    assert is_ours(book["cells"][1])
    book["cells"][1]["source"] = "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
    assert not is_ours(book["cells"][1])
    assert [c.source[:7] for c in read_notebook(json.dumps(book).encode(), "a.ipynb").cells] == [
        "∂E/∂w5 ",
        "a",
    ]
    for forged in ({}, {"grader": {}}, {"grader": {"sha256": "x"}}, {"grader": 3}):
        assert not is_ours({"cell_type": "markdown", "source": "x", "metadata": forged})
    code_cell = {**made_cell(made.data), "cell_type": "code"}
    assert not is_ours(code_cell), "code is never hidden by a mark"


def made_cell(data: bytes) -> dict[str, Any]:
    return next(cell for cell in cells_of(data) if is_ours(cell))
