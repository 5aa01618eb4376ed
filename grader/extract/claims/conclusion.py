"""Finds the sentences in which a student says what a larger or smaller learning rate does."""

import re

from grader.core.evidence.conclusion import ConclusionEvidence, RateStatement
from grader.core.evidence.documents import Block, Documents, SourceLine
from grader.core.submission import Kind

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|<br\s*/?>")
_RATE = re.compile(r"\blearning[ -]?rates?\b|\bLR\b|\blr\b|η", re.IGNORECASE)
_OF_THESE = re.compile(r"\b(?:high|low|larg|small|big)\w*\s+rates?\b(?! of)", re.IGNORECASE)
"""How a sentence after one about learning rates calls them."""
_MORE = re.compile(
    r"\b(?:high(?:er)?|larger?|big(?:ger)?|great(?:er)?|increas\w*|rais\w*)\b"
    r"|\bmore (?:the )?(?:learning[ -]?rate|lr)\b|(?:rates?|\blr|η)\s*(?:>=?|≥)\s*\d",
    re.IGNORECASE,
)
_LESS = re.compile(r"\b(?:low(?:er)?|small(?:er)?|less(?:er)?|decreas\w*|reduc\w*)\b", re.IGNORECASE)
_FAST = re.compile(
    r"\b(?:fast(?:er|est)?|quick(?:er|est|ly)?|rapid(?:ly)?|sooner|earlier|steep(?:er|est|ly)?"
    r"|fewer|speeds? up|smaller number of"
    r"|(?:higher|larger|greater|bigger)(?: is)?(?: the)? (?:rate|speed) of (?:convergence|reduction|decrease)"
    r"|increases (?:the )?(?:(?:rate|speed) of convergence|convergence (?:rate|speed))"
    r")\b",
    re.IGNORECASE,
)
_SLOW = re.compile(
    r"\b(?:slow(?:er|est|ly|s)?|longer|(?:more|many|lots? of) (?:iterations|epochs|steps|updates|time)"
    r"|(?:larger|greater|higher|bigger) (?:numbers? of (?:iterations|epochs|steps|updates)|iterations|epochs)"
    r"|long time|much time)\b",
    re.IGNORECASE,
)
_SCHEDULE = re.compile(
    r"schedul|one[- ]?cycle|step[- ]?lr|multi[- ]?step|anneal|plateau|warm[- ]?up|decay|generally|usually"
    r"|normali[sz]|momentum|drop-?out|optimi[sz]er|augment|\b(?:allow|enabl|permit)\w*|\bwhether\b",
    re.IGNORECASE,
)
"""A schedule or layer of another training, networks in general and a question conclude nothing from the
curves.
"""
_DENIED = r"(?:\b(?:not|never|no)\b|n't\b)[^,;]{0,30}?\b(?:fast|quick|rapid|sooner|earlier|steep)\w*"
_UNLEARNED = re.compile(_DENIED, re.IGNORECASE)
_NOT_FAST = re.compile(
    rf"{_DENIED}|\b(?:diverg|overshoot|explod|oscillat)\w*[^,;]{{0,20}}?\b(?:fast|quick|rapid)\w*",
    re.IGNORECASE,
)
"""What is denied, and what is fast but no learning."""
MAX_SENTENCE = 600


def read_conclusions(documents: Documents) -> ConclusionEvidence:
    """Read all documents; the sentences are kept, nobody's wording is judged.

    Raises:
        Unavailable: there is no README to read.

    """
    readmes = documents.of(Kind.README)
    if not readmes:
        raise documents.absent("a README", Kind.README)
    found = [statement for readme in readmes for line in readme.lines for statement in _statements(line)]
    return ConclusionEvidence(statements=tuple(found), documents=tuple(d.path for d in readmes))


def _statements(line: SourceLine) -> list[RateStatement]:
    if line.block is Block.FENCE or not _RATE.search(line.text):
        return []
    return [
        RateStatement(place=line.place, text=sentence.strip())
        for sentence in _SENTENCE.split(line.text[:20_000])
        if len(sentence) <= MAX_SENTENCE and says_larger_is_faster(sentence, named=True)
    ]


def says_larger_is_faster(sentence: str, *, named: bool = False) -> bool:
    """Whether a sentence joins a larger rate with faster learning, or a smaller one with slower learning;
    `named` where the learning rate was named before it.
    """
    if not (_RATE.search(sentence) or (named and _OF_THESE.search(sentence))) or _SCHEDULE.search(sentence):
        return False
    denied = _UNLEARNED.search(sentence) and not _MORE.search(sentence)
    sentence = _NOT_FAST.sub(" ", sentence)
    up = _MORE.search(sentence) and _FAST.search(sentence)
    down = _LESS.search(sentence) and (denied or _SLOW.search(sentence))
    against = _MORE.search(sentence) and _SLOW.search(sentence) and not _LESS.search(sentence)
    return bool(up or down) and not (against and not up)
