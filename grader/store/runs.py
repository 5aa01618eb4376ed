"""Runs of a class: what was delivered, what each phase found, what a person decided."""

import logging
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from grader.core.decision import Decision
from grader.core.faults import StoreFault, UsageFault
from grader.core.missing import Missing
from grader.core.report import Note
from grader.core.settings import Settings
from grader.core.submission import Submission
from grader.store import decisions
from grader.store.database import connect, transaction, unpacked
from grader.store.objects import Objects

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One grading of one class with one rubric."""

    id: int
    class_name: str
    rubric_name: str
    rubric: bytes
    settings: Settings
    fingerprint: str
    started: str
    finished: str
    shown: int = 0
    """Grows with each drawing of pages; the greatest is the run that the pages show."""
    facts_of: int = 0
    """The run whose facts this one scored again with another rubric; 0 for one that was graded itself."""

    def __str__(self) -> str:
        """Say which run it is, in words."""
        again = f", scored again from run {self.facts_of}" if self.facts_of else ""
        return f"run {self.id} of {self.started}{again}, with {self.rubric_name}"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one student handed in, in one run."""

    submission: Submission
    late_days: float = 0.0


class PhaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one finished phase of one submission left: payloads by key, reasons, and lines for the report."""

    products: Mapping[str, str]
    """Product name to its key in the cache."""
    payloads: Mapping[str, bytes]
    """Key to msgpack, for products that the cache did not hold yet."""
    missing: Mapping[str, Missing]
    notes: tuple[Note, ...]


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that a phase took: by the wall clock, and of the CPU but for a sandbox that was killed."""

    wall: float
    cpu: float


class Store:
    """A store file with its folder of objects. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection: sqlite3.Connection = connect(path)
        self.objects = Objects(path.parent / "objects")

    def close(self) -> None:
        """Close the database; the write-ahead log is folded in."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store; a database that cannot be read is a StoreFault that says what to do."""
        with suppress(sqlite3.Error):
            self.close()
        if isinstance(fault, sqlite3.DatabaseError | msgspec.DecodeError):
            raise StoreFault(
                f"{self.path}: the store cannot be used ({fault}); `grader store check --store "
                f"{self.path}` says what is "
                "damaged; moved away, the next `grader batch` makes a new one"
            ) from fault

    # -- runs

    def begin(
        self, class_name: str, rubric_name: str, rubric: bytes, settings: Settings, fingerprint: str
    ) -> tuple[Run, bool]:
        """Return an unfinished run with the same fingerprint, or a new one; the flag tells which."""
        with transaction(self.connection) as c:
            row = c.execute(
                "SELECT id FROM runs WHERE fingerprint = ? AND finished = '' ORDER BY id DESC", (fingerprint,)
            ).fetchone()
            if row is None:
                cursor = c.execute(
                    "INSERT INTO runs (class_name, rubric_name, rubric, settings, fingerprint, started) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (class_name, rubric_name, rubric, msgspec.msgpack.encode(settings), fingerprint, now()),
                )
                number = int(cursor.lastrowid or 0)
            else:
                number = int(row[0])
        return self.run(number), row is not None

    def finish(self, run: int) -> None:
        """Mark a run as whole."""
        with transaction(self.connection) as c:
            c.execute("UPDATE runs SET finished = ? WHERE id = ? AND finished = ''", (now(), run))

    def show(self, run: int) -> None:
        """Remember that the pages show a run: what is asked of no run in particular is asked of it."""
        with transaction(self.connection) as c:
            most = c.execute("SELECT COALESCE(MAX(shown), 0) FROM runs WHERE id != ?", (run,)).fetchone()[0]
            c.execute("UPDATE runs SET shown = ? WHERE id = ? AND shown <= ?", (most + 1, run, most))

    def runs(self) -> tuple[Run, ...]:
        """All runs, oldest first."""
        rows = self.connection.execute(
            "SELECT id, class_name, rubric_name, rubric, settings, fingerprint, started, finished, shown, "
            "facts_of FROM runs ORDER BY id"
        ).fetchall()
        return tuple(
            Run(
                id=row[0],
                class_name=row[1],
                rubric_name=row[2],
                rubric=row[3],
                settings=unpacked(row[4], Settings),
                fingerprint=row[5],
                started=row[6],
                finished=row[7],
                shown=row[8],
                facts_of=row[9],
            )
            for row in rows
        )

    def run(self, number: int | None = None) -> Run:
        """Return a run by its number, or the one that the pages show: the newest that was drawn.

        UsageFault with the list where there is none.
        """
        found = self.runs()
        if not found:
            raise UsageFault(f"{self.path}: holds no run yet; `grader batch CLASS` makes one")
        if number is None:
            return max(found, key=lambda run: (run.shown, run.id))
        for run in found:
            if run.id == number:
                return run
        raise UsageFault(f"{self.path}: no run {number}; there are {', '.join(str(r.id) for r in found)}")

    # -- what was handed in

    def deliver(self, run: int, delivery: Delivery) -> None:
        """Record a hand-in; the bytes are in `objects` already."""
        s = delivery.submission
        with transaction(self.connection) as c:
            c.execute(
                "INSERT OR REPLACE INTO deliveries (run, id, slug, sha256, late_days, submission, seen) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, s.id, s.slug, s.sha256, delivery.late_days, msgspec.msgpack.encode(s), now()),
            )

    def delivered(self, run: int) -> tuple[str, ...]:
        """Ids of the hand-ins of a run, sorted."""
        rows = self.connection.execute("SELECT id FROM deliveries WHERE run = ? ORDER BY id", (run,))
        return tuple(row[0] for row in rows.fetchall())

    def delivery(self, run: int, submission: str) -> Delivery:
        """One hand-in of a run. Raises KeyError where it has none of that id."""
        row = self.connection.execute(
            "SELECT submission, late_days FROM deliveries WHERE run = ? AND id = ?", (run, submission)
        ).fetchone()
        if row is None:
            raise KeyError(submission)
        return Delivery(submission=unpacked(row[0], Submission), late_days=msgspec.convert(row[1], float))

    def deliveries(self, run: int) -> Iterator[tuple[str, Delivery]]:
        """Yield the hand-ins of a run with their ids, sorted; one is held at a time."""
        for name in self.delivered(run):
            yield name, self.delivery(run, name)

    def refuse(self, run: int, name: str, reason: str, basis: str = "") -> None:
        """Record an entry of the class that is no submission; `basis` as in `finish_phase`."""
        with transaction(self.connection) as c:
            c.execute(
                "INSERT OR REPLACE INTO refusals (run, name, reason, basis) VALUES (?, ?, ?, ?)",
                (run, name, reason, basis),
            )

    def refusals(self, run: int) -> dict[str, str]:
        """Refused entries of a run with their reasons, sorted."""
        rows = self.connection.execute(
            "SELECT name, reason FROM refusals WHERE run = ? ORDER BY name", (run,)
        )
        return {row[0]: row[1] for row in rows.fetchall()}

    # -- what was found

    def payload(self, key: str) -> bytes | None:
        """Return a cached product as msgpack."""
        row = self.connection.execute("SELECT payload FROM products WHERE key = ?", (key,)).fetchone()
        try:
            return None if row is None else zlib.decompress(row[0])
        except zlib.error:  # it rotted: whoever wants it makes it again
            log.exception("%s: the stored result %s is damaged", self.path, key)
            return None

    def kept(self, key: str, kind: type[_T]) -> _T | None:
        """Return a record that is cached under a key; None where there is none, or none that can be read."""
        payload = self.payload(key)
        try:
            return None if payload is None else unpacked(payload, kind)
        except msgspec.DecodeError:
            log.exception("%s: the stored result %s cannot be read", self.path, key)
            return None

    def held(self, keys: Collection[str]) -> set[str]:
        """Return which of some keys have a product, whatever state it is in."""
        marks = ", ".join("?" * len(keys))
        asked = f"SELECT key FROM products WHERE key IN ({marks})"  # noqa: S608  # question marks
        rows = self.connection.execute(asked, tuple(keys))
        return {row[0] for row in rows.fetchall()}

    def keep(self, key: str, product: str, payload: bytes) -> None:
        """Cache one product that was computed outside a phase."""
        self.keep_all(product, {key: payload})

    def keep_all(self, product: str, payloads: Mapping[str, bytes]) -> None:
        """Cache products of one name, by their keys, in one transaction."""
        packed = [(key, product, zlib.compress(data, 3)) for key, data in payloads.items()]
        with transaction(self.connection) as c:
            c.executemany("INSERT OR REPLACE INTO products (key, product, payload) VALUES (?, ?, ?)", packed)

    def finish_phase(
        self,
        run: int,
        submission: str,
        phase: str,
        record: PhaseRecord,
        *,
        basis: str = "",
        spent: Spent | None = None,
    ) -> None:
        """Write everything that a phase found, in one transaction.

        `basis` is a digest of all that decides the record, for `reuse`; empty where something else may decide
        too. Without `spent` (all came from the cache) the submission keeps the duration of the run that
        computed it.
        """
        names = {key: name for name, key in record.products.items()}
        packed = {key: zlib.compress(data, 3) for key, data in record.payloads.items()}
        with transaction(self.connection) as c:
            c.executemany(
                "INSERT OR REPLACE INTO products (key, product, payload) VALUES (?, ?, ?)",
                [(key, names.get(key, ""), data) for key, data in sorted(packed.items())],
            )
            c.execute(
                "INSERT OR REPLACE INTO phases (run, id, phase, products, missing, notes, basis) VALUES "
                "(?, ?, ?, ?, ?, ?, ?)",
                (
                    run,
                    submission,
                    phase,
                    msgspec.msgpack.encode(dict(sorted(record.products.items()))),
                    msgspec.msgpack.encode(dict(sorted(record.missing.items()))),
                    msgspec.msgpack.encode(record.notes),
                    basis,
                ),
            )
            if spent is None:
                inherit_duration(c, run, submission, phase)
            else:
                c.execute(
                    "INSERT OR REPLACE INTO durations (run, id, phase, wall, cpu) VALUES (?, ?, ?, ?, ?)",
                    (run, submission, phase, spent.wall, spent.cpu),
                )

    def durations(self, run: int, submission: str) -> dict[str, Spent]:
        """What a submission of a run cost, by phase."""
        rows = self.connection.execute(
            "SELECT phase, wall, cpu FROM durations WHERE run = ? AND id = ? ORDER BY rowid",
            (run, submission),
        )
        return {
            phase: msgspec.convert({"wall": wall, "cpu": cpu}, Spent) for phase, wall, cpu in rows.fetchall()
        }

    def mean_seconds(self) -> dict[str, float]:
        """Mean wall seconds of each phase over the submissions of the newest run that went through it."""
        rows = self.connection.execute(
            "SELECT phase, AVG(wall) FROM durations AS d "
            "WHERE run = (SELECT MAX(run) FROM durations WHERE phase = d.phase) GROUP BY phase"
        )
        return dict(rows.fetchall())

    def finished_phases(self, run: int) -> set[tuple[str, str]]:
        """Pairs of submission id and phase that are whole."""
        return set(self.connection.execute("SELECT id, phase FROM phases WHERE run = ?", (run,)).fetchall())

    def phase_records(self, run: int, submission: str) -> tuple[PhaseRecord, ...]:
        """What the finished phases of a submission left, without payloads."""
        rows = self.connection.execute(
            "SELECT products, missing, notes FROM phases WHERE run = ? AND id = ? ORDER BY rowid",
            (run, submission),
        ).fetchall()
        return tuple(
            PhaseRecord(
                products=unpacked(row[0], dict[str, str]),
                payloads={},
                missing=unpacked(row[1], dict[str, Missing]),
                notes=unpacked(row[2], tuple[Note, ...]),
            )
            for row in rows
        )

    def made_as(self, run: int, submission: str) -> dict[str, str]:
        """Return the keys of all products that the finished phases of a submission left, by their names."""
        return {name: key for r in self.phase_records(run, submission) for name, key in r.products.items()}

    def all_made(self, run: int) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Yield the id of each hand-in of a run, sorted, with the digest of its files and the keys of all
        products that its finished phases left, by their names.
        """
        rows = self.connection.execute(
            "SELECT d.id, d.sha256, p.products FROM deliveries AS d LEFT JOIN phases AS p "
            "ON p.run = d.run AND p.id = d.id WHERE d.run = ? ORDER BY d.id, p.rowid",
            (run,),
        )
        for (name, sha256), phases in groupby(rows, key=itemgetter(0, 1)):
            made: dict[str, str] = {}
            for _, _, products in phases:
                made |= {} if products is None else unpacked(products, dict[str, str])
            yield name, sha256, made

    # -- what a person decided

    def decide(self, *made: Decision) -> None:
        """Append decisions, all or none."""
        decisions.append(self.connection, made)

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions, oldest first; the last one about a criterion holds."""
        return decisions.read(self.connection)


def inherit_duration(c: sqlite3.Connection, run: int, submission: str, phase: str) -> None:
    """Give a submission the duration of the run that computed what it has."""
    c.execute(
        "INSERT OR IGNORE INTO durations (run, id, phase, wall, cpu) "
        "SELECT ?, id, phase, wall, cpu FROM durations WHERE id = ? AND phase = ? AND run != ? "
        "ORDER BY run DESC LIMIT 1",
        (run, submission, phase, run),
    )


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
