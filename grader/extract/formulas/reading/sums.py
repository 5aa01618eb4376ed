"""The loss as a sum over the outputs: `E = Σ ½ (target - output)²` written out for the outputs of the network."""

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
        return line
    rest = match["rest"].strip().rstrip(".,;")
    terms = [_term(rest, loss.removeprefix("E")) for loss in network().losses]
    if terms[0] == rest:
        return line
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
