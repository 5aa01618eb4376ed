"""One sentence -> the numbers that it claims: parameters, accuracy, epochs, batch size, dropout.

Copied requirements are no claims. A number counts only where the sentence says that it *was* reached (`achieved`, `got`), or where it
labels a result (`Test accuracy: 99.42`); `to achieve`, `should`, `less than` and lists of requirements do not.
"""

import re
from typing import NamedTuple

from grader.core.evidence.claims import Bound, Claim, On, What
from grader.extract.claim_text import Sentence

MAX_NUMBERS = 20
"""Percentages of one sentence that are looked at; no honest sentence has more."""
_I = re.IGNORECASE
_DONE = re.compile(
    r"(?<![a-z])(?:achieved|acheived|achived|reached|got|obtained|attained|hit|managed to|able to|gets|gives|gave|resulted|yield(?:ed|s)|scored|satisf\w+|met|done|ok|yes)(?![a-z])",
    _I,
)
_PLANNED = re.compile(
    r"(?<![a-z])(?:should|must|needs?|have to|has to|aim\w*|assignments? (?:is|was)|is to \w+|goals?|targets?|objectives?|purpose|tr(?:y|ying)|wants?|expected|requirements?|such that|minimum"
    r"|tasks?|asks?|constraints?|trying|ensur\w+|to (?:achieve|acheive|reach|get|obtain|attain|be|beat|hit|cross)|in order|challenge|would|could|can|will)(?![a-z])",
    _I,
)
# A feature list and a description speak in the present tense (`Achieves 99.4 %`, `a CNN that reaches …`); so does an order.
_NOW = re.compile(
    r"(?<![a-z])(?:achieves|acheives|achieving|reaches|reaching|attains|attaining|obtains|hits|scores|delivers|with an? accuracy of)(?![a-z])",
    _I,
)
_ORDER = re.compile(
    r"^[\W\d]*(?:please\s+)?(?:create|build|design|write|make|train|develop|implement|construct|find|get|use|modify|change|come up|define|we (?:need|have|want)|you(?:r)?)(?![a-z])"
    r"|(?<![a-z])to (?:create|build|design|write|make|train|develop|implement|construct|find)(?![a-z])",
    _I,
)
_ASIDE = re.compile(
    r"(?<![a-z])(?:previous(?:ly)?|earlier|prior|before|baseline|without|initial(?:ly)?|at first|experiments?|tried|attempts?|other models?|other architectures?|first model"
    r"|older|improv\w+ from|increase\w* .{0,30}from|instead|went up|used to|never|not|no|could\w*|[a-z]+n['’]t|another|if)(?![a-z])",
    _I,
)
_LESS = re.compile(
    r"(?:less(?:er)? than|fewer than|lower than|smaller than|under|below|within|up ?to|upto|at most|max(?:imum)? of|limit\w*(?: of| is|:)?|not exceed\w*|between|exactly|<=?|≤|from|till|until|beyond|per|budget\w*(?: of|:)?)\s*(?:the\s+|a\s+)?[~≈]?\s*$",
    _I,
)
_MORE = re.compile(
    r"(?:>=?|≥|at ?least|greater than|more than|above|over|higher than|exceed\w*|beyond|atleast)\s*$", _I
)
_ABOUT = re.compile(r"(?:~|≈|about|around|approx\w*\.?|nearly|almost|roughly|close to)\s*$", _I)


def read_numbers(sentence: Sentence) -> list[Claim]:
    """Every number that the sentence claims."""
    if not any(c.isdigit() for c in sentence.text):
        return []
    found = _parameters(sentence)
    if sentence.fenced:
        return found
    return [*found, *_accuracies(sentence), *_epochs(sentence), *_settings(sentence)]


class _Number(NamedTuple):
    value: float
    unit: float
    written: str


_COUNT = r"(?P<n>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?\s*[kK](?![a-zA-Z])|\d{3,9}(?![\d.,]*\d))"
_PARAM = r"pa?ra?m\w*"
_PARAMETERS = (
    re.compile(
        rf"(?<![\w.,])(?P<mark>[~≈]\s*)?{_COUNT}\+?\s+(?:total\s+|trainable\s+|training\s+|model\s+|learnable\s+)*{_PARAM}",
        _I,
    ),
    re.compile(
        rf"(?<![a-z-]){_PARAM}(?:\s+count)?(?:\s+(?:of|in|for|used)(?:\s+(?:the|our|this|final|best|network|model)){{0,3}})?"
        rf"\s*(?:\([^()]{{0,30}}\))?\s*(?:[:=|\-–—>]+|\s(?:is|are|was|were|of|count|equal\w*|came to)\s)[\s:=|\-–—>]*(?:Total\s+{_PARAM}\s*[:=-]\s*)?(?P<mark>[~≈]\s*|around |about |only |just )*{_COUNT}",
        _I,
    ),
)
_PER_LAYER = re.compile(
    r"(?<![a-z])(?:conv\w*|layers?|kernels?|fc|batch\s?norm\w*|filters?|channels?|non-?trainable|linear|transition|transformer|margin|limit)(?![a-z])",
    _I,
)
_UNIT_BOUND = re.compile(
    rf"(?:less than|fewer than|under|below|<=?|≤|within|between|exactly|max\w*)[^.:`()→-]{{0,40}}?\d[\d.,]*\s*[kK]?(?:\s*to\s*\d+)?(?:\s*{_PARAM})?",
    _I,
)


def _parameters(sentence: Sentence) -> list[Claim]:
    text = sentence.text
    if not re.search(_PARAM, text, _I) or re.search(
        r"non-?\s?trainable|^\W*trainable\s+param\w*\W*\d", text, _I
    ):
        return []
    found: dict[int, Claim] = {}
    if sentence.fenced and not re.match(rf"[\W_]*total[^:=]{{0,20}}{_PARAM}[\W_]*\d", text, _I):
        return []
    for pattern in _PARAMETERS:
        for match in pattern.finditer(text):
            at = match.start("n")
            before, after = text[max(0, at - 45) : at], text[match.end("n") : match.end("n") + 40]
            if (
                _LESS.search(before.rstrip("~≈ "))
                or re.match(r"\s*[×x*]\s*\d", after)
                or _MORE.search(before)
            ):
                continue
            if _PER_LAYER.search(text[max(0, match.start() - 40) : match.start()]) or re.match(
                r"\s*(?:pa?ra?m\w*)?\s*(?:below|limit|margin|constraint|ceiling|budget|barrier|per\b)",
                after,
                _I,
            ):
                continue
            if _only_planned(text[: match.start()]) or _names_one_layer(match.group(), text[: match.start()]):
                continue
            number = _count(match.group("n"))
            if number.value >= 500 and not (sentence.required and not _DONE.search(text)):
                about = bool(match.groupdict().get("mark")) or bool(_ABOUT.search(before))
                found.setdefault(
                    at, _claim(sentence, What.PARAMETERS, number, Bound.ABOUT if about else Bound.EXACT)
                )
    if not found:
        # `Less than 20k Parameters : 23.7K` answers the requirement on its own line
        bound = _UNIT_BOUND.search(text)
        answer = (
            re.compile(rf"\s*[:=\-–—>→(|`]*\s*(?P<mark>[~≈]\s*)?{_COUNT}").match(text, bound.end())
            if bound
            else None
        )
        if answer:
            said = Bound.ABOUT if answer.group("mark") else Bound.EXACT
            found[0] = _claim(sentence, What.PARAMETERS, _count(answer.group("n")), said)
    return [found[k] for k in sorted(found)]


def _only_planned(before: str) -> bool:
    """`to achieve 99.4% with 20K parameters` asks for a number; `we achieved it with 11,924` has one."""
    return bool(_PLANNED.search(before[-120:])) and not _DONE.search(before)


def _names_one_layer(label: str, before: str) -> bool:
    """`param: 9216` in a walk through the layers counts one of them; a model's count is `params`, `total` or `number of`."""
    word = re.match(_PARAM, label, _I)
    singular = word is not None and not word.group().lower().endswith("s")
    return singular and not re.search(r"total|number|count|num\b|#", before[-25:] + label, _I)


def _count(written: str) -> _Number:
    digits = written.replace(",", "").strip()
    if digits[-1] in "kK":
        bare = digits[:-1].strip()
        decimals = len(bare.partition(".")[2])
        return _Number(round(float(bare) * 1000, 6), 1000.0 * 10.0**-decimals, written)
    value = float(digits)
    zeros = len(digits) - len(digits.rstrip("0")) if "." not in digits else 0
    # Trailing zeros may be rounding; only `~` says so, which the comparison asks for.
    return _Number(value, 10.0**zeros, written)


_PERCENT = re.compile(
    r"(?<![\d.,/~\w-])(?P<n>(?:9\d|100)(?:\.\d{1,3})?)(?P<sign>\s*%)?(?![\d.]*\d)(?!\s*[-–]\s*\d)(?!\s*(?:st|nd|rd|th)\b)(?!\s*/)",
    _I,
)
_ACC = re.compile(r"acc(?:uracy|uarcy|urancy|\b)|accuarcy", _I)
_ORDINALS = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|(?:st|nd|rd|th)\s*(?:to|-|–))\s*(?:the\s+)?)?(?P<n>\d{1,2}(?:st|nd|rd|th)(?:\s*(?:,|&|and|or|/)\s*(?:the\s+)?\d{1,2}(?:st|nd|rd|th))*)\s*epochs?",
    _I,
)
_NAMED = re.compile(
    r"(?P<from>(?:from|since|till|until|by|before|within|around|<|≤|than)\s+(?:the\s+)?)?(?<![a-z])epochs?\s*(?:no\.?|number|#)?\s*[-–:=#(]*\s*(?P<n>\d{1,2}(?:\s*(?:,|&|and|or)\s*(?:and\s+)?\d{1,2})*)(?!\d|\.\d|\s*[/%])",
    _I,
)
_AFTER = re.compile(
    r"(?<![a-z])(?:after\s+(?P<a>\d{1,2})\s+epochs?(?!\s+of)|(?:at|in)\s+(?P<n>\d{1,2})\s+epoch\b)", _I
)


def _accuracies(sentence: Sentence) -> list[Claim]:
    text = sentence.text
    done = _DONE.search(text) or _says_now(sentence)
    topic = (
        _ACC.search(text) or (_ACC.search(sentence.heading) and done) or (done and re.search(r"\d\s*%", text))
    )
    if not topic or re.search(r"\d%\s*\||it/s\b|\bloss\s*[=:]\s*\d", text, _I):
        return []
    found: list[Claim] = []
    spans = [
        m
        for m in _PERCENT.finditer(text)
        if (m.group("sign") or "." in m.group("n")) and float(m.group("n")) <= 100
    ][:MAX_NUMBERS]
    for index, match in enumerate(spans):
        begin = spans[index - 1].end() if index else 0
        stop = spans[index + 1].start() if index + 1 < len(spans) else len(text)
        before, after = text[begin : match.start()], text[match.end() : stop]
        if (
            match.group("n") == "100"
            or _LESS.search(before)
            or not _states(sentence, before, after, follows=index + 1 < len(spans))
        ):
            continue
        clause = before + after
        on = (
            On.OTHER
            if re.search(r"(?<![a-z])(?:tta|ensemble|augmented)(?![a-z])", text, _I)
            else _on(text[: match.start()], text[match.end() :])
        )
        number = match.group("n")
        exact = _fraction_beside(after) or _Number(
            float(number), 10.0 ** -len(number.partition(".")[2]), match.group().strip()
        )
        bound = (
            Bound.AT_LEAST
            if _MORE.search(before) or re.match(r"\s*\+|\s*(?:or|and) (?:more|above)", after)
            else Bound.EXACT
        )
        epochs, any_of = _reached_in(text, match.start(), match.end(), begin, stop)
        if "." in number and len(number) == 4 and _bare_requirement(before, after):
            bound = Bound.AT_LEAST
        about = _ABOUT.search(before) or before.rstrip().endswith("~")
        found.append(
            _claim(
                sentence,
                What.ACCURACY,
                exact,
                Bound.ABOUT if about else bound,
                on=on,
                best=bool(
                    re.search(
                        r"(?<![a-z])(?:best|max(?:imum)?|highest|peak|top)(?![a-z])",
                        clause[-90 - len(after) :],
                        _I,
                    )
                ),
                epochs=epochs,
                any_epoch=any_of,
            )
        )
    return found


_FRACTION = re.compile(r"\s*\(?\s*(?P<of>(?P<correct>\d{3,6})\s*/\s*(?P<total>\d{3,6}))\b")


def _fraction_beside(after: str) -> _Number | None:
    """`99.5 % (9946/10000)` states the fraction; the percent before it is only its rounding."""
    match = _FRACTION.match(after)
    if not match or not 0 < int(match.group("correct")) <= int(match.group("total")):
        return None
    percent = 100 * int(match.group("correct")) / int(match.group("total"))
    return _Number(round(percent, 6), 0.01, match.group("of"))


def _says_now(sentence: Sentence) -> bool:
    """Whether a sentence in the present tense describes what is there, rather than asks for it."""
    text = sentence.text
    return bool(_NOW.search(text)) and not (sentence.required or _ORDER.search(text) or _PLANNED.search(text))


def _bare_requirement(before: str, after: str) -> bool:
    """`99.4% validation accuracy` + `Achieved in epochs 13, 16`: the requirement is what was reached."""
    return not re.search(r"[a-z]{3,}", before, _I) and bool(
        re.match(r"\s*(?:validation|test|val)[\w/ ]{0,16}acc", after, _I)
    )


def _states(sentence: Sentence, before: str, after: str, *, follows: bool) -> bool:
    """Whether the words around a percentage say that it is a result; `follows` tells that another percentage comes after."""
    text = sentence.text
    if _PLANNED.search(before) and not re.search(
        r"(?:achieved|reached|got|attained|obtained|able to \w+|managed to \w+)[^.]{0,60}$", before, _I
    ):
        return False
    if re.search(r"(?:should|must|needs? to|to|will|can) be (?:achieved|reached)", text, _I):
        return False
    if re.search(r"(?:was|were|being|is)\s+(?:expected|required|needed|asked)", after[:60], _I):
        return False
    if re.search(r"from\s*$", before) and re.match(r"\s*to\s+\d", after):
        return False
    near = before[-80:]
    if _NOW.search(near) and _says_now(sentence):
        return True
    if _DONE.search(near) or (
        re.search(r"(?:is|was|reach\w+|comes? to|of)\s*[:=]?\s*[~>≥]*\s*$", near, _I) and _ACC.search(near)
    ):
        return True
    if _ACC.search(near) and re.search(r"acc\w*\b[^.!?]{0,45}?[:=|\-–—][^\w%]*$|acc\w*\W{0,6}$", near, _I):
        return not sentence.required
    # the achievement may follow: `99.45% test accuracy obtained at EPOCH 12`
    head = re.match(r"[^.!?]{0,60}", after)
    done = _DONE.search(head.group()) if head else None
    return bool(done and not (follows and re.fullmatch(r"[^.!?]{0,14}", after[done.end() :])))


_TRAIN = re.compile(r"(?<![a-z])train(?:ing)?(?:\s+\w+)?\s+acc|acc\w*\s+(?:on|of|for)\s+(?:the\s+)?train", _I)
_TEST = re.compile(
    r"(?<![a-z])(?:test(?:ing)?|val(?:idation)?)\b[\w/]*(?:\s+(?:set|data))?\s+acc|acc\w*\s+(?:on|of|for|in)?\s*(?:the\s+)?(?:test|val)",
    _I,
)


def _on(before: str, after: str) -> On:
    """Whose accuracy it is: the last that is named before the number, else the one named right after it."""
    train = max((m.start() for m in _TRAIN.finditer(before)), default=-1)
    test = max((m.start() for m in _TEST.finditer(before)), default=-1)
    if train < 0 and test < 0:
        return (
            On.TRAIN if re.match(r"\W{0,6}(?:of |on )?(?:train\w*)\s+(?:set\s+)?acc", after, _I) else On.TEST
        )
    if re.match(r"\W{0,4}(?:test|val\w*)\s+acc", after, _I):
        return On.TEST
    return On.TRAIN if train > test else On.TEST


def _reached_in(text: str, start: int, end: int, begin: int, stop: int) -> tuple[tuple[int, ...], bool]:
    """The epochs that the words around a percentage name, and whether one of them is enough."""
    best: tuple[int, tuple[int, ...], bool] | None = None
    for pattern in (_ORDINALS, _NAMED, _AFTER):
        for match in pattern.finditer(text):
            if match.groupdict().get("from") or match.start() < begin or match.end() > stop + 3:
                continue
            if pattern is _NAMED and re.match(r"epochs\s*[:=]", match.group(), _I):
                continue
            named = match.group("n") or match.group("a")
            distance = match.start() - end if match.start() >= end else start - match.end() + 5
            numbers = tuple(int(n) for n in re.findall(r"\d+", named))
            if distance < 70 and (best is None or distance < best[0]):
                best = (distance, numbers, bool(re.search(r"\bor\b", named)))
    return (best[1], best[2]) if best else ((), False)


_EPOCH_LABEL = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:total\s+|number\s+of\s+|num\.?\s+|no\.?\s+of\s+|training\s+|#\s*)*epochs(?:\s+(?:used|trained|run|ran))?\W{0,3}[:=|-]\W*(?P<n>\d{1,3})(?![\d.]|\s*[-–/]\s*\d)",
    _I,
)
# `Scheduler: OneCycleLR` with `epochs: 20` under it: an argument of the scheduler, not how long was trained.
_SCHEDULE = re.compile(r"schedul|one\s*cycle|lr\b|anneal|plateau|warm[\s-]*up", _I)
_EPOCH_PROSE = (
    re.compile(
        r"(?:trained|ran)\b[^.<]{0,40}?\bfor\s+(?:a\s+total\s+of\s+)?(?:only\s+|just\s+)?(?P<n>\d{1,3})\s+epochs",
        _I,
    ),
    re.compile(r"total\s+of\s+(?P<n>\d{1,3})\s+epochs", _I),
    re.compile(r"(?<![<≤\d.])(?P<n>\d{1,3})\s+(?:training\s+)?epochs\s+of\s+training", _I),
)
_EPOCH_ANSWER = re.compile(
    r"(?:less than|under|<=?|≤)\s*\d+\s*epochs?\s*[:=\-–—>→(|`]*\s*(?P<n>\d{1,3})\s*(?:epochs?)?", _I
)


def _epochs(sentence: Sentence) -> list[Claim]:
    text = sentence.text
    match = _EPOCH_ANSWER.search(text)
    if not match and not sentence.required:
        labelled = None if _SCHEDULE.search(sentence.under) else _EPOCH_LABEL.search(text)
        match = labelled or next((m for p in _EPOCH_PROSE if (m := p.search(text))), None)
        if match and (_PLANNED.search(text[: match.start("n")]) or _LESS.search(text[: match.start("n")])):
            match = None
    if not match or not 1 <= int(match.group("n")) <= 200:
        return []
    return [
        _claim(sentence, What.EPOCHS, _Number(float(match.group("n")), 1.0, match.group("n")), Bound.EXACT)
    ]


_BATCH = re.compile(
    r"batch[\s_-]*size(?:\s+(?:is|of|was|used|as|to|constant|at)){0,2}\W{0,6}(?P<n>\d{1,5})(?![\d.])", _I
)
_DROPOUT = re.compile(
    r"drop\s?out\w{0,2}(?:\s+(?:rate|value|probability|used|set|is|of|as|was|p)){0,3}\W{0,6}(?P<n>0?\.\d+|\d{1,2}(?:\.\d+)?\s*%)",
    _I,
)


def _settings(sentence: Sentence) -> list[Claim]:
    if sentence.required or re.search(r"\bmust\b|\bshould\b", sentence.text, _I):
        return []
    found: list[Claim] = []
    if match := _BATCH.search(sentence.text):
        found.append(
            _claim(
                sentence,
                What.BATCH_SIZE,
                _Number(float(match.group("n")), 1.0, match.group("n")),
                Bound.EXACT,
            )
        )
    if match := _DROPOUT.search(sentence.text):
        written = match.group("n")
        percent = "%" in written
        bare = written.replace("%", "").strip()
        unit = 10.0 ** -len(bare.partition(".")[2]) / (100 if percent else 1)
        value = round(float(bare) / (100 if percent else 1), 10)
        found.append(_claim(sentence, What.DROPOUT, _Number(value, unit, written), Bound.EXACT))
    return found


def _claim(
    sentence: Sentence,
    what: What,
    number: _Number,
    bound: Bound,
    *,
    on: On = On.TEST,
    best: bool = False,
    epochs: tuple[int, ...] = (),
    any_epoch: bool = False,
) -> Claim:
    return Claim(
        what=what,
        value=number.value,
        unit=number.unit,
        place=sentence.place,
        written=number.written,
        excerpt=sentence.text[:300],
        bound=bound,
        on=on,
        best=best,
        epochs=epochs,
        any_epoch=any_epoch,
        section=sentence.section,
        aside=bool(_ASIDE.search(sentence.text)),
    )
