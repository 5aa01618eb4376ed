"""What platforms read of a file that is uploaded to them, written after their sources and documentation.

Canvas: lib/gradebook_importer.rb and `infer_comment_context_from_filename` (instructure/canvas-lms). Moodle:
mod/assign/feedback/offline/importgradeslib.php and mod/assign/feedback/file/importziplib.php. Gradescope:
https://gradescope-autograders.readthedocs.io/en/latest/specs/.
"""

import csv
import io
import json
import re
import zipfile
from typing import Any

MOODLE_HEAD = [
    "Identifier", "Full name", "Email address", "Status", "Group", "Grade", "Maximum Grade", "Grade can be changed",
    "Last modified (submission)", "Last modified (grade)", "Feedback comments",
]  # fmt: skip


def canvas_reads(data: bytes, assignment: int) -> dict[int, str]:
    """What Canvas's importer takes: a user's id and the stripped cell of the assignment whose id is in the head."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    head = rows[0]
    assert "Student" in head[0]
    assert "ID" in head[1]
    assert re.search(r"SIS\s+Login\s+ID", head[3])
    assert "Section" in head[4]
    at = next(
        i for i, name in enumerate(head) if (m := re.search(r"\((\d+)\)$", name)) and int(m[1]) == assignment
    )
    taken: dict[int, str] = {}
    for row in rows[1:]:
        skipped = "Points Possible" in row[0] or all(
            re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell) for cell in row
        )
        if not skipped:
            assert int(row[1]) not in taken
            taken[int(row[1])] = row[at].strip()
    return taken


def moodle_reads(data: bytes, head: list[str] = MOODLE_HEAD, word: str = "Participant ") -> dict[int, str]:
    """What Moodle's importer takes: three columns by their exact names, the number behind the site's word."""
    text = data.decode("utf-8").removeprefix("\ufeff")  # trim_utf8_bom in load_csv_content
    columns, *rows = csv.reader(io.StringIO(text, newline=""))
    identity, grade, modified = (columns.index(head[i]) for i in (0, 5, 9))
    taken = {int(row[identity][len(word) :]): row[grade] for row in rows}
    assert len(taken) == len(rows)
    assert all(row[modified] == "-" for row in rows)
    return taken


def files_of(archive: bytes) -> dict[str, bytes]:
    """Files of a zip, none of them twice, none outside of it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = opened.namelist()
        assert len(set(names)) == len(names)
        assert not [name for name in names if name.startswith("/") or ".." in name.split("/") or "\\" in name]
        return {name: opened.read(name) for name in names}


def moodle_feedback_reads(archive: bytes) -> dict[int, dict[str, bytes]]:
    """Participant to the files that Moodle gives to them; whatever it would pass over is an error here."""
    taken: dict[int, dict[str, bytes]] = {}
    for path, data in files_of(archive).items():
        assert not path.rsplit("/", 1)[-1].startswith((".", "~")), "hidden files are passed over"
        parts = path.split("/")
        info = parts.pop(0).split("_", 4)
        assert len(info) >= 4, path
        assert info[1].isdigit(), path
        assert (info[2], info[3]) in {("assignsubmission", "file"), ("assignfeedback", "file")}, path
        taken.setdefault(int(info[1]), {})["/".join(parts)] = data
    return taken


def canvas_comments_read(archive: bytes, attachments: dict[int, int]) -> dict[int, bytes]:
    """User to the file that Canvas attaches; `attachments` are the files of its submissions with their users."""
    taken: dict[int, bytes] = {}
    for path, data in files_of(archive).items():
        parts = path.rsplit("/", 1)[-1].split("_")
        user, attachment = [int(part) for part in parts if re.fullmatch(r"\d+", part)][:2]
        assert attachments[attachment] == user, f"{path}: Canvas passes over another user's attachment"
        assert not parts[-1].startswith("link")
        assert user not in taken
        taken[user] = data
    return taken


TOP = {
    "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
    "stdout_visibility", "extra_data", "tests", "leaderboard",
}  # fmt: skip
TEST = {
    "score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags", "visibility",
    "extra_data",
}  # fmt: skip


def gradescope_reads(results: bytes) -> dict[str, Any]:
    """results.json, held against the documented keys and values."""
    tree: dict[str, Any] = json.loads(results)
    assert set(tree) <= TOP
    assert isinstance(tree["score"], int | float)
    assert {tree["output_format"], tree["test_output_format"]} <= {
        "text",
        "html",
        "simple_format",
        "md",
        "ansi",
    }
    for shown in (tree["visibility"], tree["stdout_visibility"]):
        assert shown in {"hidden", "after_due_date", "after_published", "visible"}
    for test in tree["tests"]:
        assert set(test) <= TEST
        assert test.get("status", "passed") in {"passed", "failed"}
        assert ("score" in test) == ("max_score" in test) == ("status" in test)
    return tree
