"""One raw line -> its statements: `a = b = c` with every side parsed, or the reason why a side could not be."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from grader.backprop.assigned import remembered
from grader.backprop.expression import Expr
from grader.backprop.name_patterns import Named
from grader.backprop.own_names import canonical_of, spelled
from grader.extract.formulas.reading.abbreviations import expanded
from grader.extract.formulas.reading.linked_formulas import ALTERNATIVE, linked_formulas, written_in_line
from grader.extract.formulas.reading.notation import (
    LIST_MARK,
    error_signals,
    latex_to_plain,
    plain_notation,
    strip_markdown,
)
from grader.extract.formulas.reading.parser import Note, Parsed, Unparsed, located, parse_all, parse_prefix
from grader.extract.formulas.reading.prose_rules import (
    bare_left_sides,
    called,
    in_symbols,
    labelled,
    without_remarks,
)
from grader.extract.formulas.reading.relations import (
    INFERRED,
    MATRIX_STATED,
    Equation,
    after_arrows,
    cells_of,
    in_cells,
    inferred,
    members,
    of_matrices,
    pairs,
    rows_of,
)
from grader.extract.formulas.reading.side_calculations import sides, unwrapped
from grader.extract.formulas.reading.source_map import SourceText, rules
from grader.extract.formulas.reading.sums import over_weights, signal_of_all, with_sums
from grader.extract.formulas.reading.vocabulary import ZERO_FOR_O, Token, joined_names, tokens, without_ages

MAX_LINE = 20_000
MAX_FORMULA = 2_500
USUAL = 400  # characters of a line up to which what was read of it is remembered
MAX_SIDES = 24


class Side(NamedTuple):
    """One side of a statement. `tree` is None where it could not be read (`problem` says why) or is empty."""

    text: SourceText
    tree: Expr | None
    problem: str = ""
    goal: bool = False
    """`= ?` or `= …`: the student states what is to be found."""


class Statement(NamedTuple):
    """A line's assertion. `start`, `end` are its offsets in the raw line."""

    sides: tuple[Side, ...]
    notes: tuple[Note, ...]
    start: int
    end: int

    @property
    def trees(self) -> list[Expr]:
        """The sides that could be read."""
        return [s.tree for s in self.sides if s.tree is not None]

    @property
    def problems(self) -> list[int]:
        """Indices of the sides that could not be read."""
        return [k for k, s in enumerate(self.sides) if s.problem]

    def noted(self, *codes: str) -> bool:
        """Whether one of the notes carries one of the codes."""
        return any(n.code in codes for n in self.notes)


_MAY_ASSERT = re.compile(r"=|＝|%3[dD]|[≡≔≜≝≙⇒←⇐⟸⟵]|<-|\\(?:leftarrow|gets|equiv)")
_MAY_STATE = re.compile(
    r"[-=]>|[→⟶⟹⇨➔➜➡↦▶|:：—–]|<t[dh]|<d[td]|<summary|\\(?:to|mapsto|(?:long|Long|R|r)?(?:right|Right)arrow)\b"
    r"|\b(?:is|are|ist|est|es|é|è|equals?|becomes|yields|gives|vaut|simplifies|reduces|evaluates|expands|written|comes|boils"
    r"|works|turns|wird|lautet|ergibt|beträgt|entspricht|är|er|jest|równa|wynosi|равн\w+|eşittir)\b|等于|等於|बराबर"
)
"""What may stand for an `=` in a line without one."""
_LATEX = re.compile(
    r"\\(?:[dt]?frac|partial|sigma|cdot|times|eta|left|begin|operatorname|text|mathrm|[,;:!])"
    r"|\$|&\s*=|\\\\\s*$"
)
_LINK = re.compile(
    r"codecogs\.com|render/math\?math=|cht=tx|math\.vercel\.app|upmath\.me|!\[[^\]]*\\(?:[dt]?frac|partial|sigma|cdot)"
)
_ASCIIDOC = re.compile(r"\b(?:stem|asciimath|latexmath):\[(.*)\]")
"""A formula between the words of an AsciiDoc document."""
_ROW_BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?")
_ROW_SPACE = re.compile(r"\\\\\*?\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in|px|mu|bp)\s*\]|\\\\\*")
_OPERATOR_BREAK = re.compile(r"([-+*/=(])\s*\\\\(?:\[[^\]]*\])?")
_DOLLARS = re.compile(r"\${1,2}")
_DELIMITERS = re.compile(r"\\[()\[\]]|\$`|`\$")
"""Also GitHub's `$`…`$`."""
_UNDERSCORE = re.compile(r"\\\\_|\\_")
_SPACED = rules(
    (r"&\s*=", "=", "&"),
    # `∂E/∂w1 — …`: a dash between blanks behind a name that begins the line.
    (r"^([^=—–]{0,60}[\w)}`*])\s+[—–]\s+(?=[-(\[`*$\\\w∂½σ])(?=[^=]*$)", r"\1 : ", "—", "–"),
)
_SAID_BESIDE = rules(
    (r"^([^=]*(?<!:)=[^;\n=]*?)\s*(?:<-|:=).*$", r"\1", "<-", ":="),
    (r"==|:\s?=|<-", "=", "==", ":", "<-"),
    (r"_\([A-Za-z][^()]{6,}(?:\([^()]*\)[^()]*)*\)_?\s*$", "", "_("),
)
_BETWEEN = r"\s*(?:[*|/,]\s*)?\s"
_NEXT_LEFT = (
    r"[∂d]E\w*\s*/\s*[∂d]w_?@weights@\s*=|(?P<w>w_?@weights@)\w*\s*=\s*(?P=w)\s*-|(?:net_?|z_?|in_?)?[hoHO]_?@units@\s*=\s*[wW]_?@weights@"
    r"|(?:a|out|act)_?[hoHO]_?@units@\s*=\s*(?:σ|sig|1\s*/)"
)
"""A left side behind a formula, with only a blank or a bullet between them, and the beginning of its own right side."""
_NEXT_LOSS = r"E_?\w{0,6}\s*=\s*(?:\(|1\s*/\s*2|0?[.,]5|E_?(?:o|@outputs@))"
_NEXT_GRADIENT = r"[∂d]E\w*\s*/\s*[∂d]w_?@weights@\s*="
_DASHED = Named(rf"({_NEXT_GRADIENT}[^=;]*[\w)])\s+[-–—]\s+(?={_NEXT_GRADIENT})")
"""`∂E/∂w5 = … - ∂E/∂w6 = …`: a dash between two gradients, each with its `=`, subtracts nothing."""
_APART = Named(
    rf"(?<=[\w)])\s+\(\d{{1,2}}\)\s+(?={_NEXT_GRADIENT})|(?<=[\w)]){_BETWEEN}(?={_NEXT_LEFT})|(?<=[\w)])(?<![∂d]w\d)(?<![∂d]w_\d){_BETWEEN}(?={_NEXT_LOSS})|"
    r",?\s+(?:where|with|mit|wobei|où|avec|donde|con|onde|dove)\s+(?=(?:E_?@outputs@|delta_\w{1,6})\s*=)|\n|(?<=[\w)])\s{4,}(?=[∂dδa-zA-Z][\w/∂]{0,20}\s?=[^=])|;|\bor\b|\bOr\b|\band\b(?=[^=]*=)|,?\s*\b(?:and|und)\s+(?=[∂d]E\w*\s*/\s*[∂d]w_?@weights@\s+(?:is|are|ist|has|follows)\b)|\s&\s(?=[^=]*=)|(?<=[\w)])\s*,\s*(?=[∂dδa-zA-Z_(][^=,]{0,30}=)"
)
_NO_FORMULA = re.compile(r"<\s*=|>\s*=|!=|\bimg\b|https?:|it/s|batch_id|padding\s*=|stride\s*=|kernel")
_VALUE = r"(?:[A-Za-z_0-9]+\s*=\s*)+[-\d.]+"
_VALUES = re.compile(rf"\W*{_VALUE}(?:[,;\s]+(?:and\s+)?{_VALUE})*\W*")
_LOST_EXPONENT = Named(r"(1\s*\+\s*)e\s*-\s*(?=\(?(?:a_?|net_?|z_?)?[hoHO]_?@units@\s*\))")
_DOUBLE_STAR = Named(
    r"(?<=[\w)])\s*\*\*\s*(?=\(?\s*(?:[wW]_?@weights@|[iI]_?@inputs@|a_?[hoHO]_?@units@)(?!\w))"
)
"""`(1 - a_o1)**w5`: nothing of this network is an exponent but a sum, so it is a slip for `*`."""
_ZERO_FOR_O = Named(rf"\b(?:[aA]|net|out)_?0@outputs@\b|{ZERO_FOR_O.template}")
_AUGMENTED = re.compile(r"([wW]\w*(?:\(\d\))?)\s*([-+])=\s*(?!=)")


def statements(raw: str, names: Mapping[str, str] = MappingProxyType({})) -> list[Statement]:
    """Read every assertion of one raw line; an empty list where nothing looks like one.

    `names` are the document's own abbreviations, which are put in.

    Text over `MAX_LINE` characters, or formulas over `MAX_FORMULA`, are not read.
    """
    if len(raw) > MAX_LINE:
        return []
    return _statements(raw, names) if names or len(raw) > USUAL else list(_known(raw))


@remembered(most=2_048)
def _known(raw: str) -> tuple[Statement, ...]:
    return tuple(_statements(raw, {}))


def _statements(raw: str, names: Mapping[str, str]) -> list[Statement]:
    line = _in_canonical(raw)
    written = written_in_line(line) if "http" in raw else None
    if written is None:
        return _of_line(line, raw, names)
    read = _of_line(written[0], written[0].text, names)
    whole = bool(read) and all(len(s.trees) > 1 and not s.problems for s in read)
    return read if whole and written[1] else _of_line(line, raw, names) or (read if whole else [])


def _of_line(line: SourceText, raw: str, names: Mapping[str, str]) -> list[Statement]:
    if _MAY_ASSERT.search(raw):
        return _read(line, names)
    if not _MAY_STATE.search(raw) or _NO_FORMULA.search(raw):
        return []
    by_label = labelled(strip_markdown(line)) if "w" in line.text.lower() else None
    if by_label is None:
        return _read(line, names)
    said = Note("labelled", "a formula behind the name of a weight, without the ∂E/∂ and the =")
    return [s._replace(notes=(*s.notes, said)) for s in _read(by_label, names)]


def plain_line(raw: str) -> SourceText:
    """One raw line in plain notation as a whole, without its decoration."""
    return SourceText(" ").join([_plain(chunk) for chunk in _chunks(_in_canonical(raw))])


def _in_canonical(raw: str) -> SourceText:
    """The line with the rubric's own names of weights and biases as w1, b1, …."""
    own = spelled()
    return SourceText(raw) if own is None else SourceText(raw).sub(own, canonical_of)


def _read(line: SourceText, names: Mapping[str, str]) -> list[Statement]:
    found: list[Statement] = []
    rows = (row for member in members(line) for row in rows_of(member))
    for equation in (e for row in rows for e in _equations(row, names)):
        read = _statement(list(equation.sides))
        unsure = over_weights(line.text) or ALTERNATIVE.match(line.text)
        code = "if-true" if unsure else equation.code
        if code:
            read = read._replace(notes=(*read.notes, Note(code, INFERRED[code])))
        found.append(read)
    return found


def _equations(line: SourceText, names: Mapping[str, str]) -> Iterator[Equation]:
    cells = cells_of(line)
    if cells:
        yield from in_cells(
            [SourceText(" ").join([expanded(_plain(c), names) for c in _chunks(cell)]) for cell in cells]
        )
    for cell in cells or [line]:
        plains = [expanded(_plain(chunk), names) for chunk in _chunks(cell)]
        if not any("=" in plain.text.replace("=>", "") for plain in plains):
            yield from inferred(SourceText(" ").join(plains))
            continue
        for plain in plains:
            for part in plain.split(_BREAK):
                if len(part.text) <= MAX_FORMULA:
                    yield from pairs(part) or (e for p in part.split(_APART()) for e in _of_part(p))


def _plain(chunk: SourceText) -> SourceText:
    plain = in_symbols(plain_notation(chunk.rewritten(_SPACED)))
    if "-=" in plain.text or "+=" in plain.text:
        plain = plain.sub(_AUGMENTED, r"\1 = \1 \2 ")
    plain = plain.rewritten(_SAID_BESIDE)
    if plain.text.count("=") > 1:
        plain = plain.sub(_DASHED(), r"\1 ; ")
    return with_sums(bare_left_sides(plain))


def _of_part(part: SourceText) -> list[Equation]:
    text = part.text
    if "=" not in text or _NO_FORMULA.search(text) or (len(text) < 400 and _VALUES.fullmatch(text)):
        return []
    if (signal := signal_of_all(part)) is not None:
        return [Equation(tuple(sides(one))) for one in signal]
    part = without_remarks(unwrapped(part))
    found = after_arrows(part) or [Equation(sides(part))]
    return [e for e in found if len(e.sides) <= MAX_SIDES]


_BREAK = re.compile(r"\n|;")


def _chunks(line: SourceText) -> list[SourceText]:
    line = error_signals(line)
    if ":[" in line.text:
        line = line.sub(_ASCIIDOC, r" \1 ")
    raw = line.text
    if _LINK.search(raw) or ALTERNATIVE.match(raw):
        return [
            latex_to_plain(row)
            for link in linked_formulas(line)
            for row in link.sub(_OPERATOR_BREAK, r"\1 ").split(_ROW_BREAK)
        ]
    if _LATEX.search(raw):
        return _latex_chunks(line.sub(LIST_MARK, ""))
    return [strip_markdown(line)]


def _latex_chunks(line: SourceText) -> list[SourceText]:
    if "\\begin" in line.text and MATRIX_STATED.search(line.text):
        return [chunk for entry in of_matrices(line) for chunk in _latex_chunks(entry)]
    line = line.sub(_ROW_SPACE, r"\\\\").sub(_DELIMITERS, "$").sub(_UNDERSCORE, "_")
    line = line.sub(_OPERATOR_BREAK, r"\1 ").sub(_ROW_BREAK, "\n")
    if line.text.count("$") < 2:
        return [latex_to_plain(line.sub(_DOLLARS, " "))]
    chunks = [latex_to_plain(part) for part in line.split(_DOLLARS)]
    if any(chunk.text.lstrip().startswith("=") for chunk in chunks[2::2]):  # `$a$ $= b$`
        return [SourceText("").join(chunks)]
    return chunks


def _statement(parts: list[SourceText]) -> Statement:
    notes: list[Note] = []
    sides = []
    if any(_LOST_EXPONENT().search(part.text) for part in parts):
        parts = [part.sub(_LOST_EXPONENT(), r"\1e^-") for part in parts]
        notes.append(Note("power-sign-lost", "`e-h` read as `e^-h`"))
    if any(_DOUBLE_STAR().search(part.text) for part in parts):
        parts = [part.sub(_DOUBLE_STAR(), " * ") for part in parts]
        notes.append(Note("double-star", "`**` between two factors read as `*`"))
    for k, part in enumerate(parts):
        text = joined_names(part.strip().rstrip(".,"))
        sides.append(_side(text, first=k == 0 < len(parts) - 1, last=k == len(parts) - 1, notes=notes))
    for part in parts:
        zero = _ZERO_FOR_O().search(part.text)
        if zero:
            notes.append(Note("zero-for-o", f"digit 0 for the letter o in {zero.group(0)}"))
            break
    named = len(sides) > 2 and sides[0].problem and called(sides[0].text.text, sides[1].tree)
    if named or _named_in_prose(sides, notes):
        sides = sides[1:]
    starts = [offset for side in sides for offset in side.text.at]
    if sides[0].tree is not None and sides[0].tree.start >= 0:
        starts = [o for o in starts if o >= sides[0].tree.start]
    return Statement(tuple(sides), tuple(notes), min(starts, default=0), max(starts, default=-1) + 1)


def _named_in_prose(sides: list[Side], notes: list[Note]) -> bool:
    """`the error of output a_o1 = E1 = …`: the sentence names a_o1, and the formula begins with the loss."""
    if len(sides) < 3 or not any(note.code == "text-before" and note.message for note in notes):
        return False
    said, stated = sides[0].tree, sides[1].tree
    if said is None or stated is None or said.head != "sym" or stated.head != "sym":
        return False
    return stated.name.startswith("E") and not said.name.startswith("E")


def _side(text: SourceText, *, first: bool, last: bool, notes: list[Note]) -> Side:
    if not text.text:
        return Side(text, None)
    if text.text in ("?", "...", "…"):
        return Side(text, None, goal=True)
    try:
        parsed = read_side(text.text, first=first, last=last)
    except Unparsed as error:
        return Side(text, None, str(error))
    notes += parsed.notes
    if parsed.rest:
        words = " ".join(t.name for t in parsed.rest if t.kind == "word")[:40]
        notes.append(Note("text-after", words))
    return Side(text, located(parsed.tree, text.span))


def read_side(text: str, *, first: bool = False, last: bool = False) -> Parsed:
    """Parse one side: the left one after dropped prose, the last one before dropped prose, the others whole.

    Raises:
        Unparsed: it is no formula.

    """
    found = without_ages(tokens(text))
    if first:
        return _after_prose(found)
    return parse_prefix(found) if last else parse_all(found)


def _after_prose(found: list[Token]) -> Parsed:
    """The longest suffix that parses; a bare quantity or derivative wins over an implicit product of words and it."""
    best: list[tuple[int, Parsed]] = []
    for start in range(max(0, len(found) - 120), len(found)):
        if (
            start
            and found[start - 1].kind == "op"
            and not _list_mark(found, start)
            and not _dash(found, start)
        ):
            continue
        try:
            best.append((start, parse_all(found[start:])))
        except Unparsed:
            continue
        if len(best) == 1 and not _doubtful(best[0][1]):
            break
    if not best:
        raise Unparsed("the left side is no quantity")
    start, parsed = best[0]
    if _doubtful(parsed):
        start, parsed = next(((s, p) for s, p in best if p.tree.head in ("sym", "deriv")), (start, parsed))
    if start:
        dropped = " ".join(t.name for t in found[:start] if t.kind == "word")[:40]
        touching = (
            found[start - 1].end == found[start].start
        )  # `Xw5`: cut out of something that was not understood
        code = "cut-out" if touching and found[start - 1].kind == "word" else "text-before"
        parsed = Parsed(parsed.tree, [*parsed.notes, Note(code, dropped)], parsed.rest)
    return parsed


def _list_mark(found: list[Token], start: int) -> bool:
    return found[start - 1].name == "-" and start == 2 and found[0].kind == "num"


def _dash(found: list[Token], start: int) -> bool:
    """A dash between a sentence and its formula: `recalibrated using - w = …`."""
    before = found[max(0, start - 3) : start]
    words = [t.name for t in before[:-1] if t.kind == "word"]
    told = (len(words) == 2 and min(map(len, words)) > 1) or any(len(word) > 3 for word in words[-1:])
    return bool(before) and before[-1].name == "-" and told


def _doubtful(parsed: Parsed) -> bool:
    tree = parsed.tree
    if tree.head in ("sym", "deriv"):
        return False
    if tree.head == "neg" and tree.args[0].head in ("sym", "deriv"):  # a dash before a formula
        return True
    return any(n.code == "implicit-product" for n in parsed.notes) or (
        tree.head == "-" and tree.args[0].head == "num"
    )
