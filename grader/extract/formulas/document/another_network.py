"""Signs that a document derives another network than the rubric's: its own forward pass or loss has other parts.

Only definitions count (`h1 = w1*i1 + w2*i2 + w3*i3`, `a_h1 = tanh(h1)`), never what prose mentions.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from grader.extract.formulas.reading.statements import Statement


class Sign(NamedTuple):
    """A part that the rubric's network lacks, in words, and the quantity whose definition shows it."""

    says: str
    quantity: str


_LEFT = re.compile(
    r"(?:^|[\s(:])(?P<pre>a|A|out|Out|act|net|Net|z|Z|in)?_?\(?(?P<layer>[hHoO])_?\(?(?P<k>[1-9])\)*\s*$"
)
_LOSS = re.compile(
    r"(?:^|\s)(?:E|L|J|C|[Ee]rror|[Ll]oss|[Cc]ost)(?:_?\(?(?:[Tt]otal|[Tt]ot|T|o?_?[12]))?\)?\s*$"
)
_FUNCTION = re.compile(r"(?:^|\s)(?:σ|sigma|f|g|act\w*|activation)\s*\(\s*\w+\s*\)\s*$")
_INPUT = re.compile(r"(?<![A-Za-z0-9])[iIxX]_?\(?([3-9])(?!\d)")
_HIDDEN = re.compile(r"(?<![A-Za-z0-9])(?:(?:a|A|out|Out|act)_?)[hH]_?\(?([3-9])(?!\d)")
_WEIGHT = re.compile(r"(?<![A-Za-z0-9])[wW]_?\(?(9|1\d)(?!\d)")
_BIAS = re.compile(
    r"(?:\+|-)\s*(?:\(?\s*)(?:[bB](?:ias)?(?:_?\(?[A-Za-z]{0,2}_?\d{0,2}\)?)|θ_?\d?)\s*(?:\*\s*1\s*)?(?:$|[+)\s,;])"
)
_OTHER = re.compile(
    r"(?i)(?<![a-z])(tanh|sinh|relu|leaky_?relu|gelu|elu|selu|softmax|softplus|swish|max(?=\s*\(\s*0)|arctan|hardtanh)\b"
)
_ENTROPY = re.compile(r"(?i)(?<![a-z])(?:ln|log2?|log10|bce|cross[_\s-]*entropy)(?![a-z])")
_ABSOLUTE = re.compile(r"(?i)\babs\s*\(|\|\s*(?:t|y|target)_?\(?[12o]")


ONE_OUTPUT = "one output"
LINEAR = "outputs without an activation"
_SINGLE = re.compile(r"(?:(?:a|A|out|net|z)_?)?[oO]|y_?hat|ŷ")
_USES_WEIGHTS = re.compile(r"(?<![A-Za-z])[wW]_?\d")
_LINEAR = re.compile(r"(?:net_?|z_?)?[oO]_?\(?[12]\)?")


def signs(statement: Statement) -> list[Sign]:
    """What the statement, if it is a definition of the forward pass or of the loss, shows of another network."""
    sides = [side.text.text for side in statement.sides]
    if len(sides) < 2:
        return []
    left, right = sides[0], " = ".join(sides[1:])
    if _LOSS.search(left):
        entropy = _ENTROPY.search(right) is not None
        return [Sign("another loss", "E")] if entropy or _ABSOLUTE.search(right) else []
    if _FUNCTION.search(left):
        return _activation(right, "a_h1")
    match = _LEFT.search(left)
    if match is None:
        single = _SINGLE.fullmatch(left.strip()) is not None and _USES_WEIGHTS.search(right) is not None
        return [Sign(ONE_OUTPUT, "o1")] if single else []
    return _of_neuron(match, right)


def _of_neuron(match: re.Match[str], right: str) -> list[Sign]:
    layer, k = match["layer"].lower(), int(match["k"])
    activated = (match["pre"] or "").lower() in ("a", "out", "act")
    name = f"{'a_' if activated else ''}{layer}{k}"
    found: list[Sign] = []
    if k > 2:
        found.append(Sign(f"{k} {'hidden neurons' if layer == 'h' else 'outputs'}", name))
    if layer == "h":
        found += [Sign(f"{most} inputs", name) for most in _most(_INPUT, right)]
    else:
        found += [Sign(f"{most} hidden neurons", name) for most in _most(_HIDDEN, right)]
    if _WEIGHT.search(right):
        found.append(Sign("more than eight weights", name))
    if _BIAS.search(right):
        found.append(Sign("biases", name))
    if activated and layer == "o" and _LINEAR.fullmatch(right.strip()):
        found.append(Sign(LINEAR, name))
    return found + _activation(right, name)


def settled(found: list[Sign], *, second_output: bool, sigmoid_outputs: bool) -> tuple[Sign, ...]:
    """The signs that hold for the whole document: one output where no second is named, linear ones where no σ is."""
    return tuple(
        s
        for s in found
        if (s.says != ONE_OUTPUT or not second_output) and (s.says != LINEAR or not sigmoid_outputs)
    )


def _most(pattern: re.Pattern[str], text: str) -> list[str]:
    return sorted(pattern.findall(text))[-1:]


def _activation(text: str, name: str) -> list[Sign]:
    match = _OTHER.search(text)
    if match is None:
        return []
    told = match.group(1).lower()
    return [Sign(f"{'relu' if told == 'max' else told} for an activation", name)]


def told(found: Iterable[Sign]) -> str:
    """All signs in words, each once: `3 inputs, biases`."""
    return ", ".join(dict.fromkeys(sign.says for sign in found))
