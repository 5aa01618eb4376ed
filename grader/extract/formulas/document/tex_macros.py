r"""Names of the document's own in TeX, `\newcommand{\ao}{a_{o1}}` and `\def\dd#1#2{\frac{…}}`: put in as TeX does.

Unread, `\C_1` was taken for a quantity that its letters call, and a right line for a wrong one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from grader.core.evidence.documents import SourceLine
from grader.extract.formulas.reading.notation import group_end
from grader.extract.formulas.reading.statements import MAX_LINE

MOST_MACROS = 200
MOST_ROUNDS = 8
"""How deep macros may stand in one another."""
MOST_CHARACTERS = 300
"""Of the body of a macro."""
_DEFINES = re.compile(
    r"\\(?:(?:(?:re|provide)?(?:new)?command|DeclareMathOperator)\*?\s*(?:\{\s*\\(\w+?)\s*\}|\\([A-Za-z]+))"
    r"\s*(?:\[(\d)\])?|[gex]?def\s*\\([A-Za-z]+)\s*((?:#\d)*))\s*(?=\{)"
)
_USED = re.compile(r"\\([A-Za-z]+)")
_PARAMETER = re.compile(r"#([1-9])")
_ARGUMENT = re.compile(r"\s*(?:(?=\{)|(\\[A-Za-z]+|\w))")


class Macro(NamedTuple):
    """What a name stands for, with `#1` to `#9` for its arguments."""

    arguments: int
    body: str


class _Definition(NamedTuple):
    name: str
    macro: Macro
    start: int
    end: int


def without_macros(lines: Sequence[SourceLine]) -> Sequence[SourceLine]:
    """The lines with the document's own names put in and their definitions taken out; the same where it makes
    none. A name is what the last definition above makes it, else the first one below.
    """
    defined = [list(_definitions(line.text)) for line in lines]
    known: dict[str, Macro] = {}
    for one in (one for each in defined for one in each):
        if len(known) < MOST_MACROS:
            known.setdefault(one.name, one.macro)
    if not known:
        return lines
    plain = []
    for line, found in zip(lines, defined, strict=True):
        text = line.text
        for one in reversed(found):
            text = f"{text[: one.start]} {text[one.end :]}"
        known.update((one.name, one.macro) for one in found if one.name in known)
        plain.append(line._replace(text=_put_in(text, known)))
    return plain


def _definitions(text: str) -> Iterator[_Definition]:
    for match in _DEFINES.finditer(text):
        end = group_end(text, match.end())
        if 0 < end <= match.end() + MOST_CHARACTERS:
            count = int(match[3] or 0) or len(match[5] or "") // 2
            body = text[match.end() + 1 : end - 1].strip()
            yield _Definition(match[1] or match[2] or match[4], Macro(count, body), match.start(), end)


def _put_in(text: str, known: Mapping[str, Macro]) -> str:
    """The text with every macro in it written out; as it stands where that has no end."""
    whole = text
    for _ in range(MOST_ROUNDS):
        further = _once(whole, known)
        if further == whole:
            return whole
        if len(further) > MAX_LINE:
            break
        whole = further
    return text


def _once(text: str, known: Mapping[str, Macro]) -> str:
    """The text with its macros written out once, those in arguments left to the next time."""
    pieces: list[str] = []
    done = 0
    for match in _USED.finditer(text):
        if match[1] in known and match.start() >= done:
            body, end = _call(text, match.end(), known[match[1]])
            pieces += [text[done : match.start()], body]
            done = end
    return _joined([*pieces, text[done:]])


def _call(text: str, end: int, macro: Macro) -> tuple[str, int]:
    """What a macro stands for where its name ends at `end`, and where its arguments do."""
    given = []
    for _ in range(macro.arguments):
        argument = _ARGUMENT.match(text, end)
        after = -1 if argument is None else argument.end() if argument[1] else group_end(text, argument.end())
        if argument is None or after < 0:
            return " ", end
        given.append(argument[1] or text[argument.end() + 1 : after - 1])
        end = after
    if not macro.arguments and text.startswith("{}", end):
        end += 2
    return _PARAMETER.sub(lambda m: "".join(given[int(m[1]) - 1 : int(m[1])]), macro.body), end


def _joined(pieces: Iterable[str]) -> str:
    r"""The pieces one behind the other, apart where a letter would be taken into a word: `\cdot` and `E`."""
    apart: list[str] = []
    for piece in filter(None, pieces):
        if apart and apart[-1][-1].isalpha() and piece[0].isalpha():
            apart.append(" ")
        apart.append(piece)
    return "".join(apart)
