"""Formulas typeset as MathML, without script: "we read this as", to be checked before any judgement is
believed.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
from markupsafe import escape

from grader.render.escape import SafeHtml, code
from grader.render.pictures.picture import Picture
from grader.render.pictures.svg import element, join, literal

TITLE: Final = "How we read your formulas"
SENTENCE: Final = (
    "Each line as it stands in your file and, below it, what we understood. "
    "If the two differ, the result for this line rests on a misreading: tell your instructor."
)
_STRENGTH: Final = {"+": 1, "-": 1, "neg": 1, "*": 2}
_SIGNS: Final = {"*": "·", "-": "−"}
_GREEK: Final = {"eta": "η", "sigma": "σ", "sigmaprime": "σ′", "w?": "w"}


class Tree(Protocol):
    """A formula: `head` is `num`, `sym`, `+ - * / ^`, `neg`, `call`, `deriv` (∂args[0]/∂args[1]) or `diff`
    (∂args[0]).
    """

    @property
    def head(self) -> str:
        """What the node is."""
        ...

    @property
    def name(self) -> str:
        """Of a quantity (`a_h1`) or function."""
        ...

    @property
    def value(self) -> float:
        """Of a number."""
        ...

    @property
    def args(self) -> "Sequence[Tree]":
        """Operands."""
        ...


class FormulaLine(msgspec.Struct, frozen=True, kw_only=True):
    """One statement: where it stands, its text, the sides that we understood (`left = right = …`), each in
    pieces, and what it is as mathematics (`right`, `wrong`, `typo`, `unsure`; empty for not judged).
    """

    place: str
    written: str
    sides: tuple[tuple[SafeHtml, ...], ...]
    standing: str = ""


def formulas(lines: Sequence[FormulaLine]) -> Picture | None:
    """Return the list of typeset statements; None where nothing was read."""
    if not lines:
        return None
    items = [
        element(
            "li",
            element(
                "p",
                *_mark(line.standing),
                element("span", literal(line.place), class_="code"),
                SafeHtml(" "),
                element("code", code(line.written, 400)),
            ),
            element("p", running(line.sides)),
        )
        for line in lines
    ]
    return Picture(
        title=TITLE,
        description=SENTENCE,
        brief=_counted(lines),
        drawing=element("ul", *items, class_="formulas"),
        before_results=True,
    )


class Standing(NamedTuple):
    """How what a formula is stands on a page: never by colour alone."""

    colour: str
    symbol: str
    word: str


STANDINGS: Final = {
    "right": Standing("pass", "✓", "right"),
    "wrong": Standing("fail", "✗", "wrong"),
    "typo": Standing("partial", "◐", "right but for a slip of typing"),
    "unsure": Standing("unknown", "?", "not read to the end"),
}
"""By the words of `FormulaVerdict`."""


def _mark(standing: str) -> tuple[SafeHtml, ...]:
    if standing not in STANDINGS:
        return ()
    colour, symbol, word = STANDINGS[standing]
    sign = element("span", literal(symbol), class_="sym", aria_hidden="true")
    return (element("span", sign, literal(f" {word}"), class_=f"badge v-{colour}"), SafeHtml(" "))


def _counted(lines: Sequence[FormulaLine]) -> str:
    """`✓ 44 right, ✗ 6 wrong`."""
    told = [
        f"{symbol} {count} {word}"
        for standing, (_, symbol, word) in STANDINGS.items()
        if (count := sum(line.standing == standing for line in lines))
    ]
    return ", ".join(told)


def running(sides: Sequence[Sequence[SafeHtml]]) -> SafeHtml:
    """Return `a = b` as a row of small `<math>` pieces, between which a narrow page may break the line."""
    pieces: list[SafeHtml] = []
    for side in sides:
        if pieces:
            pieces[-1] = join((pieces[-1], _infix("=")))
        pieces.extend(side)
    return element("span", *(element("math", _row(piece)) for piece in pieces), class_="eq")


def chunks(tree: Tree) -> tuple[SafeHtml, ...]:
    """Return one side of a formula in pieces, each ending with the operator that leads to the next."""
    if tree.head not in ("+", "-", "*"):
        return (typeset(tree),)
    left, right = tree.args
    before = _piecewise(left, fenced=_STRENGTH.get(left.head, 9) < _STRENGTH[tree.head])
    after = _piecewise(right, fenced=_needs_brackets_right(tree.head, right.head))
    return (*before[:-1], join((before[-1], _infix(_SIGNS.get(tree.head, tree.head)))), *after)


def _piecewise(tree: Tree, *, fenced: bool) -> tuple[SafeHtml, ...]:
    inside = (
        (typeset(tree),) if fenced and all(arg.head in ("sym", "num") for arg in tree.args) else chunks(tree)
    )
    if not fenced:
        return inside
    if len(inside) == 1:
        return (_brackets(inside[0]),)
    return (join((_operator("("), inside[0])), *inside[1:-1], join((inside[-1], _operator(")"))))


def _infix(sign: str) -> SafeHtml:
    """An operator that ends a piece, and would else be spaced as a sign behind its operand."""
    return element("mo", literal(sign), form="infix")


def typeset(tree: Tree) -> SafeHtml:
    """Return the inside of `<math>` for one side of a formula."""
    head, args = tree.head, tree.args
    if head == "num":
        return element("mn", SafeHtml(escape(f"{tree.value:g}")))
    if head == "sym":
        return _quantity(tree.name)
    if head == "/":
        return element("mfrac", _row(typeset(args[0])), _row(typeset(args[1])))
    if head == "^":
        return element(
            "msup", _row(_fenced(args[0], always=args[0].head not in ("num", "sym"))), _row(typeset(args[1]))
        )
    if head == "deriv":
        return element("mfrac", _row(_partial(args[0])), _row(_partial(args[1])))
    if head == "diff":
        return _row(_partial(args[0]))
    if head == "neg":
        return join((_operator("−"), _fenced(args[0], always=args[0].head in ("+", "-", "neg"))))
    if head == "call":
        return join((element("mi", literal(_GREEK.get(tree.name, tree.name))), _brackets(typeset(args[0]))))
    return join(
        (
            _fenced(args[0], always=_STRENGTH.get(args[0].head, 9) < _STRENGTH[head]),
            _operator(_SIGNS.get(head, head)),
            _fenced(args[1], always=_needs_brackets_right(head, args[1].head)),
        )
    )


def _needs_brackets_right(head: str, child: str) -> bool:
    """`a − (b − c)`, `a · (b + c)` and `a · (−b)` keep their brackets; `a + b − c` needs none."""
    strength = _STRENGTH.get(child, 9)
    return strength < _STRENGTH[head] or child == "neg" or (head == "-" and strength == _STRENGTH[head])


def _fenced(tree: Tree, *, always: bool) -> SafeHtml:
    return _brackets(typeset(tree)) if always else typeset(tree)


def _brackets(inside: SafeHtml) -> SafeHtml:
    return element("mrow", _operator("("), inside, _operator(")"))


def _partial(tree: Tree) -> SafeHtml:
    return join((element("mo", SafeHtml("∂")), _fenced(tree, always=tree.head != "sym")))


def _row(inside: SafeHtml) -> SafeHtml:
    return element("mrow", inside)


def _operator(sign: str) -> SafeHtml:
    return element("mo", literal(sign))


def _quantity(name: str) -> SafeHtml:
    """`a_h1` is a with the index h1, `w5` is w with the index 5."""
    plain = _GREEK.get(name, name)
    stem, _, index = plain.partition("_")
    if not index:
        stem, index = plain.rstrip("0123456789"), plain[len(plain.rstrip("0123456789")) :]
    if not index or not stem:
        return element("mi", literal(plain))
    letters = index.rstrip("0123456789")
    digits = index[len(letters) :]
    below = [element(tag, literal(part)) for tag, part in (("mi", letters), ("mn", digits)) if part]
    return element("msub", element("mi", literal(stem)), _row(join(below)))
