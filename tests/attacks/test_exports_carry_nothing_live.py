"""What a student wrote became live in a file that another program shows.

SARIF makes a link of `[words](address)`, GitHub one of every bare address in a job summary, and a spreadsheet program that
splits cells at semicolons ran a formula from the middle of a name: in half of Europe Excel does. Pages, annotations, JUnit
and workbooks had held.
"""

import csv
import io
import json
import re

import openpyxl
import pytest

from grader.core.outcome import Finding, Verdict
from grader.core.place import Place
from grader.core.report import Marked, Provenance, Report, RubricRef
from grader.ingest.read import from_bytes
from grader.render.code_quality import to_code_quality
from grader.render.escape import markdown_cell
from grader.render.exports import cell, to_csv
from grader.render.github import annotations, summary
from grader.render.marks_workbook import to_workbook
from grader.render.sarif import to_sarif

LINK = "see [the solution](https://evil.example/x) or www.evil.example \x1b]0;owned\x07\u202e"
STARTS = re.compile("^[=+\\-@\\t\\r\uff1d\uff0b\uff0d\uff20]")


def report(name: str) -> Report:
    finding = Finding(
        message=LINK,
        place=Place(artefact="README.md", line=1),
        expected=LINK,
        found=LINK,
        hint=LINK,
        diagnosis="x",
    )
    marked = Marked(
        criterion="a",
        code="AA001",
        name="a",
        title="A",
        verdict=Verdict.FAIL,
        credit=0.0,
        points=0.0,
        max_points=1.0,
        summary=LINK,
        findings=(finding,),
    )
    return Report(
        submission=from_bytes(name, {"README.md": b"x"}).submission,
        rubric=RubricRef(id="r", title="R", sha256="0" * 64),
        outcomes=(marked,),
        verdict=Verdict.FAIL,
        score=0.0,
        max_score=1.0,
        pending_points=0.0,
        provenance=Provenance(grader="0", python="3", platform="x"),
    )


def test_no_link_of_a_student_in_sarif_or_code_quality() -> None:
    sarif = json.loads(to_sarif(report("s"), {"AA001": "[ours](https://example.org)"}))
    said = [r["message"]["text"] for r in sarif["runs"][0]["results"]]
    said += [entry["description"] for entry in json.loads(to_code_quality(report("s")))]
    assert len(said) == 2
    for text in said:
        assert "https://evil.example/x" in text, "a person still reads the address"
        assert not re.search(r"\[[^]]*\]\(", text)
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_no_address_of_a_student_is_a_link_in_a_job_summary() -> None:
    shown = summary(report("s"))
    assert "evil.example" in shown
    assert not re.search(r"https?://|www\.|\]\(", shown.replace("https://github.com", ""))
    assert markdown_cell("at 10:30, e.g. a.b") == "at 10:30, e.g. a.b"


def test_an_annotation_is_one_command() -> None:
    lines = [line for line in annotations(report("s")).splitlines() if line]
    assert all(line.startswith("::") for line in lines)


@pytest.mark.parametrize("mark", [";", "; ", "\t", "\t ", ";\t"])
@pytest.mark.parametrize("formula", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(1)", "\uff1d1"])
def test_no_formula_begins_where_another_program_splits_a_cell(mark: str, formula: str) -> None:
    name = f"Ann{mark}{formula}"
    text = to_csv([report(name)])
    (row,) = list(csv.DictReader(io.StringIO(text)))
    assert row["id"] == cell(name)
    for delimiter in (";", "\t"):
        for cells in csv.reader(io.StringIO(text), delimiter=delimiter):
            assert [c for c in cells if STARTS.match(c.lstrip(" "))] == []


def test_a_semicolon_in_a_name_is_left_alone() -> None:
    assert cell("Ann; Bob") == "Ann; Bob"


def test_a_name_is_text_in_a_workbook() -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_workbook([report("=1+1")])))
    kinds = {
        c.data_type for sheet in book for cells in sheet.iter_rows() for c in cells if c.value is not None
    }
    assert "f" not in kinds
