"""The lines of "what we read": shown before any judgement, so that a student can object to the reading
itself.
"""

from collections.abc import Collection
from typing import Protocol, runtime_checkable

import msgspec

from grader.core.evidence.documents import Documents
from grader.core.report import Note
from grader.pipeline.grade.products import Known


@runtime_checkable
class Readable(Protocol):
    """Evidence or facts that can say in a few lines what was read."""

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Pairs of what was read and what we made of it."""
        ...


def read_notes(known: Known, skip: Collection[str] = ()) -> tuple[Note, ...]:
    """Return the notes of everything that was made, then why the rest is missing; `skip` names products to
    leave out.
    """
    notes = [
        Note(what=what, text=text)
        for name, product in known.products().items()
        if isinstance(product, Readable) and name not in skip
        for what, text in product.reading()
    ]
    reasons = sorted({m.reason for name, m in known.missing().items() if name not in skip})
    notes += [Note(what="not read", text=reason) for reason in reasons]
    for model, inner in known.models.items():
        begin = f"{model}/"
        own = {Documents.__name__, *(n.removeprefix(begin) for n in skip if n.startswith(begin))}
        notes += [msgspec.structs.replace(n, what=f"{model}: {n.what}") for n in read_notes(inner, own)]
    return tuple(notes)
