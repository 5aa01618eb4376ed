"""Words around an accuracy -> the epochs that it is said to be of, or within which it was reached."""

import re

from grader.extract.claims.wrong_digits import PLAIN

_ORDINALS = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|(?:st|nd|rd|th)\s*(?:to|-|–))\s*(?:the\s+)?)?(?P<n>\d{1,2}(?:st|nd|rd|th)(?:\s*(?:,|&|and|or|/)\s*(?:the\s+)?\d{1,2}(?:st|nd|rd|th))*)\s*epochs?",
    re.IGNORECASE,
)
_UNIT = (
    r"\s*(?:k\b|epochs?|pa?ra?m\w*|layers?|blocks?|conv\w*|weights|channels|images|digits|wrong|mis\w+|s\b|sec\w*|min\w*|runs?"
    r"|batch\w*|thousand)"
)
"""What a number counts that is no epoch's."""
_NAMED = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|<|≤|than)\s+(?:the\s+)?)?(?<![a-z])epochs?\s*(?:no\.?|number|#)?\s*[-–:=#(]*\s*(?P<n>\d{1,2}(?:\s*(?:,|&|and|or)\s*(?:and\s+)?\d{1,2})*)(?!\d|\.\d|,\d{3}|\s*[/%]|\s*-\s*(?:index|based)"
    rf"|(?<=[,&d] \d){_UNIT}|(?<=[,&d] \d\d){_UNIT}|(?<=,\d){_UNIT}|(?<=,\d\d){_UNIT})",
    re.IGNORECASE,
)
"""`epochs 11, 13 and 14`; in `epoch 13, 20,402 parameters` the second is no epoch."""
_AFTER = re.compile(
    r"(?<![a-z])(?:after\s+(?P<a>\d{1,2})\s+epochs?(?!\s+of)|(?:at|in)\s+(?P<n>\d{1,2})\s+epoch\b)",
    re.IGNORECASE,
)
_FROM_ZERO = re.compile(
    r"(?<![a-z])(?:count\w*|start\w*|number\w*|index\w*)\s+(?:from|at|with)\s+(?:0|zero)\b"
    r"|\b(?:zero|0)[ -](?:based|indexed)",
    re.IGNORECASE,
)


def reached_in(text: str, start: int, end: int, begin: int, stop: int) -> tuple[tuple[int, ...], bool]:
    """The epochs that the words around a percentage name, and whether one of them is enough."""
    best: tuple[int, tuple[int, ...], bool] | None = None
    for pattern in (_ORDINALS, _NAMED, _AFTER):
        for match in pattern.finditer(text):
            if match.groupdict().get("from") or match.start() < begin or match.end() > stop + 3:
                continue
            if pattern is _NAMED and _COUNTS_EPOCHS.search(text[: match.end()]):
                continue
            if pattern is _AFTER and _is_of_a_setting(text, match):
                continue
            if match.start() >= end and _TARGET.search(re.split(r"[,;:()]", text[end : match.start()])[-1]):
                continue
            named = match.group("n") or match.group("a")
            distance = match.start() - end if match.start() >= end else start - match.end() + 5
            numbers = tuple(int(n) for n in re.findall(r"\d+", named))
            several = bool(re.search(r"\bor\b", named))
            if len(numbers) == 1 and (_FROM_ZERO.search(text) or _in_the_next(text, match, numbers[0])):
                numbers, several = (numbers[0], numbers[0] + 1), True
            if distance < 70 and (best is None or distance < best[0]):
                best = (distance, numbers, several)
    return (best[1], best[2]) if best else ((), False)


_COUNTS_EPOCHS = re.compile(
    r"(?<![a-z])epochs\s*[:=][^:=]*$|(?:(?<![a-z])(?:no|nr|num|number)\.?\s+of\s+"
    r"|(?<!in )(?<!at )(?<!on )(?<!of )(?<!for )(?<!the )(?<![a-z]))epochs[\s\-–#(]*\d{1,2}$",
    re.IGNORECASE,
)
"""`Epochs: 15` and `Epochs 15 | Accuracy 99.46` say how many there were; `in epochs 11, 13` which ones."""
_TARGET = re.compile(r"(?<![a-z])(?:target|goal|threshold|require\w*|limit)(?![a-z])", re.IGNORECASE)
"""`99.43% within 20 epochs (target met at epoch 13)`: that epoch is the target's, which the limit was."""


def _in_the_next(text: str, match: re.Match[str], epochs: int) -> bool:
    """Whether `after 12 epochs` is said to be in the 13th."""
    words = rf"\b(?:{epochs + 1}(?:st|nd|rd|th)|epoch\s*#?\s*{epochs + 1})\b"
    return match.group()[:5].lower() == "after" and re.search(words, text, re.IGNORECASE) is not None


_SETTING = re.compile(
    r"learning[ -]rate|(?<![a-z])(?:lr|decay\w*|anneal\w*|warm\w*|schedul\w*|halv\w*|divided|overfit\w*"
    r"|plateau\w*|patience)(?![a-z])",
    re.IGNORECASE,
)


def _is_of_a_setting(text: str, match: re.Match[str]) -> bool:
    """Whether the clause of a match says when a setting changes: `the learning rate drops after 6 epochs`."""
    before, after = re.split(r"[,;:.()]", text[: match.start()])[-1], text[match.end() :]
    return _SETTING.search(before + match.group() + re.split(r"[,;:.()]", after)[0]) is not None


_EPOCHS = (
    r"(?P<how>in|within|after|with)\s+(?P<few>(?:just|only|as\s+few\s+as)\s+)?"
    r"(?P<under>(?:(?:under|less\s+than|fewer\s+than|below)\s+|<\s*))?(?:the\s+first\s+)?(?P<n>\d{1,2})\s+epochs?(?![a-z])"
)
_WITHIN = re.compile(rf"(?<![a-z]){_EPOCHS}", re.IGNORECASE)
_BEHIND = re.compile(
    r"\W{0,4}(?:(?:test(?:ing)?|val(?:idation)?|acc(?:uracy)?|on|the|set|data|was|is|reached|achieved|attained|obtained)\s+)*"
    + _EPOCHS
    + r"(?:\s+of\s+training)?(?=\s*(?:$|[.!;,]|\W*(?:0|zero)\b))(?!,[^.]*(?<![\d.,])[1-9]\d?(?![\d.,]*\d))",
    re.IGNORECASE,
)
"""An accuracy in a number of epochs, and no more: others are left, are of warm-up, or are out of 15."""
_AHEAD = re.compile(
    rf"\W*{_EPOCHS}\W+(?:(?:the|our|my|this|network|model|cnn|it|we|test|validation|an?|accuracy|of|was)\W+)*"
    r"(?:reach\w*|achiev\w*|attain\w*|obtain\w*|g[eo]ts?|hits?)\W+(?:(?:an?|test|validation|accuracy|of)\W+)*",
    re.IGNORECASE,
)
_TOOK = re.compile(
    r"\W*(?:(?:it|we|i|this|the|our|my|network|model|cnn|net|submission|final|training|only|just|us|me)\s+)*"
    r"(?:took|takes|needed|needs|required|requires)\s+(?:(?:us|me|it|only|just|as\s+few\s+as|a\s+total\s+of)\s+)*"
    r"(?P<n>\d{1,2})\s+epochs?\s+(?:(?:of\s+training|were\s+needed|were\s+enough)\s+)?to\s+"
    r"(?:reach|achieve|attain|obtain|get(?:\s+to)?|hit|cross|pass)\s+(?:(?:an?|the|our|its|test|validation|accuracy|of|best)\s+)*[~*_`]*"
    r"|\W*(?:only\s+|just\s+)?(?P<m>\d{1,2})\s+epochs?\s+(?:were|was|are|is)\s+(?:needed|required|enough|sufficient|necessary)\s+to\s+"
    r"(?:reach|achieve|attain|obtain|get(?:\s+to)?|hit|cross|pass)\s+(?:(?:an?|the|our|its|test|validation|accuracy|of|best)\s+)*[~*_`]*",
    re.IGNORECASE,
)
"""`It took 10 epochs to reach 99.46 %`, of the network and of no other."""
_NO_MORE = re.compile(
    r"^\W*(?:(?:on|the|test|validation|val|accuracy|set|data|images|digits|acc)\b\W*)*"
    r"(?:with\s+(?:only\s+|just\s+)?\d[\d,.]*k?\s+para?m\w*\W*)?$"
)
_BY_IT = re.compile(
    rf"^(?:\W*(?<!\w)(?:{PLAIN}|reach\w*|achiev\w*|attain\w*|obtain\w*|hits?|scored?s?|validation|val|above|over"
    r"|result|finally|highest|maximum|submission|able|to)(?!\w))*\W*$",
    re.IGNORECASE,
)
"""The network as who reaches an accuracy: a first version, another batch size or a reference is another."""
_REACHES = re.compile(r"reach|achiev|attain|obtain|g[eo]t|hit|score|[:=|]\W*$", re.IGNORECASE)


def took(before: str, after: str) -> int | None:
    """The number of epochs that an accuracy took, where a sentence says just that; else None."""
    match = _TOOK.fullmatch(before)
    return int(match["n"] or match["m"]) if match and _NO_MORE.match(after) else None


def within(text: str, before: str, after: str, *, at_least: bool) -> int | None:
    """The number of epochs within which a sentence plainly says that its accuracy was reached; else None.

    `at_least` tells that the accuracy is a bound: `above 99.4 % in 3 epochs` counts those above it.
    """
    if (needed := took(before, after)) is not None:
        return needed
    if len(_WITHIN.findall(text)) != 1:
        return None
    behind = _BEHIND.match(after)
    reached = _REACHES.search(before) or (behind and _REACHES.search(behind.group()))
    if behind and not (reached and _BY_IT.search(before)):
        return None
    found = behind or _AHEAD.fullmatch(before)
    if not found or (at_least and found["how"] == "in" and not found["under"]):
        return None
    return max(int(found["n"]) - bool(found["under"]) + bool(_FROM_ZERO.search(text)), 1)
