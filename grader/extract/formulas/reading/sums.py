"""Sums over the outputs, written out for the outputs of the network: the loss, `E = Σ ½ (target - output)²`,
and the paths of a gradient, `Σ_k (a_ok - t_k) · a_ok (1 - a_ok) · w_k1`.
"""

import re

from grader.backprop.assigned import network
from grader.backprop.name_patterns import Named
from grader.extract.formulas.reading.source_map import SourceText

_SUM = re.compile(
    r"^(?P<left>.*?(?<![A-Za-z])(?:E|L|J|C|[Ll]oss|[Cc]ost|[Ee]rror)(?:_?(?:[Tt]otal|[Tt]ot|[Tt]))?\s*=\s*)"
    r"(?P<before>[^=Σ]{0,20}?)(?:Σ|(?<![A-Za-z])(?:sum|SUM)(?=\s*[_(]))\s*(?:_?\(?\s*[iknjo](?:\s*=\s*[01])?\s*\)?(?=[\s^(])\s*)?"
    r"(?:\^\s*\(?[2nNk]\)?\s*)?(?P<rest>[^=]{3,120})$"
)
_APART = Named(
    r"((?<![A-Za-z])E_?o?@outputs@\s*=[^=]*\(\s*)(?:[tT]|[tT]arget|[aA]ctual|[dD]esired|[eE]xpected)_?(@outputs@)(\s*-\s*)"
    r"(?:[oO]ut(?:put)?|[pP]red(?:icted|iction)?|[oO]btained)_?\2(?=\s*\)\s*(?:\^|²|\*\*)\s*2?)"
)
"""`E1 = ½ (target1 - output1)²`: beside its target an output is what the neuron gives, whatever it is called."""
_HALF = re.compile(r"\s*\(?\s*(?:1\s*/\s*2|0?\.5)\s*\)?\s*\*?\s*")
_INDEX = r"(?:_?\([iknjo]\)|_?[iknjo])?(?![A-Za-z0-9_])"
_TARGET = re.compile(
    rf"(?<![A-Za-z])(?:t|[Tt]argets?|[Aa]ctual|[Ee]xpected|[Dd]esired|[Tt]rue){_INDEX}(?:_?o_?[ik])?"
)
_OUTPUT = re.compile(
    rf"(?<![A-Za-z])(?:a_?o|out_?o|a|o|out|[Oo]utputs?|y_?hat|ŷ|[Pp]red(?:icted|iction)?|[Oo]btained){_INDEX}"
)
_Y = re.compile(rf"(?<![A-Za-z])y{_INDEX}")
_ERROR = re.compile(r"(?<![A-Za-z])E(?:_?\([iknjo]\)|_?[iknjo])(?![A-Za-z0-9_])")


def with_sums(line: SourceText) -> SourceText:
    """The line with a sum over the outputs written out; the line itself where it states none that is understood."""
    line = line.sub(_APART(), r"\1t\2\3a_o\2")
    match = _SUM.match(line.text) if "Σ" in line.text or "sum" in line.text.lower() else None
    if match is None or (match["before"].strip() and not _HALF.fullmatch(match["before"])):
        return _of_paths(line)
    rest = match["rest"].strip().rstrip(".,;")
    terms = [_term(rest, loss.removeprefix("E")) for loss in network().losses]
    if terms[0] == rest:
        return _of_paths(line)
    start = match.start("before")
    written = f"{match['before']}({' + '.join(f'({term})' for term in terms)})"
    at = [*line.at[:start], *[line.at[start]] * (len(written) - 1), line.at[-1]]
    return SourceText(line.text[:start] + written, at)


def _term(rest: str, output: str) -> str:
    """One term of the sum; in `y` stands the target where the output has another name, and the output beside `t`."""
    named = _ERROR.sub(f"E{output}", rest)
    target = _TARGET.search(named) is not None
    named = _TARGET.sub(f"t{output}", named)
    found = _OUTPUT.search(named) is not None
    named = _OUTPUT.sub(f"a_o{output}", named)
    if found == target:
        return named
    return _Y.sub(f"t{output}" if found else f"a_o{output}", named)


MOST_SUMS = 8
_SIGMA = re.compile(
    r"(?:Σ|(?<![A-Za-z])(?:sum|SUM)(?=_))\s*(?:_?\s*\(\s*([ijkno])\s*(?:[=∈][\s\d,.…n]*(?:\([\s\d,.…]*\))?\s*)?\)|_?\s*([ijkno])(?=[\s(^*∂]))?"
    r"\s*(?:\^\s*\(?\s*[2nNkKm]\s*\)?)?\s*\*?\s*"
)
"""A sum sign with its index, of which notation keeps none where LaTeX stood."""
_LETTER = re.compile(r"(?<=[A-Za-z_(])([ijkn])(?![A-Za-z])")
_SPOKEN = re.compile(r"[A-Za-z]{5,}")
_OF_OUTPUTS = r"(?<![A-Za-z])(?:a|out|net|z|A)?_?\(?[oO]_?\(?{0}(?![A-Za-z0-9])|(?<![A-Za-z])(?:[EtTy]|target|delta)_?\(?{0}(?![A-Za-z0-9])|∂_{0}"
_SIGNAL = r"∂(?:_\(?(o?)_?\(?|()){0}\)*(?![A-Za-z0-9_])(?!\s*/)"
"""`δ_k`, `δ_ok`: a δ with a letter is a ∂ in plain notation."""
_TWO = r"(?:[ijkno]\s*,?\s*h?_?[1-9]|h?_?[1-9]\s*,?\s*o?_?[ijkn])"
_INDEXED_ONCE = re.compile(r"(?<![A-Za-z/∂d])[wW]_?\(?\s*[ijkn]\s*\)?(?![A-Za-z0-9])")
_INDEXED_TWICE = re.compile(rf"(?<![A-Za-z])[wW]_?(?:\(\s*{_TWO}\s*\)|{_TWO}(?![A-Za-z0-9]))")


def over_weights(text: str) -> bool:
    """Whether a sum counts weights by two indices, of which a document may take either for the output, or by
    one, `w_k`, which leaves the hidden neuron to the reader.
    """
    if not ("Σ" in text or "\\sum" in text or "sum_" in text):
        return False
    bare = text.replace("{", "(").replace("}", ")")
    return _INDEXED_TWICE.search(bare) is not None or _INDEXED_ONCE.search(bare) is not None


FOR_ALL = re.compile(
    r"\s*[,(]?\s*(?:(?:for|with|where|für|mit|pour|para)\s+)?(?:(?:all|each|every|alle|jedes)\s+)?(?<![A-Za-z])[ijkn]\s*(?:=|∈|in)\s*"
    r"[({]?\s*(?:1\s*(?:,|\.\.+|…|and|und|to|bis|or|-)|the\b)[^=]*$"
    r"|\s*[,(]?\s*\b(?:for|für|pour|para)\s+(?:each|every|all|both|any|alle|jede[nrs]?)\b[^=]*$",
    re.IGNORECASE,
)
"""`, k = 1, 2` behind a definition for every k."""
_SIGNAL_OF_ALL = re.compile(r"(?:\W|[A-Za-z]+(?![A-Za-z_(]))*?∂_\(?o_?\(?([ijkn])\)*\s*:?=(?P<value>[^=]+)$")
"""A δ of any output behind words alone: `We define δ_ok = …`."""


def signal_of_all(part: SourceText) -> list[SourceText] | None:
    """`δ_ok = (t_k - a_ok) …` for each output; None where a part is no definition of that kind."""
    match = _SIGNAL_OF_ALL.match(part.sub(FOR_ALL, "").text) if "∂_" in part.text else None
    if match is None:
        return None
    values = of_every_output(match["value"].strip(" ,.;"), match[1])
    lines = [f"delta_{unit.sum} = {value}" for unit, value in zip(network().outputs, values, strict=False)]
    return [SourceText(line, [part.at[0]] * len(line)) for line in lines] or None


def of_every_output(formula: str, letter: str) -> list[str]:
    """A formula with an index for each output in its turn; empty where none of its names has the index."""
    if re.search(_OF_OUTPUTS.format(letter), formula) is None:
        return []
    return [_path(formula, letter, output) for output in range(len(network().outputs))]


def _of_paths(line: SourceText) -> SourceText:
    """The line with the product behind every sum sign written once for each output.

    What follows in the same product may stand inside or outside of the sum: it is the same.
    """
    for _ in range(MOST_SUMS if "Σ" in line.text or "sum_" in line.text.lower() else 0):
        signs = list(_SIGMA.finditer(line.text))
        if not signs:
            break
        sign = signs[-1]
        end = _end_of_product(line.text, sign.end())
        body = line.text[sign.end() : end].strip()
        letter = sign[1] or sign[2] or _letter_of(body)
        if not body or not letter or _SPOKEN.search(body.replace("delta", "").replace("target", "")):
            break
        if not re.search(_OF_OUTPUTS.format(letter), body):
            break
        terms = [_path(body, letter, at) for at in range(len(network().outputs))]
        if terms[0] == body:
            break
        written = f"({' + '.join(f'({term})' for term in terms)})"
        start = sign.start()
        at = [*line.at[:start], *[line.at[start]] * len(written), *line.at[end:]]
        line = SourceText(line.text[:start] + written + line.text[end:], at)
    return line


def _end_of_product(text: str, start: int) -> int:
    depth = 0
    for k in range(start, len(text)):
        char = text[k]
        depth += (char == "(") - (char == ")")
        before = text[start:k].rstrip()
        ends = char in "=;,\n" or (char in "+-" and before and before[-1] not in "*/^(")
        if depth < 0 or (depth == 0 and ends):
            return k
    return len(text)


def _letter_of(body: str) -> str:
    letters = set(_LETTER.findall(body)) or {"o"}
    return letters.pop() if len(letters) == 1 else ""


def _path(body: str, letter: str, output: int) -> str:
    """The product for one output: its number for the index, and the weight that leads to it for `w_k1`."""
    unit = network().outputs[output]
    weights = {source[-1]: weight for weight, source in unit.terms}

    def weight(m: re.Match[str]) -> str:
        hidden = next(c for c in m.group(0) if c.isdigit())
        return weights.get(hidden, m.group(0)) if letter in m.group(0)[1:] else m.group(0)

    number = unit.sum.removeprefix("o")
    named = re.sub(
        _SIGNAL.format(letter), lambda m: f" delta_{m[1] or ''}{number} ", _INDEXED_TWICE.sub(weight, body)
    )
    if letter == "o":
        return re.sub(r"(?<=_)(?:\(o\)|o(?![A-Za-z0-9]))", f"o{number}", named)
    return re.sub(rf"(?<=[A-Za-z_(∂]){letter}(?![A-Za-z])", number, named)
