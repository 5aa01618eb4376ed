"""A path becomes a submission, and nothing that a student can pack hurts."""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest

from grader.core.faults import IngestFault
from grader.core.submission import Kind, Problem
from grader.ingest import limits
from grader.ingest.read import from_bytes, read_submission
from grader.ingest.slug import slug


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_missing_path_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(IngestFault, match=r"nowhere: no such file or folder"):
        read_submission(tmp_path / "nowhere")


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestFault, match="holds no file"):
        read_submission(tmp_path)


def test_broken_zip_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "hand-in.zip"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(IngestFault, match="pack the folder again"):
        read_submission(path)


def test_folder_and_zip_of_the_same_files_are_the_same_submission(tmp_path: Path) -> None:
    folder = tmp_path / "ann"
    (folder / "part 2").mkdir(parents=True)
    (folder / "README.md").write_text("# w1", encoding="utf-8")
    (folder / "part 2" / "S4.ipynb").write_text('{"cells": [], "nbformat": 4}', encoding="utf-8")
    packed = _zip(
        tmp_path / "ann.zip",
        {"ann/README.md": b"# w1", "ann/part 2/S4.ipynb": b'{"cells": [], "nbformat": 4}'},
    )
    assert read_submission(folder).submission == read_submission(packed).submission


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("README", Kind.README),
        ("Assignment Part 1 Read Me", Kind.README),
        ("s6_read-me", Kind.README),
        ("ReadMe (1)", Kind.README),
        ("thread memory", Kind.OTHER),
        ("already met", Kind.OTHER),
        ("read me.bin", Kind.OTHER),
    ],
)
def test_a_file_without_a_suffix_that_asks_to_be_read_is_a_readme(name: str, kind: Kind) -> None:
    """A hand-in with `Part 1 Read Me` was told that its README is missing."""
    assert [a.kind for a in from_bytes("x", {name: b"h1 = w1*i1"}).submission.artefacts] == [kind]


@pytest.mark.parametrize("ending", [".adoc", ".asciidoc", ".org", ".tex", ".qmd", ".Rmd", ".mkd", ".rst"])
def test_a_readme_in_another_markup_is_one(ending: str) -> None:
    """A README.adoc was told as a README that is missing."""
    found = from_bytes("x", {f"README{ending}": b"h1 = w1*i1"}).submission.artefacts
    assert [(a.kind, a.main) for a in found] == [(Kind.README, True)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Readme.md5", Kind.README),
        ("README.md~", Kind.README),
        ("read_me.mdd", Kind.README),
        ("S4.md5", Kind.OTHER),
        ("readme.mdb", Kind.OTHER),
        ("readme.png", Kind.IMAGE),
    ],
)
def test_a_readme_with_a_slip_in_its_suffix_is_one(name: str, kind: Kind) -> None:
    """A `Readme.md5` of two pages was told as a README that is missing."""
    assert [a.kind for a in from_bytes("x", {name: b"h1 = w1*i1"}).submission.artefacts] == [kind]


def test_one_file_is_a_submission_whatever_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "notes.text"
    path.write_text("h1 = w1*i1 + w2*i2", encoding="utf-8")
    submission = read_submission(path).submission
    assert submission.single_file
    assert [a.kind for a in submission.artefacts] == [Kind.README]


def test_paths_out_of_the_archive_are_named_and_not_read(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "x.zip", {"../../evil.txt": b"x", "README.md": b"ok"})
    submission = read_submission(packed).submission
    assert [a.path for a in submission.artefacts] == ["README.md"]
    assert any("evil.txt" in n and "out of the archive" in n for n in submission.notes)


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("labels", encoding="utf-8")
    folder = tmp_path / "ann"
    folder.mkdir()
    (folder / "README.md").write_text("x", encoding="utf-8")
    (folder / "labels.txt").symlink_to(secret)
    submission = read_submission(folder).submission
    assert [a.path for a in submission.artefacts] == ["README.md"]
    assert any("symbolic link" in n for n in submission.notes)


def test_symbolic_link_in_a_zip_is_not_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("labels.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("README.md", "x")
    assert [a.path for a in read_submission(path).submission.artefacts] == ["README.md"]


def test_zip_bomb_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "x.zip", {"bomb.txt": b"\0" * (limits.RATIO_FROM_BYTES + 1), "README.md": b"x"})
    submission = read_submission(packed).submission
    assert [(a.path, a.problem, a.size) for a in submission.artefacts] == [
        ("README.md", Problem.NONE, 1),
        ("bomb.txt", Problem.TOO_LARGE, 0),
    ]
    assert any("zip bomb" in n for n in submission.notes)


def _ole(marker: bytes = b"") -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + marker


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.ipynb", b"version https://git-lfs.github.com/spec/v1\n", Problem.LFS_POINTER),
        ("a.xlsx", b"version https://git-lfs.github.com/spec/v1\n", Problem.LFS_POINTER),
        ("~$a.xlsx", b"user", Problem.LOCK_FILE),
        ("a.ipynb", b"", Problem.EMPTY),
        ("a.ipynb", b'{"cells": [{"cell_ty', Problem.BROKEN),
        ("a.ipynb", b"<!DOCTYPE html><html>", Problem.NOT_WHAT_IT_SAYS),
        ("a.ipynb", b"[" * 100_000, Problem.BROKEN),
        ("a.xlsx", b"t1,t2\n0.01,0.99\n", Problem.NOT_WHAT_IT_SAYS),
        ("a.xlsx", b"<html><table>", Problem.NOT_WHAT_IT_SAYS),
        ("a.xlsx", _ole(), Problem.OLD_FORMAT),
        ("a.xlsx", _ole("EncryptedPackage".encode("utf-16-le")), Problem.ENCRYPTED),
        ("a.xlsx", b"PK\x03\x04garbage", Problem.BROKEN),
        ("README.md", b"%PDF-1.7", Problem.NOT_WHAT_IT_SAYS),
    ],
)
def test_bad_file_is_named_and_costs_nothing_else(name: str, data: bytes, problem: Problem) -> None:
    sources = from_bytes("x", {name: data, "notes.md": b"# fine"})
    bad = next(a for a in sources.submission.artefacts if a.path == name)
    assert bad.problem is problem
    assert bad.note
    assert [s.artefact.path for s in sources.of(Kind.README)] == ["notes.md"]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirement.txt", "src/requirements-cpu.txt", "packages.txt", "LICENSE.txt"]
)
def test_what_pip_reads_is_no_readme(name: str) -> None:
    sources = from_bytes("x", {name: b"torch==2.0.1\n"})
    assert sources.of(Kind.README) == ()


def test_other_text_may_be_the_readme() -> None:
    sources = from_bytes("x", {"requirements of the assignment.txt": b"w1", "notes.txt": b"w2"})
    assert len(sources.of(Kind.README)) == 2


def test_truncated_notebook_makes_the_need_unknown_and_a_missing_one_skipped() -> None:
    cut = from_bytes("x", {"a.ipynb": b'{"cells": ['})
    none = from_bytes("x", {"a.md": b"# x"})
    assert cut.absent(Kind.NOTEBOOK, "a notebook").verdict.value == "unknown"
    assert none.absent(Kind.NOTEBOOK, "a notebook").verdict.value == "skipped"


def test_notebook_is_chosen_by_content_not_by_name() -> None:
    real = (
        b'{"cells": [{"source": "class Net(nn.Module): MNIST loss.backward() optimizer.step() '
        b'BatchNorm2d"}], "nbformat": 4}'
    )
    toy = b'{"cells": [{"source": "print(1)"}], "nbformat": 4}'
    sources = from_bytes("x", {"final.ipynb": toy, "scratch/untitled7.ipynb": real})
    main = sources.main(Kind.NOTEBOOK)
    assert main is not None
    assert main.artefact.path == "scratch/untitled7.ipynb"
    assert sources.submission.doubts == ()


def _training(extra: str = "") -> bytes:
    source = "class Net(nn.Module): pass  # MNIST BatchNorm2d Dropout\nloss.backward()\noptimizer.step()"
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": source + extra}]}).encode()


def _main(files: dict[str, bytes]) -> tuple[str, tuple[str, ...]]:
    sources = from_bytes("x", files)
    main = sources.main(Kind.NOTEBOOK)
    assert main is not None
    return main.artefact.path, sources.submission.doubts


def test_the_one_notebook_that_the_readme_names_is_the_submission() -> None:
    files = {"S6_net1.ipynb": _training("# Accuracy"), "s6 second.ipynb": _training()}
    assert _main(files)[1] != ()
    readme = b"Network in [the notebook](./S6%20Second.ipynb), older ones beside it"
    assert _main({**files, "README.md": readme}) == ("s6 second.ipynb", ())


def test_a_readme_that_names_both_notebooks_or_a_toy_settles_nothing() -> None:
    files = {"a.ipynb": _training("# Accuracy"), "b.ipynb": _training()}
    assert _main({**files, "README.md": b"first a.ipynb, then b.ipynb"})[1] != ()
    toy = json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "plot()  # MNIST"}]}).encode()
    named = {"a.ipynb": _training(), "plots.ipynb": toy, "README.md": b"figures: plots.ipynb"}
    assert _main(named) == ("a.ipynb", ())


def test_a_copy_with_another_badge_is_the_same_notebook() -> None:
    cell = {"cell_type": "code", "source": ["class Net(nn.Module): pass\n", "loss.backward()  # MNIST"]}
    badge = {"cell_type": "markdown", "source": "[Open](https://example.org/b)"}
    one = json.dumps({"nbformat": 4, "cells": [cell]}).encode()
    two = json.dumps({"nbformat": 4, "cells": [badge, {**cell, "source": "".join(cell["source"])}]}).encode()
    assert _main({"a.ipynb": one, "b.ipynb": two})[1] == ()
    other = json.dumps(
        {"nbformat": 4, "cells": [{**cell, "source": "class Net2(nn.Module): MNIST"}]}
    ).encode()
    assert _main({"a.ipynb": one, "b.ipynb": other.replace(b"MNIST", b"MNIST backward()")})[1] != ()


def test_two_notebooks_whose_code_stands_elsewhere_are_a_doubt() -> None:
    empty = '{{"nbformat": 4, "cells": [{{"cell_type": "code", "source": "from model import {0}"}}]}}'
    _, doubts = _main({"a.ipynb": empty.format("Net").encode(), "b.ipynb": empty.format("Net2").encode()})
    assert doubts != ()


@pytest.mark.parametrize("folder", ["Archive", "drafts", "old", "backup"])
def test_a_draft_is_no_candidate_where_it_says_that_it_is_one(folder: str) -> None:
    files = {f"{folder}/a.ipynb": _training("# Accuracy, Total params"), "part2/b.ipynb": _training()}
    assert _main(files) == ("part2/b.ipynb", ())
    assert _main({f"{folder}/a.ipynb": _training()}) == (f"{folder}/a.ipynb", ())


def test_workbook_under_a_foreign_suffix_is_found_by_content() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("[Content_Types].xml", "<Types/>")
    sources = from_bytes("x", {"sheet.bin": buffer.getvalue()})
    assert sources.submission.artefacts[0].kind is Kind.WORKBOOK


def test_slugs_are_safe_and_keep_two_names_apart() -> None:
    names = [
        "ann-b",
        "Ann B",
        "../../etc",
        "con",
        "日本",
        "x" * 300,
        "a/b",
        "a\\b",
        "_class",
        "",
        "ann-b ",
        "\u202eevil",
    ]
    slugs = [slug(n) for n in names]
    assert slugs[0] == "ann-b"
    assert len(set(slugs)) == len(slugs)
    for s in slugs:
        assert s
        assert not s.startswith((".", "_", "-"))
        assert set(s) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
        assert len(s) <= 70


def test_a_script_saved_as_a_notebook_is_a_script() -> None:
    (source,) = from_bytes("s", {"S4.ipynb": b"import torch\nprint(1)\n"}).items
    assert (source.artefact.kind, source.artefact.problem) == (Kind.SOURCE, Problem.NONE)
    assert "a Python script" in source.artefact.note


@pytest.mark.parametrize("data", [b"hello", b'{"cells": [', b"import", b"# only a comment\n", b"x = (1,"])
def test_other_damage_of_a_notebook_stays_damage(data: bytes) -> None:
    (source,) = from_bytes("s", {"S4.ipynb": data}).items
    assert (source.artefact.kind, source.artefact.problem) == (Kind.NOTEBOOK, Problem.BROKEN)
