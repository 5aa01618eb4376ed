"""Copies of real notebooks and workbooks with findings in them: how many keep everything, and what they cost.

    python benchmarks/feedback_files.py FOLDER... [--soffice] [--every N]

Each file is graded alone, without running anything; one that nothing was found in gets a finding on its first
cells. A copy is held against the file cell by cell: notebooks by the text of each cell's JSON and by
nbformat, workbooks by openpyxl, with stored values and with formulas, and part by part. `--soffice` opens
copy and file with LibreOffice, which computes both anew, and compares every cell. `--every N` takes each Nth
file.
"""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import openpyxl

from grader.checks.catalogue import catalogue
from grader.core.place import Place
from grader.core.settings import Settings
from grader.extract.documents.own_cells import is_ours
from grader.extract.documents.text import decode_bytes
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import load
from grader.render.feedback.notebook_copy import Copied, spans_of
from grader.render.feedback.told import Told, told_of
from grader.sandbox.reader import Lost, cpu_spent, read_limited

ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"""
"""A profile of LibreOffice that computes every formula when it opens a book."""


def main() -> None:
    warnings.simplefilter("ignore")
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("--") and not word.isdigit()]
    every = int(sys.argv[sys.argv.index("--every") + 1]) if "--every" in sys.argv else 1
    paths = {
        path.resolve()
        for folder in folders
        for kind in ("*.ipynb", "*.xlsx", "*.ods")
        for path in folder.rglob(kind)
    }
    chosen = sorted(paths)[::every]
    rules = catalogue()
    rubric = load("default", rules)
    ends: dict[str, Counter[str]] = {".ipynb": Counter(), ".xlsx": Counter()}
    seconds: dict[str, list[float]] = {".ipynb": [], ".xlsx": []}
    growth: dict[str, list[int]] = {".ipynb": [], ".xlsx": []}
    books: list[tuple[str, bytes, bytes]] = []
    cells = 0
    for path in chosen:
        data, kind = path.read_bytes(), ".ipynb" if path.suffix == ".ipynb" else ".xlsx"
        report, _ = grade_one(read_submission(path), rubric, rules, Settings(execute=False, retrain=False))
        told = tuple(t for a in report.submission.artefacts for t in told_of(report, a)) or made_up(path)
        before = cpu_spent()
        made = copied(data, path.name, kind, told)
        seconds[kind].append(cpu_spent() - before)
        if isinstance(made, Lost) or made.problem:
            ends[kind]["findings alone" if kind == ".xlsx" else "none"] += 1
            print(f"{path.name}: {made if isinstance(made, Lost) else made.problem}", flush=True)
            continue
        growth[kind].append(len(made.data) - len(data))
        found = same_notebook(data, made.data) if kind == ".ipynb" else same_book(data, made.data)
        cells += max(found, 0)
        ends[kind]["keeps everything" if found >= 0 else "LOSES SOMETHING"] += 1
        if found < 0:
            print(f"{path.name}: differs", flush=True)
        if kind == ".xlsx":
            books.append((f"{len(books):03}.xlsx", data, made.data))
    for kind, counts in ends.items():
        spent, grown = sorted(seconds[kind]), sorted(growth[kind])
        if spent and grown:
            print(
                f"{kind}: {dict(counts)}; CPU s median {spent[len(spent) // 2]:.2f}, most {spent[-1]:.2f}; "
                f"bytes more median {grown[len(grown) // 2]:,}, most {grown[-1]:,}"
            )
    print(f"{cells:,} cells compared")
    if "--soffice" in sys.argv:
        recalculated(books)


def made_up(path: Path) -> tuple[Told, ...]:
    sheet = openpyxl.load_workbook(path, read_only=True).sheetnames[0] if path.suffix == ".xlsx" else ""
    place = (
        Place(artefact=path.name, cell=1)
        if path.suffix == ".ipynb"
        else Place(artefact=path.name, sheet=sheet, ref="B2:D9")
    )
    return (Told(code="AR001", word="To correct", sentence="made up for a measurement", place=place),)


def copied(data: bytes, name: str, kind: str, told: tuple[Told, ...]) -> Copied | Lost:
    if kind == ".ipynb":
        return read_limited("grader.render.feedback.notebook_copy:annotated", data, told, returns=Copied)
    return read_limited("grader.render.feedback.workbook_copy:annotated", data, name, told, returns=Copied)


def same_notebook(data: bytes, made: bytes) -> int:
    """The number of the student's cells where all are there as they were, else -1."""
    nbformat.validate(json.loads(made))
    texts = [
        [t[s.start : s.end] for s in spans_of(t)[1] if not is_ours(s.cell)]
        for t in (made.decode(), decode_bytes(data)[0].removeprefix("\ufeff"))
    ]
    return len(texts[0]) if texts[0] == texts[1] else -1


def same_book(data: bytes, made: bytes) -> int:
    """The number of filled cells where all are there as they were, else -1."""
    with zipfile.ZipFile(io.BytesIO(data)) as one, zipfile.ZipFile(io.BytesIO(made)) as other:
        if not set(one.namelist()) <= set(other.namelist()):
            return -1
        touched = ("[Content_Types].xml", "xl/worksheets/", "xl/styles.xml")
        if any(one.read(n) != other.read(n) for n in one.namelist() if not n.startswith(touched)):
            return -1
    counts = []
    for stored in (True, False):
        first, second = (values(x, stored=stored) for x in (data, made))
        if first != second:
            return -1
        counts.append(len(first))
    return max(counts)


def values(data: bytes, *, stored: bool) -> dict[tuple[str, str], object]:
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=stored)
    return {
        (sheet.title, cell.coordinate): str(getattr(cell.value, "text", cell.value))
        for sheet in book.worksheets
        for cell in getattr(sheet, "_cells", {}).values()
        if cell.value is not None
    }


def recalculated(books: list[tuple[str, bytes, bytes]], at_once: int = 8) -> None:
    """Open copy and file with LibreOffice, and compare what it computes."""
    same = cells = 0
    charts = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "profile" / "user").mkdir(parents=True)
        (folder / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS, "utf-8")
        for start in range(0, len(books), at_once):
            some = books[start : start + at_once]
            opened: list[dict[str, bytes]] = []
            for side in (1, 2):
                source, target = folder / f"in{side}", folder / f"out{side}"
                source.mkdir(exist_ok=True)
                for one in some:
                    (source / one[0]).write_bytes(one[side])
                command = [
                    "soffice",
                    f"-env:UserInstallation={(folder / 'profile').as_uri()}",
                    "--headless",
                    "--convert-to",
                    "xlsx",
                ]
                words = [*command, "--outdir", str(target), *(str(source / one[0]) for one in some)]
                with subprocess.Popen(
                    words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
                ) as running:
                    try:
                        running.wait(timeout=1_200)
                    except subprocess.TimeoutExpired:
                        os.killpg(running.pid, signal.SIGKILL)
                opened.append({p.name: p.read_bytes() for p in target.glob("*.xlsx")})
            for name, _, _ in some:
                if any(name not in side for side in opened):
                    print(
                        f"{name}: LibreOffice opens {'neither' if not any(name in s for s in opened) else 'one alone'}",
                        flush=True,
                    )
                    continue
                first, second = (values(side[name], stored=True) for side in opened)
                drawn = [
                    sum("charts/chart" in n for n in zipfile.ZipFile(io.BytesIO(side[name])).namelist())
                    for side in opened
                ]
                cells += len(first)
                same += first == second and drawn[0] == drawn[1]
                charts += drawn[1]
                if first != second or drawn[0] != drawn[1]:
                    print(f"{name}: differs after LibreOffice", flush=True)
    print(
        f"LibreOffice: {same} of {len(books)} the same after it computed them anew, {cells:,} cells, {charts} charts"
    )


if __name__ == "__main__":
    main()
