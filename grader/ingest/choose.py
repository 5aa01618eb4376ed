"""Which artefact of a kind is the main one: by content, not by name alone; a near tie is a doubt for a
person.

Everything is read whatever is chosen here; the choice decides what a report shows first and whose code is
run.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec

from grader.core.evidence.documents import Document
from grader.core.faults import SandboxFault
from grader.core.model_names import words
from grader.core.submission import Artefact, Kind, Source
from grader.ingest.named_notebooks import named_notebooks, told_by_numbers
from grader.sandbox.reader import Lost, read_limited

_NOTEBOOK = re.compile(
    rb"nn\.Module|MNIST|BatchNorm2d|Dropout|AvgPool|avg_pool2d|optimizer\.step|backward\(\)|torchsummary"
    rb"|Total params|Test set|[Aa]ccuracy"
)
_README = re.compile(
    "[∂𝜕𝟃δ]|ğœ•|partial|a_?[ho]_?1|E_?t(?:otal)?|w[1-9]|[Aa]ccuracy|[Pp]aram|[Ee]poch", re.UNICODE
)
_TRAINING = re.compile(
    rb"nn\.Module|LightningModule|Sequential\(|optimizer|backward\(|\bfit\w*\(|\btrain\w*\(|Trainer\("
)
_NETWORK = re.compile(
    rb"\(\s*(?:torch\.)?(?:nn\.)?(?:Module|LightningModule|Model)\s*\)\s*:|nn\.Sequential\(|Sequential\(\[|nn\.Conv2d|Conv2D\("
)
"""What a Python file holds that builds a network; a file without any of it is no network, whatever it is
called.
"""
_FINAL_NAME = re.compile(r"(?<![a-z])(?:final|submission|submitted|solution)(?![a-z])")
_STEP = re.compile(
    r"(?P<word>step|experiment|exp|model|code|notebook|version|v|try|attempt|iteration|iter|run|trial|net|f)[\s_-]?(?P<n>\d{1,2})$"
)
_LEADING_STEP = re.compile(r"(?P<n>0\d{2}|\d{1,2})[\s._-]")
_MOST_VERSIONS = 40
_COUNTED_PARTS = frozenset(
    (
        *(
            "part",
            "session",
            "s",
            "week",
            "day",
            "lecture",
            "unit",
            "module",
            "chapter",
            "assignment",
            "project",
        ),
        *(
            "exercise",
            "ex",
            "question",
            "q",
            "task",
            "problem",
            "lab",
            "hw",
            "homework",
            "quiz",
            "era",
            "eva",
        ),
        *(
            "teil",
            "aufgabe",
            "parte",
            "tarea",
            "ejercicio",
            "partie",
            "exercice",
            "student",
            "group",
            "team",
            "submission",
        ),
    )
)
"""Words that a number behind makes a part of the work, or a person, and no later version."""
_MEASURED = frozenset(
    (
        *("epoch", "epochs", "ep", "batch", "batchsize", "bs", "size", "lr", "rate", "dropout", "drop"),
        *("filters", "channels", "ch", "kernel", "kernels", "width", "depth", "layer", "layers", "seed"),
        *("params", "parameters", "acc", "accuracy", "momentum", "wd", "augmentation", "angle", "rotation"),
    )
)
"""Words that a number behind is a setting of: `epochs_20` is no later version than `epochs_15`."""
_SNIFF_BYTES = 4 * 2**20
_NEAR_TIE = 0.85
"""Second best over best score from which a person should confirm; two versions of one notebook score above
0.9.
"""

_NAMED_AT_LEAST = 0.5
"""Score over the best score from which a notebook that the README names is the submitted one."""

_DRAFTS = re.compile(r"drafts?|archived?s?|back-?ups?|old|attempts?|trials?|unused", re.IGNORECASE)

_COPY = re.compile(r"feedback(?:-\d+)?", re.IGNORECASE)
"""The name of a copy with findings in it that `grader feedback` gave back: no hand-in beside the file that it
was made from, whichever holds more.
"""

_CHOSEN = (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK, Kind.SOURCE)


_COPIED = (Kind.NOTEBOOK, Kind.WORKBOOK)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The artefacts with their main flags, and what a person should confirm."""

    artefacts: tuple[Artefact, ...]
    doubts: tuple[str, ...]


def choose(sources: Sequence[Source]) -> Choice:
    """Set the main flag of the best README, notebook, workbook and Python file with a network."""
    main: set[str] = set()
    doubts: list[str] = []
    for kind in _CHOSEN:
        candidates, copies = _without_copies(
            _no_drafts([s for s in sources if s.artefact.kind is kind and s.artefact.readable])
        )
        alone = len(candidates) == 1 and kind is not Kind.SOURCE
        ranked = (
            list(candidates) if alone else sorted(candidates, key=lambda s: (-_score(s), s.artefact.path))
        )
        if not ranked or (kind is Kind.SOURCE and _score(ranked[0]) <= 0):
            continue
        best, doubt = _best_notebook(ranked, sources) if kind is Kind.NOTEBOOK else (ranked[0], "")
        main.add(best.artefact.path)
        mended = [s.artefact.path for s in copies if kind is Kind.WORKBOOK or _code(s) != _code(best)]
        if mended:
            aside = ", ".join(mended)
            doubt = (
                doubt or f"{best.artefact.path} was taken; {aside} is named like a copy that grader gave back"
            )
        if doubt:
            doubts.append(doubt)
    artefacts = tuple(msgspec.structs.replace(s.artefact, main=s.artefact.path in main) for s in sources)
    return Choice(artefacts=artefacts, doubts=tuple(doubts))


def _best_notebook(ranked: Sequence[Source], sources: Sequence[Source]) -> tuple[Source, str]:
    """The submitted notebook, and what a person should confirm about it; empty where the choice is clear.

    The README decides: the one that it calls the submission, else the only one that it names. Of several
    named ones the content decides, and one that no README names is never taken in their place.
    """
    if len(ranked) == 1:
        return ranked[0], ""
    found = named_notebooks([s for s in ranked if _trains(s)] or ranked, sources)
    if found.missing and not found.final:
        others = ", ".join(s.artefact.path for s in ranked)
        return ranked[
            0
        ], f"the README calls {found.missing} the submission, which is not there; {others} could be it"
    if not found.named:
        return _settled(ranked, sources)
    said = len(found.final) == 1
    chosen = found.final if said else (found.final or found.named)
    chosen = tuple(sorted(chosen, key=lambda s: (-_score(s), s.artefact.path)))
    best, top = chosen[0], _score(ranked[0])
    if not said and _score(best) < min(top, _NAMED_AT_LEAST * top):
        # It trains something, but far less than another: which one is meant is for a person to say.
        return (
            best,
            f"the README names {best.artefact.path}, and {ranked[0].artefact.path} holds the training",
        )
    return (best, "") if len(chosen) == 1 else _settled(chosen, sources)


def _settled(ranked: Sequence[Source], sources: Sequence[Source]) -> tuple[Source, str]:
    """The last version of several notebooks, else the one whose network a README describes, else the best
    with its rivals.
    """
    if last := _last_version(ranked):
        return last, ""
    doubt = _rivals(ranked)
    told = told_by_numbers(ranked, sources) if doubt else None
    return (told, "") if told else (ranked[0], doubt)


def _last_version(ranked: Sequence[Source]) -> Source | None:
    """The one that its own name calls final, or the last step of a numbered series; None where there is no
    such one.

    What holds much less of a training is no version; a number of a session or of a part is none of a version
    either.
    """
    top = _score(ranked[0])
    for share in (_NAMED_AT_LEAST, _NEAR_TIE):
        close = [s for s in ranked if _score(s) >= min(top, share * top)]
        final = [s for s in close if _FINAL_NAME.search(_stem(s))]
        if len(final) == 1:
            return final[0]
        if last := _last_step(close) or _last_of_series(close):
            return last
    return None


def _last_step(close: Sequence[Source]) -> Source | None:
    steps = [_STEP.search(_stem(s)) or _LEADING_STEP.match(_stem(s)) for s in close]
    words = {m.groupdict().get("word", "") for m in steps if m}
    numbers = [int(m.group("n")) for m in steps if m]
    if len(close) < 2 or len(numbers) < len(close) or len(words) > 1 or len(set(numbers)) < len(numbers):
        return None
    return close[numbers.index(max(numbers))]


def _last_of_series(close: Sequence[Source]) -> Source | None:
    """The last of names that begin alike and then count: `Code_3_Final_99` of `Code_1_Final` and so on.

    None where one of them does not count, where two have the same number, where what counts are parts of an
    assignment, and where a number measures something: `lr_0.1`, `batch_32`.
    """
    names = [words(PurePosixPath(s.artefact.path).stem) for s in close]
    at = next((n for n, one in enumerate(zip(*names, strict=False)) if len(set(one)) > 1), 0)
    measured = any(re.search(r"\d[.,]\d", PurePosixPath(s.artefact.path).stem) for s in close)
    if len(close) < 2 or at == 0 or names[0][at - 1] in _COUNTED_PARTS | _MEASURED or measured:
        return None
    counted = [int(name[at]) for name in names if name[at].isdecimal()]
    if len(set(counted)) < len(close) or max(counted) > _MOST_VERSIONS:
        return None
    return close[counted.index(max(counted))]


def _stem(source: Source) -> str:
    return PurePosixPath(source.artefact.path).stem.lower()


def _no_drafts(candidates: Sequence[Source]) -> Sequence[Source]:
    """Without what lies in a folder for drafts, unless nothing else does as well."""
    final = [s for s in candidates if not any(_DRAFTS.fullmatch(p) for p in s.artefact.path.split("/")[:-1])]
    if len(final) == len(candidates):
        return candidates
    return final if any(_score(s) > 0 for s in final) else candidates


def _without_copies(candidates: Sequence[Source]) -> tuple[Sequence[Source], Sequence[Source]]:
    """The files that a student made and the copies with findings that were given back; a copy that stands
    alone is the hand-in.
    """
    copies = [s for s in candidates if s.artefact.kind in _COPIED and _COPY.fullmatch(_stem(s))]
    own = [s for s in candidates if s not in copies]
    return (own, copies) if copies and any(_score(s) > 0 for s in own) else (candidates, ())


def _trains(notebook: Source) -> bool:
    """Whether a notebook has to do with training a network at all; one of plots is no submission, whoever
    names it.
    """
    return bool(_TRAINING.search(notebook.data[:_SNIFF_BYTES]))


def _rivals(ranked: Sequence[Source]) -> str:
    """Say which notebooks could be the submission as well as the first: those nearly as good that are no copy
    of it.
    """
    # READMEs of sub-folders and workbooks of one sweep belong together: everything in them is read and
    # counts.
    best, code = _score(ranked[0]), _code(ranked[0])
    rivals = [s for s in ranked[1:] if _score(s) >= min(best, _NEAR_TIE * best) and _code(s) != code]
    if not rivals:
        return ""
    others = ", ".join(s.artefact.path for s in rivals)
    return f"{ranked[0].artefact.path} was taken as the main notebook; {others} could be it as well"


def _code(notebook: Source) -> object:
    """What two copies of one notebook share, whatever their badges and outputs are: the source of the code
    cells.
    """
    if not notebook.reading:
        return notebook.artefact.sha256
    document = msgspec.msgpack.decode(notebook.reading, type=Document)
    return [cell.source for cell in document.notebook.code_cells] if document.notebook else ()


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
        case Kind.SOURCE:
            found = _NETWORK.findall(source.data[:_SNIFF_BYTES])
            return len(set(found)) + min(len(found), 60) / 100 - 0.001 * depth if found else 0.0
        case Kind.WORKBOOK:
            return _words(source.data) - 0.5 * depth
        case _:
            return 0.0


def _words(data: bytes) -> float:
    try:
        found = read_limited("grader.ingest.packages:words", data, returns=int)
    except SandboxFault:  # the reader of workbooks says so when it is asked
        return 0.0
    return 0.0 if isinstance(found, Lost) else float(found)
