"""What `fuzz` tries: each target makes a function that takes bytes, and the whole inputs that it starts from."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[[bytes], object]


def submission(name: str) -> Run:
    """Read and judge a submission whose one file is fuzzed, as a class does without running anything, and draw
    the file's page. All in this process: what the limited one would hide is what is looked for.
    """
    import msgspec

    from grader.checks.catalogue import catalogue
    from grader.core.outcome import Verdict
    from grader.core.settings import Settings
    from grader.core.submission import Kind
    from grader.ingest.read import from_bytes
    from grader.pipeline.grade.grade_one import grade_one
    from grader.pipeline.plan.rubrics import load
    from grader.render.files.file_pages import pages
    from grader.render.files.from_products import book_of, readings_of
    from grader.render.files.notes import Annotations, notes_of
    from grader.render.files.sheet.page import render
    from grader.sandbox.reader import own_work

    rules = catalogue()
    rubric = load("default", rules)
    settings = Settings(execute=False, retrain=False)

    def run(data: bytes) -> None:
        with own_work(below=sys.maxsize):
            sources = from_bytes("fuzzed", {name: data})
            report, known = grade_one(sources, rubric, rules, settings)
        lost = [o.summary for o in report.outcomes if "Error:" in o.summary or "Exception:" in o.summary]
        assert not lost, lost[0]
        faults = [o.summary for o in report.outcomes if o.verdict is Verdict.ERROR]
        assert not faults, faults[0]
        for product in (*known.products().values(), report):
            msgspec.msgpack.encode(product)
        for artefact in sources.submission.artefacts:
            told = Annotations(
                notes=notes_of(report).get(artefact.path, ()),
                readings=readings_of(known.products(), artefact.path),
            )
            if artefact.readable and artefact.kind in (Kind.README, Kind.NOTEBOOK):
                pages(artefact.kind, data, name, "fuzzed", "x.html", "x.txt", "key", told)
            elif artefact.kind is Kind.WORKBOOK and (view := book_of(known.products(), artefact.path, told)):
                render(view, submission="fuzzed")

    return run


def repacked(run: Run) -> Run:
    """Let the fuzzed bytes be the first sheet of a workbook: a damaged zip is refused before anything is
    read.
    """
    whole = workbook()

    def inner(data: bytes) -> object:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w") as new:
            for item in old.infolist():
                fuzzed = item.filename.endswith("sheet1.xml")
                new.writestr(item.filename, data if fuzzed else old.read(item))
        return run(buffer.getvalue())

    return inner


def workbook() -> bytes:
    """Return a small right workbook."""
    from tests.generate.workbook import BookSpec, make

    return make(BookSpec(rows=6))[0]


def sheet() -> bytes:
    """Return the XML of its first sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook())) as package:
        name = next(n for n in package.namelist() if n.endswith("sheet1.xml"))
        return package.read(name)


def read_sheet() -> Run:
    """Read the workbook in this process, as its limited child does; the child's own process is not what is
    tried.
    """
    import msgspec

    from grader.extract.workbook.child import read

    return repacked(lambda data: msgspec.msgpack.encode(read(data, "fuzzed.xlsx")))


def frames() -> Run:
    """Read the pipe of a job."""
    from grader.sandbox.frames import FrameReader, ProtocolFault, strict_json
    from grader.sandbox.limits import Limits

    limits = Limits()

    def run(data: bytes) -> None:
        reader = FrameReader(limits)
        try:
            reader.feed(data)
            for frame in reader.frames:
                strict_json(frame.payload)
        except ProtocolFault:
            return

    return run


def graph() -> Run:
    """Load a network whose evaluation graph is fuzzed."""
    from grader.execute.graph.network import load_network
    from grader.execute.graph.schema import InvalidNetwork
    from tests.execute.graph.exported import frames as exported

    honest = list(exported("Honest"))

    def run(data: bytes) -> None:
        try:
            load_network([*honest[:2], (honest[2][0], data), *honest[3:]])
        except InvalidNetwork:
            return

    return run


def rubric() -> Run:
    """Load a rubric file."""
    from grader.checks.catalogue import catalogue
    from grader.core.faults import GraderFault
    from grader.pipeline.plan.rubrics import parse

    rules = catalogue()

    def run(data: bytes) -> None:
        try:
            parse(data, "fuzzed.toml", rules)
        except GraderFault:
            return

    return run


def store() -> Run:
    """Check a store whose file is damaged."""
    from grader.core.faults import GraderFault
    from grader.store.runs import Store

    folder = Path(tempfile.mkdtemp(prefix="grader-fuzz-store-"))

    def run(data: bytes) -> None:
        path = folder / "store.sqlite"
        path.write_bytes(data)
        try:
            opened = Store(path)
            try:
                opened.mean_seconds()
            finally:
                opened.close()
        except (GraderFault, sqlite3.DatabaseError):
            return
        finally:
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    return run


ROWS = (
    *(("runs", "settings"), ("runs", "rubric"), ("deliveries", "submission"), ("deliveries", "late_days")),
    *(("phases", "products"), ("phases", "missing"), ("phases", "notes"), ("products", "payload")),
    *(("durations", "wall"), ("refusals", "reason"), ("overrides", "verdict"), ("overrides", "credit")),
)
"""Columns that hold records or numbers of ours: a byte before the fuzzed bytes says which is meant."""


def rows() -> Run:
    """Judge a stored class in which one record is fuzzed, with what `store check`, `report` and `export` ask
    of a store. Two bytes before the record say which column and which of its rows.
    """
    from grader.checks.catalogue import catalogue
    from grader.core.faults import GraderFault
    from grader.pipeline.classroom.cohort_run import cohort_of
    from grader.pipeline.judging.reports import reports_of
    from grader.pipeline.plan.plan import mark_sheet
    from grader.pipeline.plan.rubrics import load
    from grader.store.maintenance import check
    from grader.store.runs import Store

    folder, whole = graded_class()
    sheet = mark_sheet(load("default", catalogue()))

    def run(data: bytes) -> None:
        path = folder / "store.sqlite"
        path.write_bytes(whole)
        _put_record(path, data)
        try:
            with Store(path) as opened:
                check(opened)
                for found in opened.runs():
                    failed: dict[str, str] = {}
                    list(reports_of(opened, found, sheet, failed))
                    cohort_of(opened, found, sheet.loaded.rubric.profile)
                    (
                        [opened.durations(found.id, n) for n in opened.delivered(found.id)],
                        opened.refusals(found.id),
                    )
                opened.decisions(), opened.mean_seconds()
        except GraderFault:
            return
        finally:
            for left in folder.glob("store.sqlite*"):
                left.unlink()

    return run


def _put_record(path: Path, data: bytes) -> None:
    """Put the fuzzed bytes where their first two say; numbers as the number or text that they spell."""
    table, column = ROWS[(data[0] if data else 0) % len(ROWS)]
    number, record = (data[1] if len(data) > 1 else 0), data[2:]
    value: object = zlib.compress(record) if column == "payload" else record
    if column in ("late_days", "wall", "reason", "verdict", "credit"):
        value = record.decode("utf-8", "replace")
    connection = sqlite3.connect(path)
    try:
        connection.execute("DROP TRIGGER overrides_are_for_ever_u")
        ids = [r[0] for r in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]  # names above
        command = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # names above
        connection.execute(command, (value, ids[number % len(ids)]))
        connection.commit()
    finally:
        connection.close()


@cache
def graded_class() -> tuple[Path, bytes]:
    """Grade two samples without running anything; return the folder of their store, and its database."""
    from grader.core.decision import Decision
    from grader.core.outcome import Verdict
    from grader.store.runs import Store

    folder = Path(tempfile.mkdtemp(prefix="grader-fuzz-rows-"))
    for name in ("perfect", "wrong-gradient"):
        shutil.copytree(ROOT / "submissions" / name, folder / "class" / name)
    (folder / "class" / "broken.zip").write_bytes(b"PK\x03\x04")
    path = folder / "store.sqlite"
    command = [sys.executable, "-m", "grader", "batch", "class", "-o", "out", "--store", path, "--no-exec"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, check=False, capture_output=True, env=environment)
    with Store(path) as opened:
        decided = {"submission": "perfect", "code": "BP101", "reason": "x", "who": "y", "made": "z"}
        opened.decide(Decision(verdict=Verdict.PASS, credit=1.0, **decided))
    whole = path.read_bytes()
    path.unlink()
    return folder, whole


def records() -> list[bytes]:
    """Return what stands in each of those columns, with the two bytes before it."""
    folder, whole = graded_class()
    path = folder / "records.sqlite"
    path.write_bytes(whole)
    connection = sqlite3.connect(path)
    found: list[bytes] = []
    for at, (table, column) in enumerate(ROWS):
        for number, (value,) in enumerate(connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")):
            record = value if isinstance(value, bytes) else str(value).encode()
            found.append(bytes((at, number)) + (zlib.decompress(record) if column == "payload" else record))
    connection.close()
    path.unlink()
    return found


def empty_store() -> bytes:
    """Return the bytes of a store that holds nothing."""
    from grader.store.runs import Store

    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder, "store.sqlite")).close()
        return Path(folder, "store.sqlite").read_bytes()


def exported_graph() -> bytes:
    """Return the evaluation graph of an honest network."""
    from tests.execute.graph.exported import frames as exported

    return exported("Honest")[2][1]


def samples(pattern: str) -> Callable[[], list[bytes]]:
    """Return a reader of the files of the sample class that match, the perfect one's first."""
    found = sorted((ROOT / "submissions").glob(pattern), key=lambda p: (p.parent.name != "perfect", p))
    return lambda: [path.read_bytes() for path in found]


TARGETS: dict[str, tuple[Callable[[], Run], Callable[[], list[bytes]]]] = {
    "frames": (
        frames,
        lambda: [b"".join(len(p).to_bytes(4, "little") + b"\x06" + p for p in (b"{}", b'{"a": [1]}'))],
    ),
    "graph": (graph, lambda: [exported_graph()]),
    "rubric": (rubric, lambda: [path.read_bytes() for path in sorted((ROOT / "rubrics").glob("*.toml"))]),
    "readme": (lambda: submission("README.md"), samples("*/README.md")),
    "notebook": (lambda: submission("S.ipynb"), samples("*/*.ipynb")),
    "workbook": (read_sheet, lambda: [sheet()]),
    "store": (store, lambda: [empty_store(), graded_class()[1]]),
    "rows": (rows, records),
}
