"""Which artefact of a kind is the main one: by content, not by name alone; a near tie is a doubt for a person.

Everything is read whatever is chosen here; the choice decides what a report shows first and whose code is run.
"""

import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import msgspec

from grader.core.submission import Artefact, Kind, Source

_NOTEBOOK = re.compile(
    rb"nn\.Module|MNIST|BatchNorm2d|Dropout|AvgPool|avg_pool2d|optimizer\.step|backward\(\)|torchsummary"
    rb"|Total params|Test set|[Aa]ccuracy"
)
_README = re.compile(
    "[∂𝜕𝟃δ]|ğœ•|partial|a_?h_?1|a_?o_?1|E_?t(?:otal)?|w[1-8]|[Aa]ccuracy|[Pp]aram|[Ee]poch", re.UNICODE
)
_WORKBOOK = re.compile(
    rb">\s*(?:[wW][1-8]|[tTiI][12]|a_?h_?[12]|out_?[ho][12]|a_?[oO0]_?[12]|[hHoO][12]|[eE][12]|E_?[tT]\w*|[^<>]{0,12}[wW][1-8])\s*<"
)
_SNIFF_BYTES = 4 * 2**20
_NEAR_TIE = 0.85
"""Second best over best score from which a person should confirm; two versions of one notebook score above 0.9."""

_NAMED_AT_LEAST = 0.5
"""Score over the best score from which a notebook that the README names is the submitted one."""

_DRAFTS = re.compile(r"drafts?|archived?s?|back-?ups?|old|attempts?|trials?|unused", re.IGNORECASE)

_CHOSEN = (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK)
_WORDS = {Kind.README: "README", Kind.NOTEBOOK: "notebook", Kind.WORKBOOK: "workbook"}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The artefacts with their main flags, and what a person should confirm."""

    artefacts: tuple[Artefact, ...]
    doubts: tuple[str, ...]


def choose(sources: Sequence[Source]) -> Choice:
    """Set the main flag of the best README, notebook and workbook."""
    main: set[str] = set()
    doubts: list[str] = []
    for kind in _CHOSEN:
        candidates = _no_drafts([s for s in sources if s.artefact.kind is kind and s.artefact.readable])
        ranked = sorted(candidates, key=lambda s: (-_score(s), s.artefact.path))
        if not ranked:
            continue
        named = _named(ranked, sources) if kind is Kind.NOTEBOOK else None
        main.add((named or ranked[0]).artefact.path)
        doubt = "" if named else _doubt(kind, ranked)
        if doubt:
            doubts.append(doubt)
    artefacts = tuple(msgspec.structs.replace(s.artefact, main=s.artefact.path in main) for s in sources)
    return Choice(artefacts=artefacts, doubts=tuple(doubts))


def _no_drafts(candidates: Sequence[Source]) -> Sequence[Source]:
    """Without what lies in a folder for drafts, unless nothing else does as well."""
    final = [s for s in candidates if not any(_DRAFTS.fullmatch(p) for p in s.artefact.path.split("/")[:-1])]
    return final if any(_score(s) > 0 for s in final) else candidates


def _named(ranked: Sequence[Source], sources: Sequence[Source]) -> Source | None:
    """The only notebook that the READMEs call by its file name; None where they name none or several.

    One that holds much less of a training than the best is no final notebook, whoever names it.
    """
    text = "\n".join(
        unquote(s.data[:_SNIFF_BYTES].decode("utf-8", "replace")).lower()
        for s in sources
        if s.artefact.kind is Kind.README and s.artefact.readable
    )
    names = [PurePosixPath(s.artefact.path).name.lower() for s in ranked]
    found = [
        s
        for s, name in zip(ranked, names, strict=True)
        if names.count(name) == 1 and re.search(rf"(?<![\w-]){re.escape(name)}", text)
    ]
    best = _score(ranked[0])
    if len(found) != 1 or _score(found[0]) < min(best, _NAMED_AT_LEAST * best):
        return None
    return found[0]


def _doubt(kind: Kind, ranked: Sequence[Source]) -> str:
    # READMEs of sub-folders and workbooks of one sweep belong together: everything in them is read and counts.
    if kind is not Kind.NOTEBOOK or len(ranked) == 1:
        return ""
    best, code = _score(ranked[0]), _code(ranked[0])
    rivals = [s for s in ranked[1:] if _score(s) >= min(best, _NEAR_TIE * best) and _code(s) != code]
    if not rivals:
        return ""
    others = ", ".join(s.artefact.path for s in rivals)
    return f"{ranked[0].artefact.path} was taken as the main {_WORDS[kind]}; {others} could be it as well"


def _code(notebook: Source) -> object:
    """What two copies of one notebook share, whatever their badges and outputs are: the source of the code cells."""
    try:
        cells = json.loads(notebook.data)["cells"]
        return [
            c["source"] if isinstance(c["source"], str) else "".join(c["source"])
            for c in cells
            if c["cell_type"] == "code"
        ]
    except (ValueError, RecursionError, KeyError, TypeError):
        return notebook.artefact.sha256


def _score(source: Source) -> float:
    path = PurePosixPath(source.artefact.path)
    depth = len(path.parts) - 1
    match source.artefact.kind:
        case Kind.README:
            text = source.data[:_SNIFF_BYTES].decode("utf-8", "replace")
            named = 40 if path.stem.lower().startswith("readme") else 0
            return (
                named
                + min(len(set(_README.findall(text))), 30)
                + min(len(_README.findall(text)), 200) / 10
                - 5 * depth
            )
        case Kind.NOTEBOOK:
            found = _NOTEBOOK.findall(source.data[:_SNIFF_BYTES])
            return 10.0 * len(set(found)) + min(len(found), 60) / 10 - 0.5 * depth
        case Kind.WORKBOOK:
            return float(len(set(_WORKBOOK.findall(_workbook_text(source.data))))) - 0.5 * depth
        case _:
            return 0.0


def _workbook_text(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [n for n in archive.namelist() if n in {"content.xml", "xl/sharedStrings.xml"}]
            names = names or [n for n in archive.namelist() if n.startswith("xl/worksheets/sheet")]
            text = b""
            for name in sorted(names)[:3]:
                with archive.open(name) as member:
                    text += member.read(_SNIFF_BYTES)
            return text
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError):
        return b""
