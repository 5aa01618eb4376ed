"""A class is read alike in every form in which it arrives: nobody lost, nobody doubled, no file of anybody
told as missing.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from grader.checks.artefacts import required_files
from grader.core.faults import IngestFault
from grader.core.submission import Kind, Sources
from grader.ingest.classes import list_class
from grader.ingest.forms.entries import Entry, Listing
from grader.ingest.read import read_entry
from tests.generate.forms import FORMS, Files, mac_packed, packed, people, sample, write, zipped

CLASS = people()
TYPED = {"moodle": "Moodle", "moodle-flat": "Moodle", "canvas": "Canvas"}
"""Forms in which every student typed a note with a link, beside the files."""


def _read(entry: Entry) -> Sources:
    return read_entry([Path(p) for p in entry.paths], entry.id, entry.layout)


def _hand_in(sources: Sources) -> dict[str, bytes]:
    """What was handed in, by name, without what was typed into the platform."""
    return {s.artefact.path.rpartition("/")[2]: s.data for s in sources if s.artefact.kind is not Kind.NOTE}


def _wanted() -> list[dict[str, bytes]]:
    return sorted(({n.rpartition("/")[2]: d for n, d in files.items()} for files in CLASS.values()), key=str)


def _listed(form: str, tmp_path: Path, as_zip: bool) -> Listing:
    files = FORMS[form](CLASS)
    path = zipped(files, tmp_path / "class.zip") if as_zip else write(files, tmp_path / "class")
    return list_class(path, tmp_path / "scratch")


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_class(form: str, as_zip: bool, tmp_path: Path) -> None:
    """Three of the common downloads were graded wrongly, one of them as a false accusation with 0 points."""
    listing = _listed(form, tmp_path, as_zip)
    assert len(listing.entries) == len(CLASS)
    read = [_read(entry) for entry in listing.entries]
    assert sorted((_hand_in(sources) for sources in read), key=str) == _wanted()
    refused = {name for name, _ in listing.refused}
    assert refused == {"canvas": {"notes of the teacher"}, "teams": {"Working files"}}.get(form, set())
    for sources in read:
        notes = [s.artefact for s in sources if s.artefact.kind is Kind.NOTE]
        assert len(notes) == (form in TYPED)
        assert all("https://github.com/x/hw" in a.note and TYPED[form] in a.note for a in notes)


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"canvas", "canvas-zips", "blackboard"}))
def test_names_of_people_survive(form: str, tmp_path: Path) -> None:
    ids = [entry.id for entry in _listed(form, tmp_path, as_zip=True).entries]
    for who in CLASS:
        assert sum(who in i for i in ids) == 1, (who, ids)


def test_what_is_late_and_who_is_who(tmp_path: Path) -> None:
    entries = _listed("canvas", tmp_path, as_zip=False).entries
    assert sorted((e.id, e.late_days) for e in entries)[:2] == [("anadíaz_4000", 1.0), ("boli_4002", 0.0)]
    users = [e.id for e in _listed("blackboard", tmp_path / "b", as_zip=False).entries]
    assert users == ["user_1", "user_2", "user_3", "user_4"]


def _one(tmp_path: Path, files: Files) -> Sources:
    return read_entry([write(files, tmp_path / "ana")], "ana")


PERFECT = sample("perfect")
NAMES = sorted(PERFECT)


@pytest.mark.parametrize(
    "files",
    [
        {"homework.zip": packed(PERFECT)},
        {"homework.zip": packed(PERFECT, below="hw/final")},
        {"Hausübung.ZIP": mac_packed(PERFECT, "Übung")},
        {"homework.zip": packed(PERFECT, below="hw", backslashes=True)},
        {"homework": packed(PERFECT)},
        {"sub/homework.zip": packed(PERFECT), "Thumbs.db": b"x"},
        {"part1.zip": packed({n: PERFECT[n] for n in NAMES[:1]}), "part2.zip": packed({n: PERFECT[n] for n in NAMES[1:]})},
        {"homework.zip": packed(PERFECT), **PERFECT},
        {"homework.zip": packed(PERFECT), "._homework.zip": b"\x00\x05\x16\x07", "desktop.ini": b"x"},
    ],
    ids=lambda files: " ".join(files)[:60],
)  # fmt: skip
def test_a_zip_in_a_students_folder_is_read(files: Files, tmp_path: Path) -> None:
    found = _one(tmp_path, files)
    kinds = [s.artefact.kind for s in found if s.artefact.readable]
    assert sorted(k.value for k in kinds if k is not Kind.OTHER) == ["notebook", "readme", "workbook"]
    assert (
        sorted(s.artefact.path.rpartition("/")[2] for s in found if s.artefact.kind is not Kind.OTHER)
        == NAMES
    )
    assert any("was unpacked" in note for note in found.submission.notes)


RAR = b"Rar!\x1a\x07\x01\x00rest"
SEVEN = b"7z\xbc\xaf\x27\x1crest"


@pytest.mark.parametrize(
    "files",
    [
        {"hw.rar": RAR},
        {"hw.7z": SEVEN},
        {"hw.tar.gz": b"\x1f\x8b"},
        {"hw.tgz": b"\x1f\x8b"},
        {"hw.zip": RAR},
        {"hw.zip": b"PK\x03\x04 cut off"},
        {"hw.zip": b""},
        {"hw.part1.rar": RAR, "hw.part2.rar": RAR},
        {"outer.zip": packed({"inner.zip": packed(PERFECT)})},
        {"outer.zip": packed({"hw/inner.rar": RAR, "hw/notes.bin": b"x"})},
        {"S4.ipynb.gz": b"\x1f\x8b"},
        {"link.url": b"[InternetShortcut]\r\nURL=https://github.com/ana/hw\r\n"},
        {"README.md": b"My work: https://github.com/ana/hw\n"},
        {"hw.txt": b"https://colab.research.google.com/drive/1abc"},
        {"Derivation.gdoc": b'{"doc_id": "1"}', "hw.rar": RAR},
    ],
    ids=" ".join,
)
def test_what_is_not_unpacked_is_unknown_and_never_missing(files: Files, tmp_path: Path) -> None:
    """A perfect hand-in was told that its README is missing, because it lay in a zip."""
    submission = _one(tmp_path, files).submission
    for kind in (Kind.README, Kind.WORKBOOK, Kind.NOTEBOOK):
        assert submission.absent(kind, "it").verdict.value == "unknown", kind


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"# w1", "notes.bin": b"x"},
        {"README.md": b"# h1 = w1*i1, see https://en.wikipedia.org/wiki/Backpropagation"},
        {"README.md": b"# w1", "train-images-idx3-ubyte.gz": b"\x1f\x8b", "model.pt": b"PK\x03\x04"},
    ],
    ids=["plain", "a link to a text", "data and weights"],
)
def test_what_was_surely_not_handed_in_is_still_said(files: Files, tmp_path: Path) -> None:
    submission = _one(tmp_path, files).submission
    assert submission.absent(Kind.WORKBOOK, "a workbook").verdict.value == "skipped"
    assert submission.absent(Kind.NOTEBOOK, "a notebook").verdict.value == "skipped"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("report.pdf", Kind.README), ("README.docx", Kind.README), ("S4.html", Kind.NOTEBOOK), ("b.numbers", Kind.WORKBOOK)],
)  # fmt: skip
def test_a_form_that_nobody_reads_may_be_the_part_that_is_not_there(
    name: str, kind: Kind, tmp_path: Path
) -> None:
    ends = {Kind.README: ".md", Kind.NOTEBOOK: ".ipynb", Kind.WORKBOOK: ".xlsx"}[kind]
    rest = {n: d for n, d in PERFECT.items() if not n.endswith(ends)}
    submission = _one(tmp_path, {**rest, name: b"%PDF-1.7 \x00"}).submission
    assert submission.absent(kind, "it").verdict.value == "unknown"
    whole = _one(tmp_path / "b", {**PERFECT, name: b"%PDF-1.7 \x00"}).submission
    assert [a.problem.value for a in whole.artefacts if a.problem.value] == []


def test_an_archive_of_a_file_that_is_protected_or_damaged_says_which(tmp_path: Path) -> None:
    data = bytearray(packed({"README.md": b"# w1" * 50, "S4.ipynb": PERFECT[NAMES[-1]][:50]}))
    at = data.index(b"README.md") + len("README.md")
    data[at : at + 4] = b"\xff\xff\xff\xff"
    submission = _one(tmp_path, {"hw.zip": bytes(data)}).submission
    (readme,) = [a for a in submission.artefacts if a.path == "README.md"]
    assert "could not be unpacked" in readme.note
    assert required_files.check(submission, required_files.Required()).verdict.value == "unknown"
    assert submission.absent(Kind.README, "a README").verdict.value == "unknown"


def test_a_zip_that_is_a_workbook_is_one(tmp_path: Path) -> None:
    """A browser saves a workbook as .zip, because it is one inside."""
    book = next(d for n, d in PERFECT.items() if n.endswith(".xlsx"))
    (artefact,) = _one(tmp_path, {"Backpropagation.zip": book}).submission.artefacts
    assert artefact.kind is Kind.WORKBOOK


def test_a_notebook_that_a_browser_called_text_is_one(tmp_path: Path) -> None:
    notebook = next(d for n, d in PERFECT.items() if n.endswith(".ipynb"))
    (artefact,) = _one(tmp_path, {"S4.ipynb.txt": notebook}).submission.artefacts
    assert artefact.kind is Kind.NOTEBOOK


def test_a_data_set_in_a_zip_is_left_packed_and_takes_nobodys_room(tmp_path: Path) -> None:
    digits = packed({f"7/{n}.png": b"x" for n in range(400)})
    found = _one(tmp_path, {**PERFECT, "data/mnist_png.zip": digits})
    assert {s.artefact.path for s in found} == {*PERFECT, "data/mnist_png.zip"}
    assert all(s.artefact.readable for s in found)


WHOLE = {"README.md": b"# w1", "b.xlsx": b"x", "S4.ipynb": b"{}"}


def _layout(units: Mapping[str, Files]) -> Files:
    return {f"{unit}/{n}": d for unit, files in units.items() for n, d in files.items()}


@pytest.mark.parametrize(
    ("units", "ids"),
    [
        ({"ana": WHOLE}, ["hw"]),
        ({"ana": WHOLE, "bo": WHOLE}, ["ana", "bo"]),
        ({"ana": WHOLE, "bo": WHOLE, "cy": {"README.md": b"x"}}, ["ana", "bo", "cy"]),
        ({"part1": {"README.md": b"x", "b.xlsx": b"x"}, "part2": {"README.md": b"x", "S4.ipynb": b"{}"}}, ["hw"]),
        ({"backprop": {"README.md": b"x", "b.xlsx": b"x"}, "digits": {"S4.ipynb": b"{}"}}, ["hw"]),
        ({"v1": WHOLE, "v2": WHOLE}, None),
        ({"ana": {"README.md": b"x", "S4.ipynb": b"{}"}, "bo": {"README.md": b"x", "S4.ipynb": b"{}"}}, None),
        ({"ana": {"S4.ipynb": b"{}"}, "bo": {"S4.ipynb": b"{}"}}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_one_folder_is_the_class_one_submission_or_refused(
    units: dict[str, Files], ids: list[str] | None, as_zip: bool, tmp_path: Path
) -> None:
    """A folder round a class merged all students into one submission, one mark, exit status 0."""
    files = _layout({"hw": _layout(units)})
    path = zipped(files, tmp_path / "c.zip") if as_zip else write(files, tmp_path / "c")
    if ids is None:
        with pytest.raises(IngestFault, match=r"hw/?,? may be a class or one submission"):
            list_class(path, tmp_path / "scratch")
        return
    assert [e.id for e in list_class(path, tmp_path / "scratch").entries] == ids


def test_a_folder_of_rars_in_a_folder_is_not_one_student(tmp_path: Path) -> None:
    write({"hw/ana.rar": RAR, "hw/bo.rar": RAR}, tmp_path)
    with pytest.raises(IngestFault, match="may be a class or one submission"):
        list_class(tmp_path)


def test_an_entry_that_holds_several_whole_submissions_is_refused_alone(tmp_path: Path) -> None:
    write(_layout({"ana": WHOLE, "group b": _layout({"bo": WHOLE, "cy": WHOLE})}), tmp_path)
    listing = list_class(tmp_path)
    assert [e.id for e in listing.entries] == ["ana"]
    assert [name for name, _ in listing.refused] == ["group b"]


def test_the_files_of_one_submission_are_no_class(tmp_path: Path) -> None:
    with pytest.raises(IngestFault, match="Is it one submission"):
        list_class(write(PERFECT, tmp_path / "ana"))


def test_flat_files_belong_together_by_their_name_or_are_refused(tmp_path: Path) -> None:
    """Three files of one student were three students, each without the other two files."""
    write({f"{who}.{end}": b"{}" for who in ("ana", "bo") for end in ("ipynb", "md", "xlsx")}, tmp_path / "a")
    entries = list_class(tmp_path / "a").entries
    assert [(e.id, len(e.paths)) for e in entries] == [("ana", 3), ("bo", 3)]
    write({f"{who}_{n}": d for who in ("ana", "bo") for n, d in WHOLE.items()}, tmp_path / "b")
    with pytest.raises(IngestFault, match="put each student's files into a folder"):
        list_class(tmp_path / "b")
    write({"ana.ipynb": b"{}", "bo.ipynb": b"{}"}, tmp_path / "c")
    assert [e.id for e in list_class(tmp_path / "c").entries] == ["ana", "bo"]


def test_names_with_backslashes_are_folders(tmp_path: Path) -> None:
    """Linux unpacks a zip of Windows into files called `ana\\README.md`."""
    write({rf"hw\{who}\{n}": d for who in ("ana", "bo") for n, d in WHOLE.items()}, tmp_path)
    listing = list_class(tmp_path)
    assert [e.id for e in listing.entries] == ["ana", "bo"]
    assert set(_hand_in(_read(listing.entries[0]))) == set(WHOLE)


def test_a_platforms_archive_of_another_kind_is_told_how_to_unpack(tmp_path: Path) -> None:
    (tmp_path / "class.rar").write_bytes(RAR)
    with pytest.raises(IngestFault, match="unrar x"):
        list_class(tmp_path / "class.rar", tmp_path / "s")


def test_a_zip_of_a_class_leads_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    path.write_bytes(packed({"../evil/README.md": b"x", "ana/README.md": b"# w1", "bo/README.md": b"# w2"}))
    listing = list_class(path, tmp_path / "in" / "scratch")
    assert [e.id for e in listing.entries] == ["ana", "bo"]
    assert [name for name, _ in listing.refused] == ["../evil/README.md"]
    assert not (tmp_path / "in" / "evil").exists()


def test_the_reports_in_a_class_are_nobodys_submission(tmp_path: Path) -> None:
    write(
        {"ana/README.md": b"# w1", "reports/.grader/store.sqlite": b"x", "reports/ana/index.html": b"x"},
        tmp_path,
    )
    assert [e.id for e in list_class(tmp_path).entries] == ["ana"]


def test_a_second_attempt_with_one_file_does_not_lose_the_others(tmp_path: Path) -> None:
    start = "gradebook_C_HW_ana_attempt_2026-11-0"
    write({f"{start}1-10-10-10_{n}": d for n, d in WHOLE.items()}, tmp_path)
    write({f"{start}2-10-10-10_S4.ipynb": b'{"cells": []}'}, tmp_path)
    (entry,) = list_class(tmp_path).entries
    assert _hand_in(_read(entry)) == {**WHOLE, "S4.ipynb": b'{"cells": []}'}
    assert any("no newer one holds any" in note for note in entry.layout.notes)
