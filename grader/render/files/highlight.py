"""Python of students with colours and numbered lines; the text stays text, whatever a lexer makes of it."""

from collections.abc import Iterable
from functools import lru_cache
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
    pieces = _tokens(source) if len(source) <= COLOURED else [("", head)]
    markup = "".join(_lines(pieces))
    return SafeHtml(
        markup + omission(omitted) + "".join(_lines([("", tail)], plain=True)) if omitted else markup
    )


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
    named = [(_kind(str(token)), text) for token, text in lex(source, lexer)]
    pieces = [(kind, "".join(text for _, text in run)) for kind, run in groupby(named, key=itemgetter(0))]
    # A lexer may drop or rewrite characters (carriage returns, a byte order mark): then the student's text
    # stands uncoloured.
    return pieces if "".join(text for _, text in pieces) == source else [("", source)]


def _kind(token: str) -> str:
    return next((name for start, name in _CLASSES if token.startswith(start)), "")


def _lines(pieces: Iterable[tuple[str, str]], *, plain: bool = False) -> list[str]:
    """Each line in a span of its own, which a style sheet numbers."""
    name = "l rest" if plain else "l"
    return [f'<span class="{name}">{line}\n</span>' for line in _insides(pieces)]


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
