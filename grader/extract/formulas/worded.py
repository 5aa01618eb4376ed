"""What is said in words or by a label where others write a formula: `new weight = old weight - learning rate * gradient`, `w6: (…)`."""

import re

from grader.extract.formulas.mapped import Mapped

_AGE = r"(?:(?:new|old|updated|re-?calibrated|adjusted|existing|previous|current|next|initial)[\s_-]*)"
_WEIGHT = rf"{_AGE}?weights?(?:[\s_]*{_AGE})?"
_RATE = r"\(?\s*(?:learning[\s_-]*rate|lr|η|eta)\s*\)?"
_GRADIENT = (
    r"(?:the\s+)?(?:weight'?s?\s+)?(?:gradients?(?:_\w+)?(?:\s+(?:for|of|with\s+respect\s+to|w\.?r\.?t\.?)\b[^=*+-]*)?"
    r"|(?:partial\s+)?derivatives?\s+of\b[^=*+-]*"
    rf"|[∂d]E\w*\s*/\s*[∂d]\s*weights?(?:[\s_]*{_AGE})?)"
)
_RULE = re.compile(
    rf"(?i)(?<![\w])({_WEIGHT})(\s*=\s*)({_WEIGHT})(\s*-\s*)(\(?\s*)({_RATE})\s*(?:\*|\bx\b)\s*\(?\s*({_GRADIENT})\s*\)?"
)
_NAMED = re.compile(
    r"(?i)(?<=[*(x\s])gradients?\s+(?:for|of|w\.?r\.?t\.?|with\s+respect\s+to)\s+(w_?[1-8])\b"
)
_AGED = re.compile(r"(?i)(?<![\w])(?:new|old|updated|prev(?:ious)?)_(w_?[1-8i])(?=\s*[=-])")
"""`new_w3`: the age stands before the weight."""
_LABEL = re.compile(r"^[\s>#*_\-+\d.)]*\b[wW]_?([1-8])[\s*_]*:[\s*_`]*(?=[(\[{])(?=[^=]*$)")


def in_symbols(line: Mapped) -> Mapped:
    """Update rules that are said in words, in the symbols of the network; other text stays."""
    line = line.sub(_AGED, r"\1")
    if "eight" not in line.text and "radient" not in line.text:
        return line
    return line.sub(_NAMED, r"∂E/∂\1").sub(_RULE, r"w_new\2w_old\4 η * ∂E/∂w_old ")


def labelled(line: Mapped) -> Mapped | None:
    """`w6: (a_o1-t1)*…` as `∂E/∂w6 = (a_o1-t1)*…`; None where no such label begins the line."""
    if _LABEL.match(line.text) is None:
        return None
    return line.sub(_LABEL, r"∂E/∂w\1 = ")
