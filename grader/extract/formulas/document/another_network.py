"""Signs that a document derives another network than the rubric's: its own forward pass or loss has other parts.

Definitions count (`h1 = w1*i1 + w2*i2 + w3*i3`, `a_h1 = tanh(h1)`), and names that the rubric's network lacks
where several formulas use them; what prose mentions does not.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from grader.backprop.assigned import made, network
from grader.core.assigned_network import Activation, AssignedNetwork, Loss
from grader.extract.formulas.reading.statements import Statement


class Sign(NamedTuple):
    """A part that the rubric's network lacks, in words, and the quantity whose definition shows it.

    `needs` is how many lines must show it before it is believed of the document.
    """

    says: str
    quantity: str
    needs: int = 1


_LEFT = re.compile(
    r"(?:^|[\s(:])(?P<pre>a|A|out|Out|act|net|Net|z|Z|in)?_?\(?(?P<layer>[hHoO])_?\(?(?P<k>\d{1,2})\)*\s*$"
)
_LOSS = re.compile(
    r"(?:^|\s)(?:E|L|J|C|[Ee]rror|[Ll]oss|[Cc]ost)(?:_?\(?(?:[Tt]otal|[Tt]ot|T|o?_?[1-9]))?\)?\s*$"
)
_FUNCTION = re.compile(r"(?:^|\s)(?:σ|sigma|f|g|φ|ϕ|act\w*|activation)\s*\(\s*\w+\s*\)\s*$")
_NAMED = {
    "i": re.compile(r"(?<![A-Za-z0-9])[iIxX]_?\(?(\d{1,2})(?!\d)"),
    "h": re.compile(r"(?<![A-Za-z0-9])(?:(?:a|A|out|Out|act|net|z)_?)?[hH]_?\(?(\d{1,2})(?!\d)"),
    "o": re.compile(
        r"(?<![A-Za-z0-9])(?:(?:(?:a|A|out|Out|act|net|z)_?)?[oO]|[tyTY]|target_?)_?\(?(\d{1,2})(?!\d)"
    ),
    "w": re.compile(r"(?<![A-Za-z0-9])[wW]_?\(?(\d{1,2})(?!\d)"),
}
_HIDDEN_OUTPUT = re.compile(r"(?<![A-Za-z0-9])(?:(?:a|A|out|Out|act)_?)[hH]_?\(?(\d{1,2})(?!\d)")
_BIAS = re.compile(r"(?<![A-Za-z0-9_^])(?:[bB](?:ias(?:es)?)?|θ|β|[wW]_?\(?0)(?![A-Za-z])")
_OTHER = re.compile(
    r"(?i)(?<![a-z])(tanh|sinh|relu|leaky_?relu|gelu|elu|selu|softmax|softplus|softsign|swish|silu"
    r"|max(?=\s*\(\s*0)|arctan|atan|hardtanh|sin|cos|sign|step|identity|linear)\b"
)
_SPELT_TANH = re.compile(
    r"exp\(\s*\(?2\s*\*?\s*(\w+)\)?\s*\)\s*-\s*1|(?:exp|e\^)\s*\(?(\w+)\)?\s*-\s*(?:exp|e\^)\s*\(?\s*-\s*\(?\2"
)
_SPELT_SOFTMAX = re.compile(r"(?:exp|e\^)\s*\(?\w+\)?\s*\)?\s*/\s*\(?\s*(?:(?:exp|e\^)|Σ|∑|sum)")
_SIGMOID = re.compile(r"(?i)σ|sigm|logistic|1\s*/\s*\(?\s*1\s*\+\s*(?:exp|e\s*\^)")
_IF_POSITIVE = re.compile(r"(?i)\bif\s+\w+\s*>\s*0|\w+\s*>\s*0\s*[?:]")
_ENTROPY = re.compile(r"(?i)(?<![a-z])(?:ln|log2?|log10|bce|cross[_\s-]*entropy|nll|kl)(?![a-z])")
_NAMED_LOSS = re.compile(r"(?i)(?<![a-z])(?:huber|hinge|mae|rmse|smooth_?l1)(?![a-z])|\)\s*\^\s*\(?[4-9]")
_ABSOLUTE = re.compile(r"(?i)\babs\s*\(|\|\s*(?:t|y|target)_?\(?[1-9o]")
_SQUARED_ABSOLUTE = re.compile(r"(?i)(?:\||\babs\s*\()([^|()]{1,60})[|)]\s*\^\s*\(?2\)?")
_ROOT = re.compile(r"(?i)\bsqrt\b|√|\^\s*\(?\s*(?:0\.5|1\s*/\s*2)\s*\)?\s*$")
_QUOTIENT = re.compile(r"\)\s*\^\s*\(?2\)?\s*/\s*\(?\s*[3-9]")

LINEAR = "outputs without an activation"
_SINGLE = re.compile(r"(?:(?:a|A|out|net|z)_?)?[oO]|[yY]_?hat|ŷ|[yY]_?pred")
_USES_WEIGHTS = re.compile(r"(?<![A-Za-z])[wW]_?\d")
_WEIGHTED = re.compile(r"(?<![A-Za-z])[wW]_?\(?[\di]")
_PLAIN_SUM = re.compile(r"(?:net_?|z_?|in_?)?[hHoO]_?\(?[1-9]\d?\)?")
MANY = 6
"""Formulas from which a document that never names a second unit has none."""


class _Parts(NamedTuple):
    """How many of each a network has, by the letter of its names."""

    most: dict[str, int]
    words: dict[str, tuple[str, str]]


def _parts(assigned: AssignedNetwork) -> _Parts:
    most = {
        "i": len(assigned.inputs),
        "h": len(assigned.hidden),
        "o": len(assigned.outputs),
        "w": len(assigned.weights),
    }
    words = {"i": ("input", "inputs"), "h": ("hidden neuron", "hidden neurons"), "o": ("output", "outputs")}
    return _Parts(most, words)


def _told_number(kind: str, n: int) -> str:
    if kind == "w":
        return f"more than {_NUMBER.get(made(_parts).most['w'], made(_parts).most['w'])} weights"
    return f"{n if n > 1 else 'one'} {made(_parts).words[kind][n > 1]}"


_NUMBER = {6: "six", 8: "eight", 9: "nine", 12: "twelve"}


def signs(statement: Statement) -> list[Sign]:
    """What the statement, if it is a definition of the forward pass or of the loss, shows of another network."""
    return _signs([side.text.text for side in statement.sides])


def signs_of_row(plain: str) -> list[Sign]:
    """The same of a table's row, where a border stands for the `=`."""
    cells = [cell.strip() for cell in plain.split("|") if cell.strip()]
    found = [_signs([left, right]) for left, right in pairwise(cells) if len(left) <= LEFT_CELL]
    return [sign for signs in found for sign in signs]


LEFT_CELL = 40


def _signs(sides: Sequence[str]) -> list[Sign]:
    if len(sides) < 2:
        return []
    left, right = sides[0], " = ".join(sides[1:])
    found = _beyond(left + " = " + right)
    if _LOSS.search(left):
        return found + _of_loss(right)
    if _FUNCTION.search(left):
        return found + _of_function(right)
    match = _LEFT.search(left)
    if match is not None:
        return found + _of_neuron(match, right)
    several = len(network().outputs) > 1
    if several and _SINGLE.fullmatch(left.strip()) is not None and _USES_WEIGHTS.search(right) is not None:
        found.append(Sign("one output", network().outputs[0].sum))
    return found


def _beyond(text: str) -> list[Sign]:
    """Names of units and weights that the network lacks, in any formula."""
    found = []
    for kind, most in made(_parts).most.items():
        highest = _highest(kind, _NAMED[kind], text)
        if most < highest:
            found.append(Sign(_told_number(kind, highest), "", needs=2))
    return found


def _of_loss(right: str) -> list[Sign]:
    entropy = _ENTROPY.search(right) is not None
    if network().loss is Loss.CROSS_ENTROPY:
        squared = not entropy and re.search(r"\^\s*\(?2", right) is not None
        return [Sign("another loss", "E")] if squared or _ABSOLUTE.search(right) else []
    right = _SQUARED_ABSOLUTE.sub(r"(\1)^2", right)
    other = entropy or _ABSOLUTE.search(right) or _ROOT.search(right) or _QUOTIENT.search(right)
    other = other or _NAMED_LOSS.search(right)
    return [Sign("another loss", "E")] if other else []


def _of_function(right: str) -> list[Sign]:
    """`σ(x) = …`, the activation of every layer that has none of its own."""
    units = (network().hidden[0], network().outputs[0])
    found = [_activation(right, unit.output) for unit in units]
    return found[0] if all(found) else []


def _of_neuron(match: re.Match[str], right: str) -> list[Sign]:
    layer, k = match["layer"].lower(), int(match["k"])
    assigned = network()
    activated = (match["pre"] or "").lower() in ("a", "out", "act")
    name = f"{'a_' if activated else ''}{layer}{k}"
    found: list[Sign] = []
    if k > made(_parts).most[layer]:
        found.append(Sign(_told_number(layer, k), name))
    inputs = ("i", _NAMED["i"]) if layer == "h" else ("h", _HIDDEN_OUTPUT)
    found += _too_many(*inputs, right, name)
    found += _too_many("w", _NAMED["w"], right, name)
    sums = _WEIGHTED.search(right) is not None
    if sums and _BIAS.search(right) and not assigned.biases:
        found.append(Sign("biases", name))
    plain_output = activated and layer == "o" and _PLAIN_SUM.fullmatch(right.strip()) is not None
    if plain_output and assigned.activations[-1] is not Activation.LINEAR:
        found.append(Sign(LINEAR, name))
    if sums and assigned.biases and not _BIAS.search(right):
        found.append(Sign("no biases", name, needs=2))
    return found + _activation(right, name)


def _highest(kind: str, pattern: re.Pattern[str], text: str) -> int:
    """The highest number of a name; w11 and w21 may count row and column."""
    numbers = [int(n) for n in pattern.findall(text) if kind != "w" or not _ROW_AND_COLUMN.fullmatch(n)]
    return max((n for n in numbers if n <= MOST), default=0)


MOST = 64
_ROW_AND_COLUMN = re.compile(r"[1-4][1-4]")


def _too_many(kind: str, pattern: re.Pattern[str], text: str, name: str) -> list[Sign]:
    highest = _highest(kind, pattern, text)
    return [Sign(_told_number(kind, highest), name)] if highest > made(_parts).most[kind] else []


def _activation(text: str, name: str) -> list[Sign]:
    """Another activation than the layer's of which the quantity `name` is a part."""
    assigned = network()
    unit = next((u for u in assigned.units if name in (u.sum, u.output)), assigned.hidden[0])
    own = assigned.activation(unit)
    match = _OTHER.search(text)
    told = match.group(1).lower() if match is not None else ""
    if told == "max" or (not told and _IF_POSITIVE.search(text)):
        told = "relu"
    if not told and _SPELT_TANH.search(text):
        told = "tanh"
    if not told and _SPELT_SOFTMAX.search(text) and not _SIGMOID.search(text):
        told = "softmax"
    if not told and _SIGMOID.search(text) and name == unit.output:
        told = "sigmoid"
    if not told or told == own.value:
        return []
    if told == "sigmoid" and own is Activation.TANH and _SPELT_TANH.search(text):
        return []
    return [Sign(f"{told} for an activation", name)]


def settled(found: Sequence[Sign], *, second_output: bool, sigmoid_outputs: bool) -> tuple[Sign, ...]:
    """The signs that hold for the whole document: one output where no second is named, linear ones where no σ is."""
    shown = Counter(sign.says for sign in found)
    kept = [
        s
        for s in found
        if shown[s.says] >= s.needs
        and (s.says != "one output" or not second_output)
        and (s.says != LINEAR or not sigmoid_outputs)
    ]
    return tuple(kept)


def too_few(texts: Sequence[str], defined: Iterable[str]) -> str:
    """What the document names one of where the network has more, in words; empty where it names more.

    `defined` are the quantities that its definitions define.
    """
    told = []
    names = list(defined)
    own = {name.removeprefix("a_")[0] for name in names} & {
        "h",
        "o",
    }  # `i1 = 0.05` gives a value and defines nothing
    letters = own | {"i" for name in names if name[0] == "h"}
    for kind, most in made(_parts).most.items():
        if kind == "w" or most < 2:
            continue
        naming = [numbers for text in texts if (numbers := _NAMED[kind].findall(text))]
        defines = kind in letters
        highest = max((int(n) for numbers in naming for n in numbers), default=0)
        if 0 < highest < most and (defines or (len(texts) >= MANY and len(naming) >= MANY / 2)):
            told.append(_told_number(kind, highest))
    outputs = [text for text in texts if _OUTPUT_SUM.match(text)]
    if len(outputs) > 1 and not any(_ANY_HIDDEN.search(text.partition("=")[2]) for text in outputs):
        told.append("other hidden units")
    return ", ".join(told)


_OUTPUT_SUM = re.compile(r"\s*(?:net_?|z_?|in_?)?[oO]_?\(?[1-9]\)?\s*=\s*[^=]*[*+]")
_ANY_HIDDEN = re.compile(r"[hH]_?\(?\d|[hH]idden|[oO]ut|[aA]_?\(?\d")


def told(found: Iterable[Sign]) -> str:
    """All signs in words, each once: `3 inputs, biases`."""
    return ", ".join(dict.fromkeys(sign.says for sign in found))
