"""A class comes from its platform, is graded, and goes back: ids, names and marks match, none lost or doubled.

Read back as the platforms read: tests/render/platform_readers.py.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest

from tests.command_line import ROOT, grader
from tests.render.platform_readers import (
    MOODLE_HEAD,
    canvas_comments_read,
    canvas_reads,
    files_of,
    gradescope_reads,
    moodle_feedback_reads,
    moodle_reads,
)

pytestmark = pytest.mark.slow

RUBRIC = """
id = "trip"
title = "There and back"
[[criterion]]
id = "gradients"
check = "BP101"
points = 8.0
[[criterion]]
id = "columns"
check = "WB201"
points = 3.0
[[criterion]]
id = "log"
check = "TR501"
points = 4.0
[[criterion]]
id = "secret-criterion"
check = "AR001"
points = 5.0
hidden = true
"""
PEOPLE = {  # the platform's number: first name, last name, what was handed in
    4000: ("Jörg", "Müller", "perfect"),
    4001: ('Ann "Bo"', "O'Neil, Jr.", "wrong-gradient"),
    4002: ("Eve", "=HYPERLINK(1)", "inherited-class-error"),
    4003: ("Zoë", "Line\nBreak", "no-notebook"),
    4004: ("小龍", "李", "mojibake"),
    4005: ("John", "Smith", "perfect"),
    4006: ("John", "Smith", "over-budget"),
}
SECRET = ("secret-criterion", "AR001", "_class", "alike")


class Trip(NamedTuple):
    """A graded class, and what came out as JSON."""

    path: Path
    reports: Path
    marks: Mapping[str, dict[str, Any]]


def graded(tmp: Path, files: Mapping[str, bytes]) -> Trip:
    folder = tmp / "class"
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    rubric = tmp / "trip.toml"
    rubric.write_text(RUBRIC, "utf-8")
    out = tmp / "reports"
    done = grader("batch", folder, "--no-exec", "-j", "1", "-q", "-r", rubric, "-o", out)
    assert done.returncode in (0, 1, 4), done.stderr
    exported = json.loads(grader("export", "--format", "json", "-o", out).stdout)
    assert len(exported) == len(PEOPLE)
    return Trip(folder, out, {r["submission"]["id"]: r for r in exported})


def sample(name: str) -> dict[str, bytes]:
    folder = ROOT / "submissions" / name
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def same(page: bytes, wanted: dict[str, Any]) -> None:
    """A page is that student's, with that student's points, and says nothing that the student must not see."""
    text = page.decode("utf-8")
    assert not [word for word in SECRET if word in text]
    visible = [o for o in wanted["outcomes"] if not o["hidden"]]
    assert f"{wanted['submission']['sha256']}" in text
    score = f"{sum(o['points'] for o in visible):g}"
    assert re.search(rf"(?<![\d.]){re.escape(score)}(?![\d.])", text)


def as_csv(rows: list[list[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode("utf-8")


# -- Canvas


@pytest.fixture(scope="module")
def canvas(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    files: dict[str, bytes] = {}
    for user, (first, last, work) in PEOPLE.items():
        flat = re.sub(r"[\W_]", "", last + first).lower()
        late = "LATE_" if user == 4001 else ""
        for number, (name, data) in enumerate(sample(work).items(), 90_000 + 100 * user):
            files[f"{flat}_{late}{user}_{number}_{name.replace('/', '-')}"] = data
    return graded(tmp_path_factory.mktemp("canvas"), files)


def user_of(identity: str) -> int:
    numbers = re.findall(r"_(\d+)", identity)
    return int(numbers[-1])


def test_canvas_marks(canvas: Trip, tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 4 (77)"]
    ]
    rows.append(["    Points Possible", "", "", "", "", 20])
    rows += [[f"{last}, {first}", n, f"S{n}", f"u{n}", "A", ""] for n, (first, last, _) in PEOPLE.items()]
    rows.append(["Student, Test", 9999, "", "t", "A", ""])
    roster = tmp_path / "gradebook.csv"
    roster.write_bytes(as_csv(rows))
    to = tmp_path / "upload.csv"
    done = grader(
        "export", "--format", "canvas", "--roster", roster, "--to", to, "--with-open", "-o", canvas.reports
    )
    assert done.returncode == 0, done.stderr
    assert "1 rows without a submission: 'Student, Test 9999'" in done.stderr
    taken = canvas_reads(to.read_bytes(), 77)
    assert {n: float(m) for n, m in taken.items() if m} == {
        user_of(i): r["score"] for i, r in canvas.marks.items()
    }
    assert set(taken) == {*PEOPLE, 9999}
    # Without --with-open only those without open points have a mark.
    grader("export", "--format", "canvas", "--roster", roster, "--to", to, "-o", canvas.reports)
    final = {user_of(i): r["score"] for i, r in canvas.marks.items() if not r["pending_points"]}
    assert {n: float(m) for n, m in canvas_reads(to.read_bytes(), 77).items() if m} == final
    assert final.keys() < taken.keys()


def test_canvas_feedback(canvas: Trip, tmp_path: Path) -> None:
    out = tmp_path / "feedback.zip"
    done = grader("feedback", canvas.path, "--for", "canvas", "-o", out, "--reports", canvas.reports)
    assert done.returncode == 0, done.stderr
    named = [re.match(r"[^_]+_(?:LATE_)?(\d+)_(\d+)_", path.name) for path in canvas.path.iterdir()]
    attachments = {int(m[2]): int(m[1]) for m in named if m}
    taken = canvas_comments_read(out.read_bytes(), attachments)
    assert set(taken) == set(PEOPLE)
    for identity, wanted in canvas.marks.items():
        same(taken[user_of(identity)], wanted)
    zipped = Path(shutil.make_archive(str(tmp_path / "submissions"), "zip", canvas.path))
    again = tmp_path / "again.zip"
    grader("feedback", zipped, "--for", "canvas", "-o", again, "--reports", canvas.reports)
    assert again.read_bytes() == out.read_bytes(), "the download itself says the names as well"


def test_copies_with_findings_are_packed_where_they_are_asked_for(canvas: Trip, tmp_path: Path) -> None:
    out = tmp_path / "feedback.zip"
    done = grader(
        "feedback", canvas.path, "--for", "canvas", "--annotate", "-o", out, "--reports", canvas.reports
    )
    assert done.returncode == 0, done.stderr
    files = {name.rsplit("/", 1)[-1]: data for name, data in files_of(out.read_bytes()).items()}
    kinds = [re.sub(r"^[^_]+_(?:LATE_)?\d+_\d+_", "", name) for name in files]
    assert kinds.count("feedback.html") == len(PEOPLE)
    assert "feedback.ipynb" in kinds
    assert "feedback.xlsx" in kinds
    hidden = b"".join(data for name, data in files.items() if name.endswith(".ipynb"))
    assert b"secret-criterion" not in hidden
    refused = grader("feedback", "--for", "gradescope", "--annotate", "-o", out, "--reports", canvas.reports)
    assert refused.returncode == 2
    assert "takes no files back" in refused.stderr


# -- Moodle


@pytest.fixture(scope="module")
def moodle(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    files = {
        f"{first} {last}_{number}_assignsubmission_file_/{name}": data
        for number, (first, last, work) in PEOPLE.items()
        for name, data in sample(work).items()
    }
    return graded(tmp_path_factory.mktemp("moodle"), files)


def test_moodle_marks(moodle: Trip, tmp_path: Path) -> None:
    rows: list[list[object]] = [list(MOODLE_HEAD)]
    for number, (first, last, _) in PEOPLE.items():
        rows.append(
            [
                f"Participant {number}",
                f"{first} {last}",
                f"{number}@uni.edu",
                "Submitted",
                "",
                "",
                "20",
                "Yes",
                "x",
                "-",
                "",
            ]
        )
    roster = tmp_path / "worksheet.csv"
    roster.write_bytes(as_csv(rows))
    to = tmp_path / "upload.csv"
    done = grader(
        "export", "--format", "moodle", "--roster", roster, "--to", to, "--with-open", "-o", moodle.reports
    )
    assert done.returncode == 0, done.stderr
    assert {n: float(m) for n, m in moodle_reads(to.read_bytes()).items()} == {
        user_of(i): r["score"] for i, r in moodle.marks.items()
    }


def test_moodle_feedback(moodle: Trip, tmp_path: Path) -> None:
    out = tmp_path / "feedback.zip"
    done = grader("feedback", "--for", "moodle", "-o", out, "--reports", moodle.reports)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("7 students in ")
    taken = moodle_feedback_reads(out.read_bytes())
    assert set(taken) == set(PEOPLE)
    for identity, wanted in moodle.marks.items():
        (page,) = taken[user_of(identity)].values()
        same(page, wanted)
        assert not re.search(rb'href="(?!#)', page), "a page that comes alone links to no page beside it"


def test_folders_for_any_other_way(moodle: Trip, tmp_path: Path) -> None:
    out = tmp_path / "all"
    assert grader("feedback", "--for", "folder", "-o", out, "--reports", moodle.reports).returncode == 0
    for wanted in moodle.marks.values():
        folder = out / wanted["submission"]["slug"]
        same((folder / "index.html").read_bytes(), wanted)
        result = json.loads((folder / "result.json").read_bytes())
        assert result["submission"]["id"] == wanted["submission"]["id"]
        assert [o["code"] for o in result["outcomes"]] == ["BP101", "WB201", "TR501"]
    assert {p.name for p in out.iterdir()} == {r["submission"]["slug"] for r in moodle.marks.values()}
    packed = tmp_path / "all.zip"
    assert grader("feedback", "--for", "folder", "-o", packed, "--reports", moodle.reports).returncode == 0
    assert len({name.partition("/")[0] for name in files_of(packed.read_bytes())}) == len(PEOPLE)


def test_the_workbook_has_everybody(moodle: Trip, tmp_path: Path) -> None:
    to = tmp_path / "marks.xlsx"
    assert grader("export", "--format", "xlsx", "--to", to, "-o", moodle.reports).returncode == 0
    head, *rows = openpyxl.load_workbook(to)["Marks"].values
    found = {row[0]: row[head.index("score")] for row in rows}
    assert {i.replace("\n", ""): s for i, s in found.items()} == {
        i.replace("\n", ""): r["score"] for i, r in moodle.marks.items()
    }


def test_csv_and_junit_have_everybody(moodle: Trip) -> None:
    text = grader("export", "--format", "csv", "-o", moodle.reports).stdout
    scores = sorted(float(row["score"]) for row in csv.DictReader(io.StringIO(text, newline="")))
    assert scores == sorted(r["score"] for r in moodle.marks.values())
    assert grader("export", "--format", "junit", "-o", moodle.reports).stdout.count("<testsuite ") == len(
        PEOPLE
    )


# -- Gradescope


@pytest.fixture(scope="module")
def gradescope(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    files = {
        f"submission_{number}/{name}": data
        for number, (*_, work) in PEOPLE.items()
        for name, data in sample(work).items()
    }
    told = ["---"]
    for number, (first, last, _) in PEOPLE.items():
        name = f"{first} {last}".replace("\n", " ").replace("'", "''")
        told += [f"submission_{number}:", "  :submitters:", f"  - :name: '{name}'", f"    :sid: S{number}"]
    files["submission_metadata.yml"] = "\n".join([*told, ""]).encode("utf-8")
    return graded(tmp_path_factory.mktemp("gradescope"), files)


def test_gradescope_marks(gradescope: Trip, tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Submission ID"]
    ]
    rows += [[first, last, f"S{n}", f"{n}@uni.edu", "", "20.0", n] for n, (first, last, _) in PEOPLE.items()]
    roster = tmp_path / "scores.csv"
    roster.write_bytes(as_csv(rows))
    arguments = ("--format", "gradescope", "--roster", roster, "--with-open", "-o", gradescope.reports)
    done = grader("export", *arguments)
    assert done.returncode == 0, done.stderr
    taken = [row["Total Score"] for row in csv.DictReader(io.StringIO(done.stdout, newline=""))]
    by_work = {r["submission"]["sha256"]: r["score"] for r in gradescope.marks.values()}
    assert sorted(map(float, taken)) == sorted(r["score"] for r in gradescope.marks.values())
    assert float(taken[0]) == float(taken[5]) == max(by_work.values())


def test_gradescope_feedback_answers_each_submission(gradescope: Trip, tmp_path: Path) -> None:
    """The zip is an autograder: unpacked to source/, its script copied beside, started for each submission."""
    out = tmp_path / "feedback.zip"
    done = grader(
        "feedback", gradescope.path, "--for", "gradescope", "-o", out, "--reports", gradescope.reports
    )
    assert done.returncode == 0, done.stderr
    files = files_of(out.read_bytes())
    assert {"setup.sh", "run_autograder"} <= files.keys(), "at the root of the archive"
    root = tmp_path / "autograder"
    for name, data in files.items():
        target = root / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    shutil.copy(root / "source" / "run_autograder", root)
    by_work = {r["submission"]["sha256"]: r["score"] for r in gradescope.marks.values()}
    hashes = set()
    for number in PEOPLE:
        (root / "submission_metadata.json").write_text(json.dumps({"id": number, "users": []}), "utf-8")
        subprocess.run([sys.executable, str(root / "run_autograder")], cwd=root, check=True)
        results = gradescope_reads((root / "results" / "results.json").read_bytes())
        digest = results["extra_data"]["submission_sha256"]
        hashes.add(digest)
        assert results["score"] == by_work[digest], "the mark that the gradebook has"
        assert [t["tags"] for t in results["tests"]] == [["BP101"], ["WB201"], ["TR501"]]
        assert not [word for word in SECRET if word in json.dumps(results)]
        (root / "results" / "results.json").unlink()
    assert hashes == {r["submission"]["sha256"] for r in gradescope.marks.values()}
    (root / "submission_metadata.json").write_text('{"id": 1}', "utf-8")
    later = subprocess.run(
        [sys.executable, str(root / "run_autograder")], cwd=root, check=False, capture_output=True
    )
    assert later.returncode == 1, "handed in after the class was graded: an error, and no zero"
    assert not (root / "results" / "results.json").exists()


def test_whoever_has_no_place_is_named(moodle: Trip, tmp_path: Path) -> None:
    out = tmp_path / "x.zip"
    done = grader("feedback", "--for", "canvas", "-o", out, "--reports", moodle.reports)
    assert done.returncode == 4
    assert done.stderr.count("not in it: ") == len(PEOPLE)
    assert files_of(out.read_bytes()) == {}
