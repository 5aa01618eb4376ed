"""Writes .xlsx files with formulas and cached values, which openpyxl can't (it drops the caches).

The same book gives the same bytes: fixed order, fixed dates.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from .cells import Formula, Grid, Linked, Position, Value, address, letters

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
ANCHOR = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name '
    'val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill '
    'patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One column of numbers in a chart."""

    name: str
    sheet: str
    first: Position
    last: Position
    cache: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A line chart; an empty title is left out."""

    title: str
    series: tuple[Series, ...]


@dataclass(kw_only=True)
class Sheet:
    """Cells, their cached values, and what else stands on a sheet."""

    name: str
    grid: Grid = field(default_factory=dict)
    values: dict[Position, Value] = field(default_factory=dict)
    charts: list[Chart] = field(default_factory=list)
    table: tuple[Position, Position] | None = None  # an Excel table: its header's first cell, its last cell


@dataclass(kw_only=True)
class Book:
    """Sheets in order, defined names, and the habits of the program that wrote it."""

    sheets: list[Sheet]
    names: dict[str, str] = field(default_factory=dict)
    google: bool = False  # no docProps, caches rounded to ten digits, charts without caches
    shared_formulas: bool = False  # one text for a dragged column, as Excel writes it


def write(book: Book) -> bytes:
    """The file's bytes."""
    parts: dict[str, str] = {}
    overrides = {
        "/xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    }
    charts = tables = drawings = 0
    sheet_list, workbook_relations = [], []
    for number, sheet in enumerate(book.sheets, 1):
        relations = []
        tail = ""
        if sheet.charts:
            drawings += 1
            relations.append(("rId1", "drawing", f"../drawings/drawing{drawings}.xml"))
            tail += '<drawing r:id="rId1"/>'
            numbers = range(charts + 1, charts + len(sheet.charts) + 1)
            for k, chart in zip(numbers, sheet.charts, strict=True):
                parts[f"xl/charts/chart{k}.xml"] = chart_part(chart, cached=not book.google)
                overrides[f"/xl/charts/chart{k}.xml"] = (
                    "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
                )
            charts += len(sheet.charts)
            parts[f"xl/drawings/drawing{drawings}.xml"] = drawing_part(len(sheet.charts), sheet)
            parts[f"xl/drawings/_rels/drawing{drawings}.xml.rels"] = relations_part(
                [(f"rId{j}", "chart", f"../charts/chart{k}.xml") for j, k in enumerate(numbers, 1)]
            )
            overrides[f"/xl/drawings/drawing{drawings}.xml"] = (
                "application/vnd.openxmlformats-officedocument.drawing+xml"
            )
        if sheet.table:
            tables += 1
            relations.append(("rId2", "table", f"../tables/table{tables}.xml"))
            tail += '<tableParts count="1"><tablePart r:id="rId2"/></tableParts>'
            parts[f"xl/tables/table{tables}.xml"] = table_part(sheet, tables)
            overrides[f"/xl/tables/table{tables}.xml"] = (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.table+xml"
            )
        parts[f"xl/worksheets/sheet{number}.xml"] = sheet_part(sheet, book, tail)
        if relations:
            parts[f"xl/worksheets/_rels/sheet{number}.xml.rels"] = relations_part(relations)
        overrides[f"/xl/worksheets/sheet{number}.xml"] = (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
        )
        sheet_list.append(f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="rId{number}"/>')
        workbook_relations.append((f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml"))
    names = "".join(
        f"<definedName name={quoteattr(n)}>{escape(t)}</definedName>" for n, t in book.names.items()
    )
    parts["xl/workbook.xml"] = (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{"".join(sheet_list)}</sheets>'
        + (f"<definedNames>{names}</definedNames>" if names else "")
        + "</workbook>"
    )
    workbook_relations.append(("rId1000", "styles", "styles.xml"))
    parts["xl/styles.xml"] = STYLES
    overrides["/xl/styles.xml"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
    parts["xl/_rels/workbook.xml.rels"] = relations_part(workbook_relations)
    root = [("rId1", "officeDocument", "xl/workbook.xml")]
    if not book.google:
        root.append(("rId2", "extended-properties", "docProps/app.xml"))
        parts["docProps/app.xml"] = (
            f"{HEAD}<Properties "
            'xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
            "<Application>Microsoft Excel</Application></Properties>"
        )
        overrides["/docProps/app.xml"] = (
            "application/vnd.openxmlformats-officedocument.extended-properties+xml"
        )
    parts["_rels/.rels"] = relations_part(root)
    parts["[Content_Types].xml"] = (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="{p}" ContentType="{t}"/>' for p, t in overrides.items())
        + "</Types>"
    )
    return pack(parts)


def pack(parts: dict[str, str]) -> bytes:
    """A zip archive of these texts, dated 1980 so that equal books are equal files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts, key=lambda n: (n != "[Content_Types].xml", n)):
            archive.writestr(zipfile.ZipInfo(name), parts[name].encode(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def relations_part(relations: list[tuple[str, str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="{key}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for key, kind, target in relations
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{rows}</Relationships>'


def sheet_part(sheet: Sheet, book: Book, tail: str) -> str:
    written = formula_elements(sheet.grid, shared=book.shared_formulas)
    rows: dict[int, list[str]] = {}
    for at, content in sorted(sheet.grid.items()):
        row = rows.setdefault(at.row, [])
        value = sheet.values[at] if isinstance(content, Formula | Linked) else content
        row.append(cell_element(at, content, value, written.get(at, ""), google=book.google))
    data = "".join(f'<row r="{number}">{"".join(row)}</row>' for number, row in rows.items())
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}" '
        f'xmlns:r="{RELATIONS}"><sheetData>{data}</sheetData>{tail}</worksheet>'
    )


def cell_element(at: Position, content: object, value: object, formula: str, *, google: bool) -> str:
    place = address(at)
    if isinstance(value, str):
        if not isinstance(content, Formula | Linked):
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
        kind = "e" if value.startswith("#") else "str"
        return f'<c r="{place}" t="{kind}">{formula}<v>{escape(value)}</v></c>'
    assert isinstance(value, float | int)
    number = f"{value:.10g}" if google and formula else repr(value)
    return f'<c r="{place}">{formula}<v>{number}</v></c>'


def formula_elements(grid: Grid, *, shared: bool) -> dict[Position, str]:
    """The `<f>` of every formula; dragged runs of three and more become shared formulas when `shared`."""
    elements: dict[Position, str] = {}
    runs: dict[Position, int] = {}
    index = 0
    for at in sorted(grid, key=lambda p: (p.column, p.row)):
        content = grid[at]
        if not isinstance(content, Formula | Linked) or at in elements:
            continue
        length = run_length(grid, at) if shared else 1
        if length < 3:
            elements[at] = f"<f>{escape(content.text())}</f>"
            continue
        last = Position(at.row + length - 1, at.column)
        elements[at] = (
            f'<f t="shared" ref="{address(at)}:{address(last)}" si="{index}">{escape(content.text())}</f>'
        )
        for row in range(at.row + 1, last.row + 1):
            elements[Position(row, at.column)] = f'<f t="shared" si="{index}"/>'
        runs[at] = length
        index += 1
    return elements


def run_length(grid: Grid, at: Position) -> int:
    """How many cells downwards hold the same formula in relative form; text that names a row ends a run."""

    def form(where: Position) -> object:
        content = grid.get(where)
        if not isinstance(content, Formula) or any("[" in r.written for r in content.references):
            return None
        return content.template, tuple(reference.relative(where) for reference in content.references)

    first, length = form(at), 1
    while first and form(Position(at.row + length, at.column)) == first:
        length += 1
    return length


def table_part(sheet: Sheet, number: int) -> str:
    assert sheet.table is not None
    first, last = sheet.table
    area = f"{address(first)}:{address(last)}"
    columns = "".join(
        f'<tableColumn id="{k}" name={quoteattr(str(sheet.grid[Position(first.row, column)]))}/>'
        for k, column in enumerate(range(first.column, last.column + 1), 1)
    )
    return (
        f'{HEAD}<table xmlns="{MAIN}" id="{number}" name="Table{number}" '
        f'displayName="Table{number}" ref="{area}">'
        f'<autoFilter ref="{area}"/><tableColumns '
        f'count="{last.column - first.column + 1}">{columns}</tableColumns></table>'
    )


def series_formula(series: Series) -> str:
    quoted = series.sheet.replace("'", "''")
    first, last = series.first, series.last
    return f"'{quoted}'!${letters(first.column)}${first.row}:${letters(last.column)}${last.row}"


def chart_part(chart: Chart, *, cached: bool) -> str:
    title = (
        f"<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:r><a:t>{escape(chart.title)}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
        if chart.title
        else ""
    )
    rows = []
    for k, series in enumerate(chart.series):
        points = "".join(f'<c:pt idx="{n}"><c:v>{v!r}</c:v></c:pt>' for n, v in enumerate(series.cache))
        cache = f'<c:numCache><c:ptCount val="{len(series.cache)}"/>{points}</c:numCache>' if cached else ""
        rows.append(
            f'<c:ser><c:idx val="{k}"/><c:order val="{k}"/><c:tx><c:v>{escape(series.name)}</c:v></c:tx>'
            f"<c:val><c:numRef><c:f>{escape(series_formula(series))}</c:f>{cache}</c:numRef></c:val></c:ser>"
        )
    return (
        f'{HEAD}<c:chartSpace xmlns:c="{CHART}" xmlns:a="{DRAWING}" '
        f'xmlns:r="{RELATIONS}"><c:chart>{title}<c:plotArea>'
        f'<c:lineChart><c:grouping val="standard"/>{"".join(rows)}<c:axId val="1"/><c:axId '
        'val="2"/></c:lineChart>'
        '<c:catAx><c:axId val="1"/><c:scaling/><c:delete val="0"/><c:axPos '
        'val="b"/><c:crossAx val="2"/></c:catAx>'
        '<c:valAx><c:axId val="2"/><c:scaling/><c:delete val="0"/><c:axPos '
        'val="l"/><c:crossAx val="1"/></c:valAx>'
        "</c:plotArea></c:chart></c:chartSpace>"
    )


def drawing_part(count: int, sheet: Sheet) -> str:
    """Charts side by side to the right of everything."""
    column = max(at.column for at in sheet.grid) + 1
    anchors = "".join(
        f"<xdr:twoCellAnchor><xdr:from><xdr:col>{column + 8 * (k - 1)}</xdr:col><xdr:colOff>0</xdr:colOff>"
        f"<xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>{column + 8 * k - 1}</xdr:col>"
        "<xdr:colOff>0</xdr:colOff><xdr:row>16</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to><xdr:graphicFrame>"
        f'<xdr:nvGraphicFramePr><xdr:cNvPr id="{k + 1}" name="Chart '
        f'{k}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>'
        '<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic><a:graphicData '
        f'uri="{CHART}"><c:chart xmlns:c="{CHART}" '
        f'r:id="rId{k}"/></a:graphicData></a:graphic></xdr:graphicFrame>'
        "<xdr:clientData/></xdr:twoCellAnchor>"
        for k in range(1, count + 1)
    )
    return (
        f'{HEAD}<xdr:wsDr xmlns:xdr="{ANCHOR}" xmlns:a="{DRAWING}" xmlns:r="{RELATIONS}">{anchors}</xdr:wsDr>'
    )
