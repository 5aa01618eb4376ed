"""What was typed into a platform, and pointers to what lies elsewhere, are shown and read by no check."""

import pytest

from grader.core.submission import Kind, Problem
from grader.ingest.forms.typed import may_be_the_work, only_links, plain_text, told
from grader.ingest.read import from_bytes


def test_a_page_is_told_as_a_reader_sees_it() -> None:
    page = b"<p>Hello &amp; see</p><script>x=1</script><br><a href='https://github.com/a/b'>this</a>"
    text, links = plain_text(page)
    assert (text, links) == ("Hello & see this", ("https://github.com/a/b",))
    assert (
        told("Moodle", text, links) == "typed into Moodle: “Hello & see this” (links: https://github.com/a/b)"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"<p>Thanks for the great course!</p>", False),
        (b"see https://arxiv.org/abs/1234", False),
        (b"https://github.com/ana/hw", True),
        (b"<p>E = 1/2 (t1 - o1)^2</p>", True),
        (b"word " * 100, True),
    ],
)
def test_what_may_be_the_work(text: bytes, found: bool) -> None:
    assert may_be_the_work(*plain_text(text)) is found


def test_blackboards_own_words_are_no_text_of_the_student() -> None:
    said = (
        b"Name: Ana (adiaz)\r\nAssignment: HW\r\nSubmission Field:\r\n%s\r\n\r\n"
        b"Comments:\r\nThere are no student comments for this assignment.\r\n\r\n"
        b"Files:\r\n\tOriginal filename: hw.zip\r\n"
    )
    nothing = b"There is no student submission text data for this assignment."
    assert plain_text(said % nothing) == ("", ())
    assert plain_text(said % b"<p>my hand-in</p>")[0] == "my hand-in"


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b"https://github.com/ana/hw", True),
        (b"# HW 4\nAna Diaz\nnotebook: https://colab.research.google.com/drive/1\n", True),
        (b"# HW 4\n" + b"h1 = w1*i1 + w2*i2 and so on\n" * 20 + b"https://github.com/ana/hw", False),
        (b"# w1", False),
    ],
)
def test_a_text_that_is_no_more_than_a_link(text: bytes, pointer: bool) -> None:
    assert only_links(text) is pointer
    (artefact,) = from_bytes("ana", {"README.md": text}).submission.artefacts
    assert (artefact.kind is Kind.NOTE and artefact.problem is Problem.NOT_READ) is pointer


def test_a_short_readme_beside_the_work_stays_a_readme() -> None:
    files = {
        "README.md": b"https://github.com/ana/hw",
        "S4.ipynb": b'{"cells": [], "nbformat": 4}',
        "b.py": b"import x",
    }
    book = {"b.xlsx": b"PK\x03\x04"}
    kinds = {a.path: a.kind for a in from_bytes("ana", {**files, **book}).submission.artefacts}
    assert kinds["README.md"] is Kind.README
