"""Feedback of a class in the archive that a platform uploads to all students at once.

Moodle, "Upload multiple feedback files in a zip" (docs.moodle.org, Assignment;
is_valid_filename_for_import of mod/assign/feedback/file/importziplib.php): a folder
`Name_N_assignsubmission_file` a student, N the participant, and no `_` in the name. Canvas, "How do I upload
all student submissions for an assignment?" (infer_comment_context_from_filename of its assignments): file
names as in its own download, of which it reads the first two parts that are numbers, the user and one
attachment of that user. Gradescope has no such upload: its archive is an autograder that answers each
submission with the result that was made of it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from grader.core.report import Report
from grader.render.archive import packed
from grader.render.platforms.gradescope import to_results
from grader.render.platforms.match import letters, name_of, number_of

_CANVAS = re.compile(r"^[^_]+_(?:LATE_)?(?P<user>\d+|(?<=anon_)[A-Za-z0-9]{5})_(?P<attachment>\d+)_")
_GRADESCOPE = re.compile(r"\bsubmission_(?P<number>\d+)\b")

REPLAY = """#!/usr/bin/env python3
# Answers a submission with the result that grader made of it when the class was graded; runs nothing of it.
import json
import pathlib
import shutil
import sys

root = pathlib.Path(__file__).resolve().parent
number = json.loads((root / "submission_metadata.json").read_text(encoding="utf-8"))["id"]
made = root / "source" / "results" / (str(int(number)) + ".json")
if not made.is_file():
    print("no result was made of submission", number, "when the class was graded")
    sys.exit(1)  # an error of the autograder, which is no zero
(root / "results").mkdir(exist_ok=True)
shutil.copyfile(str(made), str(root / "results" / "results.json"))
"""
NOTHING_TO_INSTALL = "#!/usr/bin/env bash\n# The results are made already: nothing is installed.\n"


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What one student gets: the student's view of the report, and files by name."""

    report: Report
    score: float
    """The mark, in which criteria that the report leaves out count."""
    files: Mapping[str, bytes]


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """Files by their path in the archive, and who is in none of them."""

    files: Mapping[str, bytes]
    students: int
    unplaced: Mapping[str, str]
    """Submission id to the reason."""
    executable: tuple[str, ...] = ()

    def packed(self) -> bytes:
        """Return the archive as a zip."""
        return packed(self.files, executable=self.executable)


_Placed = tuple[Mapping[str, bytes], str]
"""Files of one student, and why there are none."""


def archive(form: str, handed: Iterable[Handed], names: Mapping[str, Sequence[str]]) -> Archive:
    """Return the archive of a class; `names` is how the platform's download calls each submission."""
    files: dict[str, bytes] = {}
    unplaced: dict[str, str] = {}
    students = 0
    for one in handed:
        who = one.report.submission.id
        placed, reason = _FORMS[form](one, names.get(who, ()))
        taken = next((path for path in placed if path in files), "")
        if reason or taken:
            unplaced[who] = reason or f"{taken} is another submission's"
        else:
            files |= placed
            students += 1
    if form != "gradescope":
        return Archive(files=files, students=students, unplaced=unplaced)
    scripts = {"run_autograder": REPLAY.encode(), "setup.sh": NOTHING_TO_INSTALL.encode()}
    return Archive(files=files | scripts, students=students, unplaced=unplaced, executable=tuple(scripts))


def _moodle(one: Handed, names: Sequence[str]) -> _Placed:
    who = one.report.submission.id
    number = number_of(who)
    if not number:
        return {}, "its id has no participant number; grade the folder that Moodle's download unpacks to"
    folder = f"{_file_name(name_of(who)).replace('_', ' ')}_{number}_assignsubmission_file"
    return {f"{folder}/feedback.html": one.files["index.html"], **_copies(one, f"{folder}/")}, ""


def _canvas(one: Handed, names: Sequence[str]) -> _Placed:
    who = one.report.submission.id
    of_files = (artefact.path for artefact in one.report.submission.artefacts)
    found = [m for name in sorted((*names, *of_files)) if (m := _CANVAS.match(name.rsplit("/", 1)[-1]))]
    mine = [m for m in found if who.rpartition("_")[2] in ("", m["user"], who)]
    if not mine:
        return {}, "no file of Canvas's own naming name_user_attachment_title; name the download as CLASS"
    name = letters(name_of(who)) or "student"
    head = f"{name}_{mine[0]['user']}_{mine[0]['attachment']}_"
    return {f"{head}feedback.html": one.files["index.html"], **_copies(one, head)}, ""


def _copies(one: Handed, head: str) -> dict[str, bytes]:
    """The student's own files with the findings in them, where they were made."""
    made = ((name, data) for name, data in one.files.items() if name.endswith((".ipynb", ".xlsx")))
    return {f"{head}{name}": data for name, data in made}


def _gradescope(one: Handed, names: Sequence[str]) -> _Placed:
    found = [m for name in (*names, one.report.submission.id) if (m := _GRADESCOPE.search(name))]
    if not found:
        return {}, "no submission number; name the export that was graded as CLASS"
    return {f"results/{found[0]['number']}.json": to_results(one.report, score=one.score).encode("utf-8")}, ""


def _folder(one: Handed, names: Sequence[str]) -> _Placed:
    return {f"{one.report.submission.slug}/{name}": data for name, data in one.files.items()}, ""


def _file_name(text: str) -> str:
    """Return a name without what an archive or a file system takes for something else."""
    flat = " ".join("".join(c if c.isprintable() and c not in '/\\:*?"<>|' else " " for c in text).split())
    return flat.strip(". ") or "student"


_FORMS: Mapping[str, Callable[[Handed, Sequence[str]], _Placed]] = {
    "moodle": _moodle,
    "canvas": _canvas,
    "gradescope": _gradescope,
    "folder": _folder,
}
FORMS = tuple(_FORMS)
"""What `grader feedback --for` knows."""
