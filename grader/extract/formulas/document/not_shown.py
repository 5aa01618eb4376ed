"""What a reader of the page does not see, or sees taken back: HTML comments, hidden elements, struck text.

Formulas are read from raw lines, so those of a comment were read as well: a derivation that no page shows was
right, and so was the one that its author had struck out beside a wrong one. A right formula there is for a
person; a wrong one accuses nobody.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from grader.core.evidence.documents import Block, SourceLine
from grader.core.evidence.formulas import FormulaLine, FormulaVerdict

_STYLE = (
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])"
    r"|(?<![-\w])color\s*:\s*(?:white|transparent|#fff(?:fff)?)\b"
)
_HIDES = re.compile(rf"\shidden\b|style\s*=\s*[\"'][^\"'<>]*(?:{_STYLE})", re.IGNORECASE)
_OPENS = re.compile(
    r"<!--|<(?P<name>del|s|strike|div|span|p|font|section|table|pre)\b(?P<rest>[^<>]{0,2000})>", re.IGNORECASE
)
_STRIKES = frozenset({"del", "s", "strike"})
_STRUCK_FROM, _STRUCK_TO = re.compile(r"~~(?=[^\s~])"), re.compile(r"(?<=[^\s~])~~")
_MAY = re.compile(r"<!--|~~|<(?:del|s|strike)\b|hidden|style\s*=", re.IGNORECASE)
_CODE = (Block.FENCE, Block.CODE)


class _Span(msgspec.Struct, frozen=True):
    """A part of a line, from the first character to the one behind the last."""

    start: int
    end: int
    why: str


def as_shown(found: Sequence[FormulaLine], lines: Sequence[SourceLine]) -> list[FormulaLine]:
    """The formulas of a document as its page shows them: of what it does not show, right ones are in doubt and
    wrong ones are left out.
    """
    if not any(_MAY.search(line.text) for line in lines):
        return list(found)
    spans = _spans(lines)
    texts = {line.place: line.text for line in lines if line.place in spans}
    shown = []
    for item in found:
        why = _why(item.text, texts.get(item.place, ""), spans.get(item.place, ()))
        if why and item.verdict in (FormulaVerdict.RIGHT, FormulaVerdict.TYPO):
            shown.append(msgspec.structs.replace(item, verdict=FormulaVerdict.UNSURE, reason=why))
        elif not why or item.verdict is not FormulaVerdict.WRONG:
            shown.append(item)
    return shown


def _why(formula: str, text: str, spans: Sequence[_Span]) -> str:
    at = text.find(formula) if formula else -1
    start, end = (at, at + len(formula)) if at >= 0 else (len(text) - len(text.lstrip()), len(text.rstrip()))
    return next((span.why for span in spans if span.start <= start and end <= span.end), "")


def _spans(lines: Sequence[SourceLine]) -> dict[object, list[_Span]]:
    """What is not shown of each line, by its place. A comment or an element that is never closed hides nothing:
    whoever forgot it wrote for readers. Code shows what it holds.
    """
    found: dict[object, list[_Span]] = {}
    for group in _passages(lines):
        text = "\n".join(line.text for line in group)
        begin, starts = 0, []
        for line in group:
            starts.append(begin)
            begin += len(line.text) + 1
        for start, end, why in _taken_back(text):
            for at in range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)):
                line, first = group[at], starts[at]
                span = _Span(max(start - first, 0), min(end - first, len(line.text)), why)
                found.setdefault(line.place, []).append(span)
    return found


def _taken_back(text: str) -> Iterator[tuple[int, int, str]]:
    """Where what is not shown begins and ends, and why; each opening is looked at once."""
    at, never, lower = 0, set[str](), text.lower()
    while match := _OPENS.search(text, at):
        at = match.end()
        name = (match["name"] or "").lower()
        why = "it is struck through" if name in _STRIKES else "its element is hidden"
        if not name:
            why = "it stands in an HTML comment"
        elif name in never or (name not in _STRIKES and not _HIDES.search(match["rest"])):
            continue
        close = f"</{name}" if name else "-->"
        end = -1 if close in never else lower.find(close, at)
        if end < 0:
            never |= {name, close}
            continue
        at = end + len(close)
        yield match.start(), at, why
    for line in re.finditer(r"[^\n]+", text):
        at = line.start()
        while opened := _STRUCK_FROM.search(text, at, line.end()):
            closed = _STRUCK_TO.search(text, opened.end(), line.end())
            if closed is None:
                break
            yield opened.start(), closed.end(), "it is struck through"
            at = closed.end()


def _passages(lines: Sequence[SourceLine]) -> Iterator[list[SourceLine]]:
    """The lines between blocks of code, cell by cell."""
    group: list[SourceLine] = []
    for line in lines:
        if group and (line.block in _CODE or line.place.cell != group[-1].place.cell):
            yield group
            group = []
        if line.block not in _CODE:
            group.append(line)
    if group:
        yield group
