"""Finds the sentences in which a student says what a larger or smaller learning rate does."""

import re

from grader.core.evidence.conclusion import ConclusionEvidence, RateStatement
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.submission import Kind, Sources
from grader.extract.markdown import Block, SourceLine, markdown_lines
from grader.extract.text import decode

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|<br\s*/?>")
_RATE = re.compile(r"\blearning[ -]?rates?\b|\bLR\b|\blr\b|η", re.IGNORECASE)
_MORE = re.compile(r"\b(?:high(?:er)?|larger?|big(?:ger)?|great(?:er)?|increas\w*|rais\w*)\b", re.IGNORECASE)
_LESS = re.compile(r"\b(?:low(?:er)?|small(?:er)?|less(?:er)?|decreas\w*|reduc\w*)\b", re.IGNORECASE)
_FAST = re.compile(
    r"\b(?:fast(?:er)?|quick(?:er|ly)?|rapid(?:ly)?|sooner|earlier|steep(?:er|ly)?|fewer|speeds? up)\b",
    re.IGNORECASE,
)
_SLOW = re.compile(r"\b(?:slow(?:er|ly|s)?|longer|more (?:iterations|epochs|steps|time))\b", re.IGNORECASE)
MAX_SENTENCE = 600


def read_conclusions(sources: Sources) -> ConclusionEvidence:
    """Read all documents; the sentences are kept, nobody's wording is judged.

    Raises:
        Unavailable: the submission holds no document.

    """
    documents = sources.of(Kind.README)
    if not documents:
        raise Unavailable("no README or other document is there to read a conclusion from", Verdict.SKIPPED)
    found: list[RateStatement] = []
    for source in documents:
        for line in markdown_lines(decode(source.data).text, source.artefact.path):
            found += _statements(line)
    return ConclusionEvidence(statements=tuple(found), documents=tuple(s.artefact.path for s in documents))


def _statements(line: SourceLine) -> list[RateStatement]:
    if line.block is Block.FENCE or not _RATE.search(line.text):
        return []
    return [
        RateStatement(place=line.place, text=sentence.strip())
        for sentence in _SENTENCE.split(line.text[:20_000])
        if len(sentence) <= MAX_SENTENCE and says_larger_is_faster(sentence)
    ]


def says_larger_is_faster(sentence: str) -> bool:
    """Whether a sentence joins a larger rate with faster learning, or a smaller one with slower learning."""
    if not _RATE.search(sentence):
        return False
    up = _MORE.search(sentence) and _FAST.search(sentence)
    down = _LESS.search(sentence) and _SLOW.search(sentence)
    against = _MORE.search(sentence) and _SLOW.search(sentence) and not _LESS.search(sentence)
    return bool(up or down) and not (against and not up)
