"""Which notebooks the READMEs name, and which one of them they call the submission.

A student's own word comes before any guess from content. Letter case and `%20` say nothing, unless two
notebooks differ in nothing else. A README that names no file still says whose work it is about: the number of
parameters that one notebook printed, and no other did.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from grader.core.submission import Kind, Source

MAX_CHARACTERS = 1_000_000
"""Characters of a README that are searched."""

_FINAL = re.compile(
    r"(?<![a-z])(?:submission|submitted|submit|final(?:ly)?|main|solution|graded?|hand(?:ed)?[ -]?in|to be "
    r"(?:graded|evaluated)"
    r"|actual|current|chosen|selected|this is the|abgabe|abgegeben|eingereicht|einreichung"
    r"|endg[üu]ltig\w*|bewerte\w*|aktuell\w*|évalu\w+|rendu|soumi\w+|finale?s?|définiti\w+|entrega\w*|definitiv[oa]|evaluar|calificar|presentad[oa]|consegna\w*"
    r"|ostatecz\w+|итогов\w+|сда\w+)(?![a-z])",
    re.IGNORECASE,
)
_NOT_FINAL = re.compile(
    r"(?<![a-z])(?:not|no|never|isn['’]t|old(?:er)?|previous(?:ly)?|earlier|first "
    r"(?:try|attempt|version)|attempts?|baseline|drafts?"
    r"|experiments?|explor\w+|trial|deprecated|obsolete|backup|reference|inspired|based "
    r"on|instead of|versuch\w*|vergleich\w*|entwurf|entwürfe|alte?[rns]?|früher\w*|kein\w*|nicht"
    r"|essais?|brouillons?|ancien\w*|pas|borrador\w*|pruebas?|intentos?|viej[oa]s?|bozz[ae]|prov[ae]|rascunhos?|tentativ[ae]s?|comparison|compared?)(?![a-z])",
    re.IGNORECASE,
)
_IS_NONE = re.compile(
    rf"\b(?:is|are|was|were|ist|sind|war|waren|est|sont|es|son|eran|è|sono)\b[^.;,]{{0,40}}?(?:{_NOT_FINAL.pattern})",
    re.IGNORECASE,
)
"""`… are drafts`: said of the notebooks themselves."""
_NUMBER = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{4,7})(?![\d%]|[.,]\d)")
_PRINTED = re.compile(
    rb"(?:total|trainable)[ _]param(?:eter)?s?[^\d\n\\]{0,24}(?P<n>\d[\d,]{2,9})", re.IGNORECASE
)
"""Totals of torchsummary and torchinfo, and of what students print themselves, in the bytes of a notebook."""
_NAME = re.compile(r"[\w%.()+-]+\.ipynb", re.IGNORECASE)


class Named(NamedTuple):
    """The notebooks that READMEs name, in the given order, and among them those that they call the
    submission.
    """

    named: tuple[Source, ...]
    final: tuple[Source, ...]
    missing: str = ""
    """The name of a notebook that is called the submission and was not handed in; empty for none."""


class _Mention(NamedTuple):
    name: str
    words: str
    """What is said of it: its clause, without names of notebooks."""
    folder: str
    """Folder of the README."""


def named_notebooks(notebooks: Sequence[Source], sources: Sequence[Source]) -> Named:
    """Return which of the notebooks the READMEs name."""
    mentions = list(_mentions(notebooks, sources))
    met = [(m, found) for m in mentions if (found := _meant(m, notebooks)) is not None]
    named = [s for s in notebooks if any(found is s for _, found in met)]
    final = [
        s
        for s in named
        if any(found is s and _FINAL.search(m.words) and not _NOT_FINAL.search(m.words) for m, found in met)
    ]
    # What is only named as what it is not is none of the candidates, unless nothing else is.
    live = [s for s in named if any(found is s and not _NOT_FINAL.search(m.words) for m, found in met)]
    rest = [s for s in notebooks if not any(found is s for _, found in met)]
    none = all(_IS_NONE.search(m.words) and not _FINAL.search(m.words) for m, _ in met)
    if named and not live and len(rest) == 1 and none:
        live = rest
    return Named(tuple(live or named), tuple(final), _missing(notebooks, sources))


def told_by_numbers(notebooks: Sequence[Source], sources: Sequence[Source]) -> Source | None:
    """The only notebook that printed a number of parameters which a README states; None where there is none
    or more.
    """
    stated = frozenset(number for _, text in _readmes(sources) for number in _stated(text))
    told = [notebook for notebook in notebooks if not stated.isdisjoint(_printed(notebook.data))]
    return told[0] if len(told) == 1 else None


def _stated(text: str) -> Iterator[int]:
    """Numbers on lines that speak of parameters; a limit stands there as well, and no network has exactly
    it.
    """
    for line in text.split("\n"):
        if "param" in line.lower():
            for match in _NUMBER.finditer(line):
                yield int(match.group().replace(",", ""))


def _printed(data: bytes) -> frozenset[int]:
    return frozenset(int(match["n"].replace(b",", b"")) for match in _PRINTED.finditer(data))


def _mentions(notebooks: Sequence[Source], sources: Sequence[Source]) -> Iterator[_Mention]:
    full = {PurePosixPath(s.artefact.path).name for s in notebooks}
    stems = {PurePosixPath(name).stem for name in full}
    # A word such as `train` may mean anything; `train_adam` is a name without its suffix as well.
    short = {stem for stem in stems if len(stem) > 4 and re.search(r"[\d_-]", stem)}
    names = sorted({*full, *short}, key=len, reverse=True)
    if not names:
        return
    known = [name.lower() for name in (".ipynb", *short)]
    pattern = re.compile(
        rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-]|\.(?!ipynb)\w)", re.IGNORECASE
    )
    for source, text in _readmes(sources):
        folder = str(PurePosixPath(source.artefact.path).parent)
        for line in text.split("\n"):
            if not any(name in line.lower() for name in known):
                continue
            found = list(pattern.finditer(line))
            words = ""
            said: list[tuple[str, str]] = []
            for at, match in enumerate(found):
                path = re.search(r"[\w./ %-]*/$", line[: match.start()])
                previous = found[at - 1].end() if at else None
                behind = found[at + 1].start() if at + 1 < len(found) else len(line)
                name = (path.group().strip() if path else "") + match.group()
                clause = _clause(line, previous, match, behind)
                # `the submission: a.ipynb, b.ipynb` says the same of both
                own = (
                    previous is None
                    or re.search(r"[a-z]{4}", clause, re.IGNORECASE)
                    or _NOT_FINAL.search(clause)
                )
                words = clause if own else words
                said.append((name, words))
            for at in range(len(said) - 2, -1, -1):  # `a.ipynb and b.ipynb are drafts`
                open_ = not (_FINAL.search(said[at][1]) or _NOT_FINAL.search(said[at][1]))
                if open_ and _TOGETHER.fullmatch(line[found[at].end() : found[at + 1].start()]):
                    said[at] = (said[at][0], f"{said[at][1]} {said[at + 1][1]}")
            yield from (_Mention(name, words, folder) for name, words in said)


_TOGETHER = re.compile(r"[\s`*_)\],]*(?:,|and|und|et|y|e|&|or|oder)?[\s`*_\[]*")


def _clause(line: str, previous: int | None, match: re.Match[str], behind: int) -> str:
    """The words of a line that speak of one mention: from the one before, or from the line's start, to where
    they stop.
    """
    before = line[previous or 0 : match.start()]
    if previous is not None:
        before = re.split(r"[,;(]|\.\s", before)[-1]
    after = re.split(r"[;(]|\.(?:\s|$)", line[match.end() : behind])[0]
    if behind < len(line):
        after = _NEGATES_THE_NEXT.sub("", after)
    return f"{before} {after}"


_NEGATES_THE_NEXT = re.compile(
    r"[\s,`*_)\]]*\b(?:not|no|nicht|pas|non|instead of|rather than|statt|anstelle von)\b[\s`*_(\[]*$",
    re.IGNORECASE,
)


def _readmes(sources: Sequence[Source]) -> Iterator[tuple[Source, str]]:
    for source in sources:
        if source.artefact.kind is Kind.README and source.artefact.readable:
            # Names of files are looked for, no prose: without its zero bytes UTF-16 shows them as well.
            data = source.data[: 2 * MAX_CHARACTERS].replace(b"\0", b"")
            yield source, unquote(data.decode("utf-8", "replace"))


def _meant(mention: _Mention, notebooks: Sequence[Source]) -> Source | None:
    """The notebook that a mention means: by its path, else by its name, letter by letter before regardless of
    case.
    """
    name = PurePosixPath(mention.name).name
    name = name if name.lower().endswith(".ipynb") else f"{name}.ipynb"
    same = [s for s in notebooks if PurePosixPath(s.artefact.path).name.lower() == name.lower()]
    exact = [s for s in same if PurePosixPath(s.artefact.path).name == name]
    for candidates in (exact, same):
        if len(candidates) == 1:
            return candidates[0]
        ends = [s for s in candidates if _ends_with(s.artefact.path, mention.name)]
        if len(ends) == 1:
            return ends[0]
        beside = [s for s in candidates if str(PurePosixPath(s.artefact.path).parent) == mention.folder]
        if len(beside) == 1 and "/" not in mention.name.removeprefix("./"):
            return beside[0]
    return None


def _ends_with(path: str, written: str) -> bool:
    """Whether a path and a written path, which may start higher up in a repository's address, end alike."""
    a, b = path.lower().split("/"), written.lower().removeprefix("./").split("/")
    shared = min(len(a), len(b))
    return shared > 1 and a[-shared:] == b[-shared:]


def _without(line: str, name: str) -> str:
    return line.lower().replace(name.lower(), " ").replace(PurePosixPath(name).name.lower(), " ")


def _missing(notebooks: Sequence[Source], sources: Sequence[Source]) -> str:
    """A notebook that a sentence calls the submission and that is not there."""
    have = {PurePosixPath(s.artefact.path).name.lower() for s in notebooks}
    for _, text in _readmes(sources):
        for line in text.split("\n"):
            for match in _NAME.finditer(line):
                name = PurePosixPath(match.group()).name
                known = any(h.endswith(name.lower()) for h in have)
                words = _without(line, name)
                if (
                    not known
                    and re.search(r"(?<![a-z])(?:submission|submitted)(?![a-z])", words)
                    and not (_NOT_FINAL.search(words))
                ):
                    return name
    return ""
