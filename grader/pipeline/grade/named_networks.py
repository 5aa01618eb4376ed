"""Which part of a hand-in is about one of several networks: its notebooks, its class, its sections of the
README.

A network is told by what it is called, never by the order of files. What cannot be told is `unknown`, and is
not given only where nothing is left that could hold it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from grader.core.evidence.documents import Block, Document, Documents, SourceLine
from grader.core.evidence.notebook import Notebook
from grader.core.missing import Missing
from grader.core.model_names import named_in, words
from grader.core.outcome import Verdict
from grader.core.rubric import Model
from grader.core.submission import Kind, Source, Sources, Submission
from grader.ingest.choose import choose

_CLASS = re.compile(r"^[ \t]*class[ \t]+(?P<name>\w+)[ \t]*\((?P<bases>[^)]*)\)", re.MULTILINE)
_BOLD = re.compile(r"\s*(?:\d+[.)]\s*|[-*+]\s+)?(?:\*\*|__)(?P<text>[^*_].*?)(?:\*\*|__)\s*:?\s*")
_LOWEST: Final = 7
"""Level of a bold line that stands for a heading, below all that Markdown has."""
_BUILT: Final = "Sequential("
"""What a Python file that builds a network without a class holds."""
_LARGEST: Final = 400_000
"""Bytes of a Python file in which classes are looked for; a larger one holds data."""


class Narrowed(NamedTuple):
    """A hand-in as far as it is about one network."""

    submission: Submission
    documents: Documents
    classes: tuple[str, ...] = ()
    """The classes that are meant; none where its own notebook says which network it is."""
    lacks: dict[str, Missing] = {}
    """Why a product cannot be had, by the name of its type."""
    absent: Missing | None = None
    """Why there is nothing of it at all."""

    def of(self, sources: Sources) -> Sources:
        """The files of it with their bytes."""
        by_path = {source.artefact.path: source for source in sources}
        items = tuple(
            msgspec.structs.replace(by_path[a.path], artefact=a)
            for a in self.submission.artefacts
            if a.path in by_path
        )
        return Sources(submission=self.submission, items=items)


def narrow(
    submission: Submission,
    documents: Documents,
    sources: Callable[[], Sources],
    model: Model,
    models: Sequence[Model],
) -> Narrowed:
    """Return what of a hand-in is about `model`, one of the `models` of its rubric; `sources` is asked only
    where names of files do not tell.
    """
    found = _Found(submission, documents, sources, model, models)
    if found.own:
        return found.narrowed(found.own)
    mine = found.classes
    if mine:
        using = [n for n in (*found.shared, *found.free) if found.mentions(n, mine)]
        alone = [n for n in using if n not in found.shared and not found.mentions(n, found.others)]
        if alone or not using:
            lacks = {} if alone or not found.notebooks else found.without_notebook(mine)
            return found.narrowed(alone, mine, lacks)
        return found.narrowed(using, mine, found.several(using))
    if found.shared:
        reason = (
            f"{found.shared[0]} is called {_names(model)} and holds several networks: a person must say which"
        )
        return found.nothing(Missing(reason=reason, verdict=Verdict.UNKNOWN))
    if spare := found.spare:
        could = ", ".join(spare[:4])
        reason = f"nothing that was handed in is called {_names(model)}; it could be in {could}"
        return found.nothing(Missing(reason=reason, verdict=Verdict.UNKNOWN))
    why = submission.absent(Kind.NOTEBOOK, f"the network {model.called}")
    return found.nothing(Missing(reason=why.reason, verdict=why.verdict, cause=why.cause))


def _names(model: Model) -> str:
    return " or ".join(f"`{name}`" for name in model.names)


def _called(text: str, models: Iterable[Model]) -> list[Model]:
    return [model for model in models if named_in(text, model.names)]


def _owners(path: str, models: Sequence[Model]) -> list[Model]:
    """Whose a file is by its own name, else by the folder that it lies in."""
    steps = (_called(part, models) for part in reversed(path.split("/")))
    return next((hits for hits in steps if hits), [])


class _Found:
    """What names say of one model."""

    def __init__(
        self,
        submission: Submission,
        documents: Documents,
        sources: Callable[[], Sources],
        model: Model,
        models: Sequence[Model],
    ) -> None:
        self._submission, self._documents, self._sources = submission, documents, sources
        self._model, self._models = model, models
        self.notebooks = [a.path for a in submission.artefacts if a.kind is Kind.NOTEBOOK and a.readable]
        owners = {path: _owners(path, models) for path in self.notebooks}
        self.own = [path for path, hits in owners.items() if hits == [model]]
        self.shared = [path for path, hits in owners.items() if model in hits and len(hits) > 1]
        self.free = [path for path, hits in owners.items() if not hits]
        self._code: dict[str, str] | None = None

    @property
    def code(self) -> dict[str, str]:
        """The code of notebooks and Python files by path."""
        if self._code is None:
            self._code = {
                d.path: "\n".join(cell.source for cell in d.notebook.code_cells)
                for d in self._documents.of(Kind.NOTEBOOK)
                if d.notebook is not None
            }
            self._code |= {
                s.artefact.path: s.data[:_LARGEST].decode("utf-8", "replace")
                for s in self._sources().of(Kind.SOURCE)
            }
        return self._code

    def _defined(self) -> Iterator[tuple[str, str, bool]]:
        """Classes with the file of each, and whether it says that it is a network."""
        for path, text in self.code.items():
            for match in _CLASS.finditer(text):
                yield path, match["name"], "Module" in match["bases"]

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that are called as the model is, and as no other."""
        names = {name for _, name, _ in self._defined()}
        return tuple(sorted(n for n in names if _called(n, self._models) == [self._model]))

    @property
    def others(self) -> tuple[str, ...]:
        """Classes that are called as another model is."""
        names = {name for _, name, _ in self._defined()}
        return tuple(
            sorted(n for n in names if (hits := _called(n, self._models)) and self._model not in hits)
        )

    @property
    def spare(self) -> list[str]:
        """Files that no model is told by and that may hold a network."""
        unnamed: dict[str, set[str]] = {}
        for path, name, network in self._defined():
            if network and not _called(name, self._models):
                unnamed.setdefault(path, set()).add(name)
        # A notebook that is called as another model has that one's network, and room for this one beside it.
        beside = [path for path, names in unnamed.items() if path not in self.notebooks or len(names) > 1]
        built = [path for path, text in self.code.items() if path not in self.notebooks and _BUILT in text]
        return [*self.free, *dict.fromkeys(path for path in (*beside, *built) if path not in self.free)]

    def mentions(self, path: str, classes: Iterable[str]) -> bool:
        """Whether the code of a notebook names one of these classes."""
        text = self.code.get(path, "")
        return any(re.search(rf"\b{re.escape(name)}\b", text) for name in classes)

    def several(self, using: Sequence[str]) -> dict[str, Missing]:
        """Why nothing printed can be told apart where a notebook has several networks."""
        reason = f"{using[0]} has several networks: whose log and summary is whose could not be told"
        return dict.fromkeys(_PRINTED, Missing(reason=reason, verdict=Verdict.UNKNOWN))

    def without_notebook(self, classes: Sequence[str]) -> dict[str, Missing]:
        """Why nothing printed is known of a class that no notebook names."""
        reason = (
            f"no notebook is called {_names(self._model)} or names {', '.join(classes)}: its log is not known"
        )
        return dict.fromkeys(_PRINTED, Missing(reason=reason, verdict=Verdict.UNKNOWN))

    def nothing(self, why: Missing) -> Narrowed:
        """Nothing is known to be of it."""
        return Narrowed(self._submission, self._documents, absent=why)

    def narrowed(
        self, notebooks: Sequence[str], classes: tuple[str, ...] = (), lacks: dict[str, Missing] | None = None
    ) -> Narrowed:
        """The hand-in with no notebooks but these, and with the sections that are headed by the model."""
        main, doubts = self._main(notebooks)
        artefacts = tuple(
            msgspec.structs.replace(a, main=a.path == main) if a.kind is Kind.NOTEBOOK else a
            for a in self._submission.artefacts
            if a.path in notebooks or a.kind is not Kind.NOTEBOOK or not a.readable
        )
        submission = msgspec.structs.replace(self._submission, artefacts=artefacts, doubts=doubts)
        documents = tuple(cut for d in self._documents.documents for cut in self._cut(d, notebooks, main))
        return Narrowed(
            submission,
            msgspec.structs.replace(self._documents, documents=documents),
            classes,
            lacks or {},
        )

    def _main(self, notebooks: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        if len(notebooks) < 2:
            return "".join(notebooks), ()
        candidates: list[Source] = [s for s in self._sources() if s.artefact.path in notebooks]
        chosen = choose(candidates)
        return next((a.path for a in chosen.artefacts if a.main), ""), chosen.doubts

    def _cut(self, document: Document, notebooks: Sequence[str], main: str) -> Iterator[Document]:
        if document.kind is Kind.NOTEBOOK and document.path in self.notebooks:
            yield from self._notebook(document, notebooks, main)
        elif document.kind is not Kind.README or document.problem:
            yield document
        else:
            yield self._readme(document)

    def _notebook(self, document: Document, notebooks: Sequence[str], main: str) -> Iterator[Document]:
        if document.path in notebooks:
            own = msgspec.structs.replace(document.artefact, main=document.path == main)
            read = document.notebook and msgspec.structs.replace(document.notebook, main=own.main)
            yield msgspec.structs.replace(document, artefact=own, notebook=read)
        elif not notebooks:  # it was handed in, and what it holds is another network's
            problem = f"it is not known to be of {self._model.called}"
            other = Notebook(artefact=document.path, main=False, format="", problem=problem)
            artefact = msgspec.structs.replace(document.artefact, main=False)
            yield Document(artefact=artefact, notebook=other, problem=problem)

    def _readme(self, document: Document) -> Document:
        hits = _owners(document.path, self._models)
        if hits == [self._model]:
            return document
        if hits:
            why = f"it is about {', '.join(model.called for model in hits)}"
            return Document(artefact=document.artefact, problem=why)
        lines = tuple(self._sections(document.lines))
        if not any(line.text.strip() for line in lines):
            why = f"no section of it is headed by {_names(self._model)}"
            return Document(artefact=document.artefact, problem=why)
        return msgspec.structs.replace(document, lines=lines)

    def _sections(self, lines: Sequence[SourceLine]) -> Iterator[SourceLine]:
        """The lines with nothing in those outside of the model's sections.

        A heading of the same level ends a section, unless it stands there again: `Target` and `Results` below
        each model are parts of it, whatever their level.
        """
        owner: list[Model] = []
        under = _LOWEST
        headings = Counter(words(text) for text, level in map(_heading, lines) if level)
        for line in lines:
            text, level = _heading(line)
            if level:
                hits = _called(text, self._models)
                again = level == under and headings[words(text)] > 1
                if hits or (level <= under and not again):
                    owner, under = hits, level
            yield line if owner == [self._model] else line._replace(text="", block=Block.PROSE)


_PRINTED: Final = ("LogEvidence", "SummaryEvidence")
"""What is read off the outputs of a notebook, without saying of which network."""


def _heading(line: SourceLine) -> tuple[str, int]:
    """The text of a heading and its level, from 1; level 0 for a line that is none."""
    if line.block is Block.HEADING:
        marks = (
            len(line.text) - len(line.text.lstrip().lstrip("#")) if line.text.lstrip().startswith("#") else 0
        )
        return line.text, min(max(marks, 1), 6) if marks else 2
    if line.block is Block.PROSE and (bold := _BOLD.fullmatch(line.text)):
        return bold["text"], _LOWEST
    return "", 0
