"""Every form in which a class comes: graded, and each mark and page stands with its own student.

Whose work it is says a README that nobody else handed in; what a student earned differs from all others.
"""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import openpyxl
import pytest

from tests.command_line import ROOT, grader
from tests.generate.forms import FORMS, PEOPLE, write

pytestmark = pytest.mark.slow

RUBRIC = 'id = "t"\ntitle = "t"\n[[criterion]]\nid = "gradients"\ncheck = "BP101"\npoints = 8.0\n'
NUMBERS = dict(enumerate(PEOPLE, 4000))


def readme(right: int) -> bytes:
    """The derivation of the perfect sample with another sign in the last of its eight gradients."""
    text = (ROOT / "submissions" / "perfect" / "README.md").read_text("utf-8")
    final = r"^(∂E_total/∂w([1-8]) = .*)\(a_o1 - t1\)|^(∂E_total/∂w([78]) = .*)\(a_o2 - t2\)"

    def turned(m: re.Match[str]) -> str:
        number = int(m[2] or m[4])
        return m[0] if number <= right else m[0].replace("(a_o", "2 * (a_o")

    return re.sub(final, turned, text, flags=re.MULTILINE).encode("utf-8")


READMES = {who: readme(right) for who, right in zip(PEOPLE, (8, 6, 4, 2), strict=True)}
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
OWNER = {hashlib.sha256(data).hexdigest(): who for who, data in READMES.items()}


def workbook() -> bytes:
    """A workbook with nothing in it, so that each hand-in is whole."""
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_each_mark_and_page_is_its_own_students(form: str, tmp_path: Path) -> None:
    beside = {"S4.ipynb": NOTEBOOK, "training.xlsx": workbook()}
    files = FORMS[form]({who: {"README.md": data, **beside} for who, data in READMES.items()})
    folder = write(files, tmp_path / "class")
    rubric = tmp_path / "t.toml"
    rubric.write_text(RUBRIC, "utf-8")
    out = tmp_path / "reports"
    done = grader("batch", folder, "--no-exec", "-j", "1", "-q", "-r", rubric, "-o", out)
    assert done.returncode in (0, 1, 4), done.stderr
    reports = json.loads(grader("export", "--format", "json", "-o", out).stdout)
    whose = {
        report["submission"]["id"]: next(
            OWNER[a["sha256"]] for a in report["submission"]["artefacts"] if a["sha256"] in OWNER
        )
        for report in reports
    }
    assert sorted(whose.values()) == sorted(PEOPLE)
    marks = {whose[r["submission"]["id"]]: r["score"] for r in reports}
    assert len(set(marks.values())) == len(PEOPLE), marks

    roster = tmp_path / "roster.csv"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "username", "login", "name"])
    writer.writerows(
        [number, f"user_{n}", f"user{n}", who] for n, (number, who) in enumerate(NUMBERS.items(), 1)
    )
    roster.write_text(buffer.getvalue(), "utf-8")
    merged = grader("export", "--format", "csv", "--roster", roster, "-o", out)
    assert merged.returncode == 0, merged.stderr
    rows = list(csv.DictReader(io.StringIO(merged.stdout, newline="")))
    assert {row["name"].removeprefix("'"): float(row["score"]) for row in rows} == marks

    book = tmp_path / "marks.xlsx"
    assert grader("export", "--format", "xlsx", "--to", book, "-o", out).returncode == 0
    head, *values = openpyxl.load_workbook(book)["Marks"].values
    assert sorted(row[head.index("score")] for row in values) == sorted(marks.values())

    pages = tmp_path / "pages"
    assert grader("feedback", "--for", "folder", "-o", pages, "--reports", out).returncode == 0
    handed = [json.loads(path.read_bytes()) for path in sorted(pages.glob("*/result.json"))]
    assert {whose[r["submission"]["id"]]: r["score"] for r in handed} == marks
    assert len(handed) == len(PEOPLE)
