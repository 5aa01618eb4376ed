"""A class in every form in which platforms give it, made from the sample class.

    python -m tests.generate.forms OUT        # one folder or zip a form, to look at or to try by hand

Each maker writes the same hand-ins under the same people's names; nothing of it is committed. What the names
look like is said, with its source, in `grader/ingest/forms/platforms.py`.
"""

import io
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "submissions"

Files = Mapping[str, bytes]
People = Mapping[str, Files]

PEOPLE: Final = {
    "Ana Díaz": "perfect",
    "Jürgen O'Neil, Jr.": "no-notebook",
    "=Bo (Li)": "wrong-gradient",
    "Zoë “Zed” Å": "perfect",
}
"""Name to sample: umlauts, a comma, a quote, brackets, and what a spreadsheet takes for a formula."""


def sample(name: str) -> dict[str, bytes]:
    """The files of one sample submission, by path."""
    folder = SAMPLES / name
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def people() -> dict[str, dict[str, bytes]]:
    """The class."""
    return {who: sample(name) for who, name in PEOPLE.items()}


def packed(files: Files, *, backslashes: bool = False, below: str = "") -> bytes:
    """A zip of files; `backslashes` as Windows' own packer of old writes it, `below` one folder of packing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            path = f"{below}/{name}" if below else name
            archive.writestr(path.replace("/", "\\") if backslashes else path, data)
    return buffer.getvalue()


def mac_packed(files: Files, below: str) -> bytes:
    """A zip as the Finder packs it: UTF-8 names without the flag, a resource fork for each file."""
    buffer = io.BytesIO()
    fork = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {f"{below}/.DS_Store": b"\x00\x00\x00\x01Bud1", **_below(files, below)}.items():
            folder, _, last = name.rpartition("/")
            for path, content in ((name, data), (f"__MACOSX/{folder}/._{last}", fork)):
                archive.writestr(_Unflagged(path), content)
    return buffer.getvalue()


class _Unflagged(zipfile.ZipInfo):
    """A member whose name is UTF-8 and says nothing of it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("utf-8"), self.flag_bits & ~0x800


def _below(files: Files, folder: str) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def folders(people: People) -> Files:
    """A folder for each student."""
    return {path: data for who, files in people.items() for path, data in _below(files, who).items()}


def zips(people: People) -> Files:
    """A zip for each student, each with the folder that was packed."""
    return {f"{who}.zip": packed(files, below="homework") for who, files in people.items()}


def zip_in_folder(people: People) -> Files:
    """Moodle, OneDrive, ILIAS: a folder for each student, with the zip that the student uploaded."""
    return {f"{who}/homework.zip": packed(files) for who, files in people.items()}


def wrapped(people: People) -> Files:
    """`gh classroom clone`: one folder round the class."""
    return _below(folders(people), "hw-submissions")


def wrapped_twice(people: People) -> Files:
    """Unpacked into a folder of its own, once more."""
    return _below(wrapped(people), "Downloads")


def moodle(people: People) -> Files:
    """Moodle, a folder for each student and plugin; each typed a note with the address of a repository."""
    found: dict[str, bytes] = {}
    for number, (who, files) in enumerate(people.items(), 4000):
        found |= _below(files, f"{who}_{number}_assignsubmission_file_")
        found[f"{who}_{number}_assignsubmission_onlinetext_/onlinetext.html"] = _typed(who)
    return found


def moodle_zips(people: People) -> Files:
    """Moodle, a folder for each student with the zip that was uploaded, newer naming without the last
    underscore.
    """
    return {
        f"{who}_{number}_assignsubmission_file/homework.zip": packed(files, below="hw")
        for number, (who, files) in enumerate(people.items(), 4000)
    }


def moodle_flat(people: People) -> Files:
    """Moodle without folders."""
    found: dict[str, bytes] = {}
    for number, (who, files) in enumerate(people.items(), 4000):
        start = f"{who}_{number}_assignsubmission"
        found |= {f"{start}_file_{name.replace('/', '_')}": data for name, data in files.items()}
        found[f"{start}_onlinetext_onlinetext.html"] = _typed(who)
    return found


def _typed(who: str) -> bytes:
    return f"<p>See <a href='https://github.com/x/hw'>my repository</a>, {who}</p>".encode()


def canvas(people: People) -> Files:
    """Canvas, flat; a stray folder lies beside, and the first student was late."""
    found: dict[str, bytes] = {"notes of the teacher/todo.txt": b"ask Bo"}
    for number, (who, files) in enumerate(people.items(), 4000):
        late = "LATE_" if number == 4000 else ""
        for attachment, (name, data) in enumerate(files.items(), 90000 + 100 * number):
            found[f"{_letters(who)}_{late}{number}_{attachment}_{name.replace('/', '-')}"] = data
        found[f"{_letters(who)}_{late}{number}_text.html"] = _typed(who)
    return found


def canvas_zips(people: People) -> Files:
    """Canvas, each student's zip."""
    return {
        f"{_letters(who)}_{number}_{90000 + number}_homework.zip": packed(files)
        for number, (who, files) in enumerate(people.items(), 4000)
    }


def _letters(who: str) -> str:
    return "".join(c for c in who.lower() if c.isalnum())


def gradescope(people: People) -> Files:
    """Gradescope's export; all students have one name, as two of a class may."""
    found: dict[str, bytes] = {}
    metadata = ["---"]
    for number, (who, files) in enumerate(people.items(), 7001):
        found |= _below(files, f"submission_{number}")
        quoted = who.replace('"', '\\"')
        metadata += [
            f"submission_{number}:",
            "  :submitters:",
            f'  - :name: "{quoted}"',
            f"    :sid: '{number}'",
        ]
        metadata += [
            "  :created_at: 2026-11-01 10:10:10.0 Z",
            "  :results:",
            "    :tests:",
            "    - :name: a test",
        ]
    found["submission_metadata.yml"] = "\n".join([*metadata, ""]).encode("utf-8")
    return _below(found, "assignment_123_export")


def classroom(people: People) -> Files:
    """Google Classroom, the copies that it makes for each student, all in one folder."""
    return {
        f"{who} - {name.replace('/', ' ')}": data
        for who, files in people.items()
        for name, data in files.items()
    }


def drive_folders(people: People) -> Files:
    """Google Drive: one download of a folder, split into two zips."""
    halves: list[dict[str, bytes]] = [{}, {}]
    for number, (path, data) in enumerate(folders(people).items()):
        halves[number % 2][f"Homework 4/{path}"] = data
    return {f"Homework 4-20261101T101010Z-00{n}.zip": packed(half) for n, half in enumerate(halves, 1)}


def teams(people: People) -> Files:
    """Teams: what was handed in by student, assignment and version, and what was still worked on."""
    found: dict[str, bytes] = {}
    for who, files in people.items():
        found |= _below({"README.md": b"a first draft"}, f"Submitted files/{who}/Homework 4/Version 1")
        found |= _below(files, f"Submitted files/{who}/Homework 4/Version 2")
        found |= _below({"README.md": b"not yet"}, f"Working files/{who}/Homework 4")
    return found


def blackboard(people: People) -> Files:
    """Blackboard, flat, with its text file beside each attempt; the first student has an older attempt."""
    found: dict[str, bytes] = {}
    for number, (who, files) in enumerate(people.items(), 1):
        user = f"user_{number}"
        start = f"gradebook_2261-CS_101_Homework 4_{user}_attempt_2026-11-0{number}-10-10-10"
        found |= {f"{start}_{name.replace('/', '_')}": data for name, data in files.items()}
        found[f"{start}.txt"] = _blackboard_text(who, user)
        if number == 1:
            old = start.replace("11-01", "10-01")
            found |= {f"{old}_README.md": b"a first draft", f"{old}.txt": _blackboard_text(who, user)}
    return found


def _blackboard_text(who: str, user: str) -> bytes:
    return (
        f"Name: {who} ({user})\r\nAssignment: Homework 4\r\nDate Submitted: Sunday, November 1, 2026\r\n"
        "Current Mark: Needs Grading\r\n\r\nSubmission Field:\r\nThere is no student submission text data for "
        "this assignment.\r\n\r\nComments:\r\nThere are no student comments for this assignment.\r\n\r\nFiles:\r\n"
        "\tOriginal filename: README.md\r\n\tFilename: gradebook_README.md\r\n"
    ).encode()


def brightspace(people: People) -> Files:
    """Brightspace: a folder for each time that a student handed something in."""
    found: dict[str, bytes] = {"index.html": b"<html>"}
    for number, (who, files) in enumerate(people.items(), 4000):
        early = f"{number}-77 - {who} - Oct 30, 2026 1110 PM"
        found |= _below({"README.md": b"a first draft"}, early)
        found |= _below(files, f"{number}-77 - {who} - Nov 1, 2026 1010 AM")
    return found


def sakai(people: People) -> Files:
    """Sakai: attachments, typed text and a time for each student."""
    found: dict[str, bytes] = {"Homework 4/grades.csv": b"Homework 4\n"}
    for number, (who, files) in enumerate(people.items(), 1):
        folder = f"Homework 4/{who}(user{number})"
        found |= _below(files, f"{folder}/Submission attachment(s)")
        found |= {
            f"{folder}/timestamp.txt": b"20261101",
            f"{folder}/user{number}_submissionText.html": b"<p></p>",
        }
    return found


def mixed(people: People) -> Files:
    """Folders and zips side by side, resource forks and all."""
    found: dict[str, bytes] = {"README.md": b"The class of 2026", ".DS_Store": b"\x00"}
    for number, (who, files) in enumerate(people.items()):
        if number % 3 == 0:
            found |= _below(files, who)
        elif number % 3 == 1:
            found[f"{who}.zip"] = mac_packed(files, who)
        else:
            found[f"{who}.ZIP"] = packed(_below(files, "part 1"), backslashes=True)
    return found


FORMS: Final[Mapping[str, Callable[[People], Files]]] = {
    form.__name__.replace("_", "-"): form
    for form in (
        folders,
        zips,
        zip_in_folder,
        wrapped,
        wrapped_twice,
        moodle,
        moodle_zips,
        moodle_flat,
        canvas,
        canvas_zips,
        gradescope,
        classroom,
        drive_folders,
        teams,
        blackboard,
        brightspace,
        sakai,
        mixed,
    )
}
"""Every form by its name."""


def write(files: Files, folder: Path) -> Path:
    """Lay files into a folder, and return it."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(files: Files, path: Path) -> Path:
    """The same as the platform's own zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(files))
    return path


def main(arguments: Iterable[str]) -> None:
    """Write every form, as a folder and as a zip."""
    (out,) = map(Path, arguments)
    for name, form in FORMS.items():
        files = form(people())
        write(files, out / name)
        zipped(files, out / f"{name}.zip")
        sys.stdout.write(f"{out / name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
