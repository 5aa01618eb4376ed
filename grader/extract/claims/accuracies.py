"""One sentence -> the accuracies that it claims."""

import re
from typing import NamedTuple

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.claims import Bound, Claim, On, What
from grader.extract.claims.context_words import (
    ABOUT,
    BAR,
    DONE,
    LESS,
    MORE,
    NOW,
    ORDER,
    PLANNED,
    Number,
    make_claim,
)
from grader.extract.claims.sentences import Sentence
from grader.extract.claims.wrong_digits import PLAIN, misclassified

MAX_NUMBERS = 20
"""Percentages of one sentence that are looked at; no honest sentence has more."""

_PERCENT = re.compile(
    r"(?<![\d.,/~\w-])(?P<n>(?:9\d|100)(?:\.\d{1,3})?)(?P<sign>\s*%)?(?![\d.]*\d)(?!\s*[-–]\s*\d)(?!\s*(?:st|nd|rd|th)\b)(?!\s*/)",
    re.IGNORECASE,
)
_WIDE = re.compile(_PERCENT.pattern.replace("9\\d", "[5-9]\\d", 1), re.IGNORECASE)
"""The same for other data than MNIST's: below 90 % a number is an accuracy only where it is called so."""
_CALLED = re.compile(r"acc(?:uracy)?\b[^.!?%\d]{0,30}?(?:\bis|\bwas|\bof|[:=|–-])[\s*_`|~]*$", re.IGNORECASE)
_CALLED_AFTER = re.compile(r"[\s*_`]*(?:(?:test|val|train)\w*\s+)?acc(?:uracy)?\b", re.IGNORECASE)
_ACC = re.compile(r"acc(?:uracy|uarcy|urancy|\b)|accuarcy", re.IGNORECASE)
_ORDINALS = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|(?:st|nd|rd|th)\s*(?:to|-|–))\s*(?:the\s+)?)?(?P<n>\d{1,2}(?:st|nd|rd|th)(?:\s*(?:,|&|and|or|/)\s*(?:the\s+)?\d{1,2}(?:st|nd|rd|th))*)\s*epochs?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|<|≤|than)\s+(?:the\s+)?)?(?<![a-z])epochs?\s*(?:no\.?|number|#)?\s*[-–:=#(]*\s*(?P<n>\d{1,2}(?:\s*(?:,|&|and|or)\s*(?:and\s+)?\d{1,2})*)(?!\d|\.\d|\s*[/%]|\s*-\s*(?:index|based))",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?<![a-z])(?:after\s+(?P<a>\d{1,2})\s+epochs?(?!\s+of)|(?:at|in)\s+(?P<n>\d{1,2})\s+epoch\b)",
    re.IGNORECASE,
)
_FROM_ZERO = re.compile(
    r"(?<![a-z])(?:count\w*|start\w*|number\w*|index\w*)\s+(?:from|at|with)\s+(?:0|zero)\b"
    r"|\b(?:zero|0)[ -](?:based|indexed)",
    re.IGNORECASE,
)
_BARS = re.compile(rf"{BAR.pattern}|it/s\b|\bloss\s*[=:]\s*\d", re.IGNORECASE)
"""A line that a training printed; `| accuracy | 99.42% |` is a row of a table."""
_OTHER = re.compile(
    r"(?<![a-z])(?:tta|ensemble|augmented|quanti[sz]\w*|pruned|pruning|(?:int|fp|float)[- ]?(?:8|16)"
    r"|8[- ]bits?|onnx|(?:half|a third|a quarter|a tenth|\d{1,2} ?%|only part|a subset|a part) of the "
    r"(?:training )?(?:data|images|digits|set)|(?:digit|class|label) ['\"]?\d"
    r"|(?:worst|weakest|hardest|lowest|easiest|each|every|per)[ -](?:digit|class|label))(?![a-z\d])",
    re.IGNORECASE,
)
"""Another network, other data or a single class of them: not what the log prints."""
_BEST = re.compile(r"(?<![a-z])(?:best|max(?:imum)?|highest|peak|top)(?![a-z])", re.IGNORECASE)
_OR_MORE = re.compile(r"\s*\+|\s*(?:or|and) (?:more|above)", re.IGNORECASE)


class _Span(NamedTuple):
    """A percentage in its sentence, with the words from the one before and up to the one after."""

    match: re.Match[str]
    begin: int
    stop: int

    @property
    def number(self) -> str:
        return self.match.group("n")

    @property
    def before(self) -> str:
        return self.match.string[self.begin : self.match.start()]

    @property
    def after(self) -> str:
        return self.match.string[self.match.end() : self.stop]


_OTHER_DATA = re.compile(
    r"(?<![a-z])(?:(?:fashion|kuzushiji|k|e|q)[-_ ]?mnist|cifar[-_ ]?10{1,2}|svhn|usps)(?![a-z\d])",
    re.IGNORECASE,
)


def read_accuracies(sentence: Sentence, data: DataSet = MNIST) -> list[Claim]:
    """Accuracies with whose they are, how they are bounded, and the epochs that they are said to be of."""
    found = _read(sentence, data)
    named = {re.sub(r"[-_ ]", "", name).lower() for name in _OTHER_DATA.findall(sentence.text)}
    own = data.name.replace("-", "")
    if all(own.startswith(name) for name in named):
        return found
    return [msgspec.structs.replace(claim, numbered=True) for claim in found]  # on other images


def _read(sentence: Sentence, data: DataSet) -> list[Claim]:
    text = sentence.text
    wrong = misclassified(sentence, data)
    done = DONE.search(text) or _says_now(sentence)
    topic = (
        _ACC.search(text) or (_ACC.search(sentence.heading) and done) or (done and re.search(r"\d\s*%", text))
    )
    if not topic or _BARS.search(text):
        return wrong
    found: list[Claim] = []
    spans = _spans(text, wide=not data.usual)
    for index, span in enumerate(spans):
        if span.number == "100" or LESS.search(span.before):
            continue
        if _states(sentence, span.before, span.after, follows=index + 1 < len(spans)):
            found.append(_accuracy(sentence, span))
    if len(spans) == len(found) == 1 and (limit := _within(spans[0], found[0])):
        found = [msgspec.structs.replace(found[0], within=limit)]
    return [] if _compares(text, wide=not data.usual) else [*wrong, *found]


_VALUE = re.compile(r"[^\w≥>≤<~]*(?:9\d|100)(?:\.\d{1,3})?\s*%?(?:\W*|\s*\(.*\)\W*)")


_WIDE_VALUE = re.compile(_VALUE.pattern.replace("9\\d", "[5-9]\\d", 1))


def _compares(text: str, *, wide: bool) -> bool:
    """Whether a row of a table gives several results: only its head says whose they are, and which is the
    submission's.
    """
    value = _WIDE_VALUE if wide else _VALUE
    return text.startswith("|") and sum(value.fullmatch(cell) is not None for cell in text.split("|")) > 1


def _spans(text: str, *, wide: bool) -> list[_Span]:
    found = [
        m
        for m in (_WIDE if wide else _PERCENT).finditer(text)
        if (m.group("sign") or "." in m.group("n")) and float(m.group("n")) <= 100 and _is_one(m)
    ][:MAX_NUMBERS]
    begins = [0, *(m.end() for m in found)]
    stops = [*(m.start() for m in found[1:]), len(text)]
    return [_Span(m, begin, stop) for m, begin, stop in zip(found, begins, stops, strict=False)]


def _is_one(match: re.Match[str]) -> bool:
    """Whether a percentage may be an accuracy: any from 90 on, below it what the words beside it call one."""
    if match.group("n")[0] in "91":
        return True
    before, after = match.string[: match.start()], match.string[match.end() :]
    return _CALLED.search(before[-60:]) is not None or _CALLED_AFTER.match(after) is not None


def _accuracy(sentence: Sentence, span: _Span) -> Claim:
    text, number = sentence.text, span.number
    exact = _fraction_beside(span.after) or Number(
        float(number), 10.0 ** -len(number.partition(".")[2]), span.match.group().strip()
    )
    epochs, any_of = _reached_in(text, span.match.start(), span.match.end(), span.begin, span.stop)
    claim = make_claim(
        sentence,
        What.ACCURACY,
        exact,
        _bound(span),
        on=On.OTHER if _OTHER.search(text) else _on(text[: span.match.start()], text[span.match.end() :]),
        best=bool(_BEST.search((span.before + span.after)[-90 - len(span.after) :])),
        epochs=epochs,
        any_epoch=any_of,
        around=(span.before, re.split(r"[;,]", span.after)[0]),
    )
    rounded = exact.value < float(number) - 1e-9
    return msgspec.structs.replace(claim, rounded=True) if rounded else claim


def _bound(span: _Span) -> Bound:
    if ABOUT.search(span.before) or span.before.rstrip().endswith("~"):
        return Bound.ABOUT
    bare = "." in span.number and len(span.number) == 4 and _bare_requirement(span.before, span.after)
    more = MORE.search(span.before) or _OR_MORE.match(span.after)
    return Bound.AT_LEAST if bare or more else Bound.EXACT


_FRACTION = re.compile(r"\s*\(?\s*(?P<of>(?P<correct>\d{3,6})\s*/\s*(?P<total>\d{3,6}))\b")


def _fraction_beside(after: str) -> Number | None:
    """`99.5 % (9946/10000)` states the fraction; the percent before it is only its rounding."""
    match = _FRACTION.match(after)
    if not match or not 0 < int(match.group("correct")) <= int(match.group("total")):
        return None
    percent = 100 * int(match.group("correct")) / int(match.group("total"))
    return Number(round(percent, 6), 0.01, match.group("of"))


def _says_now(sentence: Sentence) -> bool:
    """Whether a sentence in the present tense describes what is there, rather than asks for it."""
    text = sentence.text
    return bool(NOW.search(text)) and not (sentence.required or ORDER.search(text) or PLANNED.search(text))


def _bare_requirement(before: str, after: str) -> bool:
    """`99.4% validation accuracy` + `Achieved in epochs 13, 16`: the requirement is what was reached."""
    return not re.search(r"[a-z]{3,}", before, re.IGNORECASE) and bool(
        re.match(r"\s*(?:validation|test|val)[\w/ ]{0,16}acc", after, re.IGNORECASE)
    )


def _states(sentence: Sentence, before: str, after: str, *, follows: bool) -> bool:
    """Whether the words around a percentage say that it is a result; `follows` tells that another percentage
    comes after.
    """
    text = sentence.text
    if PLANNED.search(before) and not re.search(
        r"(?:achieved|reached|got|attained|obtained|able to \w+|managed to \w+)[^.]{0,60}$",
        before,
        re.IGNORECASE,
    ):
        return False
    if re.search(r"(?:should|must|needs? to|to|will|can) be (?:achieved|reached)", text, re.IGNORECASE):
        return False
    if re.search(r"(?:was|were|being|is)\s+(?:expected|required|needed|asked)", after[:60], re.IGNORECASE):
        return False
    if re.search(r"from\s*$", before) and re.match(r"\s*to\s+\d", after):
        return False
    near = before[-80:]
    if NOW.search(near) and _says_now(sentence):
        return True
    if DONE.search(near) or (
        re.search(r"(?:is|was|reach\w+|comes? to|of)\s*[:=]?\s*[~>≥]*\s*$", near, re.IGNORECASE)
        and _ACC.search(near)
    ):
        return True
    if _ACC.search(near) and re.search(
        r"acc\w*\b[^.!?]{0,45}?[:=|\-–—][^\w%]*$|acc\w*\W{0,6}$", near, re.IGNORECASE
    ):
        return not sentence.required
    if _WITH_COUNT.search(before) and _CALLED_SO.match(after):
        return not (sentence.required or ORDER.search(text) or PLANNED.search(text))
    # the achievement may follow: `99.45% test accuracy obtained at EPOCH 12`
    head = re.match(r"[^.!?]{0,60}", after)
    done = DONE.search(head.group()) if head else None
    return bool(done and not (follows and re.fullmatch(r"[^.!?]{0,14}", after[done.end() :])))


_WITH_COUNT = re.compile(
    r"(?<![\w.,])\d{1,3},?\d{3}(?<!00)\s+(?:\w+\s+)?param\w*"
    r"\s*(?:,|and|&|,\s*and)\s*(?:an?\s+|with\s+)*\W{0,4}$",
    re.IGNORECASE,
)
"""A count to the last parameter before an accuracy: `with 19,678 parameters and 99.56 % test accuracy`
describes a network, where 20,000 asks for one.
"""
_CALLED_SO = re.compile(r"\W{0,4}(?:test|val(?:idation)?)?\s*acc", re.IGNORECASE)
_TRAIN = re.compile(
    r"(?<![a-z])train(?:ing)?(?:\s+\w+)?\s+acc|acc\w*\s+(?:on|of|for)\s+(?:the\s+)?train", re.IGNORECASE
)
_TEST = re.compile(
    r"(?<![a-z])(?:test(?:ing)?|val(?:idation)?)\b[\w/]*(?:\s+(?:set|data))?\s+acc|acc\w*\s+(?:on|of|for|in)?\s*(?:the\s+)?(?:test|val)",
    re.IGNORECASE,
)


_NAMED_BEFORE = re.compile(
    r"(?<![a-z])(?:on|for|of)\s+(?:the\s+)?(test(?:ing)?|val(?:idation)?|train(?:ing)?)\s+"
    r"(?:set|data|images|digits|split|half|part)\s*(?:is|was|of|:|=)?\s*[~*_`]*$",
    re.IGNORECASE,
)
"""`98.73 % on the training set and on the test set 99.46 %`: whose the second is, stands before it."""


def _on(before: str, after: str) -> On:
    """Whose accuracy it is: the last that is named before the number, else the one named right after it."""
    if named := _NAMED_BEFORE.search(before):
        return On.TRAIN if named[1][:2].lower() == "tr" else On.TEST
    train = max((m.start() for m in _TRAIN.finditer(before)), default=-1)
    test = max((m.start() for m in _TEST.finditer(before)), default=-1)
    if train < 0 and test < 0:
        return (
            On.TRAIN
            if re.match(r"\W{0,6}(?:of |on )?(?:train\w*)\s+(?:set\s+)?acc", after, re.IGNORECASE)
            else On.TEST
        )
    if re.match(r"[\s%*)]{0,4}(?:test|val\w*)\s+acc", after, re.IGNORECASE):
        return On.TEST
    return On.TRAIN if train > test else On.TEST


def _reached_in(text: str, start: int, end: int, begin: int, stop: int) -> tuple[tuple[int, ...], bool]:
    """The epochs that the words around a percentage name, and whether one of them is enough."""
    best: tuple[int, tuple[int, ...], bool] | None = None
    for pattern in (_ORDINALS, _NAMED, _AFTER):
        for match in pattern.finditer(text):
            if match.groupdict().get("from") or match.start() < begin or match.end() > stop + 3:
                continue
            if pattern is _NAMED and re.match(r"epochs\s*[:=]", match.group(), re.IGNORECASE):
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
_BY_IT = re.compile(
    rf"^(?:\W*(?<!\w)(?:{PLAIN}|reach\w*|achiev\w*|attain\w*|obtain\w*|hits?|scored?s?|validation|val|above|over"
    r"|result|finally|highest|maximum|submission|able|to)(?!\w))*\W*$",
    re.IGNORECASE,
)
"""The network as who reaches an accuracy: a first version, another batch size or a reference is another."""
_REACHES = re.compile(r"reach|achiev|attain|obtain|g[eo]t|hit|score|[:=|]\W*$", re.IGNORECASE)


def _within(span: _Span, claim: Claim) -> int | None:
    """The number of epochs within which a sentence plainly says that its accuracy was reached; else None."""
    text = span.match.string
    if claim.on is not On.TEST or len(_WITHIN.findall(text)) != 1:
        return None
    behind = _BEHIND.match(span.after)
    reached = _REACHES.search(span.before) or (behind and _REACHES.search(behind.group()))
    if behind and not (reached and _BY_IT.search(span.before)):
        return None
    found = behind or _AHEAD.fullmatch(span.before)
    if not found or (claim.bound is Bound.AT_LEAST and found["how"] == "in" and not found["under"]):
        return None  # `above 99.4 % in 3 epochs` counts those above it
    return max(int(found["n"]) - bool(found["under"]) + bool(_FROM_ZERO.search(text)), 1)
