"""What lies at an entry of a class when a run begins, by digests."""

import logging
from typing import Self

import msgspec

from grader.ingest.forms.entries import Entry
from grader.pipeline.classroom.fingerprint import basis_of, look
from grader.pipeline.stages.request import Request

log = logging.getLogger(__name__)


class HandedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of one entry."""

    basis: str
    """Of all that decides what is read of it; empty, which is like nothing, where it cannot be told."""
    files: tuple[str, ...] = ()
    """Of each file, with its name: what another hand-in may have, too."""

    @classmethod
    def of(cls, entry: Entry, request: Request) -> Self:
        """Look at what lies there now."""
        try:
            seen = look(entry.paths, entry.layout)
            return cls(basis=basis_of(seen.digest, request.loaded.sha256, request.settings), files=seen.files)
        except Exception:  # the worker that reads this submission meets the same, and says so
            log.exception("%s has no fingerprint", entry.id)
            return cls(basis="")
