"""Pages of the files beside a report: which there are, drawn once for the same bytes, and never at the
report's cost.
"""

import json
from pathlib import Path

import pytest

from grader.core.rubric import Rubric
from grader.core.submission import Artefact, Kind, Problem, Sources
from grader.ingest.read import read_submission
from grader.pipeline.grade import file_views
from grader.pipeline.grade.file_views import draw, planned
from grader.pipeline.grade.publish import publish
from tests.render.samples import report

ROOT = Path(__file__).parents[2]


def folder(path: Path, **files: str) -> Sources:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return read_submission(path)


def book(text: str) -> str:
    cell = {
        "cell_type": "code",
        "source": f"print({text!r})",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": text}],
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})


def published(sources: Sources, out: Path) -> dict[str, str]:
    made = report("x", ())
    made = made.__class__(
        **{f: getattr(made, f) for f in made.__struct_fields__} | {"submission": sources.submission}
    )
    publish(made, {}, out, Rubric(id="r", title="", criterion=()), sources.fetch)
    home = out / sources.submission.slug
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(home.iterdir()) if p.name[0] != "."}


def test_main_file_has_the_plain_name_and_damaged_ones_have_none() -> None:
    def artefact(path: str, kind: Kind, *, main: bool = False, problem: Problem = Problem.NONE) -> Artefact:
        return Artefact(path=path, kind=kind, sha256=path, size=1, main=main, problem=problem)

    submission = report("x", (), artefacts=(
        artefact("a.ipynb", Kind.NOTEBOOK), artefact("b.ipynb", Kind.NOTEBOOK, main=True), artefact("c.ipynb", Kind.NOTEBOOK, problem=Problem.EMPTY),
        artefact("README.md", Kind.README, main=True), artefact("w.xlsx", Kind.WORKBOOK, main=True),
        *(artefact(f"z{n}.ipynb", Kind.NOTEBOOK) for n in range(20)),
    )).submission  # fmt: skip
    names = {name: a.path for name, a in planned(submission).items()}
    assert (names["notebook.html"], names["notebook-2.html"], names["readme.html"]) == (
        "b.ipynb",
        "a.ipynb",
        "README.md",
    )
    assert len(names) == file_views.SHOWN + 1


def test_pages_stand_beside_the_report_and_are_linked(tmp_path: Path) -> None:
    found = published(
        folder(tmp_path / "in", S4__ipynb=book("hello"), README__md="# h1 = w1*i1"), tmp_path / "out"
    )
    assert set(found) == {"index.html", "result.json", "notebook.html", "readme.html"}
    assert 'href="notebook.html"' in found["index.html"]
    assert 'href="readme.html"' in found["index.html"]
    assert "hello" in found["notebook.html"]


def test_same_bytes_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = folder(tmp_path / "in", S4__ipynb=book("hello"), README__md="# h1 = w1*i1")
    first = published(sources, tmp_path / "out")
    monkeypatch.setattr(file_views, "_pages", lambda *_: pytest.fail("drawn again"))
    assert published(sources, tmp_path / "out") == first


def test_what_is_no_longer_handed_in_is_no_longer_shown(tmp_path: Path) -> None:
    published(
        folder(tmp_path / "in", S4__ipynb=book("y" * 20_000), README__md="# h1 = w1*i1"), tmp_path / "out"
    )
    home = next((tmp_path / "out").iterdir())
    assert "y" * 20_000 in (home / "notebook.txt").read_text()
    (tmp_path / "in" / "S4.ipynb").unlink()
    assert set(published(read_submission(tmp_path / "in"), tmp_path / "out")) == {
        "index.html",
        "result.json",
        "readme.html",
    }


def test_nothing_of_a_former_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs of the notebook before stood beside the new one; where the new one could not be drawn, its
    page too.
    """
    long = folder(tmp_path / "in", S4__ipynb=book("y" * 20_000), README__md="# h1")
    assert "notebook.txt" in published(long, tmp_path / "out")
    assert "notebook.txt" in published(long, tmp_path / "out"), "nothing changed"
    found = published(folder(tmp_path / "in", S4__ipynb=book("short")), tmp_path / "out")
    assert set(found) == {"index.html", "result.json", "notebook.html", "readme.html"}
    monkeypatch.setattr(file_views, "_pages", lambda *_: 1 / 0)
    found = published(folder(tmp_path / "in", S4__ipynb=book("another")), tmp_path / "out")
    assert set(found) == {"index.html", "result.json", "readme.html"}


def test_a_crash_of_the_view_costs_the_view_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> dict[str, str]:
        raise RuntimeError

    monkeypatch.setattr(file_views, "_pages", crash)
    found = published(folder(tmp_path / "in", S4__ipynb=book("x"), README__md="# h1"), tmp_path / "out")
    assert set(found) == {"index.html", "result.json"}
    assert "notebook.html" not in found["index.html"]


def test_bytes_that_the_store_lost_have_no_page(tmp_path: Path) -> None:
    submission = folder(tmp_path / "in", S4__ipynb=book("x")).submission

    def lost(sha256: str) -> bytes:
        raise KeyError(sha256)

    assert list(draw(submission, lost, tmp_path)) == []
