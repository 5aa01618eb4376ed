"""What a student handed in: files with their kinds and hashes, and the bytes beside them."""

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict


class Kind(Enum):
    """What an artefact is by its content; the suffix is only a hint."""

    README = "readme"
    """Markdown or plain text."""
    NOTEBOOK = "notebook"
    WORKBOOK = "workbook"
    SOURCE = "source"
    """A Python file."""
    IMAGE = "image"
    OTHER = "other"


class Problem(Enum):
    """Why an artefact cannot be what its name says."""

    NONE = ""
    LFS_POINTER = "lfs-pointer"
    LOCK_FILE = "lock-file"
    EMPTY = "empty"
    NOT_WHAT_IT_SAYS = "not-what-it-says"
    BROKEN = "broken"
    TOO_LARGE = "too-large"
    ENCRYPTED = "encrypted"
    OLD_FORMAT = "old-format"


class Artefact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One submitted file. `path` is relative to the submission, with `/`; `size` is in bytes."""

    path: str
    kind: Kind
    sha256: str
    size: int
    main: bool = False
    problem: Problem = Problem.NONE
    note: str = ""
    """One sentence for a person: what is wrong, what was repaired, why it is or is not the main one."""

    @property
    def readable(self) -> bool:
        """Whether an extractor should try to read it."""
        return self.problem is Problem.NONE

    @property
    def trouble(self) -> str:
        """What keeps a person from reading it; empty for a good file, and for one that holds nothing."""
        return "" if self.problem in (Problem.NONE, Problem.EMPTY) else self.note or self.problem.value


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One student's hand-in. `sha256` is over the sorted (path, sha256) pairs of the artefacts."""

    id: str
    slug: str
    """File-system-safe and collision-safe name of the report folder."""
    sha256: str
    artefacts: tuple[Artefact, ...]
    single_file: bool = False
    """Whether one file was given instead of a folder or archive."""
    doubts: tuple[str, ...] = ()
    """Choices of a main artefact that a person should confirm, one sentence each."""
    notes: tuple[str, ...] = ()

    def absent(self, kind: Kind, what: str) -> Unavailable:
        """Return why no artefact of a kind can be read; `what` names the thing with its article: "a
        notebook".
        """
        return absent(
            what, [(a.path, a.trouble) for a in self.artefacts if a.kind is kind and not a.readable]
        )


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact with its bytes."""

    artefact: Artefact
    data: bytes


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Every artefact of one submission with its bytes, sorted by path."""

    submission: Submission
    items: tuple[Source, ...]

    def __iter__(self) -> Iterator[Source]:
        return iter(self.items)

    def fetch(self, sha256: str) -> bytes:
        """Return the bytes of an artefact by its hash; KeyError for none of this submission."""
        for source in self.items:
            if source.artefact.sha256 == sha256:
                return source.data
        raise KeyError(sha256)

    def of(self, kind: Kind) -> tuple[Source, ...]:
        """All readable sources of a kind, the main one first, then by path."""
        found = [s for s in self.items if s.artefact.kind is kind and s.artefact.readable]
        return tuple(sorted(found, key=lambda s: (not s.artefact.main, s.artefact.path)))

    def main(self, kind: Kind) -> Source | None:
        """The main source of a kind, if one was chosen."""
        return next((s for s in self.of(kind) if s.artefact.main), None)

    def damaged(self, kind: Kind) -> tuple[Artefact, ...]:
        """Artefacts that say they are of a kind and cannot be read, by path."""
        return tuple(s.artefact for s in self.items if s.artefact.kind is kind and not s.artefact.readable)

    def absent(self, kind: Kind, what: str) -> Unavailable:
        """Return why nothing of a kind can be read; `what` names the thing with its article: "a notebook"."""
        return self.submission.absent(kind, what)


def absent(what: str, handed_in: Iterable[tuple[str, str]]) -> Unavailable:
    """Return why there is nothing to read, in one of three sentences: the only author of them.

    `handed_in` has each file of the sort with what is wrong with it; nothing is wrong with one that is there
    and empty. Not handed in and empty are `skipped`; handed in and unreadable is `unknown`, since a person
    may be able to read it.
    """
    files = list(handed_in)
    damaged = [f"{path}: {problem}" for path, problem in files if problem]
    if damaged:
        return Unavailable(
            f"{what} was handed in that cannot be read ({'; '.join(damaged)})", Verdict.UNKNOWN
        )
    if files:
        named = ", ".join(path for path, _ in files)
        return Unavailable(f"{what} was handed in, and there is nothing in it ({named})", Verdict.SKIPPED)
    return Unavailable(f"{what} was not handed in", Verdict.SKIPPED)
