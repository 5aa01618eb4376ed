"""Numbers that may be claims though their sentence is not understood: `99.56 % @ epoch 14`, a heading
`Accuracy` with `99.55` under it, a badge.

They accuse nobody. They keep a README from being told as stating no number: what is found too much here is a
question to a person.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.claims import Bound, Claim, ClaimEvidence, What
from grader.core.evidence.documents import SourceLine
from grader.core.evidence.logs import Run
from grader.extract.claims.comparison import EPS, RIGHT, Comparison, accuracy_match, count_match
from grader.extract.claims.context_words import (
    ASIDE,
    BAR,
    DONE,
    LESS,
    MORE,
    ORDER,
    PLANNED,
    Number,
    make_claim,
)
from grader.extract.claims.sentences import MAX_LINE, Sentence

_ACCURACY = re.compile(
    r"acc(?:\b|ur|uar)|genauig|pr[ée]cisi|exactitu|accuratezza|nauwkeurig|dokładno|noggrann|точност|准确|正确|精度|score|result"
    r"|ergebnis|treffer|richtig|correct",
    re.IGNORECASE,
)
LOOSE = frozenset({What.ACCURACY, What.PARAMETERS, What.EPOCHS})
"""What a loose number may state."""
_PERCENT = re.compile(
    r"(?<![\d.,/~\w-])(?P<n>9\d(?:[.,]\d{1,3})?)\s*(?:%|percent|prozent|por\s?ciento|pour\s?cent)",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\d.,/\w-])(?P<n>9\d[.,]\d{1,3})(?![\d%.,]|\s*%)")
_OF_EPOCH = re.compile(
    r"(?<![\d.,/~\w-])9\d\.\d{1,3}\s*%?[\s*_`]*(?:[(@,]\s*|(?:in|at|on|by)\s+(?:the\s+)?)"
    r"(?:epoch\s*#?\s*(?P<first>\d{1,2})(?![\d.%])|(?P<second>\d{1,2})(?:st|nd|rd|th)\s+epoch)",
    re.IGNORECASE,
)
"""`99.41 in epoch 14`, `99.36% (epoch 9)`: a percentage beside an epoch is its accuracy."""
_SHARE = re.compile(r"(?<![\d.,\w])0[.,](?P<n>9\d{1,4})(?!\d)")
_FRACTION = re.compile(
    r"(?<![\d.,])(?P<n>\d{1,3}[,.]?\d{3})\s*(?:/|of|von|out of)\s*(?P<of>\d{1,3}[,.]?\d{3})\b", re.IGNORECASE
)
_ERROR = re.compile(
    r"(?:error|fehler|misclass|erreur|erro)\w*(?:\s+rate|quote)?[^.%\d]{0,25}(?P<n>[0-4][.,]\d{1,3})\s*%",
    re.IGNORECASE,
)
_BADGE = re.compile(r"badge/[^)\s\"]*?acc\w*[-_:=]+(?P<n>9\d(?:\.\d{1,3})?)", re.IGNORECASE)
_COUNTED = re.compile(
    r"para?m(?:eter|s|è|e|\b)|pa?ra?meters?|parámetro|paramètre|parametr|параметр|参数|parâmetro",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"(?<![\d.,\w-])(?P<n>\d{1,3}(?:[ ,.'’\u202f\u00a0]\d{3})+|\d+(?:[.,]\d+)?(?P<k>\s*(?:k(?![a-z])"
    r"|thousand|tausend|mila?\b))|\d{3,7})"
    r"(?![\d.,]*\d)(?!\s*[x×*/%])",
    re.IGNORECASE,
)
_EPOCH = r"(?:epo[ckq]\w*|época\w*|époque\w*|эпох\w*|轮|エポック)"
_EPOCHS = re.compile(
    rf"(?<![\d.,\w-])(?P<n>\d{{1,3}})\s*(?:training\s+)?{_EPOCH}"
    r"(?!\w)(?!\s+(?:(?:is|are|was|were)\s+)?(?:allowed|permitted|available|given|granted|possible|the\s+limit))"
    rf"|{_EPOCH}\s*[:=|]\W{{0,4}}(?P<m>\d{{1,3}})(?![\d.%])",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    rf"{_EPOCH}[^.]{{0,40}}(?<![a-z])(?:needed|used|took|required)\s+(?:(?:only|just)\s+)?(?P<n>\d{{1,3}})"
    r"(?=\s*(?:$|[.!)](?!\d)|[,;:](?!\s?\d)|epochs|of|to|until|before|in\s+(?:the\s+end|total|all))(?![a-z]))",
    re.IGNORECASE,
)
"""`20 epochs were allowed, we needed 14`; an epoch needs seconds, images and workers, too."""
_ALONE = re.compile(r"[\W_]*(?P<n>[\d.,' ]+\s*[kK%]?)[\W_]*")
_TRAINING = re.compile(
    r"train(?:ing)?\b\W{0,3}(?:\w+\W{0,3}){0,2}$|dropout[^.]{0,20}$|drop\W{0,3}$|p\s*=\s*$", re.IGNORECASE
)
_BOUNDED = re.compile(
    r"(?:less than|fewer than|under|below|at most|at least|within|up to|max(?![a-z])\.?"
    r"|no more than|<=?|≤|>=?|≥|weniger als|unter|höchstens"
    r"|maximal(?!e)|moins de|menos de|meno di)[^.;:→=]{0,45}$",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"^\W*(?:assignment|exercise|homework|aufgabe|ziel|objectif|objetivo|tarea|obiettivo|task|goal|target|requirement)|required|gefordert"
    r"|(?:should|could|might|may|would)\s+(?:well\s+)?be\s+(?:possible|feasible|reached|achieved)"
    r"|soll(?:te|en)?\b|muss\b|müssen|doit|debe\b|deve\b",
    re.IGNORECASE,
)  # fmt: skip
_OF_THE_SWEEP = re.compile(r"(?is)(?=.*\blearning[ -]?rate)(?=.*\b(?:loss|error))(?!.*\bacc)")
"""`With learning rate 0.1 the loss fell to 0.01 after 66 epochs`: iterations of the spreadsheet."""
_OTHER_COUNTS = re.compile(
    r"non-?trainable|conv\w*|layers?|kernels?|per\b|batch|channels?|images|bilder|digits", re.IGNORECASE
)


def read_loose(sentence: Sentence, data: DataSet = MNIST) -> list[Claim]:
    """Return what may be claimed in a sentence that asks for nothing and tells of no other attempt."""
    text = sentence.text
    if sentence.required or sentence.fenced or not any(c.isdigit() for c in text):
        return []
    if BAR.search(text) or _ASKED.search(text) or ORDER.search(text) or ASIDE.search(text):
        return []
    return [*_accuracies(sentence, data), *_counts(sentence), *_epochs(sentence)]


def read_badges(line: SourceLine) -> list[Claim]:
    """Return the accuracies that the badges of a line show."""
    if "badge" not in line.text:
        return []
    sentence = Sentence(line.place, line.text.strip(), 0, "", required=False, fenced=False)
    return [_accuracy(sentence, match) for match in _BADGE.finditer(line.text[:MAX_LINE])]


def _open(text: str, at: int) -> bool:
    """Whether nothing before a number says that it is a bound or a plan."""
    before = text[:at]
    planned = PLANNED.search(before) and not DONE.search(before)
    return not (planned or LESS.search(before) or _BOUNDED.search(before))


def _accuracies(sentence: Sentence, data: DataSet) -> Iterator[Claim]:
    text = sentence.text
    about = _ACCURACY.search(text) or _ACCURACY.search(sentence.heading)
    about = about or DONE.search(text)
    about = about or _OF_EPOCH.search(text)
    patterns = [_PERCENT, _FRACTION, *([_BARE, _SHARE] if about or _ALONE.fullmatch(text) else [])]
    for pattern in patterns:
        for match in pattern.finditer(text):
            if pattern is _FRACTION and not _of_the_test_set(match, data):
                continue
            at = match.start("n")
            said = about or "." in match["n"] or "," in match["n"]
            if said and _open(text, at) and not _TRAINING.search(text[max(0, at - 60) : at]):
                yield _accuracy(sentence, match)
    for match in _ERROR.finditer(text):
        written = match["n"].replace(",", ".")
        unit = 10.0 ** -len(written.partition(".")[2])
        number = Number(round(100 - float(written), 6), unit, match["n"] + " %")
        yield make_claim(sentence, What.ACCURACY, number, Bound.EXACT)


def _of_the_test_set(match: re.Match[str], data: DataSet) -> bool:
    """Whether a fraction is of all test images, and of so many right ones as somebody would tell."""
    right, total = (int(re.sub(r"\D", "", match[name])) for name in ("n", "of"))
    return total == data.test_images and 0.9 * total <= right < total


def _accuracy(sentence: Sentence, match: re.Match[str]) -> Claim:
    digits = match["n"].replace(",", ".")
    written = match.group().strip()
    if match.re is _FRACTION:
        right, total = (int(re.sub(r"\D", "", match[name])) for name in ("n", "of"))
        number = Number(100 * right / total, 0.01, written)
    elif match.re is _SHARE:
        number = Number(round(float(f"0.{digits}") * 100, 6), 10.0 ** (2 - len(digits)), written)
    else:
        number = Number(float(digits), 10.0 ** -len(digits.partition(".")[2]), written)
    more = MORE.search(sentence.text[: match.start()]) is not None
    beside = _OF_EPOCH.match(sentence.text, match.start())
    epochs = (int(beside["first"] or beside["second"]),) if beside else ()
    bound = Bound.AT_LEAST if more else Bound.EXACT
    return make_claim(sentence, What.ACCURACY, number, bound, epochs=epochs)


def _counts(sentence: Sentence) -> Iterator[Claim]:
    text = sentence.text
    if not (_COUNTED.search(text) or (_COUNTED.search(sentence.heading) and _ALONE.fullmatch(text))):
        return
    for match in _COUNT.finditer(text):
        beside = text[max(0, match.start() - 30) : match.end() + 12]
        if _open(text, match.start()) and not _OTHER_COUNTS.search(beside):
            number = _count(match)
            if 500 <= number.value < 10_000_000:
                yield make_claim(
                    sentence, What.PARAMETERS, number, Bound.ABOUT if number.unit >= 10 else Bound.EXACT
                )


def _count(match: re.Match[str]) -> Number:
    if match["k"]:
        digits = match["n"][: -len(match["k"])].replace(",", ".")
        return Number(float(digits) * 1000, 1000.0 * 10.0 ** -len(digits.partition(".")[2]), match.group())
    return Number(float(re.sub(r"\D", "", match["n"])), 1.0, match.group())


def _epochs(sentence: Sentence) -> Iterator[Claim]:
    text = sentence.text
    if _OF_THE_SWEEP.match(text):
        return
    found = [(m, m["n"] or m["m"]) for m in _EPOCHS.finditer(text)]
    found += [(m, m["n"]) for m in _NEEDED.finditer(text)]
    alone = _ALONE.fullmatch(text)
    if alone and re.search(_EPOCH, sentence.heading, re.IGNORECASE) and alone["n"].strip().isdigit():
        found.append((alone, alone["n"].strip()))
    for match, written in found:
        if _open(text, match.start()) and 1 <= int(written) <= 200:
            yield make_claim(sentence, What.EPOCHS, Number(float(written), 1.0, written), Bound.EXACT)


class Loose(NamedTuple):
    """Loose numbers: how many stand in what was printed or counted, and those that nobody can place.

    Where one of a kind stands there, the others are of other attempts; but `99.4 %`, which is what was asked
    for, says nothing of a more exact number above all that was printed.
    """

    shown: int
    unplaced: tuple[Claim, ...]
    above: tuple[Claim, ...] = ()
    """Those among the unplaced that are accuracies of two decimals above all that was printed."""


def loose_numbers(claims: ClaimEvidence, compared: Comparison) -> Loose:
    """Look for the loose numbers among what was printed or counted."""
    known = frozenset(total for total, _ in compared.totals) | compared.counted
    longest = max((r.before + len(r.epochs) for r in compared.runs), default=0)
    whole = all(r.complete for r in compared.runs)
    found: list[Claim] = []
    settled: list[What] = []
    exact = False
    for claim in claims.loose:
        if claim.what is What.ACCURACY:
            shown = accuracy_match(claim, compared.runs) in RIGHT
        elif claim.what is What.PARAMETERS:
            shown = any(count_match(claim, total) for total in known)
        else:
            shown = claim.value <= longest or (bool(longest) and not whole)
        if shown:
            settled.append(claim.what)
            exact = exact or (claim.what is What.ACCURACY and claim.unit <= 0.01 + EPS)
        else:
            found.append(claim)
    above = [] if exact else [claim for claim in found if _is_above(claim, compared.runs)]
    return Loose(
        len(settled),
        tuple(claim for claim in found if claim.what not in settled or claim in above),
        tuple(above),
    )


def _is_above(claim: Claim, runs: Sequence[Run]) -> bool:
    """Whether an accuracy of two decimals is higher than all that was printed of training and test digits."""
    printed = [p for r in runs for e in r.epochs for p in (e.percent, e.train_percent or 0.0)]
    precise = claim.what is What.ACCURACY and claim.unit <= 0.01 + EPS
    return precise and bool(printed) and claim.value > max(printed) + 0.005 + EPS
