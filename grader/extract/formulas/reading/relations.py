"""What stands for an `=`: arrows, a colon, words, the border of a table's cell, commas of a pair.

Everything here works on one line in plain notation and gives the sides of its statements; that a side can be read as
a quantity or as a formula is what tells an equation from a sentence.
"""

import re
from itertools import takewhile
from typing import NamedTuple

from grader.backprop.expression import Expr, symbols
from grader.extract.formulas.reading.parser import Unparsed, parse_all, parse_prefix
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.vocabulary import joined_names, tokens, without_ages


class Equation(NamedTuple):
    """The sides of one statement. `code` says by what an `=` was inferred; empty where it is written."""

    sides: tuple[SourceText, ...]
    code: str = ""


INFERRED = {
    "arrow": "an arrow, a colon or words read as =",
    "labelled": "a formula behind the name of a weight, without the ∂E/∂ and the =",
    "if-true": "a further form behind an arrow, a sum over weights with two indices, or what stands for a picture",
}
"""How an `=` was inferred, by the code of its note."""
LABELS = ("labelled", "if-true")
"""Codes of equations that are right or not decided: a false one may be about something else."""

_ARROW = re.compile(r"\s*(?:<?[-=]{1,2}>|→|⟶|⇨|➔|➜|➡|↦|▶|:\s?=>)\s*")
_REMARK_WORD = re.compile(r"[A-Za-z]{3,}")
_HAS_ARROW = re.compile(r"[>→⟶⇨➔➜➡↦▶]")
_COLON = re.compile(r"\s*:[\s*_`]*(?=[^/=\s])")
_SAID = re.compile(
    r"(?i)(?<=[\w)])\s*,?\s+(?:is\s+(?:then\s+|also\s+|therefore\s+|thus\s+)?equal\s+to|(?:is\s+)?equals?(?:\s+to)?"
    r"|is\s+(?:given\s+by|computed\s+as|calculated\s+as|defined\s+as|the\s+same\s+as|simply|just|nothing\s+but)"
    r"|(?:can\s+be|is)\s+written\s+as|(?:simplifies|reduces|evaluates|expands|works\s+out|comes\s+out|boils\s+down)\s+to"
    r"|(?:comes\s+out|works\s+out)\s+as|(?:turns\s+out\s+to\s+be|becomes|yields|gives"
    r"|ist\s+(?:dann\s+|also\s+|somit\s+)?gleich|wird\s+zu|beträgt|lautet|ergibt(?:\s+sich\s+(?:zu|als))?|entspricht"
    r"|est\s+égale?\s+à|vaut|es\s+igual\s+a|é\s+igual\s+a|è\s+(?:uguale\s+a|pari\s+a)|is\s+gelijk\s+aan"
    r"|är\s+lika\s+med|er\s+lik|jest\s+równ[eay]|równa\s+się|wynosi|равн[оаы]|равняется|eşittir"
    r"|is\s+(?:then|also|therefore|thus|hence)|is|ist|est|es|è|é))\s*:?\s+(?=[-(∂σ\w])"
    r"|(?<=[\w)])\s*(?:等于|等於|बराबर\s+है)\s*(?=[-(∂σ\w])"
)
_TIDY = " \t|*_`:,.;-"
_BLANK = re.compile(r"\s+")
_MARKS = re.compile(r"^[\s>#*_`|]*(?:(?:[-+]|\(?\d{1,2}[.)]|\(?[a-hivx]{1,4}[.)])\s+)?[*_`\s]*")
_ENUMERATED = re.compile(
    r"^(?:eq(?:uation|n)?\.?|step|schritt|paso|étape)\s*\(?\d{1,2}\)?\s*[:.)-]\s*", re.IGNORECASE
)


def quantity(text: SourceText) -> Expr | None:
    """The one quantity or derivative that a text is, apart from its decoration; None where it says more."""
    name = bare(text)
    if not name.text or len(name.text) > 80:
        return None
    try:
        tree = parse_all(without_ages(tokens(joined_names(name).text))).tree
    except Unparsed:
        return None
    return tree if tree.head in ("sym", "deriv") else None


def bare(text: SourceText) -> SourceText:
    """A cell, a label or a heading without its decoration."""
    return text.sub(_MARKS, "").strip(_TIDY).sub(_ENUMERATED, "")


def starts_with_formula(text: SourceText) -> bool:
    """Whether a sentence goes on with a formula of more than one quantity."""
    try:
        parsed = parse_prefix(tokens(joined_names(text.strip()).text))
    except Unparsed:
        return False
    return bool(symbols(parsed.tree)) and parsed.tree.head not in ("sym", "deriv", "num", "neg")


def formula(text: SourceText, *, composite: bool = True) -> Expr | None:
    """The formula that a text is as a whole; a lone quantity or a number counts only where not `composite`."""
    whole = text.strip(" \t|`;,").strip()
    if not whole.text or len(whole.text) > 1_500:
        return None
    try:
        tree = parse_all(tokens(joined_names(whole.rstrip(".,")).text)).tree
    except Unparsed:
        return None
    if not symbols(tree) or (composite and tree.head in ("sym", "deriv")):
        return None
    return tree


def inferred(line: SourceText) -> list[Equation]:
    """The equations of a line without any `=`; an empty list where it is no equation."""
    for pattern in (_ARROW, _COLON, _SAID):
        parts = line.split(pattern)
        found = _related(parts) if len(parts) > 1 else []
        if found:
            return found
    return []


def _related(parts: list[SourceText]) -> list[Equation]:
    """The quantity before the first sign, equal to every formula that follows it up to the first remark."""
    right = list(takewhile(lambda part: formula(part) is not None, parts[1:]))
    if not right and starts_with_formula(parts[1]):
        right = [parts[1]]
    if not right:
        return []
    left = quantity(parts[0])
    if left is not None:
        return [_labelled(bare(parts[0]), left, tuple(right))]
    named = _named_last(parts[0])
    return [Equation((named, *right), "labelled")] if named is not None else []


def _named_last(text: SourceText) -> SourceText | None:
    """The quantity with which a sentence ends: `the gradient ∂E/∂w5`."""
    starts = [m.end() for m in _BLANK.finditer(text.text)][-6:]
    return next((text[k:] for k in starts if quantity(text[k:]) is not None), None)


def _labelled(text: SourceText, left: Expr, right: tuple[SourceText, ...]) -> Equation:
    """The equation of a quantity; the name of a weight before no update rule stands for its gradient."""
    updates = any({"eta", left.name} & symbols(t) for t in map(formula, right) if t is not None)
    if left.head != "sym" or not left.name.startswith("w") or updates:
        return Equation((text, *right), "arrow")
    return Equation((text.replace(0, 0, "∂E/∂"), *right), "labelled")


def after_arrows(part: SourceText) -> list[Equation]:
    """The equations of a part that holds `=` and arrows: behind an arrow stands a remark, or a further form."""
    if _HAS_ARROW.search(part.text) is None:
        return []
    first, *rest = part.split(_ARROW)
    if not rest:
        return []
    found: list[Equation] = []
    left: SourceText | None = None
    if "=" in first.text:
        found.append(Equation(tuple(first.split(_EQUAL))))
        left = found[0].sides[0]
    elif quantity(first) is not None:
        left = bare(first)
    for piece in rest:
        sides = piece.split(_EQUAL)
        known = left is not None and quantity(left) is not None
        if len(sides) > 1 and not (known and not found and formula(sides[0]) is not None):
            found.append(Equation(tuple(sides)))
        elif left is not None and known and formula(sides[0]) is not None:
            found.append(Equation((left, *sides), "if-true" if found else "arrow"))
    return found


_EQUAL = re.compile(r"=")
_SET = re.compile(r"_\{([^{},]+),([^{},]+)\}")


def members(line: SourceText) -> list[SourceText]:
    """`∂E/∂w_{5,6} = … a_{h1,h2}` as one line for each place; the line alone where it names no two at once."""
    left = line.text.partition("=")[0]
    if "=" not in line.text or not _SET.search(left):
        return [line]
    return [line.sub(_SET, rf"_{{\{k}}}") for k in (1, 2)]


_AND = re.compile(r"\s*(?:,\s*(?:and|und|y|et)\s+|,|;|\s+(?:and|und|et|&)\s+)\s*")
_RESPECTIVELY = re.compile(
    r"\W{0,8}\b(?:respectively|resp\.?|jeweils|respectivamente|respectivement)\b\W*$", re.IGNORECASE
)


def pairs(part: SourceText) -> list[Equation]:
    """`a, b = f, g`: one equation for each place; an empty list where the places do not match."""
    if "," not in part.text and "and" not in part.text and "&" not in part.text:
        return []
    sides = [_places(side) for side in part.sub(_RESPECTIVELY, "").split(_EQUAL)]
    count = len(sides[0])
    if len(sides) < 2 or count < 2 or any(len(s) != count for s in sides):
        return []
    if any(quantity(left) is None for left in sides[0]):
        return []
    if any(formula(place, composite=False) is None for side in sides[1:] for place in side):
        return []
    return [Equation((bare(left), *(s[k] for s in sides[1:]))) for k, left in enumerate(sides[0])]


def _places(side: SourceText) -> list[SourceText]:
    """A side cut at the commas that stand in no bracket, or in one that spans the whole side."""
    text = side.strip()
    if text.text.startswith("(") and text.text.endswith(")") and _closing(text.text) == len(text.text) - 1:
        inner = _cut(text[1:-1])
        if len(inner) > 1:
            return inner
    return _cut(text)


def _closing(text: str) -> int:
    depth = 0
    for k, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return k
    return -1


def _cut(text: SourceText) -> list[SourceText]:
    found: list[SourceText] = []
    start = 0
    for match in _AND.finditer(text.text):
        before = text.text[: match.start()]
        if before.count("(") == before.count(")"):
            found.append(text[start : match.start()])
            start = match.end()
    return [*found, text[start:]]


_BAR = re.compile(r"(?<!\\)\|")
_ROW_TAG = re.compile(r"(?i)</?tr\b[^<>]*>")
_ROWS = (
    ("<tr", 1, _ROW_TAG),
    ("<dt", 2, re.compile(r"(?i)<dt\b[^<>]*>")),
    ("<li", 2, re.compile(r"(?i)<li\b[^<>]*>")),
    ("<p>", 2, re.compile(r"(?i)(?<!:)<p>")),
    ("<hr", 1, re.compile(r"(?i)<hr\b[^<>]*>")),
    ("<details", 1, re.compile(r"(?i)</?details\b[^<>]*>")),
)
"""What begins a row, how often one line holds it, and where the line is parted."""
_HTML_CELL = re.compile(r"(?i)</?(?:t[dhr]|d[tdl]|summary|table|tbody|thead)\b[^<>]*>")


def rows_of(line: SourceText) -> list[SourceText]:
    """The rows of a table in HTML, or the terms of a list of definitions, that stand on one line; the line
    alone where it is none.
    """
    text = line.text.lower()
    tag = next((tag for opens, least, tag in _ROWS if text.count(opens) >= least), None)
    return [line] if tag is None else [row for row in line.split(tag) if row.text.strip()]


def cells_of(line: SourceText) -> list[SourceText]:
    """The cells of a table's row; an empty list where the line is none."""
    text = line.text.strip()
    if _HTML_CELL.search(text):
        return line.split(_HTML_CELL)
    if text.startswith("|") and text.count("|") >= 2:
        return line.strip().strip("|").split(_BAR)
    if " | " in text and "$" not in text and text.count("|") <= 4:
        return line.split(_BAR)
    return []


def in_cells(cells: list[SourceText]) -> list[Equation]:
    """`| ∂E/∂w1 | … |`: the first cell that is a quantity, and every formula in a cell behind it."""
    for k, cell in enumerate(cells[:-1]):
        left = quantity(cell)
        if left is None:
            continue
        sides = [c.sub(_LEADING, "") for c in cells[k + 1 :]]
        sides = [side for side in sides if "=" not in side.text and formula(side) is not None]
        return [_labelled(bare(cell), left, (side,)) for side in sides]
    return _turned([cell for cell in cells if cell.text.strip()])


def _turned(cells: list[SourceText]) -> list[Equation]:
    """`| … | ∂E/∂w1 |`: the one formula of a row before its one quantity, a derivative."""
    if len(cells) < 2 or (left := quantity(cells[-1])) is None or left.head != "deriv":
        return []
    sides = [side for cell in cells[:-1] if formula(side := cell.sub(_LEADING, "")) is not None]
    if len(sides) != 1 or "=" in sides[0].text:
        return []
    return [Equation((bare(cells[-1]), sides[0]), "labelled")]


_LEADING = re.compile(r"^[\s`*]*=\s*")


_MATRIX = r"\\begin\s*\{(?:[bBpvV]?matrix\}|array\}\s*\{[lcr| ]*\})"
_NO_MATRIX = r"((?:(?!\\begin|\\end).)*)\\end\s*\{(?:[bBpvV]?matrix|array)\}"
MATRIX_STATED = re.compile(r"\\end\s*\{(?:[bBpvV]?matrix|array)\}[^=]*=.*" + _MATRIX)
_SAME_MATRIX = re.compile(
    rf"[\s$]*(?:\\left.)?{_MATRIX}{_NO_MATRIX}(?:\\right.)?[\s&]*=[\s&]*(?:\\left.)?{_MATRIX}{_NO_MATRIX}(?:\\right.)?[\s$.,]*"
)
_ENTRY = re.compile(r"\\\\(?:\[[^\]]*\])?|&")


def of_matrices(line: SourceText) -> list[SourceText]:
    """`[∂E/∂w5, ∂E/∂w6] = […, …]`, entry by entry; empty where matrices are worked with: rows of them are none."""
    same = _SAME_MATRIX.fullmatch(line.text)
    if same is None:
        return []
    left, right = (
        [e for e in line[same.start(k) : same.end(k)].split(_ENTRY) if e.text.strip()] for k in (1, 2)
    )
    return [
        SourceText(" = ").join([a, b]) for a, b in zip(left, right, strict=False) if len(left) == len(right)
    ]
