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
from grader.extract.claims.named_epochs import reached_in, took, within
from grader.extract.claims.sentences import Sentence
from grader.extract.claims.wrong_digits import misclassified

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
    spans = _spans(text, wide=not data.usual)
    if not (topic or any(map(_took, spans))) or _BARS.search(text):
        return wrong
    found: list[Claim] = []
    for index, span in enumerate(spans):
        if span.number == "100" or LESS.search(span.before):
            continue
        follows = index + 1 < len(spans)
        if _took(span) or _states(sentence, span.before, span.after, follows=follows):
            found.append(_accuracy(sentence, span))
    if len(spans) == len(found) == 1 and found[0].on is On.TEST:
        at_least = found[0].bound is Bound.AT_LEAST
        limit = within(text, spans[0].before, spans[0].after, at_least=at_least)
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
    epochs, any_of = reached_in(text, span.match.start(), span.match.end(), span.begin, span.stop)
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


def _took(span: _Span) -> bool:
    return took(span.before, span.after) is not None


def _bound(span: _Span) -> Bound:
    if ABOUT.search(span.before) or span.before.rstrip().endswith("~"):
        return Bound.ABOUT
    bare = "." in span.number and len(span.number) == 4 and _bare_requirement(span.before, span.after)
    more = MORE.search(span.before) or _OR_MORE.match(span.after) or _took(span)
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
