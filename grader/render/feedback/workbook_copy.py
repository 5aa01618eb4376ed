"""A student's workbook with the findings in it: guilty cells coloured, and a comment on the first of each.

The package is copied part by part. What changes is a cell's format number, the list of formats, and what ties
a part of comments to its sheet: formulas, stored values, charts and pictures are the student's bytes.
openpyxl, which owns that format, writes the comments; to load and save a book with it would drop every stored
value. Runs in the limited process.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from grader.core.submission import Problem
from grader.extract.workbook import child
from grader.extract.workbook.computed_references import column_number
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.sniff import Format, sniff
from grader.extract.workbook.xlsx import Package, SheetPart, sheet_parts
from grader.render import strings
from grader.render.archive import packed
from grader.render.feedback.notebook_copy import Copied
from grader.render.feedback.told import Told
from grader.render.feedback.workbook_comments import comment_parts, tie
from grader.render.feedback.workbook_styles import FAULT, MAIN, REMARK, with_fills
from grader.render.feedback.xml_edits import Edit, Element, edited, elements, with_attribute

MAX_COLOURED: Final = 20_000
"""Cells that are coloured; the tables of the class have 70 rows."""
MAX_COMMENTS: Final = 500
_KEPT: Final = re.compile(
    r"(?:\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:core|app|custom)\.xml|docProps/thumbnail\.\w{1,5}|docMetadata/LabelInfo\.xml"
    r"|customXml/(?:_rels/)?item(?:Props)?\d+\.xml(?:\.rels)?"
    r"|xl/(?:(?:workbook|styles|sharedStrings|calcChain|metadata)\.xml|metadata|_rels/workbook\.xml\.rels"
    r"|theme/(?:_rels/)?theme\d*\.xml(?:\.rels)?|(?:work|chart)sheets/(?:_rels/)?sheet\d+\.xml(?:\.rels)?"
    r"|drawings/(?:_rels/)?drawing\d+\.xml(?:\.rels)?|charts/(?:_rels/)?(?:chart|chartEx|style|colors)\d+\.xml(?:\.rels)?"
    r"|media/[\w.-]{1,80}\.(?:png|jpe?g|gif|bmp|tiff?)|printerSettings/printerSettings\d+\.bin"
    r"|tables/table\d+\.xml|persons/person\d*\.xml|comments\d*\.xml|comments/(?:comment|grader)\d+\.xml"
    r"|threadedComments/threadedComment\d+\.xml|drawings/(?:vmlDrawing|commentsDrawing|graderComments)\d+\.vml"
    r"|externalLinks/(?:_rels/)?externalLink\d+\.xml(?:\.rels)?"
    r"|pivot(?:Tables|Cache)/(?:_rels/)?pivot\w{1,40}\.xml(?:\.rels)?)|[\w/]+/)",
    re.IGNORECASE,
)
"""Parts that hold no program: a book with any other (macros, controls, embedded objects, connections) is not
copied.
"""
_AREA: Final = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")


class _Area(NamedTuple):
    first_column: int
    first_row: int
    last_column: int
    last_row: int


class _Guilty(NamedTuple):
    """What is to be done on one sheet: colours by cell (column, row), and comments by address."""

    colours: dict[tuple[int, int], str]
    comments: dict[str, list[str]]


class _Cell(NamedTuple):
    element: Element
    style: int
    colour: str


def annotated(data: bytes, name: str, told: tuple[Told, ...]) -> Copied:
    """Return a copy of an .xlsx with the findings in it, or why it cannot be one without a loss."""
    try:
        parts = _parts(data, name)
        made = packed(_with_findings(Package(data), parts, told))
    except Unreadable as fault:
        return Copied(problem=fault.message)
    if _read(made, name) != _read(data, name):
        return Copied(problem=f"{name} reads otherwise with findings in it")
    return Copied(data=made)


def _read(data: bytes, name: str) -> bytes:
    """All that our reader finds in a book: cells, formulas, stored values, charts, pictures."""
    return msgspec.msgpack.encode(child.read(data, name))


def _parts(data: bytes, name: str) -> dict[str, bytes]:
    """The parts of a package of which a copy loses nothing and carries nothing alive."""
    if sniff(data, name) is not Format.XLSX:
        raise Unreadable(Problem.NOT_READ, f"{name} is no .xlsx")
    package = Package(data)
    odd = sorted(part for part in package.names if not _KEPT.fullmatch(part))
    if package.unread:
        raise Unreadable(Problem.BROKEN, f"{name} is damaged: {package.unread[0]}")
    if odd:
        raise Unreadable(Problem.NOT_READ, f"{name} holds a part that may be more than data ({odd[0][:80]})")
    return {part: package.read(part) for part in package.names}


def _with_findings(package: Package, parts: dict[str, bytes], told: tuple[Told, ...]) -> dict[str, bytes]:
    sheets = [s for s in sheet_parts(package)[0] if not s.chart_sheet]
    if not sheets:
        raise Unreadable(Problem.EMPTY, "it has no sheet")
    done = dict(parts)
    cells: dict[str, list[_Cell]] = {}
    numbered = _by_sheet(sheets, told)
    for part, guilty in numbered.items():
        cells[part] = _cells_of(parts[part], part, guilty.colours)
    styles = next((t for t in package.relations("xl/workbook.xml").values() if t.endswith("styles.xml")), "")
    asked = {(cell.style, cell.colour) for found in cells.values() for cell in found}
    formats: dict[tuple[int, str], int] = {}
    if asked:
        done[styles], formats = with_fills(package.read(styles), styles, asked)
    for number, (part, guilty) in enumerate(numbered.items(), 1):
        edits = [
            Edit(c.element.start, c.element.inside, _styled(parts[part], c, formats[c.style, c.colour]))
            for c in cells[part]
        ]
        done[part] = edited(done[part], edits)
        tie(package, done, part, guilty.comments, number)
    return done


def _styled(data: bytes, cell: _Cell, style: int) -> bytes:
    return with_attribute(data[cell.element.start : cell.element.inside], "s", str(style))


def _by_sheet(sheets: list[SheetPart], told: Iterable[Told]) -> dict[str, _Guilty]:
    """What is to be done on each sheet, by its part; what names no cell stands on A1 of the first one."""
    part_of = {sheet.name: sheet.part for sheet in reversed(sheets)}
    found: dict[str, _Guilty] = {}
    coloured = comments = 0
    for one in told:
        areas = areas_of(one.place.ref or "")
        part = part_of.get(one.place.sheet or "", "")
        whole = not part or not areas
        guilty = found.setdefault(sheets[0].part if whole else part, _Guilty({}, {}))
        at = "A1" if whole else _address(one.place.ref or "")
        said = guilty.comments.setdefault(at, [])
        said.append(_comment(one, areas))
        comments += len(said) == 1
        for area in () if whole else areas:
            for column in range(area.first_column, area.last_column + 1):
                for row in range(area.first_row, area.last_row + 1):
                    coloured += 1
                    if coloured > MAX_COLOURED or comments > MAX_COMMENTS:
                        raise Unreadable(Problem.TOO_LARGE, "too many cells are guilty to colour each")
                    colour = REMARK if one.word == strings.FINDING_REMARK else FAULT
                    if guilty.colours.get((column, row)) != FAULT:
                        guilty.colours[column, row] = colour
    return found


def areas_of(ref: str) -> tuple[_Area, ...]:
    """Return the areas that a reference of a finding names (`K7`, `Z33:Z100, AB33`); what is none is left
    out.
    """
    areas = []
    for match in _AREA.finditer(ref):
        column, row = column_number(match[1]), int(match[2])
        last = (column_number(match[3]), int(match[4])) if match[3] else (column, row)
        if last[0] >= column and last[1] >= row > 0:
            areas.append(_Area(column, row, *last))
    return tuple(areas)


def _address(ref: str) -> str:
    match = _AREA.search(ref)
    assert match is not None
    return f"{match[1]}{int(match[2])}"


def _comment(one: Told, areas: tuple[_Area, ...]) -> str:
    many = len(areas) > 1 or any(a[:2] != a[2:] for a in areas)
    place = f" ({one.place.ref})" if many else ""
    return f"{strings.FEEDBACK_BY} {one.code}{place}, {one.word}: {one.text(width=0)}"


def _cells_of(data: bytes, part: str, colours: dict[tuple[int, int], str]) -> list[_Cell]:
    """The guilty cells that the sheet holds. One without an address stands beside the one before it."""
    row = column = 0

    def wanted(path: tuple[str, ...], attributes: dict[str, str]) -> bool:
        nonlocal row, column
        if len(path) == 3 and path[-1] == "row":
            digits = attributes.get("r", "")
            row, column = (int(digits) if digits.isdigit() else row + 1), 0
        elif len(path) == 4 and path[-1] == "c":
            match = _AREA.fullmatch(attributes.get("r", ""))
            column, row = (column_number(match[1]), int(match[2])) if match else (column + 1, row)
            if (column, row) in colours:
                attributes["at"] = f"{column} {row}"
                return True
        return False

    cells = []
    for element in elements(data, part, MAIN, wanted):
        column, row = (int(number) for number in element.attributes["at"].split())
        style = element.attributes.get("s", "0")
        cells.append(_Cell(element, int(style) if style.isdigit() else 0, colours[column, row]))
    return cells


def warm() -> None:
    """Load what is needed for every workbook, once, in the process that forks for each file."""
    comment_parts({"A1": ["x"]})
