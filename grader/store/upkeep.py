"""Checking a store, and forgetting what no kept run needs."""

import msgspec

from grader.core.submission import Submission
from grader.store.database import transaction
from grader.store.runs import Store


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """How much was forgotten."""

    runs: int
    products: int
    objects: int


def faults(store: Store) -> tuple[str, ...]:
    """Return what is wrong with a store, one sentence each: a damaged page, a missing product, an object that rotted."""
    found = [
        f"database: {row[0]}" for row in store.connection.execute("PRAGMA integrity_check") if row[0] != "ok"
    ]
    have = {row[0] for row in store.connection.execute("SELECT key FROM products")}
    for run, name, phase, products in store.connection.execute("SELECT run, id, phase, products FROM phases"):
        keys = msgspec.msgpack.decode(products, type=dict[str, str])
        found += [
            f"run {run}, {name}, {phase}: {p} is missing" for p, k in sorted(keys.items()) if k not in have
        ]
    present = set(store.objects)
    for digest, owner in sorted(_needed(store).items()):
        if digest not in present:
            found.append(f"{owner}: the submitted bytes {digest[:12]} are missing")
            continue
        try:
            store.objects.get(digest)
        except ValueError as fault:
            found.append(f"{owner}: {fault}")
    return tuple(found)


def prune(store: Store, keep: int) -> Removed:
    """Forget all but the newest `keep` runs and what only the others needed. Overrides stay."""
    old = [r.id for r in store.runs()][:-keep]
    with transaction(store.connection) as c:
        for table in ("phases", "durations", "deliveries", "refusals"):
            c.executemany(f"DELETE FROM {table} WHERE run = ?", [(i,) for i in old])  # noqa: S608  # names above
        c.executemany("DELETE FROM runs WHERE id = ?", [(i,) for i in old])
        rows = c.execute("SELECT products FROM phases").fetchall()
        used = {k for row in rows for k in msgspec.msgpack.decode(row[0], type=dict[str, str]).values()}
        unused = [r[0] for r in c.execute("SELECT key FROM products").fetchall() if r[0] not in used]
        c.executemany("DELETE FROM products WHERE key = ?", [(k,) for k in unused])
    needed = _needed(store)
    orphans = [d for d in store.objects if d not in needed]
    for digest in orphans:
        store.objects.remove(digest)
    return Removed(runs=len(old), products=len(unused), objects=len(orphans))


def _needed(store: Store) -> dict[str, str]:
    rows = store.connection.execute("SELECT id, submission FROM deliveries").fetchall()
    return {
        a.sha256: f"{name}: {a.path}"
        for name, blob in rows
        for a in msgspec.msgpack.decode(blob, type=Submission).artefacts
    }
