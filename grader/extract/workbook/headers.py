"""Header texts to the canonical names of a network's quantities.

Spellings of 89 real workbooks: `∂E/∂w1`, `E∂w1`, `dE/dw1`, `Etotaldw1`, `∂E_total/∂W5`, `∂E∂W1`, the partial
sign as any of ∂ 𝜕 𝟃 δ ð Ә ꝺ, `out_h1`, `act_o1`, `a_01`, `out_h1 = σ(h1)`, `h1 = w1*i1 + w2*i2`.
"""

import re
import unicodedata
from typing import NamedTuple

from grader.backprop.assigned import made
from grader.backprop.own_names import in_canonical
from grader.core.assigned_network import AssignedNetwork, up_to

_PARTIAL = str.maketrans(dict.fromkeys("δΔəәƏӘꝺÐð∇∆", "∂"))
_DROP = re.compile(r"[\s_{}$\\()\[\]\-.*'`,:]+")


class _Headers(NamedTuple):
    """Patterns of the headers of one network's columns."""

    weight: re.Pattern[str]
    given: re.Pattern[str]
    gradient: re.Pattern[str]
    error: re.Pattern[str]
    activation: re.Pattern[str]
    sum: re.Pattern[str]


_TOTAL = re.compile(r"(?:e|error|err|loss|cost)(?:t|tot|total|error|loss)?|total(?:e|error|loss)")
_BEHIND = re.compile(r"(w\d{1,3})(grad(?:ient)?)")
"""A gradient that is named after its weight: `w1_grad`."""
_WORDS = {
    "t": "t",
    "target": "t",
    "y": "t",
    "i": "i",
    "input": "i",
    "x": "i",
    "in": "i",
    "b": "b",
    "bias": "b",
}
_ZERO_FOR_O = {"0": "o", "z": "o"}


def _headers(network: AssignedNetwork) -> _Headers:
    w, b = up_to(len(network.weights)), up_to(max(len(network.biases), 1))
    h, o = up_to(len(network.hidden)), up_to(len(network.outputs))
    biases = rf"|(b|bias)({b})" if network.biases else ""
    trained = rf"|b({b})" if network.train_biases else ""
    activation = r"(?:a|out|output|act|activation|aout|outa|σ|sig|sigmoid|tanh|relu|softmax)"
    return _Headers(
        re.compile(rf"w(?:eight)?({w})"),
        re.compile(rf"(t|target|y)({o})|(i|input|x|in)({up_to(len(network.inputs))}){biases}"),
        re.compile(
            r"(?:(?:neg(?:ative)?|minus|descent|η|[·×])*"
            r"(?:∂|d|del|delta|grad|gradient|slope|∂?derivative|rateofchange|step|change)(?:of|in)?(?:[ljc]|cost)?)?"
            r"e?(?:total|tot|t|rror|rr|loss)?(?:/|÷|by|wrt|withrespectto)?(?:∂|d|del|delta|grad)?"
            rf"(?:w({w}){trained})"
        ),
        re.compile(rf"(?:e|error|err|loss)o?({o})"),
        re.compile(rf"{activation}(?:(h)({h})|([o0z])({o}))|(?:(h)({h})|(o)({o}))out"),
        re.compile(rf"(?:net|in|z|sum)?(?:(h)({h})|(o)({o}))"),
    )


def canonical(text: str) -> str:
    """Return the quantity that a header names, or an empty string."""
    if not text or len(text) > 200:
        return ""
    head = unicodedata.normalize("NFKC", in_canonical(text)).partition("=")[0].translate(_PARTIAL).lower()
    head = head.replace("partial", "∂").replace("eta", "η")
    bare = _BEHIND.sub(r"\2\1", _DROP.sub("", head))
    known = made(_headers)
    if match := known.weight.fullmatch(bare):
        return "w" + match[1]
    if match := known.given.fullmatch(bare):
        word, number = _matched(match)
        return _WORDS[word] + number
    if match := known.gradient.fullmatch(bare):
        return "dw" + match[1] if match[1] else "db" + match[2]
    if match := known.error.fullmatch(bare):
        return "E" + match[1]
    if _TOTAL.fullmatch(bare):
        return "E_total"
    if match := known.activation.fullmatch(bare):
        layer, number = _matched(match)
        return f"a_{_ZERO_FOR_O.get(layer, layer)}{number}"
    if match := known.sum.fullmatch(bare):
        return "".join(_matched(match))
    return ""


def _matched(match: re.Match[str]) -> tuple[str, str]:
    """The two groups of the alternative that matched."""
    first, second = (group for group in match.groups() if group is not None)
    return first, second
