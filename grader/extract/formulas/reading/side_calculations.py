"""Side calculations in brackets: `∂E/∂w6 = (∂E1/∂a_o1 = a_o1 - t1) * (∂o1/∂w6 = a_h2)`, and brackets round a whole statement.

A bracket that holds `a = b = c` stands for their common value: the statement is repeated with the first, the second …
form of every such bracket, so that each form is compared with the left side.
"""

import re

from grader.extract.formulas.reading.relations import formula
from grader.extract.formulas.reading.source_map import SourceText

_EQUAL = re.compile(r"=")
MOST_FORMS = 4


def sides(part: SourceText) -> tuple[SourceText, ...]:
    """The sides of a part, cut at every `=` that stands in no bracket; side calculations in brackets are spread out."""
    text = part.text
    if "(" not in text or text.count("(") != text.count(")"):
        return tuple(part.split(_EQUAL))
    groups = _groups(text)
    forms = [part[start + 1 : end].split(_EQUAL) for start, end in groups]
    if not groups or any(formula(f, composite=False) is None for fs in forms for f in fs):
        return tuple(part.split(_EQUAL))
    found: list[SourceText] = []
    for nth in range(min(MOST_FORMS, max(map(len, forms)))):
        whole = part
        for (start, end), fs in reversed(list(zip(groups, forms, strict=True))):
            form = fs[min(nth, len(fs) - 1)]
            whole = SourceText("").join([whole[: start + 1], form, whole[end:]])
        for side in whole.split(_EQUAL):
            if side.text not in {f.text for f in found}:
                found.append(side)
    return tuple(found)


def _groups(text: str) -> list[tuple[int, int]]:
    """The outermost brackets that hold an `=`, as offsets of their two ends."""
    if not -1 < text.find("(") < text.rfind("="):
        return []
    found: list[tuple[int, int]] = []
    depth = start = 0
    for k, char in enumerate(text):
        if char == "(":
            depth += 1
            start = k if depth == 1 else start
        elif char == ")":
            depth -= 1
            if depth == 0 and "=" in text[start:k]:
                found.append((start, k))
    return found


_WORDS = re.compile(r"[\s.,;:!]*(?:[A-Za-z.]+[\s.,;:!]*){0,8}")


def unwrapped(part: SourceText) -> SourceText:
    """The statement without the brackets round all of it: `[w5 = w5 - η*∂E/∂w5] and so on`."""
    text = part.text
    groups = _groups(text)
    if len(groups) != 1:
        return part
    start, end = groups[0]
    if (
        "=" in text[:start] + text[end:]
        or not _WORDS.fullmatch(text[:start])
        or not _WORDS.fullmatch(text[end + 1 :])
    ):
        return part
    return part[start + 1 : end]
