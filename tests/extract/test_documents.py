"""The one reader of texts and notebooks: what it keeps, what it cuts, and what it says of the rest."""

import json
import sys
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.catalogue import catalogue
from grader.core.evidence.documents import Document, Documents
from grader.core.outcome import Verdict
from grader.core.rubric import Criterion, Rubric
from grader.core.settings import Settings
from grader.core.submission import Kind, Problem
from grader.extract.documents import documents as reader
from grader.extract.documents import notebook as cells_reader
from grader.extract.documents.documents import read_documents
from grader.extract.documents.notebook_json import RawNotebook, parse_notebook
from grader.extract.logs.training_log import read_logs
from grader.ingest import identify
from grader.ingest.read import from_bytes
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.plan.plan import make_plan
from grader.sandbox.reader import Lost, _Reader, own_work
from grader.sandbox.reader_server import End, ReadLimits, Request

FORMULA = "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    """Files are parsed in the test's own process, where its limits can be made small."""
    with own_work():
        yield


def read(files: dict[str, bytes]) -> Documents:
    return read_documents(from_bytes("s", files))


def one(data: bytes, name: str = "README.md") -> Document:
    (document,) = read({name: data}).documents
    return document


def notebook(*sources: str, outputs: tuple[str, ...] = ()) -> bytes:
    made = [{"cell_type": "markdown", "metadata": {}, "source": s} for s in sources]
    saved = [{"output_type": "stream", "name": "stdout", "text": text} for text in outputs]
    code = {"cell_type": "code", "source": "for epoch in range(3): test()", "metadata": {}, "outputs": saved}
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [*made, code]}).encode()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_one_text_in_every_encoding_and_line_end(encoding: str, end: str) -> None:
    document = one(f"# Part 1{end}{FORMULA}{end}".encode(encoding))
    assert [(str(line.place), line.text) for line in document.lines[:2]] == [
        ("README.md:1", "# Part 1"),
        ("README.md:2", FORMULA),
    ]


@pytest.mark.parametrize(
    ("data", "verdict", "words"),
    [
        (POINTER, Verdict.UNKNOWN, "was handed in that cannot be read (README.md: a Git LFS pointer"),
        (b"PK\x03\x04binary", Verdict.UNKNOWN, "named as text"),
        (b"", Verdict.SKIPPED, "was handed in, and there is nothing in it (README.md)"),
        (b" \r\n\n", Verdict.SKIPPED, "was handed in, and there is nothing in it (README.md)"),
    ],
)
def test_three_sentences_say_why_there_is_none(data: bytes, verdict: Verdict, words: str) -> None:
    absent = read({"README.md": data}).absent("a README", Kind.README)
    assert absent.verdict is verdict
    assert words in absent.reason


def test_what_was_not_handed_in_is_said_so() -> None:
    absent = read({"S4.ipynb": notebook("text")}).absent("a README", Kind.README)
    assert (absent.verdict, absent.reason) == (Verdict.SKIPPED, "a README was not handed in")


def test_a_long_text_is_read_to_a_limit_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TEXT", 100)
    document = one(b"a line\n" * 1_000)
    assert sum(len(line.text) + 1 for line in document.lines) == 101
    assert document.problem == "0.0 MB of text; only the first 100 characters were read, to line 15"


def test_a_cut_text_is_told_where_its_repairs_shorten_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TEXT", 100)
    assert one("Ïƒ is garbled\n".encode() * 1_000).problem


def test_a_pasted_picture_is_nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TEXT", 1_000)
    document = one(b"![a](data:image/png;base64," + b"QUJD" * 5_000 + b")\n" + FORMULA.encode())
    assert (document.problem, document.lines[1].text) == ("", FORMULA)
    assert len(document.pictures) == 1


def test_the_cells_of_a_notebook_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_TEXT", 100)
    document = one(notebook("a" * 60, "b" * 60, "c"), "S4.ipynb")
    assert [line.text for line in document.lines] == ["a" * 60, "b" * 40, "", ""]
    assert document.problem == "too many cells; only the first 100 characters were read, to cell 2"


def test_a_log_whose_end_was_not_read_is_not_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"Epoch {n}\nTest set: Accuracy: {9800 + n}/10000 ({98 + n / 100:.2f}%)\n" for n in (1, 2, 3)]
    data = notebook("text", outputs=tuple(lines))
    (whole,) = read_logs(read({"S4.ipynb": data})).runs
    assert whole.complete
    monkeypatch.setattr(cells_reader, "MAX_OUTPUT_CHARS", len("".join(lines[:2])))
    (cut,) = read_logs(read({"S4.ipynb": data})).runs
    assert (cut.complete, len(cut.epochs)) == (False, 2)
    assert "the output of cell 2 is too long to be read to its end" in str(cut.gaps)


def test_a_document_that_was_cut_off_counts_as_far_as_it_goes() -> None:
    data = notebook(FORMULA, "second")
    document = one(data[: data.index(b"second")], "S4.ipynb")
    assert [line.text for line in document.lines] == [FORMULA]
    assert "cut off while uploading" in document.problem
    assert document.readable


@given(st.binary(max_size=400), st.sampled_from(["README.md", "S4.ipynb"]))
def test_any_bytes_give_a_document(data: bytes, name: str) -> None:
    document = one(data, name)
    assert document.path == name
    assert document.problem or document.empty or document.readable


def test_a_notebook_is_parsed_once_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was once read four times from its bytes, by two readers that disagreed about a NaN."""
    seen: list[int] = []

    def counted(data: bytes) -> RawNotebook:
        seen.append(len(data))
        return parse_notebook(data)

    monkeypatch.setattr(reader, "parse_notebook", counted)
    monkeypatch.setattr(cells_reader, "parse_notebook", counted)
    files = {"README.md": FORMULA.encode(), "S4.ipynb": notebook(FORMULA, outputs=("Accuracy: 98 %\n",))}
    rules = catalogue()
    rubric = Rubric(
        id="t",
        title="t",
        criterion=tuple(
            Criterion(id=c, check=c, points=1.0) for c in ("BP101", "RD701", "TR501", "IN801", "IN802")
        ),
    )
    known = Known(from_bytes("s", files), Settings(execute=False, retrain=False), rubric.profile)
    fill(make_plan(rubric, rules), known, NothingKept())
    assert {"FormulaEvidence", "ClaimEvidence", "LogEvidence", "NotebookEvidence"} <= known.products().keys()
    assert len(seen) == 1


def test_identifying_choosing_and_reading_parse_each_notebook_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is a notebook and which of two is no copy of the other were parsed for by readers of their own."""
    asked: list[str] = []
    request = _Reader.read

    def counted(self: _Reader, wanted: Request) -> tuple[End, bytes]:
        asked.extend(call.target.rpartition(":")[2] for call in wanted.calls)
        return request(self, wanted)

    monkeypatch.setattr(_Reader, "read", counted)
    data = notebook("import torch\nclass Net(nn.Module): MNIST", outputs=("Accuracy: 98 %\n",))
    with own_work(below=0):
        sources = from_bytes("s", {"a/S4.ipynb": data, "b/S4.ipynb": data + b" ", "README.md": b"w1"})
        assert sources.submission.doubts == (), "two copies of one notebook are no doubt"
        documents = read_documents(sources)
    assert asked == ["parse_file"] * 3, "each file once, all of them in one request"
    assert [d.main for d in documents.documents] == [True, True, False]
    assert all(
        d.artefact == a
        for d, a in zip(
            sorted(documents.documents, key=lambda d: d.path),
            sorted(sources.submission.artefacts, key=lambda a: a.path),
            strict=True,
        )
    )


@pytest.mark.skipif(sys.platform != "linux", reason="macOS refuses the limit of memory")
def test_a_file_that_ends_its_reader_costs_itself_and_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A README whose parsing took all memory took the worker with it, and everything of its student."""
    limits = ReadLimits(memory=10_000_000)
    monkeypatch.setattr(reader, "read_limited", partial(reader.read_limited, limits=limits))
    with own_work(below=0):
        documents = read({"README.md": b"w1 w2\r\n" * 6_000_000})
        monkeypatch.undo()
        assert one(FORMULA.encode()).readable, "the next file has a process of its own"
    (document,) = documents.documents
    assert not document.readable
    assert document.problem.startswith("the file needs more memory than reading it may take")
    reason = documents.absent("a README", Kind.README)
    assert reason.verdict is Verdict.UNKNOWN
    assert "README.md: the file needs more memory" in reason.reason


def test_a_notebook_that_ends_its_reader_is_named_and_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Lost(end=End.CPU, limits=ReadLimits())
    monkeypatch.setattr(identify, "read_limited", lambda *_, **__: lost)
    sources = from_bytes("s", {"S4.ipynb": notebook(FORMULA)})
    (artefact,) = sources.submission.artefacts
    assert artefact.problem is Problem.TOO_LARGE
    assert artefact.note.startswith("the notebook took longer than 40 s of computing time")
    (document,) = read_documents(sources).documents
    assert document.problem == artefact.note
    assert document.notebook is not None
    assert document.notebook.problem == artefact.note
