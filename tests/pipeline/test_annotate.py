"""Copies with findings: made in the limited process where somebody asks, and never at the report's cost."""

import io
import json
import shutil
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import msgspec
import openpyxl
import pytest

from grader.core.outcome import Finding, Verdict
from grader.core.place import Place
from grader.core.report import Report
from grader.core.rubric import Rubric
from grader.core.submission import Artefact, Kind, Problem
from grader.extract.documents.own_cells import is_ours
from grader.pipeline.grade import annotate as module
from grader.pipeline.grade.annotate import annotate
from grader.pipeline.grade.publish import publish
from grader.render.feedback import notebook_copy, workbook_copy
from grader.sandbox.reader import Lost
from grader.sandbox.reader_server import End
from tests.command_line import ROOT, grader
from tests.render.samples import marked, report

SAMPLE = ROOT / "submissions" / "wrong-gradient"


def checked(out: Path, *words: str, sample: Path = SAMPLE) -> subprocess.CompletedProcess[str]:
    done = grader("check", sample, "--static", "-o", out, *words)
    assert done.returncode in (0, 1, 4), done.stderr
    return done


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.name.startswith("feedback")}


@pytest.mark.slow
def test_check_makes_copies_where_somebody_asks(tmp_path: Path) -> None:
    folder = tmp_path / "wrong-gradient"
    checked(tmp_path)
    assert not names(folder)
    done = checked(tmp_path, "--annotate")
    assert names(folder) == {"feedback.ipynb", "feedback.xlsx"}
    assert f"copy    {folder / 'feedback.xlsx'}" in done.stdout
    cells = json.loads((folder / "feedback.ipynb").read_bytes())["cells"]
    assert [is_ours(cell) for cell in cells][:5] == [True, False, False, False, True]
    sheet = openpyxl.load_workbook(folder / "feedback.xlsx")["Sheet1"]
    assert "It should be: =((R14-A14)" in sheet["X14"].comment.text
    before = (folder / "feedback.xlsx").read_bytes()
    done = checked(tmp_path, "--annotate", "--format", "json")
    assert json.loads(done.stdout)["submission"]
    assert "feedback.xlsx" in done.stderr
    assert (folder / "feedback.xlsx").read_bytes() == before, "the same files give the same bytes"
    with mock.patch(
        "importlib.util.find_spec", lambda name: None if name == "nbconvert" else find_spec(name)
    ):
        assert "pip install 'backprop-mnist-grader[feedback]'" in checked(tmp_path, "--annotate").stdout
    checked(tmp_path)
    assert not names(folder), "copies of an earlier report do not stay beside a new one"


@pytest.mark.slow
def test_grade_makes_them_and_says_what_it_could_not(tmp_path: Path) -> None:
    hand_in = tmp_path / "ann"
    shutil.copytree(SAMPLE, hand_in)
    book = hand_in / "neural_network.xlsx"
    with zipfile.ZipFile(book, "a") as package:
        package.writestr("xl/vbaProject.bin", b"x")
    shutil.copy(ROOT / "submissions" / "truncated-notebook" / "session4.ipynb", hand_in / "cut.ipynb")
    done = grader("grade", hand_in, "--no-exec", "--annotate", "-o", tmp_path / "out")
    assert done.returncode in (1, 4), done.stderr
    assert "vbaProject.bin); feedback.xlsx holds the findings alone" in done.stdout
    assert "cut.ipynb: " in done.stdout
    found = openpyxl.load_workbook(tmp_path / "out" / "ann" / "feedback.xlsx")
    assert found.sheetnames == ["Findings"]
    assert [row[1] for row in found["Findings"].values][1] == "X14:X73"
    none = checked(tmp_path / "none", "--annotate", sample=ROOT / "submissions" / "perfect")
    assert "no copies" in none.stdout


def _report(*paths: tuple[str, Kind]) -> Report:
    artefacts = tuple(
        Artefact(path=path, kind=kind, sha256=path, size=1, main=n == 0)
        for n, (path, kind) in enumerate(paths)
    )
    findings = tuple(Finding(message="wrong", place=Place(artefact=path)) for path, _ in paths)
    made = report("x", (marked("TR501", Verdict.FAIL, title="T", summary="s", findings=findings),))
    return msgspec.structs.replace(
        made, submission=msgspec.structs.replace(made.submission, artefacts=artefacts)
    )


def test_what_the_rubric_hides_is_in_no_copy(tmp_path: Path) -> None:
    made_of = _report(("a.ipynb", Kind.NOTEBOOK))
    hidden = tuple(msgspec.structs.replace(m, hidden=True) for m in made_of.outcomes)
    rubric = Rubric(id="r", title="", criterion=())
    for outcomes, count in ((made_of.outcomes, 1), (hidden, 0)):
        told = msgspec.structs.replace(made_of, outcomes=outcomes)
        written = publish(told, {}, tmp_path, rubric, lambda _: BOOK, copies=True)
        assert len(written.copies) == count
        assert names(written.page.parent) == {copy.name for copy in written.copies}


BOOK = b'{"cells": [{"cell_type": "raw", "metadata": {}, "source": "a"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}'


@pytest.mark.slow
def test_a_file_is_parsed_in_the_limited_process_alone() -> None:
    """Nothing of a student is parsed by nbformat or openpyxl in the process that grades."""
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    data = {"a.ipynb": BOOK, "b.ipynb": BOOK, "c.xlsx": out.getvalue()}
    refused = mock.Mock(side_effect=AssertionError("parsed here"))
    with (
        mock.patch.object(notebook_copy, "annotated", refused),
        mock.patch.object(workbook_copy, "annotated", refused),
        mock.patch("nbformat.validate", refused),
    ):
        made = annotate(
            _report(("a.ipynb", Kind.NOTEBOOK), ("b.ipynb", Kind.NOTEBOOK), ("c.xlsx", Kind.WORKBOOK)),
            data.__getitem__,
        )
    assert not made.notes
    assert set(made.files) == {"feedback.ipynb", "feedback-2.ipynb", "feedback.xlsx"}
    assert openpyxl.load_workbook(io.BytesIO(made.files["feedback.xlsx"])).sheetnames == ["Sheet"]


def test_a_copy_that_is_lost_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    made_of = _report(("a.ipynb", Kind.NOTEBOOK), ("c.xlsx", Kind.WORKBOOK))
    monkeypatch.setattr(module, "read_limited", lambda *_, **__: Lost(end=End.CPU))
    made = annotate(made_of, lambda _: b"")
    assert set(made.files) == {"feedback.xlsx"}
    assert openpyxl.load_workbook(io.BytesIO(made.files["feedback.xlsx"])).sheetnames == ["Findings"]
    assert "no copy was made" in made.notes[0]
    assert "computing time" in made.notes[1]

    def crash(*_: object, **__: object) -> object:
        raise RuntimeError("ours")

    monkeypatch.setattr(module, "read_limited", crash)
    assert "grader failed to copy it" in annotate(made_of, lambda _: b"").notes[0]
    assert "not at hand" in annotate(made_of, {}.__getitem__).notes[0]


def test_what_cannot_be_read_is_named() -> None:
    made_of = _report(("a.ipynb", Kind.NOTEBOOK))
    broken = msgspec.structs.replace(
        made_of.submission.artefacts[0], problem=Problem.BROKEN, note="it ends in the middle"
    )
    damaged = msgspec.structs.replace(
        made_of, submission=msgspec.structs.replace(made_of.submission, artefacts=(broken,))
    )
    made = annotate(damaged, lambda _: b"")
    assert made.notes == ("a.ipynb: it ends in the middle; no copy was made",)
    assert not made.files
