"""One sentence -> the settings of the training that it claims: epochs, batch size, dropout."""

import re

from grader.core.evidence.claims import Bound, Claim, What
from grader.extract.claims.context_words import LESS, PLANNED, Number, make_claim
from grader.extract.claims.sentences import Sentence

_EPOCH_LABEL = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:total\s+|number\s+of\s+|num\.?\s+|no\.?\s+of\s+|training\s+|#\s*)*epochs(?:\s+(?:used|trained|run|ran))?\W{0,3}[:=|-]\W*(?P<n>\d{1,3})(?![\d.]|\s*[-–/]\s*\d)",
    re.IGNORECASE,
)
# `Scheduler: OneCycleLR` with `epochs: 20` under it: an argument of the scheduler, not how long was trained.
_SCHEDULE = re.compile(r"schedul|one\s*cycle|lr\b|anneal|plateau|warm[\s-]*up", re.IGNORECASE)
_EPOCH_PROSE = (
    re.compile(
        r"(?:trained|ran)\b[^.<]{0,40}?\bfor\s+(?:a\s+total\s+of\s+)?(?:only\s+|just\s+)?(?P<n>\d{1,3})\s+epochs",
        re.IGNORECASE,
    ),
    re.compile(r"total\s+of\s+(?P<n>\d{1,3})\s+epochs", re.IGNORECASE),
    # Not `99.41% after 12 epochs of training`: when it was reached.
    re.compile(
        r"(?<![<≤\d.])(?<!after\s)(?P<n>\d{1,3})\s+(?:training\s+)?epochs\s+of\s+training", re.IGNORECASE
    ),
)
_EPOCH_ANSWER = re.compile(
    r"(?:less than|under|<=?|≤)\s*\d+\s*epochs?\s*[:=\-–—>→(|`]*\s*(?P<n>\d{1,3})\s*(?:epochs?)?",
    re.IGNORECASE,
)


def read_epochs(sentence: Sentence) -> list[Claim]:
    """How many epochs are said to have been trained."""
    text = sentence.text
    match = _EPOCH_ANSWER.search(text)
    if not match and not sentence.required:
        labelled = None if _SCHEDULE.search(sentence.under) else _EPOCH_LABEL.search(text)
        match = labelled or next((m for p in _EPOCH_PROSE if (m := p.search(text))), None)
        if match and (PLANNED.search(text[: match.start("n")]) or LESS.search(text[: match.start("n")])):
            match = None
    if not match or not 1 <= int(match.group("n")) <= 200:
        return []
    return [
        make_claim(sentence, What.EPOCHS, Number(float(match.group("n")), 1.0, match.group("n")), Bound.EXACT)
    ]


_BATCH = re.compile(
    r"batch[\s_-]*size(?:\s+(?:is|of|was|used|as|to|constant|at)){0,2}\W{0,6}(?P<n>\d{1,5})(?![\d.])",
    re.IGNORECASE,
)
_DROPOUT = re.compile(
    r"drop\s?out\w{0,2}(?:\s+(?:rate|value|probability|used|set|is|of|as|was|p)){0,3}\W{0,6}(?P<n>0?\.\d+|\d{1,2}(?:\.\d+)?\s*%)",
    re.IGNORECASE,
)


def read_settings(sentence: Sentence) -> list[Claim]:
    """Batch size and probability of dropout."""
    if sentence.required or re.search(r"\bmust\b|\bshould\b", sentence.text, re.IGNORECASE):
        return []
    found: list[Claim] = []
    if match := _BATCH.search(sentence.text):
        found.append(
            make_claim(
                sentence,
                What.BATCH_SIZE,
                Number(float(match.group("n")), 1.0, match.group("n")),
                Bound.EXACT,
            )
        )
    if match := _DROPOUT.search(sentence.text):
        written = match.group("n")
        percent = "%" in written
        bare = written.replace("%", "").strip()
        unit = 10.0 ** -len(bare.partition(".")[2]) / (100 if percent else 1)
        value = round(float(bare) / (100 if percent else 1), 10)
        found.append(make_claim(sentence, What.DROPOUT, Number(value, unit, written), Bound.EXACT))
    return found
