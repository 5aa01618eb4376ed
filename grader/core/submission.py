"""What a student handed in: files with their kinds and hashes, and the bytes beside them."""

from collections.abc import Iterable, Iterator, Sequence
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
    ARCHIVE = "archive"
    """A zip, tar, 7z or rar inside the hand-in, which is not opened."""
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


class Reads(Enum):
    """Which artefacts a reader is given; what it makes is kept under these, and a change of another makes
    nothing anew.
    """

    ALL = "all"
    TEXTS = "texts"
    """READMEs, other texts and notebooks."""
    WORKBOOKS = "workbooks"
    IMAGES = "images"
    MODULES = "modules"
    """Python files."""
    RUNS = "runs"
    """What lies beside code that runs: everything but prose, which no program reads."""


_OF_KINDS = {
    # An archive that nobody opened may hold what is missing.
    Reads.TEXTS: (Kind.README, Kind.NOTEBOOK, Kind.ARCHIVE),
    Reads.WORKBOOKS: (Kind.WORKBOOK, Kind.ARCHIVE),
    Reads.IMAGES: (Kind.IMAGE,),
    Reads.MODULES: (Kind.SOURCE,),
}


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
    def prose(self) -> bool:
        """Whether it is written for a reader and for no program; a `.txt` may hold names of classes, say."""
        name = self.path.rpartition("/")[2].lower()
        return self.kind is Kind.README and (name.startswith("readme") or not name.endswith(".txt"))

    def read_by(self, reads: Reads) -> bool:
        """Whether such a reader is given it."""
        if reads is Reads.RUNS:
            return not self.prose
        return reads is Reads.ALL or self.kind in _OF_KINDS[reads]

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

    def only(self, reads: Reads) -> "Submission":
        """Return the same hand-in with nothing but what such a reader is given."""
        artefacts = tuple(a for a in self.artefacts if a.read_by(reads))
        return msgspec.structs.replace(self, artefacts=artefacts)

    def absent(self, kind: Kind, what: str) -> Unavailable:
        """Return why no artefact of a kind can be read; `what` names the thing with its article: "a
        notebook".
        """
        here = [(a.path, a.trouble) for a in self.artefacts if a.kind is kind and not a.readable]
        return absent(what, here, self.archives)

    @property
    def archives(self) -> tuple[str, ...]:
        """Paths of archives inside, which may hold anything."""
        return tuple(a.path for a in self.artefacts if a.kind is Kind.ARCHIVE)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact with its bytes."""

    artefact: Artefact
    data: bytes
    reading: bytes = b""
    """The document that was read of it when it was identified, as MessagePack; empty where none was."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Every artefact of one submission with its bytes, sorted by path."""

    submission: Submission
    items: tuple[Source, ...]

    def __iter__(self) -> Iterator[Source]:
        return iter(self.items)

    def only(self, reads: Reads) -> "Sources":
        """Return the same hand-in with nothing but what such a reader is given."""
        items = tuple(s for s in self.items if s.artefact.read_by(reads))
        return Sources(submission=self.submission.only(reads), items=items)

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


def absent(what: str, handed_in: Iterable[tuple[str, str]], archives: Sequence[str] = ()) -> Unavailable:
    """Return why there is nothing to read, in one of four sentences: the only author of them.

    `handed_in` has each file of the sort with what is wrong with it; nothing is wrong with one that is there
    and empty. Not handed in and empty are `skipped`; handed in and unreadable is `unknown`, since a person
    may be able to read it, and so is what may lie in an archive that nobody opened.
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
    if archives:
        return Unavailable(
            f"{what} may lie in {', '.join(archives[:3])}: an archive inside the hand-in is not opened",
            Verdict.UNKNOWN,
        )
    return Unavailable(f"{what} was not handed in", Verdict.SKIPPED)
