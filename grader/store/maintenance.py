"""Checking a store, and forgetting what no kept run needs."""

import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator

import msgspec

from grader.core.missing import Missing
from grader.core.report import Note
from grader.core.settings import Settings
from grader.core.submission import Submission
from grader.store.database import transaction, unpacked
from grader.store.runs import Store


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """How much was forgotten."""

    runs: int
    products: int
    objects: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What `store check` found. A number is -1 where even counting fails."""

    faults: tuple[str, ...]
    runs: int
    objects: int
    decisions: int


def check(store: Store) -> Checked:
    """Return what is wrong with a store, one sentence each, whatever is damaged: it never raises on a file
    that rotted.
    """
    found: list[str] = []
    for what, part in _PARTS.items():
        try:
            found += part(store)
        except (sqlite3.Error, ValueError) as fault:
            found.append(f"{what}: cannot be read ({fault})")
    return Checked(
        faults=tuple(dict.fromkeys(found)),
        runs=_count(store, "runs"),
        objects=sum(1 for _ in store.objects),
        decisions=_count(store, "overrides"),
    )


def _count(store: Store, table: str) -> int:
    try:
        rows = store.connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # names above
    except sqlite3.Error:
        return -1
    return len(rows)


def _pages(store: Store) -> Iterator[str]:
    for row in store.connection.execute("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"database: {row[0]}"


def _runs(store: Store) -> Iterator[str]:
    for number, settings in store.connection.execute("SELECT id, settings FROM runs"):
        yield from _record(f"run {number}", "its options", settings, Settings)


def _products(store: Store) -> Iterator[str]:
    for key, product, payload in store.connection.execute("SELECT key, product, payload FROM products"):
        try:
            zlib.decompress(payload)
        except zlib.error as fault:
            yield f"product {product} {key[:12]} is damaged ({fault}); it is made again when it is needed"


def _phases(store: Store) -> Iterator[str]:
    have = {row[0] for row in store.connection.execute("SELECT key FROM products")}
    for run, name, phase, products, missing, notes in store.connection.execute(
        "SELECT run, id, phase, products, missing, notes FROM phases"
    ):
        where = f"run {run}, {name}, {phase}"
        wrong = list(_record(where, "its products", products, dict[str, str]))
        yield from wrong
        yield from _record(where, "its reasons", missing, dict[str, Missing])
        yield from _record(where, "its notes", notes, tuple[Note, ...])
        keys = {} if wrong else unpacked(products, dict[str, str])
        yield from (f"{where}: {p} is missing" for p, k in sorted(keys.items()) if k not in have)


def _deliveries(store: Store) -> Iterator[str]:
    present = set(store.objects)
    needed: dict[str, str] = {}
    for run, name, blob in store.connection.execute("SELECT run, id, submission FROM deliveries"):
        wrong = list(_record(f"run {run}, {name}", "what was handed in", blob, Submission))
        yield from wrong
        if not wrong:
            needed |= _files(name, blob)
    for digest, owner in sorted(needed.items()):
        if digest not in present:
            yield f"{owner}: the submitted bytes {digest[:12]} are missing"
            continue
        try:
            store.objects.get(digest)
        except (OSError, ValueError) as fault:
            yield f"{owner}: {fault}"


def _decisions(store: Store) -> Iterator[str]:
    try:
        store.decisions()
    except (sqlite3.Error, ValueError) as fault:
        yield f"decisions of persons: cannot be read ({fault})"


_PARTS: dict[str, Callable[[Store], Iterator[str]]] = {
    "database": _pages,
    "runs": _runs,
    "products": _products,
    "phases": _phases,
    "deliveries": _deliveries,
    "decisions of persons": _decisions,
}


def _record(where: str, what: str, data: bytes, kind: type) -> Iterator[str]:
    try:
        unpacked(data, kind)
    except msgspec.DecodeError as fault:
        yield f"{where}: {what} cannot be read ({fault})"


def prune(store: Store, keep: int) -> Removed:
    """Forget all but the newest `keep` runs and what only the others needed. Overrides stay.

    Results that machines of a cluster left beside the store go with it: what was kept of them is in it.
    """
    shutil.rmtree(store.path.parent / "products", ignore_errors=True)
    old = [r.id for r in store.runs()][:-keep]
    with transaction(store.connection) as c:
        for table in ("phases", "durations", "deliveries", "refusals"):  # no names from outside
            c.executemany(f"DELETE FROM {table} WHERE run = ?", [(i,) for i in old])  # noqa: S608
        c.executemany("DELETE FROM runs WHERE id = ?", [(i,) for i in old])
        rows = c.execute("SELECT products FROM phases").fetchall()
        used = {k for row in rows for k in unpacked(row[0], dict[str, str]).values()}
        unused = [r[0] for r in c.execute("SELECT key FROM products").fetchall() if r[0] not in used]
        c.executemany("DELETE FROM products WHERE key = ?", [(k,) for k in unused])
        needed = {
            digest
            for name, blob in c.execute("SELECT id, submission FROM deliveries").fetchall()
            for digest in _files(name, blob)
        }
    orphans = [d for d in store.objects if d not in needed]
    for digest in orphans:
        store.objects.remove(digest)
    return Removed(runs=len(old), products=len(unused), objects=len(orphans))


def _files(name: str, blob: bytes) -> dict[str, str]:
    """Return the owner of each object of a delivery, by the object's hash."""
    submission = unpacked(blob, Submission)
    return {a.sha256: f"{name}: {a.path}" for a in submission.artefacts}
