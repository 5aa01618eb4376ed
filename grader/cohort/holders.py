"""Who of a class holds which passage: an index on disk, since ten thousand hand-ins have more than a million.

SQLite sorts in files of its own where its cache is full, and forgets the whole with the connection.
"""

import sqlite3
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

_TABLES: Final = (
    "CREATE TABLE held (what TEXT, key TEXT, who INTEGER, root INTEGER)",
    "CREATE TABLE files (what TEXT, field TEXT, digest TEXT, who INTEGER, artefact TEXT)",
    "CREATE TABLE pairs (first INTEGER, second INTEGER, times INTEGER)",
    "CREATE TABLE wanted (key TEXT PRIMARY KEY) WITHOUT ROWID",
)
_CACHE_KIB: Final = 8_192
_RINGS: Final = 10_000
"""Sets of holders that are counted in memory before their pairs are written down."""


class Holder(NamedTuple):
    """Somebody who holds a passage; `root` is a number that goes with it, of a mistake say."""

    who: int
    root: int


class Holders:
    """Passages and files of a class, each with whoever holds it. People are numbered in an order that the
    caller chooses.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._db.execute(f"PRAGMA {pragma}")
        for table in _TABLES:
            self._db.execute(table)
        self._db.execute("BEGIN")

    def hold(self, what: str, who: int, keys: Iterable[tuple[str, int]]) -> None:
        """Note that somebody holds passages, by their keys, each with its number."""
        rows = ((what, key, who, root) for key, root in keys)
        self._db.executemany("INSERT INTO held VALUES (?, ?, ?, ?)", rows)

    def hand_in(self, what: str, field: str, who: int, files: Iterable[tuple[str, str]]) -> None:
        """Note digests of files, each with the artefact that has it."""
        rows = ((what, field, digest, who, artefact) for digest, artefact in files)
        self._db.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def same_files(self, what: str, field: str) -> Iterator[list[tuple[int, str]]]:
        """Yield who has the same file, with the artefact, for each that two or more have; in the order of
        digests.
        """
        rows = self._db.execute(
            "SELECT digest, who, artefact FROM files WHERE what = ? AND field = ? "
            "ORDER BY digest, who, rowid",
            (what, field),
        )
        for _, group in groupby(rows, lambda row: row[0]):
            first: dict[int, str] = {}
            for _, who, artefact in group:
                first.setdefault(who, artefact)
            if len(first) > 1:
                yield list(first.items())

    def holders(self, what: str) -> Iterator[tuple[str, list[Holder]]]:
        """Yield each passage with all who hold it, in their order."""
        rows = self._db.execute("SELECT key, who, root FROM held WHERE what = ? ORDER BY key, who", (what,))
        for key, group in groupby(rows, lambda row: row[0]):
            yield key, [Holder(who, root) for _, who, root in group]

    def counted(self, what: str, keys: Collection[str]) -> dict[str, int]:
        """Return how many hold each of some passages."""
        self._db.execute("DELETE FROM wanted")
        self._db.executemany("INSERT INTO wanted VALUES (?)", ((key,) for key in set(keys)))
        rows = self._db.execute(
            "SELECT held.key, COUNT(*) FROM held JOIN wanted ON wanted.key = held.key WHERE what = ? "
            "GROUP BY held.key",
            (what,),
        )
        return dict(rows.fetchall())

    def pairs(
        self, rings: Iterable[list[int]], neighbours: int, at_least: int
    ) -> Iterator[tuple[int, int, int]]:
        """Count how often two stand within so many places of one another in rings of people; yield those
        pairs that do `at_least` so often, sorted.
        """
        self._db.execute("DELETE FROM pairs")
        seen: Counter[bytes] = Counter()
        for ring in rings:
            # The passages of one notebook that went round are all held by the same people.
            seen[array("L", ring).tobytes()] += 1
            if len(seen) >= _RINGS:
                self._write_pairs(seen, neighbours)
                seen.clear()
        self._write_pairs(seen, neighbours)
        yield from self._db.execute(
            "SELECT first, second, SUM(times) FROM pairs GROUP BY first, second HAVING SUM(times) >= ?",
            (at_least,),
        )

    def _write_pairs(self, seen: Counter[bytes], neighbours: int) -> None:
        def rows() -> Iterator[tuple[int, int, int]]:
            for packed, times in seen.items():
                ring = array("L", packed)
                for at, first in enumerate(ring):
                    for second in ring[at + 1 : at + 1 + neighbours]:
                        yield first, second, times

        self._db.executemany("INSERT INTO pairs VALUES (?, ?, ?)", rows())

    def close(self) -> None:
        """Forget everything."""
        self._db.close()
