"""Nothing that one student hands in changes how it is graded, ends a class or costs another student a
mark.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.faults import RubricFault, Unavailable, UsageFault
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.extract.documents.notebook import read_notebook
from grader.ingest.classes import list_class
from grader.ingest.ignore import read_config
from grader.ingest.limits import MAX_FOLDERS
from grader.ingest.read import from_bytes, read_submission
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.grade.products import Known
from grader.pipeline.judging import reports as regrade
from grader.pipeline.plan.plan import Step
from grader.pipeline.plan.providers import Phase, Provider
from grader.pipeline.plan.rubrics import find, load, parse, rubric_folder
from grader.pipeline.stages.request import Request
from grader.schedule.local import LocalProcesses

RUBRIC = b'id = "f"\ntitle = "Files"\n[[criterion]]\nid = "files"\ncheck = "AR002"\npoints = 3\n'
FULL_MARKS = 'id = "x"\ntitle = "x"\n[[criterion]]\nid = "a"\ncheck = "AR003"\npoints = 100\n'


def _class(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(f"# {name}", encoding="utf-8")
    return root


def _graded(root: Path, out: Path) -> dict[str, str]:
    """Return each name of a class with its verdict, or with why it was not graded."""
    request = Request(
        path=root,
        loaded=parse(RUBRIC, "files.toml", catalogue()),
        rubric_bytes=RUBRIC,
        settings=Settings(execute=False, retrain=False),
        out=out,
        store=out / "store.sqlite",
    )
    graded = grade_class(request, LocalProcesses(1))
    return {r.submission.id: r.verdict.value for r in graded.reports} | graded.refused


def test_a_file_named_like_a_rubric_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`grader grade .` in a folder that held a file `default` gave 100 of 100 points by that file's own
    rubric.
    """
    (tmp_path / "default").write_text(FULL_MARKS, encoding="utf-8")
    (tmp_path / "eva6-s4").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find("default") == rubric_folder() / "default.toml"
    assert load("default", catalogue()).rubric.id == "default"
    assert find("eva6-s4").parent == rubric_folder()
    with pytest.raises(RubricFault, match="give a path"):
        load("mine", catalogue())


@pytest.mark.parametrize("name", ["./default", "sub/default", "default.toml"])
def test_a_rubric_file_is_named_as_a_path(name: str) -> None:
    assert find(name) == Path(name)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"a = " + b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "not a TOML file"),
        (b"a = \xff", "not UTF-8"),
        (RUBRIC + b"params = {at_leest = nan}", "params.at_leest must be a number"),
        (RUBRIC.replace(b"points = 3", b"points = 1e308"), "points must be a number"),
        (b"cap = nan\n" + RUBRIC, "cap must be a number"),
        (b"cap = -5\n" + RUBRIC, "cap must be a number"),
        (b"late = {per_day = -5}\n" + RUBRIC, "late.per_day must be a number"),
        (RUBRIC.replace(b"AR002", b"RT601") + b"params = {seeds = 1000000000}", "seeds"),
        (RUBRIC.replace(b"AR002", b"RT601") + b"params = {seeds = 100000}", "seeds 1 to 100"),
    ],
)
def test_an_absurd_rubric_is_refused_in_words(text: bytes, word: str) -> None:
    with pytest.raises(RubricFault, match=word):
        parse(text, "r.toml", catalogue())


def test_an_absurd_configuration_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / ".grader.toml").write_bytes(b"a = " + b"[" * 3000 + b"]" * 3000)
    with pytest.raises(UsageFault, match="nested too deeply"):
        read_config(tmp_path)


@contextmanager
def _deep(folder: Path, levels: int) -> Iterator[None]:
    """Make folders in one another, and take them away again: `shutil.rmtree`, which pytest uses, calls
    itself.
    """
    here = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")
        Path("README.md").write_text("w1", encoding="utf-8")
        os.chdir(here)
        yield
    finally:
        os.chdir(folder)
        for _ in range(levels):
            os.chdir("d")
        Path("README.md").unlink(missing_ok=True)
        for _ in range(levels):
            os.chdir("..")
            Path("d").rmdir()
        os.chdir(here)


def test_folders_in_one_another_end_no_class(tmp_path: Path) -> None:
    """A thousand of them raised RecursionError before anything was graded, and nobody was told whose folder
    it was.
    """
    root = _class(tmp_path / "class", "ann", "deep", "nest")
    (root / "nest" / "a" / "b").mkdir(parents=True)
    (root / "nest" / "a" / "b" / "more.md").write_text("w1", encoding="utf-8")
    with _deep(root / "deep", 1_100):
        assert _graded(root, tmp_path / "out") == {"ann": "pass", "deep": "pass", "nest": "pass"}
        notes = " ".join(read_submission(root / "deep").submission.notes)
    assert f"more than {MAX_FOLDERS} folders deep" in notes
    assert [a.path for a in read_submission(root / "nest").submission.artefacts] == [
        "README.md",
        "a/b/more.md",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 can be made on Linux only")
def test_names_that_are_no_utf8_end_no_class(tmp_path: Path) -> None:
    """As the name of a submission one ended the batch (UnicodeEncodeError); as a name inside, it lost the
    submission.
    """
    root = _class(tmp_path / "class", "ann")
    odd = os.fsencode(root) + b"/b\xff"
    os.mkdir(odd)  # noqa: PTH102 - a Path cannot hold these bytes
    Path(os.fsdecode(odd + b"/READ\xfeME.md")).write_text("w1", encoding="utf-8")
    found = _graded(root, tmp_path / "out")
    assert found == {"ann": "pass", "b%FF": "pass"}
    submission = read_submission(Path(os.fsdecode(odd))).submission
    assert submission.id == "b%FF"
    assert [a.path for a in submission.artefacts] == ["READ%FEME.md"]
    assert any("not UTF-8" in note for note in submission.notes)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes with a name")
def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    root = _class(tmp_path, "ann")
    os.mkfifo(root / "ann" / "results.md")
    assert any("results.md is no ordinary file" in n for n in read_submission(root / "ann").submission.notes)


def test_two_students_of_one_name_are_both_graded(tmp_path: Path) -> None:
    """A display name is the student's own choice: the second of two was `not graded`, and could push the
    first out.
    """
    _class(tmp_path, "submission_1", "submission_2", "submission_3")
    people = "".join(
        f"submission_{n}:\n  :submitters:\n  - :name: {name}\n"
        for n, name in enumerate(("Ann B", "Ann B", "Eve"), 1)
    )
    (tmp_path / "submission_metadata.yml").write_text(people, encoding="utf-8")
    listing = list_class(tmp_path)
    assert [e.id for e in listing.entries] == ["Ann B (submission_1)", "Ann B (submission_2)", "Eve"]
    assert not listing.refused


def _notebook(text: str, count: object = 1) -> bytes:
    output = f'{{"output_type": "stream", "name": "stdout", "text": "{text}"}}'
    cell = f'{{"cell_type": "code", "execution_count": {count}, "source": "x", "outputs": [{output}]}}'
    return f'{{"cells": [{cell}], "nbformat": 4, "nbformat_minor": 4}}'.encode()


@pytest.mark.parametrize(
    ("text", "count", "shown"),
    [
        (r"\ud83d cut", 1, "\N{REPLACEMENT CHARACTER} cut"),
        (r"\ud83d\ude00", 1, "\N{GRINNING FACE}"),
        ("fine", 10**20, "fine"),
        ("fine", -(10**20), "fine"),
    ],
)
def test_what_a_notebook_holds_can_be_kept(text: str, count: int, shown: str) -> None:
    """Half an emoji in a saved output, which honest notebooks have, lost the submission in a class and not
    alone.
    """
    book = read_notebook(_notebook(text, count), "a.ipynb")
    assert book.cells[0].outputs[0].text == shown
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(book), type=type(book)) == book


def huge_evidence() -> NotebookEvidence:
    """Provide a record with a number for which a store has no room."""
    book = read_notebook(_notebook("x"), "a.ipynb")
    cell = msgspec.structs.replace(book.cells[0], execution_count=2**320)
    return NotebookEvidence(notebooks=(msgspec.structs.replace(book, cells=(cell,)),))


def test_a_product_that_cannot_be_kept_is_unknown_for_those_who_need_it_alone() -> None:
    known = Known(from_bytes("ann", {"README.md": b"w1"}), Settings(), Profile())
    provider = Provider(
        name="huge", target=f"{__name__}:huge_evidence", product="NotebookEvidence", phase=Phase.READ
    )
    known.provide(Step(provider=provider, product=NotebookEvidence, wanted_by=("XX001",)))
    missing = known.missing()["NotebookEvidence"]
    assert missing.verdict is Verdict.UNKNOWN
    assert "a person must look" in missing.reason
    assert issubclass(Unavailable, Exception)


def test_a_crash_while_one_is_judged_names_it_and_grades_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _class(tmp_path / "class", "ann", "bob", "eve")
    honest = regrade.report_on

    def crash(known: Known, *rest: object, **more: object) -> object:
        if known.submission.id == "bob":
            raise RecursionError("deep")
        return honest(known, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(regrade, "report_on", crash)
    found = _graded(root, tmp_path / "out")
    assert found["ann"] == found["eve"] == "pass"
    assert found["bob"] == "grader failed while it judged it (RecursionError: deep)"
    assert "bob" in (tmp_path / "out" / "index.html").read_text("utf-8")


TRAP = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.mark.parametrize("command", [["grade", "."], ["batch", ".."]])
@pytest.mark.slow
def test_nothing_is_imported_from_the_folder_that_is_graded(tmp_path: Path, command: list[str]) -> None:
    """`python -m grader` put the current folder first, and each process that we start looks there too."""
    folder = _class(tmp_path / "class", "ann") / "ann"
    for name in ("msgspec", "pickle", "click", "selectors"):
        (folder / f"{name}.py").write_text(TRAP, encoding="utf-8")
    words = [sys.executable, "-m", "grader", *command, "--no-exec", "-o", str(tmp_path / "out")]
    home = str(Path(regrade.__file__).parents[3])
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (1, 4), done.stderr
    assert not (folder / "ran").exists()


def test_a_doubled_name_in_an_archive_is_told(tmp_path: Path) -> None:
    import warnings
    import zipfile

    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for text in ("first", "second"):
            archive.writestr("README.md", text)
    sources = read_submission(tmp_path / "a.zip")
    assert sources.items[0].data == b"second"
    assert any("README.md was handed in more than once" in note for note in sources.submission.notes)


def test_a_hostile_name_reaches_no_title_and_no_terminal(tmp_path: Path) -> None:
    """ESC and direction marks stood in the title of a page, in its labels and in the first column of the
    marks.
    """
    name = "n\x1b]0;pwn\x07\N{RIGHT-TO-LEFT OVERRIDE}x"
    root = _class(tmp_path / "class", "ann")
    (root / "ann").rename(root / name)
    found = _graded(root, tmp_path / "out")
    assert found == {name: "pass"}
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text("utf-8")
        assert "\x1b" not in text, page
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text, page
    words = [sys.executable, "-m", "grader", "export", "--store", str(tmp_path / "out" / "store.sqlite")]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    assert b"\x1b" not in done.stdout
    result = json.loads(next((tmp_path / "out").rglob("result.json")).read_text("utf-8"))
    assert result["submission"]["id"] == name
