"""One sentence -> the parameter counts that it claims."""

import re

from grader.core.evidence.claims import Bound, Claim, What
from grader.extract.claims.context_words import ABOUT, DONE, LESS, MORE, PLANNED, Number, make_claim
from grader.extract.claims.sentences import Sentence

_COUNT = (
    r"(?P<n>\d{1,3}(?:[,'’\u00a0\u2009\u202f]\d{3})+|\d+(?:\.\d+)?\s*[kK](?![a-zA-Z])|\d{3,9}(?![\d.,]*\d))"
)
_PARAM = r"pa?ra?m\w*"
_PARAMETERS = (
    re.compile(
        rf"(?<![\w.,'’\u00a0\u2009\u202f])(?<!\d )(?P<mark>[~≈]\s*)?{_COUNT}"
        rf"\+?\s+(?:total\s+|trainable\s+|training\s+|model\s+|learnable\s+)*{_PARAM}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![a-z-]){_PARAM}(?:\s+count)?(?:\s+(?:of|in|for|used)(?:\s+(?:the|our|this|final|best|network|model)){{0,3}})?"
        r"\s*(?:\([^()]{0,30}\))?\s*(?:[:=|\-–—>→]+|\s(?:is|are|was|were|of|count|equal\w*|came "
        rf"to)\s)[\s:=|\-–—>→]*(?:Total\s+{_PARAM}\s*[:=-]\s*)?(?P<mark>[~≈]\s*|around |about "
        rf"|only |just )*{_COUNT}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^[\W_]*(?:(?:the|our|total|overall|model|network|trainable|final|number|no\.?|of)\s+){{1,5}}{_PARAM}\s+"
        rf"(?P<mark>[~≈]\s*)?{_COUNT}[\W_]*$",
        re.IGNORECASE,
    ),
)
_PER_LAYER = re.compile(
    r"(?<![a-z])(?:conv\w*|layers?|kernels?|fc|batch\s?norm\w*|filters?|channels?|non-?trainable|linear|transition|transformer|margin|limit)(?![a-z])",
    re.IGNORECASE,
)
_ALLOWED = re.compile(
    r"\b(?:max(?:imum|imal|\.)?|allowed|permitted|upper\s+bound\s+(?:on|of))\W{1,3}"
    r"(?:(?:number|no\.?|count|total|of|on|trainable|model|the)\s+){0,4}$",
    re.IGNORECASE,
)
"""`Max params: 20,000` is what the assignment allows."""
_GAP = r"\s*[:=\-–—>→(|`✅✓☑,]*\s*"
_UNIT_BOUND = re.compile(
    r"(?:less than|fewer "
    rf"than|under|below|<=?|≤|within|between|exactly|max\w*)[^.:`()→-]{{0,40}}?\d[\d.,]*\s*[kK]?(?:\s*to\s*\d+)?(?:\s*{_PARAM})?",
    re.IGNORECASE,
)


_BOUND_TOGETHER = re.compile(
    r"(?:less than|fewer than|under|below|at most|no more than|within|up to|max(?:imum)?(?: of)?|<=?|≤)\s*\d"
    r"[^.;:()→]{0,45}?(?:and|,|/|&|\+|und|;)\s*(?:with\s+|a\s+)?$",
    re.IGNORECASE,
)
"""`at most 20 epochs and 20k parameters`: the bound is said once for both."""


def read_parameters(sentence: Sentence) -> list[Claim]:
    """Parameter counts; those of single layers and of the requirement are left out."""
    text = sentence.text
    if not re.search(_PARAM, text, re.IGNORECASE) or re.search(
        r"non-?\s?trainable|^\W*trainable\s+param\w*\W*\d", text, re.IGNORECASE
    ):
        return []
    found: dict[int, Claim] = {}
    if sentence.fenced and not re.match(rf"[\W_]*total[^:=]{{0,20}}{_PARAM}[\W_]*\d", text, re.IGNORECASE):
        return []
    for pattern in _PARAMETERS:
        for match in pattern.finditer(text):
            at = match.start("n")
            before, after = text[max(0, at - 45) : at], text[match.end("n") : match.end("n") + 40]
            if (
                LESS.search(before.rstrip("~≈ "))
                or _BOUND_TOGETHER.search(text[max(0, at - 90) : at])
                or re.match(r"\s*[×x*]\s*\d", after)
                or MORE.search(before)
            ):
                continue
            if _PER_LAYER.search(text[max(0, match.start() - 40) : match.start()]) or re.match(
                r"\s*(?:pa?ra?m\w*)?\s*(?:below|limit|margin|constraint|ceiling|budget|barrier|per\b)",
                after,
                re.IGNORECASE,
            ):
                continue
            if _ALLOWED.search(text[: match.start()]):
                continue
            if _only_planned(text[: match.start()]) or _names_one_layer(match.group(), text[: match.start()]):
                continue
            number = _count(match.group("n"))
            if number.value >= 500 and not (sentence.required and not DONE.search(text)):
                about = bool(match.groupdict().get("mark")) or bool(ABOUT.search(before))
                found.setdefault(
                    at, make_claim(sentence, What.PARAMETERS, number, Bound.ABOUT if about else Bound.EXACT)
                )
    if not found:
        # `Less than 20k Parameters : 23.7K` answers the requirement on its own line
        bound = _UNIT_BOUND.search(text)
        answer = (
            re.compile(
                rf"{_GAP}(?:(?:yes|done|ok|met){_GAP})?(?P<mark>[~≈]\s*)?{_COUNT}", re.IGNORECASE
            ).match(text, bound.end())
            if bound
            else None
        )
        if answer:
            said = Bound.ABOUT if answer.group("mark") else Bound.EXACT
            found[0] = make_claim(sentence, What.PARAMETERS, _count(answer.group("n")), said)
    return [found[k] for k in sorted(found)]


def _only_planned(before: str) -> bool:
    """`to achieve 99.4% with 20K parameters` asks for a number; `we achieved it with 11,924` has one."""
    return bool(PLANNED.search(before[-120:])) and not DONE.search(before)


def _names_one_layer(label: str, before: str) -> bool:
    """`param: 9216` in a walk through the layers counts one of them; a model's count is `params`, `total` or
    `number of`.
    """
    word = re.match(_PARAM, label, re.IGNORECASE)
    singular = word is not None and not word.group().lower().endswith("s")
    return singular and not re.search(r"total|number|count|num\b|#", before[-25:] + label, re.IGNORECASE)


def _count(written: str) -> Number:
    digits = re.sub(r"[,'’\u00a0\u2009\u202f]", "", written).strip()
    if digits[-1] in "kK":
        bare = digits[:-1].strip()
        decimals = len(bare.partition(".")[2])
        return Number(round(float(bare) * 1000, 6), 1000.0 * 10.0**-decimals, written)
    value = float(digits)
    zeros = len(digits) - len(digits.rstrip("0")) if "." not in digits else 0
    # Trailing zeros may be rounding; only `~` says so, which the comparison asks for.
    return Number(value, 10.0**zeros, written)
