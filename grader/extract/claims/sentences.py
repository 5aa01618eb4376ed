"""Prose -> sentences, and which of them repeat the assignment's wording instead of claiming anything."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from grader.core.evidence.documents import Block, SourceLine
from grader.core.place import Place


class Sentence(NamedTuple):
    """One sentence or list item. `required` tells that it stands in a list of requirements.

    `under` is the line that it is indented under, as the items of a list within a list are; empty for none.
    `headed`: made of a table's only row and its heads: its numbers are what the heads say, but of which
    network (a paper's, an attempt) or of which limit nobody said.
    """

    place: Place
    text: str
    section: int
    heading: str
    required: bool
    fenced: bool
    under: str = ""
    headed: bool = False


_ASKS = re.compile(
    r"(?<![a-z])(?:requirements?|targets?|goals?|objectives?|problem "
    r"statement|constraints?|constrain\w*|criteria|asks?|tasks?|aim|conditions?"
    r"|assignment tasks?|rules|specifications?|challenge|such that it (?:achieves|has)|write it again"
    r"|parameters? as well|following operational)(?![a-z])",
    re.IGNORECASE,
)
_OPEN = re.compile(r"\bsuch that it (?:has|achieves|reaches)\s*$", re.IGNORECASE)
"""A line that goes on in the paragraph below: `Write a network such that it has`."""
_ANSWERS = re.compile(
    r"(?<![a-z])(?:results?|solution|achiev(?:ed|ements?)|approach|my model|our model|final model|model "
    r"(?:parameters|details|summary|architecture)"
    r"|architecture|summary|performance|logs?|details|conclusions?|characteristics|charcteristics|findings|analysis|validation)(?![a-z])",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    r"(?<![a-z])(?:limits?|max(?:imum)?|allowed|permitted|require[ds]?|needed|expected|constraints?|asked|wanted)(?![a-z])",
    re.IGNORECASE,
)
"""Heads of a table that holds what the assignment asks."""
_ITEM = re.compile(r"^\s*(?:[-*+•>✅✓☑]|\d+[.)](?!\d)|\(?[a-z]\)|<li>|\[[ xX]\])\s*|^\s*<li>", re.IGNORECASE)
_CLEAN = re.compile(
    r"\*\*|__|`+|<br\s*/?>|</?(?:b|i|u|p|li|ul|ol|em|strong|code|font|h\d|span|div|center)[^<>]{0,80}>|\\(?=[-_*#])|\\$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"<!--.{0,2000}?(?:-->|$)|!\[[^\]\n]{0,300}\]\([^)\n]{0,600}\)|<img[^<>]{0,600}>|(?<=\])\([^)\n]{0,600}\)|https?://\S{1,600}",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z*_`\"(])|(?<=[a-z)%][.!?])(?=[A-Z][a-z])")
MAX_LINE = 2_000
MAX_LINES = 20_000


def clean(text: str) -> str:
    """Drop emphasis, HTML tags and comments, pictures and addresses."""
    return _CLEAN.sub("", _LINK.sub(" ", text))


def _in_bars(text: str) -> str:
    """The rows of an HTML table as those of Markdown have it, each on a line of its own."""
    if "<t" not in text.lower():
        return text
    return _CELL_TAG.sub("", _BETWEEN_CELLS.sub(" | ", _ROW_END.sub(" |\n", _ROW_START.sub("| ", text))))


_ROW_START = re.compile(r"<tr\b[^<>]{0,80}>\s*<t[dh]\b[^<>]{0,80}>", re.IGNORECASE)
_ROW_END = re.compile(r"</t[dh]>\s*</tr>", re.IGNORECASE)
_BETWEEN_CELLS = re.compile(r"</t[dh]>\s*<t[dh]\b[^<>]{0,80}>", re.IGNORECASE)
_CELL_TAG = re.compile(r"</?(?:table|thead|tbody|tr|t[dh])\b[^<>]{0,80}>", re.IGNORECASE)


def sentences(lines: Iterable[SourceLine], *, skip: frozenset[Place] = frozenset()) -> Iterator[Sentence]:
    """Sentences of prose, headings, list items and tables; `skip` holds the lines of logs and summaries."""
    section = 0
    heading = ""
    asked = False
    """Whether the heading or the lead-in above announces requirements."""
    blank = 0
    above: list[tuple[int, str]] = []
    row = led = False
    kept = _joined(list(itertools.islice(lines, MAX_LINES)), skip)
    heads = _heads_of_single_rows(kept)
    for at, line in enumerate(kept):
        text = clean(_in_bars(line.text[:MAX_LINE])).strip()
        if not text:
            blank += 1
            continue
        if line.place in skip or line.block is Block.MATH:
            blank = 0
            continue
        indent = len(line.text) - len(line.text.lstrip())
        while above and (above[-1][0] >= indent or line.block is Block.HEADING):
            above.pop()
        under = above[-1][1] if above else ""
        above.append((indent, text))
        inside, row = row and not blank, text.startswith("|")
        after, led = led, _OPEN.search(text) is not None
        if line.block is Block.HEADING or _underlined(text):
            section += not _underlined(text)
            heading = heading if _underlined(text) else text.strip("# ")
            asked = bool(_ASKS.search(text)) and not _ANSWERS.search(text)
        elif not _ITEM.match(line.text) and line.block is not Block.FENCE and not (row and inside):
            if row and _LIMITS.search(text):
                asked = True
            elif _lead_in(text) and not after:
                asked = bool(_ASKS.search(text))
            elif blank and asked and not after and not text.startswith("|"):
                asked = False  # a new paragraph ends the list of requirements
        blank = 0
        if at in heads:
            pairs = zip(heads[at], _cells(text), strict=False)
            told = "; ".join(f"{head}: {cell}" for head, cell in pairs if head.strip() and cell.strip())
            yield Sentence(line.place, told, section, heading, asked, fenced=False, under=under, headed=True)
        for part in (p for row in text.split("\n") for p in _END.split(row)):
            if part.strip():
                yield Sentence(
                    line.place, part.strip(), section, heading, asked, line.block is Block.FENCE, under
                )


def _joined(lines: list[SourceLine], skip: frozenset[Place]) -> list[SourceLine]:
    """The lines with each row of an HTML table on one, and each value beside the label alone above it.

    It bears the place of its last number. What was joined to it is left as an empty line.
    """
    found = list(lines)
    at = 0
    while at < len(found):
        end = _end_of_row(found, at) or _end_of_label(found, at)
        part = found[at : end + 1] if end else []
        if part and not any(line.place in skip for line in part):
            joint = "" if _ROW_TAG.search(part[0].text) else ": "
            text = joint.join(line.text.strip().removesuffix(":") for line in part if line.text.strip())
            last = next((k for k in range(end, at, -1) if _DIGIT.search(clean(found[k].text))), at)
            found[at : end + 1] = [line._replace(text="") for line in part]
            found[last] = lines[last]._replace(text=text)
        at = max(at, end) + 1
    return found


def _end_of_row(lines: Sequence[SourceLine], at: int) -> int:
    """The last line of a table's row of a label and a value that does not end where it begins; 0 for none. Of
    several values only the head of their columns tells which network each is of.
    """
    if lines[at].block is Block.FENCE or not _OPEN_ROW.search(lines[at].text):
        return 0
    ends = range(at + 1, min(at + MOST_OF_A_ROW, len(lines)))
    end = next((k for k in ends if "</tr" in lines[k].text.lower()), 0)
    cells = sum(len(_CELL_OPENS.findall(line.text)) for line in lines[at : end + 1])
    return end if cells == LABEL_AND_VALUE else 0


def _end_of_label(lines: Sequence[SourceLine], at: int) -> int:
    """The line of the value that stands alone below a label; 0 for none."""
    text = clean(lines[at].text).strip(" *_:#")
    label = len(text) <= MOST_OF_A_LABEL and _MEANT.search(text) and not _DIGIT.search(text)
    if not label or _ASKS.search(text) or lines[at].block in (Block.FENCE, Block.TABLE, Block.HEADING):
        return 0
    below = next((k for k in range(at + 1, min(at + 3, len(lines))) if lines[k].text.strip()), 0)
    return below if below and _ONLY_A_FIGURE.fullmatch(clean(lines[below].text)) else 0


MOST_OF_A_ROW = 40
"""Lines of one row."""
MOST_OF_A_LABEL = 40
LABEL_AND_VALUE = 2
_DIGIT = re.compile(r"\d")
_ROW_TAG = re.compile(r"<tr\b", re.IGNORECASE)
_CELL_OPENS = re.compile(r"<t[dh]\b", re.IGNORECASE)
_OPEN_ROW = re.compile(r"<tr\b(?!.*</tr)", re.IGNORECASE)
_ONLY_A_FIGURE = re.compile(r"[\s*_~≈=]*\d[\d,. ]*(?:\s*[%kK])?[\s*_.]*")


def _heads_of_single_rows(lines: Sequence[SourceLine]) -> dict[int, list[str]]:
    """The heads of each table's only row, where a number is what its head says: `| Parameters | Accuracy |`.

    A table of several rows compares attempts, and nobody says which of them was submitted.
    """
    found = {}
    at = 0
    while at < len(lines):
        rows = list(itertools.takewhile(lambda k: _is_row(lines[k]), range(at, len(lines))))
        if len(rows) == TABLE and _RULE.fullmatch(lines[rows[1]].text.strip()):
            head, row = (clean(lines[k].text[:MAX_LINE]).strip() for k in (rows[0], rows[2]))
            pairs = list(zip(_cells(head), _cells(row), strict=False))
            if len(pairs) > 1 and any(_MEANT.search(one) and _FIGURE.match(other) for one, other in pairs):
                found[rows[2]] = _cells(head)
        at += max(1, len(rows))
    return found


_MEANT = re.compile(r"para?m|acc(?:\b|ur)|epoch", re.IGNORECASE)
_FIGURE = re.compile(r"[\s*_~≈]*\d")
TABLE = 3
"""Lines of a table with one row: its heads, the rule below them, the row."""
_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?")


def _is_row(line: SourceLine) -> bool:
    return line.block is Block.TABLE and "|" in line.text


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.strip().strip("|").split("|")]


def _underlined(text: str) -> bool:
    return not text.strip("-=_ ")


def _lead_in(text: str) -> bool:
    """Whether a line introduces a list: `Our goal is to reach 99.4 % with,` or `SOLUTION`."""
    short = len(text) <= 40 and bool(_ASKS.search(text) or _ANSWERS.search(text))
    return short or text.rstrip().endswith((":", ",", "-", ":-")) or bool(_OPEN.search(text))
