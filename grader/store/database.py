"""SQLite in WAL mode: one transaction per finished phase, so that a kill at any moment loses at most what was
running.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from grader.core.faults import UsageFault

_T = TypeVar("_T")

FORMAT = 6
"""Version of the schema, kept in `PRAGMA user_version`."""

UPGRADES: dict[int, str] = {
    1: """
ALTER TABLE phases ADD COLUMN basis TEXT NOT NULL DEFAULT '';
CREATE TABLE durations (
    run INTEGER NOT NULL REFERENCES runs(id),
    id TEXT NOT NULL,
    phase TEXT NOT NULL,
    wall REAL NOT NULL,
    cpu REAL NOT NULL,
    PRIMARY KEY (run, id, phase)
);
""",
    2: "ALTER TABLE refusals ADD COLUMN basis TEXT NOT NULL DEFAULT '';",
    3: """
ALTER TABLE runs ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN facts_of INTEGER NOT NULL DEFAULT 0;
ALTER TABLE overrides ADD COLUMN points REAL;
ALTER TABLE overrides ADD COLUMN comment TEXT NOT NULL DEFAULT '';
""",
    4: """
CREATE INDEX phases_of_a_submission ON phases (id, phase, basis);
CREATE INDEX refusals_of_a_submission ON refusals (name, basis);
CREATE INDEX durations_of_a_submission ON durations (id, phase, run);
""",
    5: "DROP TABLE published;",
}
"""SQL that turns format n into n + 1; every format ever released stays readable."""

BUSY_SECONDS = 60.0
"""How long a process waits for another one's transaction; each lasts milliseconds."""


SYNCHRONOUS = "FULL"
"""What is committed outlives a loss of power, for some milliseconds of the disk each."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a store, making or upgrading it as needed; UsageFault for a file that is none or is newer than
    this grader.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        _write_ahead(connection)
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        connection.execute("PRAGMA foreign_keys = ON")
        _bring_up_to_date(connection, path)
    except sqlite3.OperationalError as fault:
        raise UsageFault(f"{path}: the store cannot be opened ({fault})") from fault
    except sqlite3.DatabaseError as fault:
        raise UsageFault(
            f"{path}: not a store of grader ({fault}); move it away or choose another with --store"
        ) from fault
    except OSError as fault:
        raise UsageFault(f"{path}: the store cannot be opened ({fault.strerror})") from fault
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; takes the write lock at once, so that two processes wait for one another instead of
    failing.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def unpacked(record: bytes, kind: type[_T]) -> _T:
    """Return a stored record. Raises msgspec.DecodeError, whatever is wrong with it.

    msgspec itself raises UnicodeDecodeError for a text that is no UTF-8, and TypeError where a column holds
    no bytes.
    """
    try:
        return msgspec.msgpack.decode(record, type=kind)
    except (UnicodeDecodeError, TypeError) as fault:
        raise msgspec.DecodeError(f"no record of this kind: {fault}") from fault


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, and wait for another process that does the same.

    SQLite answers `database is locked` at once, without its busy handler, where two connections change the
    journal mode of one new file: 8 of 240 openings failed, four threads at once on two cores; so the wait is
    here.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(
        connection
    ):  # a second process that opens the same new store waits here and finds it made
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > FORMAT:
            raise UsageFault(
                f"{path}: written by a newer grader (store format {version}, this one knows {FORMAT})"
            )
        if version == 0:  # a new file: the schema is that of FORMAT already
            schema = (files("grader") / "store" / "schema.sql").read_text("utf-8")
            for statement in _statements(schema):
                connection.execute(statement)
        for step in range(version or FORMAT, FORMAT):
            for statement in _statements(UPGRADES[step]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the surrounding transaction, so statements run one by one.
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
