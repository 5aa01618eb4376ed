"""Python of students with colours and numbered lines; the text stays text, whatever a lexer makes of it."""

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

from grader.render.escape import SafeHtml, clip, omission, visible

SOURCE_LIMIT: Final = 40_000
"""Characters of one cell that are shown; the longest of a real notebook held 12,000."""
COLOURED: Final = 20_000
"""Characters up to which a source is coloured: a lexer is made of patterns, and a student may know which of
them are slow.
"""
_CLASSES: Final = (
    ("Token.Keyword", "hk"),
    ("Token.Literal.String", "hs"),
    ("Token.Literal.Number", "hn"),
    ("Token.Comment", "hc"),
    ("Token.Name.Function", "hf"),
    ("Token.Name.Class", "hf"),
    ("Token.Name.Builtin", "hb"),
    ("Token.Operator.Word", "hk"),
)


@lru_cache(maxsize=64)
def python(source: str) -> SafeHtml:
    """Return the inside of a `<pre>`: one `<span class="l">` a line, coloured where that is quick."""
    head, omitted, tail = clip(source, SOURCE_LIMIT)
    if not omitted:
        return SafeHtml(_fenced(python_lines(source)))
    rest = _fenced(_insides([("", tail)]), "l rest")
    return SafeHtml(_fenced(_insides([("", head)])) + omission(omitted) + rest)


@lru_cache(maxsize=64)
def python_lines(source: str) -> tuple[SafeHtml, ...]:
    """Return the inside of each line; none for a source that is not shown whole."""
    if len(source) > SOURCE_LIMIT:
        return ()
    pieces = _tokens(source) if len(source) <= COLOURED else [("", source)]
    return tuple(SafeHtml(line) for line in _insides(pieces))


def _tokens(source: str) -> list[tuple[str, str]]:
    from pygments import lex
    from pygments.lexers.python import PythonLexer

    lexer = PythonLexer(stripnl=False, ensurenl=False)
    named = [(_kind(token), text) for token, text in lex(source, lexer)]
    pieces = [(kind, "".join(text for _, text in run)) for kind, run in groupby(named, key=itemgetter(0))]
    # A lexer may drop or rewrite characters (carriage returns, a byte order mark): then the student's text
    # stands uncoloured.
    return pieces if "".join(text for _, text in pieces) == source else [("", source)]


@cache
def _kind(token: object) -> str:
    """The class of a token of the lexer, by its name: there are some sixty."""
    return next((name for start, name in _CLASSES if str(token).startswith(start)), "")


def _fenced(insides: Iterable[str], name: str = "l") -> str:
    """Each line in a span of its own, which a style sheet numbers."""
    return "".join(f'<span class="{name}">{line}\n</span>' for line in insides)


def _insides(pieces: Iterable[tuple[str, str]]) -> list[str]:
    """The markup of each line; a token over several lines is cut at their ends."""
    lines: list[list[str]] = [[]]
    for kind, text in pieces:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if part:
                shown = visible(part, in_code=True)
                lines[-1].append(f'<span class="{kind}">{shown}</span>' if kind else shown)
    return ["".join(line) for line in lines]
