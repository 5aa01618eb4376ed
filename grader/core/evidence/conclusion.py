"""What the documents of a submission conclude about the learning rate."""

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.place import Place


class RateStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence that says how the learning rate and the speed of learning go together."""

    place: Place
    text: str


class ConclusionEvidence(Evidence, frozen=True, kw_only=True):
    """Statements about the learning rate in all documents, the main one's first."""

    statements: tuple[RateStatement, ...]
    documents: tuple[str, ...]
