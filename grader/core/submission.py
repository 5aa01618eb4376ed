"""What a student handed in: files with their kinds and hashes, and the bytes beside them."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import PurePosixPath
from typing import Final

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
    """A zip, rar, 7z or tar that was not unpacked: whatever is missing may lie in it."""
    NOTE = "note"
    """What was typed into the platform's own text field, or a shortcut to what lies elsewhere."""
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
    NOT_UNPACKED = "not-unpacked"
    """It is, or lies in, an archive that was not unpacked."""
    NOT_READ = "not-read"
    """A form that grader does not read, or a link to what lies elsewhere."""


_HELD: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.README: frozenset(
        (
            ".pdf",
            ".docx",
            ".doc",
            ".odt",
            ".rtf",
            ".pages",
            ".html",
            ".htm",
            ".mht",
            ".pptx",
            ".gdoc",
            ".heic",
            ".heif",
            ".tif",
            ".tiff",
        )
    ),
    Kind.NOTEBOOK: frozenset((".html", ".htm", ".mht")),
    Kind.WORKBOOK: frozenset((".numbers", ".gsheet", ".xlsb", ".fods")),
}
"""Forms that grader does not read, by what they may be: a derivation in Word, a notebook saved as a page."""


def forms_of(suffix: str) -> frozenset[Kind]:
    """Return the kinds that an unread file with a suffix (`.pdf`) may be; none for most."""
    return frozenset(kind for kind, suffixes in _HELD.items() if suffix.lower() in suffixes)


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
    Reads.TEXTS: (Kind.README, Kind.NOTEBOOK),
    Reads.WORKBOOKS: (Kind.WORKBOOK,),
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

    def may_hold(self, kind: Kind) -> bool:
        """Whether something of a kind may be in it: it is one, or nobody unpacked or read it and it could
        be.
        """
        if self.kind is kind:
            return True
        if self.problem not in (Problem.NOT_UNPACKED, Problem.NOT_READ):
            return False
        if self.unread_form and kind in _HELD:
            return True  # a PDF in the place of the README may show the sheet, or link to it
        return self.kind in (Kind.ARCHIVE, Kind.NOTE) or kind in forms_of(PurePosixPath(self.path).suffix)

    @property
    def unread_form(self) -> bool:
        """Whether it is a text of a form that grader does not read: a PDF, a Word document."""
        return self.kind is Kind.OTHER and Kind.README in forms_of(PurePosixPath(self.path).suffix)

    @property
    def prose(self) -> bool:
        """Whether it is written for a reader and for no program; a `.txt` may hold names of classes, say."""
        name = self.path.rpartition("/")[2].lower()
        return self.kind is Kind.README and (name.startswith("readme") or not name.endswith(".txt"))

    def read_by(self, reads: Reads) -> bool:
        """Whether such a reader is given it."""
        if reads is Reads.RUNS:
            return not self.prose
        # What was not opened may hold whatever a reader looks for.
        closed = self.problem in (Problem.NOT_UNPACKED, Problem.NOT_READ) or self.unread_form
        return reads is Reads.ALL or closed or self.kind in _OF_KINDS[reads]

    @property
    def trouble(self) -> str:
        """What keeps a person from reading it; empty for a good file, and for one that holds nothing."""
        return "" if self.problem in (Problem.NONE, Problem.EMPTY) else self.note or self.problem.value


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part that was not handed in, and that a README links: a sheet of Google's, a notebook in Colab."""

    kind: Kind
    path: str
    """The README."""
    link: str

    @property
    def told(self) -> str:
        """What keeps anybody from saying that it was not given."""
        return f"links {self.link}, which was not fetched"


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
    elsewhere: tuple[Elsewhere, ...] = ()
    """Parts that were not handed in and may lie behind a link."""

    def only(self, reads: Reads) -> "Submission":
        """Return the same hand-in with nothing but what such a reader is given."""
        artefacts = tuple(a for a in self.artefacts if a.read_by(reads))
        return msgspec.structs.replace(self, artefacts=artefacts)

    def absent(self, kind: Kind, what: str) -> Unavailable:
        """Return why no artefact of a kind can be read; `what` names the thing with its article: "a
        notebook".
        """
        unread = [a for a in self.artefacts if a.may_hold(kind) and not a.readable]
        return absent(
            what,
            [(a.path, a.trouble) for a in unread if a.kind is kind],
            [
                *((a.path, a.trouble) for a in unread if a.kind is not kind),
                *((e.path, e.told) for e in self.elsewhere if e.kind is kind),
            ],
            cause=f"no-{kind.value}",
        )


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


def absent(
    what: str,
    handed_in: Iterable[tuple[str, str]],
    closed: Iterable[tuple[str, str]] = (),
    *,
    cause: str = "",
) -> Unavailable:
    """Return why there is nothing to read, in one of four sentences: the only author of them.

    `handed_in` has each file of the sort with what is wrong with it; nothing is wrong with one that is there
    and empty. `closed` has what was not unpacked or read and may hold one. Not handed in and empty are
    `skipped`; handed in and unreadable, or perhaps in something closed, is `unknown`, since a person may be
    able to read it. `cause` names what was not handed in, for whoever decides about all of those at once.
    """
    files = list(handed_in)
    damaged = [f"{path}: {problem}" for path, problem in files if problem]
    if damaged:
        return Unavailable(
            f"{what} was handed in that cannot be read ({'; '.join(damaged)})", Verdict.UNKNOWN
        )
    if shut := [f"{path}: {problem}" for path, problem in closed]:
        return Unavailable(f"{what} may be in what was not opened ({'; '.join(shut)})", Verdict.UNKNOWN)
    if files:
        named = ", ".join(path for path, _ in files)
        return Unavailable(f"{what} was handed in, and there is nothing in it ({named})", Verdict.SKIPPED)
    return Unavailable(f"{what} was not handed in", Verdict.SKIPPED, cause)
