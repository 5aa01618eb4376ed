"""Decisions of persons as rows: appended all or none, never changed."""

import sqlite3
from collections.abc import Sequence

import msgspec

from grader.core.decision import Decision
from grader.store.database import transaction

_COLUMNS = "submission, code, verdict, credit, reason, who, made, points, comment"


def append(connection: sqlite3.Connection, decisions: Sequence[Decision]) -> None:
    """Write decisions, all or none."""
    rows = [
        (
            *(d.submission, d.code, d.verdict.value if d.verdict else "", d.credit),
            *(d.reason, d.who, d.made, d.points, d.comment),
        )
        for d in decisions
    ]
    with transaction(connection) as c:
        marks = ", ".join("?" * 9)
        c.executemany(f"INSERT INTO overrides ({_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608


def read(connection: sqlite3.Connection) -> tuple[Decision, ...]:
    """Return all decisions, oldest first; ValidationError for a row that is none."""
    wanted = _COLUMNS.replace("verdict", "NULLIF(verdict, '')")
    rows = connection.execute(f"SELECT {wanted} FROM overrides ORDER BY number").fetchall()  # noqa: S608
    fields = Decision.__struct_fields__
    return tuple(msgspec.convert(dict(zip(fields, row, strict=True)), Decision) for row in rows)
