"""Findings that are one fault, told once with all their places: a bracket forgotten eight times is one slip.

A check says for each finding what it is about (`subject`) and what the mistake is (`slip`). Findings of one
criterion with the same slip, in which the same symbols were written for the same others, are one fault.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

import msgspec

from grader.core.outcome import Finding, Weight
from grader.core.place import Place

_SYMBOL: Final = re.compile(r"∂|[^\W\d_]+(?:_[^\W_]+)*\d*|\$?[A-Z]{1,3}\$?\d+|\d+(?:\.\d+)?|\S")
_CELL: Final = re.compile(r"(\$?[A-Z]{1,3}\$?)\d+")
_NUMBERED: Final = re.compile(r"(.*?)(\d+)")
_LONGEST: Final = 600
"""Characters of a formula that are compared symbol by symbol: difflib takes the square of it."""
_TOGETHER: Final = 3
"""So many neighbours in a row are named as a range."""
_SUBJECTS: Final = 6
_SHORT: Final = 16
"""Characters of two symbols that are named in a sentence."""

FOLLOWS: Final = re.compile(r"this follows from (.+?)(?:;|$)")
"""How a check says that a finding is the consequence of another check's fault."""

BRACKETS: Final = frozenset({"brackets", "brackets-missing", "bracket-missing"})
"""The codes under which the README's and the workbook's checks know one and the same slip."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake and everywhere that it was made, first place first; never without a finding."""

    sentence: str
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]

    @property
    def count(self) -> int:
        """How often it was made."""
        return len(self.findings)


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A place of several in one file; `text` leaves out what the one before it said already."""

    text: str
    place: Place
    anchor: str = ""
    """Of the finding there in the page of its file."""


def one_by_one(findings: tuple[Finding, ...], weight: Weight) -> tuple[Fault, ...]:
    """Return the faults, or the remarks, of one criterion in the order of their first findings."""
    if not findings:
        return ()
    held, told = _told.get(id(findings), ((), {}))
    if held is not findings:  # an id is another's once its tuple is gone: what is held here is not
        if len(_told) >= _REMEMBERED:
            _told.clear()
        told = {one: _one_by_one(findings, one) for one in Weight}
        _told[id(findings)] = (findings, told)
    return told[weight]


_REMEMBERED: Final = 64
"""Criteria of which the faults are remembered: a page asks ten times for those of each."""
_told: Final[dict[int, tuple[tuple[Finding, ...], dict[Weight, tuple[Fault, ...]]]]] = {}


def _one_by_one(findings: tuple[Finding, ...], weight: Weight) -> tuple[Fault, ...]:
    members: dict[object, list[Finding]] = {}
    for number, finding in enumerate(f for f in findings if f.weight is weight):
        members.setdefault(_kind(finding) if finding.slip else number, []).append(finding)
    return tuple(Fault(sentence=_sentence(group), findings=tuple(group)) for group in members.values())


def spots(findings: Sequence[Finding]) -> tuple[Spot, ...]:
    """Return the places of findings, each once: `README.md:33`, `34`, `35`."""
    found: list[Spot] = []
    before = ""
    for place in dict.fromkeys(f.place for f in findings if f.place is not None):
        head, tail = _split(place)
        found.append(Spot(text=tail if head == before else f"{head}{tail}", place=place))
        before = head
    return tuple(found)


@lru_cache(maxsize=512)
def exchanged(found: str, expected: str) -> tuple[tuple[str, str], ...]:
    """Return what was written for what, symbol by symbol, without the rows of cells; each pair once."""
    cells = found.startswith("=") and expected.startswith("=")
    one, other = (
        _SYMBOL.findall(_CELL.sub(r"\1", text[:_LONGEST]) if cells else text[:_LONGEST].replace("∂", "∂ "))
        for text in (found, expected)
    )
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    pairs = (("".join(one[a:b]), "".join(other[c:d])) for kind, a, b, c, d in steps if kind != "equal")
    return tuple(sorted(set(pairs)))


def same_slip(one: Fault, other: Fault) -> bool:
    """Whether two criteria tell one mistake about the same quantity, in README and workbook or in the same
    words.
    """
    subjects = {f.subject for f in one.findings} & {f.subject for f in other.findings} - {""}
    if not subjects or one.first.weight is not other.first.weight:
        return False
    if (one.first.diagnosis, one.first.message) == (other.first.diagnosis, other.first.message):
        return True
    if {one.first.diagnosis, other.first.diagnosis} <= BRACKETS:
        return True
    return _names_the_swap(one.first, other.first) or _names_the_swap(other.first, one.first)


def _names_the_swap(derived: Finding, computed: Finding) -> bool:
    """Whether the finding about cells says in words what was exchanged in the derivation."""
    if not _is_formula(derived) or derived.found.startswith("=") or not computed.found.startswith("="):
        return False
    words = set(_SYMBOL.findall(f"{computed.message} {computed.hint}"))
    pairs = exchanged(derived.found, derived.expected)
    return bool(pairs) and all(one in words and other in words for one, other in pairs)


def follows_from(findings: Iterable[Finding]) -> str:
    """Return the codes of the checks that findings say they follow from; empty where none does."""
    told = (FOLLOWS.search(finding.message) for finding in findings)
    return ", ".join(dict.fromkeys(match[1] for match in told if match))


def named(subjects: Iterable[str]) -> str:
    """Return names in one phrase, neighbours as a range: `∂E/∂w1 … ∂E/∂w4, ∂E/∂w7`."""
    rows: list[list[str]] = []
    for subject in dict.fromkeys(subjects):
        if rows and _next(rows[-1][-1], subject):
            rows[-1].append(subject)
        else:
            rows.append([subject])
    parts = []
    for row in rows:
        parts += [f"{row[0]} … {row[-1]}"] if len(row) >= _TOGETHER else row
    more = len(parts) - _SUBJECTS
    return ", ".join(parts[:_SUBJECTS]) + (f" and {more} more" if more > 0 else "")


def _sentence(group: Sequence[Finding]) -> str:
    first = group[0]
    if not first.slip:
        return first.message
    subjects = named(f.subject for f in group if f.subject)
    pairs = (
        exchanged(first.found, first.expected) if _is_formula(first) and len(first.slip.split()) < 3 else ()
    )
    one, other = pairs[0] if len(pairs) == 1 else ("", "")
    slip = f"{first.slip} ({one} for {other})" if one and other and len(one + other) < _SHORT else first.slip
    told = f"{subjects}: {slip}" if subjects else slip
    places = len({f.place for f in group if f.place is not None})
    return f"{told}, {places} places" if places > 1 else told


def _kind(finding: Finding) -> tuple[object, ...]:
    swapped = exchanged(finding.found, finding.expected) if finding.found and finding.expected else ()
    symbols = tuple(pair for pair in swapped if any(c.isalpha() or c in "()" for c in "".join(pair)))
    return (finding.diagnosis, finding.slip, symbols if _is_formula(finding) else ())


def _is_formula(finding: Finding) -> bool:
    return "=" in finding.found and "=" in finding.expected


def _next(one: str, other: str) -> bool:
    a, b = _NUMBERED.fullmatch(one), _NUMBERED.fullmatch(other)
    return a is not None and b is not None and a[1] == b[1] and len(a[2]) < 9 and int(b[2]) == int(a[2]) + 1


def _split(place: Place) -> tuple[str, str]:
    """The part of a place that neighbours share, and its own."""
    text = str(place)
    for own in (place.ref, place.line):
        if own is not None and text.endswith(str(own)):
            return text.removesuffix(str(own)), str(own)
    return text, ""
