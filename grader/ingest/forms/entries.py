"""What a class is made of, whatever form it came in."""

import unicodedata
from collections.abc import Iterable

import msgspec

from grader.ingest.read import Layout, shown_name


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One place that should hold a submission. `paths` are several files where a platform lays them flat."""

    id: str
    paths: tuple[str, ...]
    layout: Layout = Layout()
    late_days: float = 0.0
    note: str = ""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of a class, sorted by id, and what was found that is no submission."""

    form: str
    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    """What was made of the path before its entries were found: a folder round the class, a zip."""


def listing(
    form: str, entries: Iterable[Entry], refused: Iterable[tuple[str, str]], notes: Iterable[str] = ()
) -> Listing:
    """Return a listing; of two entries with one id the second is refused, and nobody's work is merged.

    An id is written in composed letters (NFC): a Mac gives `Jörg` in other bytes than a grade book does.
    """
    by_id: dict[str, Entry] = {}
    bad = list(refused)
    named = (
        msgspec.structs.replace(e, id=unicodedata.normalize("NFC", shown_name(e.id)).strip()) for e in entries
    )
    for entry in sorted(named, key=lambda e: (e.id, e.paths)):
        if entry.id in by_id:
            bad.append((entry.paths[0], f"the id {entry.id!r} is taken by {by_id[entry.id].paths[0]}"))
        else:
            by_id[entry.id] = entry
    told = sorted((shown_name(name), shown_name(reason)) for name, reason in bad)
    return Listing(form=form, entries=tuple(by_id.values()), refused=tuple(told), notes=tuple(notes))
