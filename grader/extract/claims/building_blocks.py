"""One sentence -> the building blocks that it says the network has or lacks."""

import re

from grader.core.evidence.claims import Feature, Use
from grader.extract.claims.sentences import Sentence

_FEATURES = (
    (
        Feature.BATCH_NORM,
        re.compile(r"batch[\s_-]?norm\w*(?:\s+normali[sz]ation)?|(?<![a-z])BN(?![a-z])", re.IGNORECASE),
    ),
    (Feature.DROPOUT, re.compile(r"drop[\s-]?outs?", re.IGNORECASE)),
    (
        Feature.GAP,
        re.compile(r"(?<![a-z])(?:(?-i:GAP)(?![a-z])|gap\s+layers?)|global\s+av\w*\s*pool\w*", re.IGNORECASE),
    ),
    (
        Feature.FULLY_CONNECTED,
        re.compile(r"fully[\s-]connected|(?<![a-z])FC(?:\s+layer|N)?s?(?![a-z])", re.IGNORECASE),
    ),
)
_SAYS_USED = re.compile(
    r"(?<![a-z])(?:used?|uses|using|usage|added|add|applied|applying|leverag\w+|includes?|including|contains?|has|with|have|consists?\s+of"
    r"|consisting\s+of|compris\w+|compos\w+\s+of|made\s+(?:up\s+)?of|built\s+(?:from|of|with)|followed\s+by|ends?\s+(?:with|in)|features"
    r"|employ\w+|incorporat\w+|combin\w+|at\s+the\s+end|as\s+the\s+(?:last|final|output)\s+layer)(?![a-z])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\s*(?:layers?)?\s*:", re.IGNORECASE)
# The assignment's own sentence, copied as it is.
_COPIED = re.compile(r"have\s+used\s+BN,?\s+dropout", re.IGNORECASE)
_OF_THE_SHEET = re.compile(
    r"\b(?:2|two)\s+(?:inputs?|outputs?|hidden|neurons?)\b|\b(?:8|eight)\s+weights\b|\bsigmoid\s+network\b",
    re.IGNORECASE,
)
"""The network of the spreadsheet, which is fully connected and no part of the notebook's."""
_DENIES = re.compile(
    r"(?<![a-z])(?:no|not|n't|never|without|removed?|removing|instead\s+of|rather\s+than|replac\w+|avoid\w*|eliminat\w+|in\s+place\s+of|alternatives?\s+(?:to|for)|dont|didnt|(?:has|have)\s+not)(?![a-z])[^.;:]{0,60}$"
    r"|(?<![a-z])over\s+(?:(?:a|the|any|traditional|usual)\s+)*$",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(
    r"[^.;:]{0,40}\b(?:(?:is|are|was|were|have|has)\s+not|not\s+used|removed)\b"
    r"|[^.;:|]{0,30}[:=|]\s*(?:(?:0|none|no|nil|false|absent)(?![\w.,])|[✗✘❌])",
    re.IGNORECASE,
)


def read_uses(sentence: Sentence) -> list[Use]:
    """What the sentence says about BN, dropout, GAP and fully connected layers; requirements and definitions
    are left out.
    """
    if (
        sentence.required
        or sentence.fenced
        or (
            _COPIED.search(sentence.text)
            or _OF_THE_SHEET.search(sentence.text)
            or re.search(
                r"\b(?:should|must|optional|need to|want|when|if|whether|can)\b", sentence.text, re.IGNORECASE
            )
        )
    ):
        return []
    found: list[Use] = []
    for feature, pattern in _FEATURES:
        matches = list(pattern.finditer(sentence.text))
        if not matches:
            continue
        match = matches[0]
        denied = any(
            _DENIES.search(sentence.text[: m.start()]) or _DENIED_BEHIND.match(sentence.text, m.end())
            for m in matches
        )
        said = bool(_SAYS_USED.search(sentence.text))
        if (
            denied
            or said
            or (
                _NAMED.match(sentence.text[match.end() :])
                and not sentence.text[: match.start()].strip("-*+• 0123456789.)")
            )
        ):
            found.append(
                Use(
                    feature=feature,
                    used=not denied,
                    said=said or denied,
                    place=sentence.place,
                    excerpt=sentence.text[:300],
                    section=sentence.section,
                )
            )
    return found
