"""What the files of one submission are, taken together: each by its content, and what of them may hold the
parts that are not there.

Whether a Word file may be the README depends on whether there is a README: where nothing is missing it is a
file like any other.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec

from grader.core.submission import Artefact, Elsewhere, Kind, Problem, Source, forms_of
from grader.ingest.archive import HandedIn
from grader.ingest.forms.typed import is_shortcut, may_be_the_work, only_links, plain_text, told
from grader.ingest.identify import archive_kind, calls_of, identified, saved_as, unread
from grader.sandbox.reader import SMALL, reading_ahead

_SHARED = r"drive\.google|1drv\.ms|onedrive|sharepoint|dropbox"
_LINKED = {
    Kind.NOTEBOOK: re.compile(
        rf"colab\.research\.google|\.ipynb|kaggle\.com/(?:code|kernels|notebooks)|nbviewer|deepnote|{_SHARED}",
        re.IGNORECASE,
    ),
    Kind.WORKBOOK: re.compile(
        rf"docs\.google\.com/spreadsheets|sheets\.google|\.xlsx|\.ods|{_SHARED}", re.IGNORECASE
    ),
}
"""Addresses behind which a part may lie that was not handed in itself."""
_PARTS = (Kind.README, Kind.WORKBOOK, Kind.NOTEBOOK)
_WHOLE = (Problem.NONE, Problem.NOT_UNPACKED)
"""Problems of files whose bytes are all there."""


def sources_of(items: Sequence[HandedIn], *, single: bool) -> list[Source]:
    """Return each file with what it is; `single` where one file was given by its name."""
    whole = [item for item in items if item.problem in _WHOLE and len(item.data) <= SMALL]
    with reading_ahead([call for item in whole for call in calls_of(item.path, item.data)]):
        found = [_source(item) for item in items]
    if single:
        found = [_meant(s) for s in found]
    missing = _missing(found)
    if not missing:
        return found
    if len(missing) > 1 and not single:
        found = [_pointer(s) for s in found]
        missing = _missing(found)
    return [msgspec.structs.replace(s, artefact=_closed(s, missing)) for s in found]


def _source(item: HandedIn) -> Source:
    if item.problem not in _WHOLE:
        return Source(artefact=unread(item.path, item.problem, item.why), data=item.data)
    source = identified(item.path, item.data)
    if item.typed:
        said = told(item.typed, *plain_text(item.data))
        return _as_note(source, said)
    if item.problem is Problem.NOT_UNPACKED:
        shut = msgspec.structs.replace(
            source.artefact, kind=Kind.ARCHIVE, problem=item.problem, note=item.why
        )
        return Source(artefact=shut, data=item.data)
    if is_shortcut(item.path):
        _, links = plain_text(item.data)
        return _as_note(source, f"a shortcut to {', '.join(links[:3]) or 'something that does not lie here'}")
    return source


def _as_note(source: Source, said: str) -> Source:
    note = msgspec.structs.replace(source.artefact, kind=Kind.NOTE, problem=Problem.NONE, note=said)
    return Source(artefact=note, data=source.data)


def _meant(source: Source) -> Source:
    # A file that a person names on the command line is meant: text without a telling suffix is a README.
    artefact = source.artefact
    text = artefact.kind is Kind.OTHER and artefact.readable and b"\0" not in source.data[:4096]
    if text and not forms_of(PurePosixPath(artefact.path).suffix):
        artefact = msgspec.structs.replace(artefact, kind=Kind.README)
    return msgspec.structs.replace(source, artefact=artefact)


def elsewhere_of(found: Sequence[Source]) -> tuple[Elsewhere, ...]:
    """Return the parts that are not there and that a README links; of each the first link."""
    missing = [kind for kind in _LINKED if kind in _missing(found)]
    readmes = [s for s in found if s.artefact.kind is Kind.README and s.artefact.readable] if missing else []
    parts: dict[Kind, Elsewhere] = {}
    for readme in readmes:
        _, links = plain_text(readme.data)
        for kind in missing:
            link = next((link for link in links if _LINKED[kind].search(link)), "")
            if link:
                parts.setdefault(kind, Elsewhere(kind=kind, path=readme.artefact.path, link=link))
    return tuple(parts.values())


def _missing(found: Sequence[Source]) -> frozenset[Kind]:
    """The parts of a hand-in of which there is no readable file; a Python file stands for a notebook."""
    here = {s.artefact.kind for s in found if s.artefact.readable}
    if Kind.SOURCE in here:
        here.add(Kind.NOTEBOOK)
    return frozenset(_PARTS) - here


def _pointer(source: Source) -> Source:
    """A text that is no more than an address of the work, as what was typed into a platform is."""
    artefact = source.artefact
    if artefact.kind is not Kind.README or not artefact.readable or not only_links(source.data):
        return source
    _, links = plain_text(source.data)
    return _as_note(source, f"a text that holds no more than a link: {', '.join(links[:3])}")


def _closed(source: Source, missing: frozenset[Kind]) -> Artefact:
    """The artefact, told as not read where a missing part may be in it."""
    artefact = source.artefact
    if not artefact.readable:
        return artefact
    if artefact.kind is Kind.NOTE:
        text, links = plain_text(source.data)
        if is_shortcut(artefact.path) or may_be_the_work(text, links):
            note = f"{artefact.note}; what lies behind a link was not fetched"
            return msgspec.structs.replace(artefact, problem=Problem.NOT_READ, note=note)
    suffix = PurePosixPath(artefact.path).suffix.lower()
    saved = artefact.kind is Kind.OTHER and Kind.WORKBOOK in missing and saved_as(suffix, source.data)
    if saved:
        note = f"{saved}; save the workbook as .xlsx"
        return msgspec.structs.replace(artefact, kind=Kind.WORKBOOK, problem=Problem.NOT_READ, note=note)
    if artefact.kind is Kind.OTHER and forms_of(suffix) & missing and not archive_kind(artefact.path, b""):
        note = f"a {suffix} file, which grader does not read; hand in Markdown, .xlsx and .ipynb"
        return msgspec.structs.replace(artefact, problem=Problem.NOT_READ, note=note)
    return artefact
