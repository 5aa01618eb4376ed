"""One sentence -> the accuracy that it claims by a count of wrong or right test digits."""

import re

from grader.core.assigned_data import DataSet
from grader.core.evidence.claims import Bound, Claim, What
from grader.extract.claims.context_words import LESS, ORDER, PLANNED, Number, make_claim
from grader.extract.claims.sentences import Sentence

_WRONG = (
    r"(?:mis-?classif\w+|mis-?read|mis-?predicted|wrong(?:ly)?|incorrect(?:ly)?"
    r"|errors?|mistakes?)"
)
_COUNT = r"(?<![\d.,/])(?P<wrong>\d{1,4})(?![\d.,]*\d)"
_TOTAL = r"(?P<total>\d{2}[,. ]?\d{3})(?![\d.,]*\d)"
_OF = r"\s*(?:/|of|out\s+of|on|in|among)\s*(?:the\s+|all\s+|our\s+)*"
_DIGITS = r"(?:images|digits|samples|examples|ones)"
_MISCLASSIFIED = re.compile(
    rf"{_COUNT}{_OF}{_TOTAL}(?:\s+(?:test|mnist|held-out|unseen))*(?:\s+{_DIGITS})?(?:\s+that)?"
    rf"(?:\s+(?:are|were|is|was|get|got|came\s+out|remain\w*))?(?:\s+(?:still|being))?\s+{_WRONG}",
    re.IGNORECASE,
)
_MISCLASSIFIES = re.compile(
    rf"(?<![a-z]){_WRONG}(?:\s+\w+){{0,2}}?[\s:=]+{_COUNT}{_OF}{_TOTAL}"
    rf"|(?<![\d.,/])(?P<errors>\d{{1,4}})\s+(?:test\s+)?(?:{_DIGITS}\s+)?(?:(?:are|were)\s+)?"
    rf"{_WRONG}{_OF}(?P<among>\d{{2}}[,. ]?\d{{3}})(?![\d.,]*\d)",
    re.IGNORECASE,
)
_WRONG_OF_ALL = re.compile(
    rf"(?<![a-z])(?:out\s+of|of|from|among)\s+(?:the\s+|all\s+|our\s+)*{_TOTAL}"
    rf"(?:\s+(?:test|mnist|held-out|unseen))*(?:\s+{_DIGITS})?[\s,:]+(?:(?:only|just|the|our|my|network|model|cnn|it|we|gets?|got|has|had|there)\s+)*"
    rf"(?:(?:is|are|was|were)\s+)?(?:{_COUNT}|(?P<right>\d{{1,3}}[,. ]?\d{{3}})(?![\d.,]*\d))"
    rf"(?:\s+{_DIGITS})?(?:\s+(?:is|are|was|were|get|got|still))*\s+(?:(?:classified|recogni[sz]ed|predicted)\s+)?"
    rf"(?:{_WRONG}|(?P<well>correct(?:ly)?|right(?:ly)?))(?:\s+(?:classified|recogni[sz]ed|predicted))?",
    re.IGNORECASE,
)
PLAIN = (
    r"only|just|a|an|mere|total|of|in|the|final|best|our|my|network|model|cnn|we|it|gets?|got|makes?|made|leaves?"
    r"|has|have|had|with|and|so|is|are|was|were|i\.e|there|still|which|that|test|accuracy|error|rate|set|on|fewer"
    r"|less|than|at|most|after|training|end|by|images|digits|samples|examples|mnist|\d{1,3}(?:\.\d+)?\s?%"
)
_PLAINLY = re.compile(rf"^(?:\W*(?<!\w)(?:{PLAIN})(?!\w))*\W*$", re.IGNORECASE)
"""What may stand beside a count of wrong digits that is the network's. Others count those in a picture, those
of one digit, wrong labels, what another network or a person gets wrong, or how many are allowed.
"""


def misclassified(sentence: Sentence, data: DataSet) -> list[Claim]:
    """`37 of 10,000 misclassified` states 99.63 %, and so does `of 10,000 digits 9,963 are right`; none
    where a sentence may count other digits.
    """
    text = sentence.text
    match = _MISCLASSIFIED.search(text) or _MISCLASSIFIES.search(text) or _WRONG_OF_ALL.search(text)
    if match is None or sentence.required or any(p.search(text) for p in (ORDER, PLANNED)):
        return []
    if not all(_PLAINLY.fullmatch(part[:300]) for part in (text[: match.start()], text[match.end() :])):
        return []
    named = {name: value for name, value in match.groupdict().items() if value}
    count = named.get("wrong") or named.get("errors") or named["right"]
    wrong, total = (int(re.sub(r"\D", "", n)) for n in (count, named.get("total") or named["among"]))
    wrong = total - wrong if "well" in named else wrong
    if total != data.test_images or not 0 <= wrong < total // 2:
        return []
    percent = Number(round(100 - 100 * wrong / total, 6), 0.01, match.group().strip())
    bound = Bound.AT_LEAST if LESS.search(text[: text.index(count, match.start())]) else Bound.EXACT
    return [make_claim(sentence, What.ACCURACY, percent, bound)]
