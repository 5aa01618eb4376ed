"""Markdown and plain text -> source lines with places.

Formulas and claims are read from *raw* lines, never from a rendering: CommonMark turns `w1*i1 + w2*i2` into
emphasis and the products are gone. Blocks are told apart only as far as reading needs it: prose, fenced code,
display mathematics, table rows.
"""

import re
from collections.abc import Sequence

from grader.core.evidence.documents import Block, Picture, SourceLine
from grader.core.place import Place

_FENCE = re.compile(r"^[ >]{0,12}(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s|$)")
_IMAGE = re.compile(
    r"!\[(?P<alt>[^\]\n]{0,500})\](?:\(\s*<?(?P<to>[^)\s>]{0,4000})|\[(?P<label>[^\]\n]{0,200}))"
    r"|<img\b(?P<tag>[^>\n]{0,4000})",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_LABEL = re.compile(r"^ {0,3}\[([^\]\n]{1,200})\]:\s*<?(\S{1,4000}?)>?(?:\s|$)")
_NO_PICTURE = re.compile(
    r"codecogs\.com|render/math\?math=|chart\.googleapis\.com/chart\?cht=tx|shields\.io|badge", re.IGNORECASE
)
"""Addresses that hold a formula as text, and badges."""


def markdown_lines(text: str, artefact: str, cell: int | None = None) -> tuple[SourceLine, ...]:
    """Split Markdown or plain text (with `\\n` line ends, see `text.decode`) into its raw lines."""
    raws = text.split("\n")
    fenced = _fenced(raws)
    lines: list[SourceLine] = []
    display = ""
    for number, raw in enumerate(raws, 1):
        block = Block.PROSE
        if number - 1 in fenced:
            block = Block.FENCE
        elif display:
            block = Block.MATH
            if display in raw:
                display = ""
        elif raw.count("$$") % 2:
            block, display = Block.MATH, "$$"
        elif raw.strip() == "\\[":
            block, display = Block.MATH, "\\]"
        elif _HEADING.match(raw):
            block = Block.HEADING
        elif raw.lstrip().startswith("|") and raw.count("|") >= 2:
            block = Block.TABLE
        lines.append(SourceLine(Place(artefact=artefact, line=number, cell=cell), raw, block))
    return tuple(lines)


def _fenced(raws: Sequence[str]) -> set[int]:
    """Return the lines of fenced code, fences included.

    CommonMark takes everything after a fence that is never closed for code. The student who forgot it wrote
    prose there, so only the fence itself counts; the same where another fence is opened inside.
    """
    found: set[int] = set()
    opened, marker = -1, ""
    for at, raw in enumerate(raws):
        match = _FENCE.match(raw)
        if match is None or (match[1][0] == "`" and "`" in match[2]):
            continue
        if opened < 0:
            opened, marker = at, match[1]
        elif match[1][0] != marker[0] or len(match[1]) < len(marker):
            continue
        elif match[2].strip():
            found.add(opened)
            opened, marker = at, match[1]
        else:
            found.update(range(opened, at + 1))
            opened = -1
    if opened >= 0:
        found.add(opened)
    return found


def pictures_in(lines: Sequence[SourceLine]) -> tuple[Picture, ...]:
    """Return the pictures that a document shows, without badges and without images whose address is a
    formula.
    """
    labels = {m[1].lower(): m[2] for line in lines if (m := _LABEL.match(line.text))}
    found: list[Picture] = []
    for line in lines:
        if line.block in (Block.CODE, Block.FENCE) or (
            "![" not in line.text and "<img" not in line.text.lower()
        ):
            continue
        for match in _IMAGE.finditer(line.text):
            tag = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(match["tag"] or "")}
            label = match["label"] or match["alt"] or ""
            target = match["to"] or tag.get("src") or labels.get(label.lower(), "")
            # GitHub shows a formula beside its picture's address too: in the title, or in the alternative
            # text.
            if not _NO_PICTURE.search(target) and not (match["tag"] and _NO_PICTURE.search(match["tag"])):
                alt = match["alt"] or tag.get("alt", "")
                found.append(Picture(place=line.place, target=target[:500], text=alt[:200]))
    return tuple(found)
