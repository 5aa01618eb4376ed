"""One hand-in took something from others, or from itself: what a class may not lose.

A folder that one student had named in Moodle's way made a Moodle download of the whole class, and everybody else was
refused. A folder named after the report of another took its place: the second page was written over the first. A zip
called README, and folders whose names begin with a dot or an underscore, were passed over without a word. A damaged
member of a zip (half an upload) ended grader with a fault of its own, and what could not be unpacked was told as not
handed in; so was everything that lay in an archive inside the hand-in.
"""

import hashlib
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Problem
from grader.ingest import limits
from grader.ingest.classes import list_class
from grader.ingest.read import read_submission
from grader.ingest.slug import slug
from grader.pipeline.grade.products import Known
from tests.attacks.judged import outcomes
from tests.command_line import grader

README = "# Part 1\n\nh1 = w1*i1 + w2*i2\n" * 40


def class_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(README, encoding="utf-8")
    return root


def test_one_folder_does_not_decide_what_kind_of_download_a_class_is(tmp_path: Path) -> None:
    listing = list_class(class_of(tmp_path, "ann", "bob", "cyd_7_assignsubmission_file_"))
    assert [e.id for e in listing.entries] == ["ann", "bob", "cyd_7_assignsubmission_file_"]
    assert listing.refused == ()


def test_in_a_download_of_moodle_a_folder_of_another_name_is_graded_too(tmp_path: Path) -> None:
    listing = list_class(
        class_of(tmp_path, "Ann_1_assignsubmission_file_", "Bob_2_assignsubmission_file_", "cyd")
    )
    assert [e.id for e in listing.entries] == ["Ann_1", "Bob_2", "cyd"]
    assert "Moodle" in listing.entries[2].note


def test_nobody_can_choose_the_name_of_another_s_page() -> None:
    victim = slug("Ann B")
    tail = victim.removeprefix("ann-b-")
    short = hashlib.sha256(b"Ann B").hexdigest()[:6]
    assert len(tail) == 12
    assert len({victim, slug(victim), slug(f"ann-b-{short}"), slug("Ann-B"), slug(f"ann-b-{tail} ")}) == 5


def test_pages_of_both_are_written(tmp_path: Path) -> None:
    room = class_of(tmp_path / "class", "Ann B", slug("Ann B"))
    done = grader("batch", room, "-o", tmp_path / "out", "--no-exec", "-j", "1")
    assert done.returncode in (0, 1, 4), done.stderr
    assert len(list((tmp_path / "out").glob("*/result.json"))) == 2


def test_whatever_is_passed_over_is_named(tmp_path: Path) -> None:
    room = class_of(tmp_path, "ok", "_max", ".zoe", ".git", "__MACOSX", ".grader")
    (room / "README.md").write_text("who is in this class", encoding="utf-8")
    with zipfile.ZipFile(room / "README.zip", "w") as packed:
        packed.writestr("README.md", README)
    listing = list_class(room)
    assert [e.id for e in listing.entries] == ["README", "ok"]
    assert [name for name, reason in listing.refused if "rename it" in reason] == [".zoe", "_max"]


PACKED = {"deflate": zipfile.ZIP_DEFLATED, "lzma": zipfile.ZIP_LZMA, "bzip2": zipfile.ZIP_BZIP2}


def damaged(path: Path, method: int) -> Path:
    """A zip whose README is there and whose packed bytes are not what they were."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("README.md", README)
        archive.writestr("notes.md", "nothing of it\n")
        begin = archive.infolist()[0].header_offset + 30 + len("README.md")
    data = bytearray(path.read_bytes())
    for at in range(begin + 5, begin + 20):
        data[at] ^= 0xFF
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("method", PACKED)
def test_a_damaged_member_is_handed_in_and_cannot_be_read(method: str, tmp_path: Path) -> None:
    """`zlib.error` and `LZMAError` are nobody's subclass: they ended grader, and a batch lost the student."""
    sources = read_submission(damaged(tmp_path / "half.zip", PACKED[method]))
    found = {a.path: a.problem for a in sources.submission.artefacts}
    assert found == {"README.md": Problem.BROKEN, "notes.md": Problem.NONE}
    told = outcomes(Known(sources, Settings(execute=False), Profile()), "AR002", "BP101")
    assert {code: outcome.verdict for code, outcome in told.items()} == dict.fromkeys(told, Verdict.UNKNOWN)
    assert "README.md" in told["BP101"].summary
    done = grader("grade", tmp_path / "half.zip", "--no-exec", "-o", tmp_path / "out", "-q")
    assert done.returncode == 4, done.stderr


def test_an_archive_that_its_library_cannot_open_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x03\x04" + lzma.compress(b"x") + b"PK\x05\x06" + b"\xff" * 18)
    done = grader("grade", path, "--no-exec", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "pack the folder again" in done.stderr


def test_an_encrypted_notebook_is_not_told_as_not_handed_in(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("S4.ipynb", "{}")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    told = outcomes(Known(read_submission(path), Settings(execute=False), Profile()), "TR501")
    assert (told["TR501"].verdict, "encrypted" in told["TR501"].summary) == (Verdict.UNKNOWN, True)


def test_what_lies_beyond_a_limit_is_not_told_as_not_handed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.ingest.nested.MAX_FILES", 3)
    for name in ("a.txt", "b.bin", "c.bin", "d.bin", "z.xlsx"):
        (tmp_path / name).write_bytes(b"x")
    found = {a.path: a.problem for a in read_submission(tmp_path).submission.artefacts}
    assert found == {
        "a.txt": Problem.NONE,
        "b.bin": Problem.NONE,
        "c.bin": Problem.NONE,
        "z.xlsx": Problem.TOO_LARGE,
    }
    assert limits.MAX_NAMED >= 1


def test_a_file_that_may_not_be_opened_is_not_told_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text(README, encoding="utf-8")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    (artefact,) = read_submission(tmp_path).submission.artefacts
    assert (artefact.problem, artefact.note) == (
        Problem.BROKEN,
        "the file could not be read: Permission denied",
    )


def tarred(*special: tarfile.TarInfo) -> bytes:
    """A tar with a notebook and whatever else a tar may hold."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        notebook = tarfile.TarInfo("S4.ipynb")
        notebook.size = 2
        archive.addfile(notebook, io.BytesIO(b"{}"))
        for member in special:
            archive.addfile(member)
    return buffer.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


LINKS = (
    member("passwd", tarfile.SYMTYPE, "/etc/passwd"),
    member("hard", tarfile.LNKTYPE, "../../other/README.md"),
    member("pipe", tarfile.FIFOTYPE),
    member("disk", tarfile.BLKTYPE),
    member("../../out.py", tarfile.REGTYPE),
)


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


SEVEN, RAR = b"7z\xbc\xaf'\x1c" + bytes(40), b"Rar!\x1a\x07\x01\x00" + bytes(40)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("work.tar.gz", tarred(*LINKS)),
        ("w.7z", SEVEN),
        ("w.rar", RAR),
    ],
    ids=["tar", "7z", "rar"],
)
def test_an_archive_inside_is_not_opened_and_may_hold_what_is_missing(
    name: str, data: bytes, tmp_path: Path
) -> None:
    """A tar with links, pipes and devices, too: nothing of it is followed or made."""
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / name).write_bytes(data)
    sources = read_submission(tmp_path)
    assert {a.path: a.kind.value for a in sources.submission.artefacts} == {
        "README.md": "readme",
        name: "archive",
    }
    told = outcomes(Known(sources, Settings(execute=False), Profile()), "AR001", "WB201", "TR501")
    assert {code: outcome.verdict for code, outcome in told.items()} == dict.fromkeys(told, Verdict.UNKNOWN)
    assert all(name in outcome.summary for outcome in told.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["README.md", name])


def test_digits_and_weights_beside_the_work_hold_no_hand_in(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte.gz", "model.pth", "data.npz"):
        (tmp_path / name).write_bytes(packed({"x": "1"}))
    assert {a.kind.value for a in read_submission(tmp_path).submission.artefacts} == {"other"}


@pytest.mark.parametrize("outer", ["folder", "zip"])
def test_a_zip_that_is_all_there_is_is_opened(outer: str, tmp_path: Path) -> None:
    inner = packed({"work/README.md": README, "work/../../evil.py": "x"})
    if outer == "folder":
        path = tmp_path / "ann"
        path.mkdir()
        (path / "final.zip").write_bytes(inner)
    else:
        path = tmp_path / "ann.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("final.zip", inner)
    submission = read_submission(path).submission
    assert [a.path for a in submission.artefacts] == ["README.md"]
    assert any("was unpacked" in note for note in submission.notes)
    assert any("leads out" in note for note in submission.notes)
