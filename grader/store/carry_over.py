"""Taking over what an earlier run found, and forgetting what no longer holds: a run is whole without grading
everybody again.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Sequence

from grader.store.database import transaction
from grader.store.runs import Run, Store, inherit_duration, now

_TABLES = (
    ("deliveries", "id", "id, slug, sha256, late_days, submission, seen"),
    ("refusals", "name", "name, reason, basis"),
    ("phases", "id", "id, phase, products, missing, notes, basis"),
    ("durations", "id", "id, phase, wall, cpu"),
)
"""What a run holds of a submission: table, column of its id, columns."""


def reuse(store: Store, run: int, wanted: Sequence[tuple[str, str, float]], phase: str) -> set[str]:
    """Copy finished phases, or refusals, of earlier runs, and return whose submissions were found.

    `wanted` holds (submission id, basis, late days).
    """
    found: set[str] = set()
    with transaction(store.connection) as c:
        for name, basis, late_days in wanted:
            refusal = c.execute(
                "SELECT reason FROM refusals WHERE name = ? AND basis = ? AND basis != '' ORDER BY run DESC",
                (name, basis),
            ).fetchone()
            if refusal is not None:
                found.add(name)
                c.execute(
                    "INSERT OR REPLACE INTO refusals (run, name, reason, basis) VALUES (?, ?, ?, ?)",
                    (run, name, refusal[0], basis),
                )
                continue
            row = c.execute(
                "SELECT run FROM phases WHERE id = ? AND phase = ? AND basis = ? AND basis != "
                "'' ORDER BY run DESC",
                (name, phase, basis),
            ).fetchone()
            if row is None:
                continue
            found.add(name)
            c.execute(
                "INSERT OR REPLACE INTO deliveries (run, id, slug, sha256, late_days, submission, seen) "
                "SELECT ?, id, slug, sha256, ?, submission, ? FROM deliveries WHERE run = ? AND id = ?",
                (run, late_days, now(), row[0], name),
            )
            c.execute(
                "INSERT OR REPLACE INTO phases (run, id, phase, products, missing, notes, basis) "
                "SELECT ?, id, phase, products, missing, notes, basis FROM phases WHERE run = ? AND "
                "id = ? AND phase = ?",
                (run, row[0], name, phase),
            )
            inherit_duration(c, run, name, phase)
    return found


def graded_before(store: Store, run: int, names: Collection[str]) -> set[str]:
    """Return which submissions another run went through, with whatever files, rubric, options and grader."""
    asked = "SELECT 1 FROM phases WHERE id = ? AND run != ? LIMIT 1"
    return {n for n in names if store.connection.execute(asked, (n, run)).fetchone() is not None}


def carry(store: Store, run: Run, names: Collection[str], *, finished: bool = False) -> int:
    """Copy what other runs of the same kind hold of those of whom a run has nothing; return of how many.

    Of each the newest run counts, a finished one before one that is not (which `finished` leaves out), and
    all of it comes from that one: two runs may have read other files. A run is of the same kind where its
    fingerprint begins alike, up to the dot: the same class, rubric and options.
    """
    kind = run.fingerprint.partition(".")[0]
    with transaction(store.connection) as c:
        missing = set(names) - _held(c, run.id)
        wanted = len(missing)
        rows = c.execute(
            "SELECT id FROM runs WHERE id != ? AND fingerprint LIKE ? || '.%' AND (finished != '' OR NOT ?) "
            "ORDER BY finished = '', id DESC",
            (run.id, kind, finished),
        ).fetchall()
        for (source,) in rows if missing else ():
            found = sorted(missing & _held(c, source))
            missing.difference_update(found)
            for table, name, columns in _TABLES:
                c.executemany(
                    f"INSERT OR IGNORE INTO {table} (run, {columns}) "  # noqa: S608  # names above
                    f"SELECT ?, {columns} FROM {table} WHERE run = ? AND {name} = ?",
                    [(run.id, source, submission) for submission in found],
                )
    return wanted - len(missing)


def _held(c: sqlite3.Connection, run: int) -> set[str]:
    rows = c.execute(
        "SELECT id FROM deliveries WHERE run = ? UNION SELECT name FROM refusals WHERE run = ?", (run, run)
    )
    return {row[0] for row in rows.fetchall()}


def share_facts(store: Store, source: Run, rubric_name: str, rubric: bytes) -> Run:
    """Return a run with all that another found, to be judged with another rubric; the same call, the same
    run.

    Nothing is computed again: it holds the same hand-ins, products, reasons and durations, as of now.
    """
    mark = f"facts of {source.id} with {hashlib.sha256(rubric).hexdigest()}"
    with transaction(store.connection) as c:
        row = c.execute("SELECT id FROM runs WHERE fingerprint = ?", (mark,)).fetchone()
        if row is None:
            cursor = c.execute(
                "INSERT INTO runs (class_name, rubric_name, rubric, settings, fingerprint, started, "
                "finished, facts_of) "
                "SELECT class_name, ?, ?, settings, ?, ?, finished, ? FROM runs WHERE id = ?",
                (rubric_name, rubric, mark, now(), source.facts_of or source.id, source.id),
            )
            row = (int(cursor.lastrowid or 0),)
        for table, _, columns in _TABLES:
            c.execute(f"DELETE FROM {table} WHERE run = ?", row)  # noqa: S608  # names above
            taken = f"SELECT ?, {columns} FROM {table} WHERE run = ?"  # noqa: S608
            c.execute(f"INSERT INTO {table} (run, {columns}) {taken}", (row[0], source.id))
        c.execute(
            "UPDATE runs SET finished = (SELECT finished FROM runs WHERE id = ?) WHERE id = ?",
            (source.id, row[0]),
        )
    return store.run(row[0])


def forget_changed(store: Store, run: Run, bases: dict[str, str]) -> None:
    """Forget what a run that goes on found in submissions that are others now; `bases` are those of today, by
    id.

    Where one of the two is empty nobody can tell, and what was found stays.
    """
    with transaction(store.connection) as c:
        rows = c.execute(
            "SELECT id, basis FROM phases WHERE run = ? AND basis != '' UNION "
            "SELECT name, basis FROM refusals WHERE run = ? AND basis != ''",
            (run.id, run.id),
        ).fetchall()
        changed = [name for name, basis in rows if bases.get(name, basis) not in ("", basis)]
        for table, name, _ in _TABLES:
            c.executemany(
                f"DELETE FROM {table} WHERE run = ? AND {name} = ?",  # noqa: S608  # names above
                [(run.id, n) for n in changed],
            )
