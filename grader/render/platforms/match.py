"""Which row of a platform's worksheet is which submission: by number, then by login, then by name.

A mark in another student's row is the worst that an export can do. So a number alone is not enough where the
names beside it differ (Moodle numbers participants anew in each assignment), and whoever fits two rows, or
whose row fits two submissions, gets none and is named.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

_NUMBERED = re.compile(
    r"(?P<name>.*?)[_ ]\(?(?:submission_)?(?P<number>\d+)\)?(?:_assignsubmission_[a-z_]*)?", re.DOTALL
)
_BRACKETS = re.compile(r".*\((?P<login>[^()\s]+)\)", re.DOTALL)
_NUMBER_ALONE = re.compile(r"(?:submission_)?(?P<number>\d+)")


class Student(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a worksheet as its platform identifies it."""

    row: int
    name: str
    """As a person reads it, `First Last` or `Last, First`."""
    number: str = ""
    """The platform's own number: a user, a participant, a submission."""
    logins: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """How a message names the row."""
        known = " ".join(part for part in (self.name, self.number or "".join(self.logins[:1])) if part)
        return f"{known!r} (row {self.row + 1})"


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Submissions by the row that they belong to, and why others belong to none."""

    rows: Mapping[int, str]
    """Row to submission id."""
    unplaced: Mapping[str, str]
    """Submission id to the reason."""


def match(ids: Iterable[str], students: Sequence[Student]) -> Matched:
    """Match submissions to rows; each row and each submission at most once."""
    open_ids = dict.fromkeys(ids)
    free = list(students)
    rows: dict[int, str] = {}
    unplaced: dict[str, str] = {}
    for way in _WAYS:
        found = _pairs(open_ids, free, way)
        for name, fitting in found.items():
            if reason := _doubt(name, fitting, found, way):
                unplaced[name] = reason
            else:
                rows[fitting[0].row] = name
            del open_ids[name]
        free = [s for s in free if s.row not in rows]
    unplaced |= dict.fromkeys(open_ids, "no row of the worksheet has its number, its login or its name")
    return Matched(rows=rows, unplaced=dict(sorted(unplaced.items())))


def number_of(name: str) -> str:
    """Return the platform's number in a submission's id (`Ana Diaz_4000`, `Ana (submission_7)`), or none."""
    return _parts(name)[1]


def name_of(name: str) -> str:
    """Return a submission's id without the platform's number."""
    return _parts(name)[0]


def _parts(name: str) -> tuple[str, str]:
    found = _NUMBER_ALONE.fullmatch(name) or _NUMBERED.fullmatch(name)
    if found is None:
        return name, ""
    return found.groupdict().get("name", ""), found["number"]


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a submission and a row say that they are the same student's."""

    of_id: Callable[[str], Iterable[str]]
    of_row: Callable[[Student], Iterable[str]]
    names_must_agree: bool = False
    """Another name refuses the submission, rather than that the next way is tried."""
    same_person_only: bool = False
    """Another name passes over the row."""


def _pairs(ids: Iterable[str], students: Sequence[Student], way: _Way) -> dict[str, list[Student]]:
    by_key: dict[str, list[Student]] = {}
    for student in students:
        for key in dict.fromkeys(way.of_row(student)):
            if key:
                by_key.setdefault(key, []).append(student)
    found: dict[str, list[Student]] = {}
    for name in ids:
        fitting = {s.row: s for key in way.of_id(name) for s in by_key.get(key, ())}.values()
        found[name] = [s for s in fitting if not way.same_person_only or _same_person(name_of(name), s.name)]
    return {name: fitting for name, fitting in found.items() if fitting}


def _doubt(name: str, fitting: Sequence[Student], found: Mapping[str, Sequence[Student]], way: _Way) -> str:
    """Return why a submission must not be given to a row; empty where it may."""
    if len(fitting) > 1:
        return f"{len(fitting)} rows fit: {', '.join(s.shown for s in fitting[:5])}"
    (student,) = fitting
    others = [other for other, rows in found.items() if other != name and student in rows]
    if others:
        named = ", ".join(repr(other) for other in others[:5])
        return f"the row of {student.shown} fits {named} as well"
    if way.names_must_agree and not _same_person(name_of(name), student.name):
        return f"its number is that of {student.shown}, another name: is the worksheet of this assignment?"
    return ""


def _same_person(one: str, other: str) -> bool:
    """Whether two names can be one person's: one says nothing, or all words of one are in the other (Canvas
    writes names without blanks), or one is cut short.
    """
    flat, flat_other = letters(one), letters(other)
    if not flat or not flat_other or flat_other.startswith(flat):
        return True
    return _within(other, flat) or _within(one, flat_other)


def _within(name: str, flat: str) -> bool:
    return all(letters(word) in flat for word in re.split(r"[\s,_.]+", name))


def letters(text: str) -> str:
    """Return the letters and digits of a text, in lower case and without accents: `Müller, Ann` is
    `mullerann`.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum())


def _orders(name: str) -> tuple[str, ...]:
    """Return a name's letters in the orders in which platforms write it."""
    last, comma, first = name.partition(",")
    words = name.split()
    turned = f"{first} {last}" if comma else " ".join([*words[-1:], *words[:-1]])
    return letters(name), letters(turned)


def _login(text: str) -> str:
    return text.strip().casefold()


def _logins(student: Student) -> tuple[str, ...]:
    return tuple(_login(login) for login in student.logins)


def _in_brackets(name: str) -> str:
    """Return the login that Sakai puts behind a name, `Diaz, Ana(adiaz)`; empty where there is none."""
    found = _BRACKETS.fullmatch(name)
    return found["login"] if found else ""


_WAYS = (
    _Way(of_id=lambda name: (_login(name),), of_row=_logins),
    _Way(of_id=lambda name: (_login(_in_brackets(name)),), of_row=_logins, same_person_only=True),
    _Way(of_id=lambda name: (number_of(name),), of_row=lambda s: (s.number,), names_must_agree=True),
    _Way(of_id=lambda name: _orders(name_of(name)), of_row=lambda s: _orders(s.name)),
)
"""A login that is the whole id, or stands in brackets; the platform's number; the name in either order."""
