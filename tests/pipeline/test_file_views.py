"""Pages of the files beside a report: which there are, drawn once for the same bytes, and never at the
report's cost.
"""

import json
from pathlib import Path

import msgspec
import pytest

from grader.core.outcome import Finding, Verdict
from grader.core.place import Place
from grader.core.report import Marked
from grader.core.rubric import Criterion, Rubric
from grader.core.submission import Artefact, Kind, Problem, Sources
from grader.ingest.read import read_submission
from grader.pipeline.grade import file_views
from grader.pipeline.grade.file_views import draw, planned
from grader.pipeline.grade.publish import publish, shown
from grader.render.files.notes import FileView
from grader.sandbox.reader import Lost
from grader.sandbox.reader_server import End
from tests.render.samples import marked, report

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


def published(sources: Sources, out: Path, *outcomes: Marked) -> dict[str, str]:
    made = msgspec.structs.replace(report("x", outcomes), submission=sources.submission)
    criteria = tuple(
        Criterion(id=o.criterion, check=o.code, points=o.max_points, hidden=o.hidden) for o in outcomes
    )
    before = shown(sources.submission, out)
    rubric = Rubric(id="r", title="", criterion=criteria)
    shows = msgspec.structs.replace(before, shows="this")
    publish(made, {}, out, rubric, sources.fetch, shows=shows)
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
    assert names["workbook.html"] == "w.xlsx"
    assert len(names) == file_views.SHOWN + 2


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


def test_pages_that_a_folder_tells_of_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = folder(tmp_path / "in", S4__ipynb=book("hello"), README__md="# h1 = w1*i1")
    out = tmp_path / "out"
    first = published(sources, out)
    told = shown(sources.submission, out).pages
    assert told
    with monkeypatch.context() as patch:
        patch.setattr("grader.pipeline.grade.publish.draw", lambda *_: pytest.fail("looked at"))
        assert published(sources, out) == first
    assert shown(sources.submission, out).pages == told
    (out / sources.submission.slug / "readme.html").unlink()
    assert published(sources, out) == first
    with monkeypatch.context() as patch:  # what has no page is tried again
        patch.setattr(file_views, "_pages", lambda *_: 1 // 0)
        mended = folder(tmp_path / "in", README__md="# h2 = w1*i1")
        assert set(published(mended, out)) == {"index.html", "result.json", "notebook.html"}
    assert shown(sources.submission, out).pages == ""
    assert "h2" in published(mended, out)["readme.html"]


def test_other_findings_draw_the_page_of_their_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report named line 1, and the page of the file, which was kept, had nothing there."""
    sources = folder(tmp_path / "in", S4__ipynb=book("hello"), README__md="# h1 = w1*i1")
    before = published(sources, tmp_path / "out")
    finding = Finding(message="the title says nothing", place=Place(artefact="README.md", line=1))
    one = marked("RD701", Verdict.FAIL, title="T", summary="s", findings=(finding,))
    drawn: list[str] = []
    pages = file_views._pages

    def watched(files: tuple[FileView, ...]) -> object:
        drawn.extend(file.path for file in files)
        return pages(files)

    monkeypatch.setattr(file_views, "_pages", watched)
    after = published(sources, tmp_path / "out", one)
    assert drawn == ["README.md"]
    assert after["notebook.html"] == before["notebook.html"]
    assert "The title says nothing" in after["readme.html"]
    assert 'href="readme.html#f0-c-t"' in after["index.html"]


def test_what_a_rubric_hides_stands_in_no_margin(tmp_path: Path) -> None:
    sources = folder(tmp_path / "in", README__md="# h1 = w1*i1")
    finding = Finding(message="copied from a neighbour", place=Place(artefact="README.md", line=1))
    one = marked("IN801", Verdict.FAIL, title="T", summary="s", findings=(finding,))
    found = published(sources, tmp_path / "out", msgspec.structs.replace(one, hidden=True))
    assert "opied from a neighbour" not in "".join(found.values())


def test_a_page_that_is_gone_is_missed(tmp_path: Path) -> None:
    sources = folder(tmp_path / "in", README__md="# h1 = w1*i1")
    assert shown(sources.submission, tmp_path / "out").shows == ""
    published(sources, tmp_path / "out")
    assert shown(sources.submission, tmp_path / "out").shows == "this"
    (tmp_path / "out" / sources.submission.slug / "readme.html").unlink()
    assert shown(sources.submission, tmp_path / "out").shows == ""


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
    made = msgspec.structs.replace(report("x", ()), submission=submission)

    def lost(sha256: str) -> bytes:
        raise KeyError(sha256)

    assert list(draw(made.submission, {}, lost, tmp_path, {})) == []


def _watched(monkeypatch: pytest.MonkeyPatch, *, together: bool = True) -> list[tuple[str, ...]]:
    """Which files are drawn in one process; with `together` unset, two do not end well."""
    drawn: list[tuple[str, ...]] = []
    pages = file_views._pages

    def watched(files: tuple[FileView, ...]) -> object:
        drawn.append(tuple(file.path for file in files))
        return Lost(end=End.MEMORY) if len(files) > 1 and not together else pages(files)

    monkeypatch.setattr(file_views, "_pages", watched)
    return drawn


def test_a_readme_and_a_notebook_are_drawn_in_one_process_as_each_is_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = folder(tmp_path / "in", S4__ipynb=book("y" * 20_000), README__md="# h1 = w1*i1")
    with monkeypatch.context() as patch:
        drawn = _watched(patch)
        both = published(sources, tmp_path / "both")
    assert drawn == [("S4.ipynb", "README.md")]
    with monkeypatch.context() as patch:
        drawn = _watched(patch, together=False)
        one_by_one = published(sources, tmp_path / "lost")
    assert drawn == [("S4.ipynb", "README.md"), ("S4.ipynb",), ("README.md",)]
    with monkeypatch.context() as patch:
        patch.setattr(file_views, "SMALL", 1_000)
        drawn = _watched(patch)
        large = published(sources, tmp_path / "large")
    assert drawn == [("S4.ipynb",), ("README.md",)]
    assert both == one_by_one == large
    assert {"notebook.html", "notebook.txt", "readme.html"} < set(both)


def test_only_the_first_of_several_notebooks_goes_with_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = folder(tmp_path / "in", a__ipynb=book("x"), b__ipynb=book("y"), README__md="# h1 = w1*i1")
    drawn = _watched(monkeypatch)
    found = published(sources, tmp_path / "out")
    assert [len(files) for files in drawn] == [2, 1]
    assert {"notebook.html", "notebook-2.html", "readme.html"} < set(found)
