"""Formulas that go on in the next line: open brackets, an operator at the end or at the start, the rows of an HTML table.

A line may also end where its formula does while the next begins with a list mark that looks like an operator; there the
values decide which of the two is true, and where neither is the line is marked as one that may go on.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from grader.backprop.name_patterns import Named
from grader.backprop.own_names import in_canonical
from grader.core.evidence.documents import Block, SourceLine
from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import conventions, points
from grader.extract.formulas.reading.notation import latex_to_plain, plain_notation
from grader.extract.formulas.reading.relations import formula
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.statements import MAX_FORMULA, MAX_LINE, statements

MAX_JOINED = 4_000
MOST_LINES = 8
MOST_CELLS = 24


class Joined(NamedTuple):
    """One or more lines as one, with the number of the first. `goes_on` says that the next may belong to it too."""

    number: int
    line: SourceLine
    goes_on: bool = False


_NAMES = Named(
    r"∂|partial|𝟃|𝜕|δ|\bd\w+[/_]d\w|(?<![A-Za-z])(?:[ahnEOo]|out|net|act)\w{0,6}@units@\b|\bw_?@weights@\b"
)
_DERIVATIVE = re.compile(r"∂|partial|𝟃|𝜕|δ|\bd\w+/d\w")
_TRAIL = re.compile(r"(?:\\\\|\$\$|</?br\s*/?>|\\)\s*$")
_BREAK = re.compile(r"(?:\\\\|</?br\s*/?>|\\)\s*$")
_COMMENT = re.compile(r"(?<!\s)\s+(?:#|//|%)\s")
"""Where a remark begins; looked for behind the last bracket of a line."""
_OPEN = re.compile(r"(?:[+*/\-·×⋅−]|\\cdot|\\times)\s*$")
_NEXT = re.compile(r"\s*[({\[)}\]+*/\-·×⋅−∂\\&]|\s+\w|\w")
_STARTS = re.compile(
    r"^\s*(?:>\s*)?(?:&|\\q?quad(?![a-z])|\\[,;:! ]|\\phantom\{[^{}]*\}|\{\}|\s)*([*·×⋅/+\-−]|\\cdot|\\times)\s*(?=\S)"
)
_ROW = re.compile(r"(?i)<(tr|dt)\b")
_DEFINED = re.compile(r"(?i)<dd\b")
_NEXT_TERM = re.compile(r"(?i)<dt\b|</dl")
_ROW_END = {"tr": re.compile(r"(?i)</tr>"), "dt": re.compile(r"(?i)</dd>")}


_INDEX = Named(r"\[(@weights@)\]")
_SUB = re.compile(r"(?i)</?sub>")


def _names(text: str) -> bool:
    """Whether a quantity of the network is named, its index in any spelling."""
    text = in_canonical(text)
    plain = _SUB.sub("", text) if "<" in text else text
    plain = _INDEX().sub(r"\1", plain) if "[" in plain else plain
    return _NAMES().search(plain if plain.isascii() else unicodedata.normalize("NFKC", plain)) is not None


def joined(lines: Sequence[SourceLine]) -> list[Joined]:
    """All lines, those of one formula put together."""
    out: list[Joined] = []
    k = 0
    left = ""
    while k < len(lines):
        start = k
        text, k = _rows(lines, k)
        text, k = _matrices(lines, text, k)
        text, k = _inside(lines, text, k)
        text, k, goes_on = _before_operators(lines, text, k, left)
        line = lines[start]
        out.append(Joined(start, line._replace(text=text) if k > start else line, goes_on))
        stated = text.partition("=")[0]
        left = stated if stated.strip() else left
        k += 1
    return out


def _rows(lines: Sequence[SourceLine], k: int) -> tuple[str, int]:
    """A row of an HTML table, or a term with its definition, which may stand one cell a line."""
    text = lines[k].text
    match = _ROW.search(text)
    if match is None or lines[k].block in (Block.CODE, Block.FENCE):
        return text, k
    end = _ROW_END[match.group(1).lower()]
    last = k
    whole = text
    while (
        not end.search(whole) and last + 1 < len(lines) and last - k < MOST_CELLS and len(whole) < MAX_JOINED
    ):
        if _DEFINED.search(whole) and _NEXT_TERM.search(lines[last + 1].text):
            return whole, last  # HTML asks for no `</dd>`
        last += 1
        whole += " " + lines[last].text.strip()
    return (whole, last) if end.search(whole) else (text, k)


def _matrices(lines: Sequence[SourceLine], text: str, k: int) -> tuple[str, int]:
    """Matrices with an `=` between them, whose entries may stand one a line; other matrices stay as they are."""
    if "\\begin" not in text or _BEGIN.search(text) is None:
        return text, k
    whole, last = text, k
    while last + 1 < len(lines) and last - k < MOST_CELLS and len(whole) < MAX_JOINED:
        following = lines[last + 1].text
        if not _unclosed(whole) and not (whole.rstrip().endswith("=") or _EQUALS_MATRIX.match(following)):
            break
        last += 1
        whole = f"{whole.rstrip()} {following.strip()}"
    return (whole, last) if _STATED.search(whole) and not _unclosed(whole) else (text, k)


def _unclosed(text: str) -> int:
    """How many matrices a text begins and does not end."""
    return len(_BEGIN.findall(text)) - len(_END.findall(text))


_BEGIN = re.compile(r"\\begin\s*\{(?:[bBpvV]?matrix|array)\}")
_END = re.compile(r"\\end\s*\{(?:[bBpvV]?matrix|array)\}")
_EQUALS_MATRIX = re.compile(r"^\s*&?\s*=|^\s*(?:\\left.)?\s*\\begin")
_STATED = re.compile(_END.pattern + r"[^=]{0,20}=[^=]{0,20}" + _BEGIN.pattern)


def _inside(lines: Sequence[SourceLine], text: str, k: int) -> tuple[str, int]:
    """Lines after one that ends in an operator, in an open bracket or in its `=`."""
    start = k
    while k - start < MOST_LINES and k + 1 < len(lines):
        skip = 1 + (text.rstrip().endswith("=") and not lines[k + 1].text.strip() and k + 2 < len(lines))
        following = lines[k + skip].text
        if lines[k + skip].block is Block.HEADING or not _goes_on(text, following):
            break
        text = _put_together(text, following)
        k += skip
    return text, k


def _put_together(text: str, following: str) -> str:
    return _uncommented(_BREAK.sub("", text.rstrip()).rstrip()) + " " + following.strip()


def _goes_on(text: str, following: str) -> bool:
    if "=" not in text or "http" in text or not following.strip():
        return False
    if max(len(text), len(following)) > MAX_JOINED:
        return False
    bare = _uncommented(text.rstrip())
    if bare.endswith("=") and not bare.endswith("=="):
        return "=" not in following and _names(following)
    if not _names(text) or bare.endswith(("**", "|")) or _states(following):
        return False
    opened = _depth(bare)
    open_end = _OPEN.search(_TRAIL.sub("", bare).rstrip())
    if not (open_end or opened > 0) or _NEXT.match(following) is None:
        return False
    return _DERIVATIVE.search(text) is not None or _formula_like(following)


def _depth(text: str) -> int:
    return sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")


def _states(text: str) -> bool:
    """Whether an `=` of the line stands in no bracket that the line opens: it begins a statement of its own."""
    depth = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "=" and depth <= 0:
            return True
    return False


_WORDS = re.compile(r"[A-Za-z]{4,}")


def _formula_like(text: str) -> bool:
    return not [w for w in _WORDS.findall(_uncommented(in_canonical(text))) if w.lower() not in _COMMON]


_COMMON = frozenset(
    {"sigmoid", "sigma", "math", "numpy", "frac", "cdot", "times", "left", "right", "partial", "text"}
)


def _before_operators(lines: Sequence[SourceLine], text: str, k: int, left: str) -> tuple[str, int, bool]:
    """Lines before ones that begin with an operator: a formula that goes on, or one followed by a list.

    `left` is the left side that a line beginning with `=` continues.
    """
    if k + 1 >= len(lines) or not _STARTS.match(lines[k + 1].text):
        return text, k, False
    if "=" not in text or len(text) > MAX_JOINED or not _names(text) or "http" in text:
        return text, k, False
    whole, last = text, k
    while last + 1 < len(lines) and last - k < MOST_LINES and _continues(lines[last + 1]):
        last += 1
        whole = _put_together(whole, _STARTS.sub(r" \1 ", lines[last].text))
    if last == k:
        return text, k, False
    before = left if text.lstrip().startswith("=") else ""
    if _holds(before + text):
        return text, k, False
    if lines[last].block in (Block.FENCE, Block.MATH, Block.CODE) or _holds(before + whole):
        return whole, last, False
    return text, k, True


def _continues(line: SourceLine) -> bool:
    match = _STARTS.match(line.text)
    if match is None or len(line.text) > MAX_JOINED or _states(line.text):
        return False
    rest = _uncommented(_BREAK.sub("", line.text[match.end() :]))
    if "=" in rest:
        return True
    plain = plain_notation(latex_to_plain(SourceText(rest.strip("$ "))))
    return formula(plain, composite=False) is not None


def _holds(text: str) -> bool:
    """Whether the text states something, and all of it is true under one of the conventions."""
    read = statements(text)
    return bool(read) and any(
        all(not s.problems and decide(s.trees, points(c)[:1]).truth is Truth.TRUE for s in read)
        for c in conventions()
    )


def _uncommented(text: str) -> str:
    """The text without a remark at its end that holds no bracket; one pass, however many blanks or marks there are."""
    found = _COMMENT.search(text, max(text.rfind("("), text.rfind(")")) + 1)
    return text[: found.start()] if found else text


_DERIVATIVE = re.compile(r"∂|partial|𝟃|𝜕|δ|\bd\w+/d\w")


def too_long(text: str) -> bool:
    """Whether a line that may hold a formula is longer than any formula of this network."""
    long = len(text) > MAX_LINE or (
        len(text) > MAX_FORMULA
        and "http" not in text
        and "|" not in text
        and max(map(len, _ROWS.split(text))) > MAX_FORMULA
    )
    return long and "=" in text and _DERIVATIVE.search(text[:MAX_LINE]) is not None


_ROWS = re.compile(r"\\\\|;")
