"""Marks merged into the worksheet that a platform exported, so that the same file can be uploaded again.

Canvas: https://community.canvaslms.com, "How do I import grades in the Gradebook?", and
lib/gradebook_importer.rb of instructure/canvas-lms: `Student`, `ID`, `SIS User ID`, `SIS Login ID`,
`Section`, then an assignment a column named `Title (id)`; a row `Points Possible`; `EX` and `N/A` are no
numbers. Moodle: "Offline grading worksheet" of docs.moodle.org and
mod/assign/feedback/offline/importgradeslib.php: `Identifier` (`Participant 17`), `Grade` and `Last modified
(grade)` must be there, in the language of the site. Gradescope: the file of "Download Grades" of an
assignment; it is for records, since Gradescope takes no worksheet back.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from grader.core.faults import UsageFault
from grader.core.report import Report
from grader.render.platforms.match import Student, match
from grader.render.platforms.worksheet import Worksheet, read_worksheet, write_worksheet


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A worksheet with marks, and whom it has none for."""

    data: bytes
    rows: int
    """Rows that stand for a student."""
    marked: tuple[str, ...]
    """Submissions whose mark was written."""
    left_open: tuple[str, ...]
    """Submissions with open points, whose cell was left as it was."""
    kept: Mapping[str, str]
    """Submissions whose cell the platform has closed, with what stands in it."""
    unplaced: Mapping[str, str]
    """Submissions without a row of their own, with the reason."""
    without: tuple[str, ...]
    """Rows without a submission."""


class _Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a worksheet has its students and its marks."""

    students: Sequence[Student]
    write: Callable[[list[str], Report, str], None]
    """Puts a mark into a row."""
    most: Callable[[Sequence[str]], str]
    """Returns what the platform says is the maximum of a row; empty where it says nothing."""
    closed: Callable[[Sequence[str]], str]
    """Returns what stands in a row's cell where no mark may; empty where one may."""


def fill(
    form: str,
    data: bytes,
    name: str,
    reports: Sequence[Report],
    *,
    column: str = "",
    with_open: bool = False,
    scale: bool = False,
) -> Filled:
    """Return the worksheet `data` of a platform with the marks of `reports`.

    A mark with open points is written only where `with_open` asks for it: in a gradebook it would read as if
    they were lost. `scale` converts the marks where the column has another maximum; without it that is a
    UsageFault, and so is a file that is not the platform's worksheet.
    """
    sheet = read_worksheet(data, name)
    layout = _LAYOUTS[form](sheet, column, name, reports)
    matched = match([r.submission.id for r in reports], layout.students)
    by_id = {r.submission.id: r for r in reports}
    marked, left, kept = [], [], {}
    for place, who in matched.rows.items():
        report, row = by_id[who], sheet.rows[place]
        if said := layout.closed(row):
            kept[who] = said
        elif report.pending_points and not with_open and form != TELLS_OPEN:
            left.append(who)
        else:
            layout.write(row, report, _mark(report, layout.most(row), name, scale=scale))
            marked.append(who)
    return Filled(
        data=write_worksheet(sheet),
        rows=len(layout.students),
        marked=tuple(sorted(marked)),
        left_open=tuple(sorted(left)),
        kept=kept,
        unplaced=matched.unplaced,
        without=tuple(s.shown for s in layout.students if s.row not in matched.rows),
    )


def points(value: float) -> str:
    """Return a number of points as gradebooks read it: `97.3333`, `100`."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def _mark(report: Report, most: str, name: str, *, scale: bool) -> str:
    if not (best := _number(most)) or best == report.max_score:
        return points(report.score)
    if not scale:
        raise UsageFault(
            f"{name}: the column is out of {points(best)} points, the rubric out of "
            f"{points(report.max_score)}; set the platform's maximum to the rubric's, or convert the marks "
            "with --scale"
        )
    return points(report.score * best / report.max_score if report.max_score else 0.0)


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return 0.0


# -- Canvas

_NOT_AN_ASSIGNMENT = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
"""What Canvas computes itself, also for a group of assignments (`Homework Current Score`)."""
_NO_STUDENT = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
_TITLE = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)", re.DOTALL)


def _canvas(sheet: Worksheet, column: str, name: str, reports: Sequence[Report]) -> _Layout:
    header = sheet.header
    known = ("Student" in header[0] and header[1] == "ID") or header[:3] == ["LastName", "FirstName", "ID"]
    if not known or "Section" not in header:
        raise UsageFault(f"{name}: not Canvas's gradebook; in Grades choose Export, then give that file")
    body = range(1, len(sheet.rows))
    possible = next(
        (sheet.rows[i] for i in body if "Points Possible" in sheet.rows[i][0]), [""] * len(header)
    )
    students = [
        _canvas_student(sheet, i)
        for i in body
        if "Points Possible" not in sheet.rows[i][0] and not all(map(_NO_STUDENT.fullmatch, sheet.rows[i]))
    ]
    first = header.index("Section") + 1
    tasks = [
        i
        for i in range(first, len(header))
        if not _NOT_AN_ASSIGNMENT.search(header[i]) and "read only" not in possible[i]
    ]
    at = _chosen(sheet, [i for i in tasks if _TITLE.fullmatch(header[i])] or tasks, column, name)
    return _Layout(
        students=students,
        write=lambda row, _, mark: row.__setitem__(at, mark),
        most=lambda _: possible[at],
        closed=lambda row: row[at].strip() if row[at].strip().upper() in ("EX", "N/A") else "",
    )


def _canvas_student(sheet: Worksheet, place: int) -> Student:
    row = sheet.rows[place]
    split = f"{sheet.at(row, 'LastName')}, {sheet.at(row, 'FirstName')}"
    return Student(
        row=place,
        name=split if sheet.at(row, "LastName") else row[0].strip(),
        number=sheet.at(row, "ID"),
        logins=_logins(sheet, row, "SIS Login ID", "SIS User ID", "Integration ID"),
    )


def _chosen(sheet: Worksheet, tasks: Sequence[int], column: str, name: str) -> int:
    """Return the column that marks go into: the one that was named, or the only one."""
    header = sheet.header
    fitting = [i for i in tasks if not column or column in _names(header[i])]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(repr(header[i]) for i in tasks) or "none"
    asked = f"{column!r} fits {len(fitting)} of them" if column else "name one with --column"
    raise UsageFault(f"{name}: {asked}; columns of assignments: {listed}")


def _names(header: str) -> tuple[str, ...]:
    found = _TITLE.fullmatch(header)
    return (header, found["title"], found["id"]) if found else (header,)


def _logins(sheet: Worksheet, row: Sequence[str], *columns: str) -> tuple[str, ...]:
    given = [text for column in columns if (text := sheet.at(row, column))]
    return (*given, *(text.partition("@")[0] for text in given if "@" in text))


# -- Moodle

_IDENTIFIER = (
    "Identifier",
    "Identifikator",
    "Identificador",
    "Identifiant",
    "Identificatore",
    "Identificatie",
)
_GRADE = (
    "Grade",
    "Bewertung",
    "Note",
    "Calificación",
    "Nota",
    "Valutazione",
    "Cijfer",
    "Karakter",
    "Betyg",
    "Ocena",
)
_MOST = (
    "Maximum Grade",
    "Maximum grade",
    "Bestwertung",
    "Höchste Bewertung",
    "Note maximale",
    "Calificación máxima",
)
_MAY = ("Grade can be changed", "Bewertung kann geändert werden", "La note peut être modifiée")
_FULL_NAME = (
    "Full name",
    "Vollständiger Name",
    "Nom complet",
    "Nombre completo",
    "Nome completo",
    "Volledige naam",
)
_MAIL = (
    "Email address",
    "E-Mail-Adresse",
    "Adresse de courriel",
    "Dirección de correo",
    "ID number",
    "Username",
)
_PARTICIPANT = re.compile(r"\D*?(\d+)")
_NO = frozenset({"no", "nein", "non", "não", "nee", "nie", "nej", "nei"})


def _moodle(sheet: Worksheet, column: str, name: str, reports: Sequence[Report]) -> _Layout:
    body = range(1, len(sheet.rows))
    at = sheet.column(*_IDENTIFIER)
    if at is None and all(re.fullmatch(r"\D+\d+", sheet.rows[i][0].strip()) for i in body):
        at = 0  # `Teilnehmer/in17`: every language has its word, and a number behind it
    grade = sheet.column(column) if column else sheet.column(*_GRADE)
    if at is None or grade is None:
        raise UsageFault(
            f"{name}: not Moodle's grading worksheet (no column {column or 'Identifier and Grade'!r}); "
            "in the assignment choose Actions, Download grading worksheet, and name the column of marks with "
            "--column where it is in another language"
        )
    identity = at
    students = [
        Student(
            row=i,
            name=sheet.at(sheet.rows[i], *_FULL_NAME),
            number=_participant(sheet.rows[i][identity]),
            logins=_logins(sheet, sheet.rows[i], *_MAIL),
        )
        for i in body
    ]
    return _Layout(
        students=students,
        write=lambda row, _, mark: row.__setitem__(grade, mark),
        most=lambda row: sheet.at(row, *_MOST),
        closed=lambda row: "locked" if sheet.at(row, *_MAY).casefold() in _NO else "",
    )


def _participant(text: str) -> str:
    found = _PARTICIPANT.fullmatch(text.strip())
    return found[1] if found else ""


# -- Gradescope, and any other list of students


def _gradescope(sheet: Worksheet, column: str, name: str, reports: Sequence[Report]) -> _Layout:
    total = sheet.column(column or "Total Score")
    if total is None or sheet.column("Submission ID", "Email") is None:
        raise UsageFault(
            f"{name}: not Gradescope's grades (no column {column or 'Total Score'!r}); in the assignment "
            "choose Review Grades, Download Grades"
        )
    students = [
        Student(
            row=i,
            name=f"{sheet.at(row, 'First Name')} {sheet.at(row, 'Last Name')}".strip()
            or sheet.at(row, "Name"),
            number=sheet.at(row, "Submission ID"),
            logins=_logins(sheet, row, "SID", "Email"),
        )
        for i, row in enumerate(sheet.rows)
        if i
    ]
    return _Layout(
        students=students,
        write=lambda row, _, mark: row.__setitem__(total, mark),
        most=lambda row: sheet.at(row, "Max Points"),
        closed=lambda _: "",
    )


_OURS: Mapping[str, Callable[[Report], str]] = {
    "score": lambda report: points(report.score),
    "max_score": lambda report: points(report.max_score),
    "pending_points": lambda report: points(report.pending_points),
    "verdict": lambda report: report.verdict.value,
}


def _csv(sheet: Worksheet, column: str, name: str, reports: Sequence[Report]) -> _Layout:
    """Columns of ours behind those of any list of students; `column` names the one that identifies them."""
    known = ("id", "student", "identifier", "username", "login", "github_username", "sid", "email")
    logins = [n for n in sheet.header if n.casefold() in ((column.casefold(),) if column else known)]
    names = [n for n in sheet.header if n.casefold() in ("name", "full name", "student", "fullname")]
    if not logins and not names:
        raise UsageFault(f"{name}: no column says who it is; name it with --column")
    students = [
        Student(
            row=i,
            name=sheet.at(row, *names) if names else "",
            number=next((n for login in logins if (n := sheet.at(row, login)).isdigit()), ""),
            logins=_logins(sheet, row, *logins),
        )
        for i, row in enumerate(sheet.rows)
        if i
    ]
    for ours in _OURS:
        if sheet.column(ours) is None:
            for row in sheet.rows:
                row.append("")
            sheet.rows[0][-1] = ours
    places = {ours: sheet.header.index(ours) for ours in _OURS if ours in sheet.header}

    def write(row: list[str], report: Report, _: str) -> None:
        for ours, place in places.items():
            row[place] = _OURS[ours](report)

    return _Layout(students=students, write=write, most=lambda _: "", closed=lambda _: "")


_LAYOUTS: Mapping[str, Callable[[Worksheet, str, str, Sequence[Report]], _Layout]] = {
    "canvas": _canvas,
    "moodle": _moodle,
    "gradescope": _gradescope,
    "csv": _csv,
}
WORKSHEETS = tuple(_LAYOUTS)
"""Formats that are merged into a worksheet."""
TELLS_OPEN = "csv"
"""The one that has a column for open points: a mark in it does not read as final."""
