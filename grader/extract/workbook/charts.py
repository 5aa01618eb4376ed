"""Charts straight from `xl/charts/*.xml`: openpyxl loses those of LibreOffice and of chart sheets (4 of 54
real books).
"""

import re

from grader.core.evidence.workbook import Area, Chart, Series
from grader.extract.workbook.computed_references import column_number
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.xlsx import Package, sheet_parts
from grader.extract.workbook.xml import Node, tree

MAX_CHARTS = 60
MAX_POINTS = 5_000
_AREA = re.compile(
    r"(?:(?P<sheet>'(?:[^']|'')+'|[^'!,()\s]+)!)?\$?(?P<c1>[A-Za-z]{1,3})\$?(?P<r1>\d{1,7})"
    r"(?::\$?(?P<c2>[A-Za-z]{1,3})\$?(?P<r2>\d{1,7}))?"
)
_KIND = re.compile(r"(?:line|scatter|bar|area|pie|radar|bubble|surface|stock)(?:3D)?Chart")


def read_drawings(package: Package) -> tuple[tuple[Chart, ...], tuple[str, ...], tuple[str, ...]]:
    """Every chart part by name, with the sheet that shows it; the sheet of every picture; notes on parts that
    cannot be read.
    """
    parts, _ = sheet_parts(package)
    shown: dict[str, str] = {}
    pictures: list[str] = []
    notes: list[str] = []
    for part in parts:
        try:
            drawings = [d for d in package.relations(part.part).values() if "/drawings/" in d]
            targets = [t for d in drawings if d in package.names for t in package.relations(d).values()]
        except Unreadable as fault:
            notes.append(fault.message)
            continue
        for target in targets:
            shown.setdefault(target, part.name)
            if "/media/" in target and target in package.names:
                pictures.append(part.name)
    worksheets = [part.name for part in parts if not part.chart_sheet]
    names = sorted(n for n in package.names if re.fullmatch(r"xl/charts/chart[^/]*\.xml", n))
    charts = []
    for name in names[:MAX_CHARTS]:
        try:
            charts.append(_chart(tree(package.read(name), name), name, shown.get(name, ""), worksheets))
        except Unreadable as fault:
            notes.append(fault.message)
    if len(names) > MAX_CHARTS:
        notes.append(f"only the first {MAX_CHARTS} of {len(names)} charts were read")
    return tuple(charts), tuple(pictures), tuple(notes)


def _chart(root: Node, part: str, sheet: str, worksheets: list[str]) -> Chart:
    chart = root.first("chart") or root
    title = chart.child("title")
    plot = chart.first("plotArea") or chart
    kind = next((node.name for node in plot.children if _KIND.fullmatch(node.name)), "")
    return Chart(
        part=part,
        sheet=sheet,
        title=_text(title) if title else "",
        kind=kind,
        series=tuple(_series(node, worksheets) for node in plot.all("ser")[:100]),
    )


def _text(node: Node) -> str:
    pieces = [t.text for t in node.all("t")] or [v.text for v in node.all("v")]
    return " ".join("".join(pieces).split())[:200]


def _series(node: Node, worksheets: list[str]) -> Series:
    name = node.child("tx")
    values = node.child("val") or node.child("yVal")
    areas: tuple[Area, ...] = ()
    cached: list[float] = []
    if values is not None:
        formula = values.first("f")
        areas = _areas(formula.text, worksheets) if formula is not None else ()
        for point in values.all("pt")[:MAX_POINTS]:
            number = point.child("v")
            try:
                cached.append(float(number.text if number is not None else ""))
            except ValueError:
                cached.append(0.0)
    return Series(name=_text(name) if name else "", areas=areas, cached=tuple(cached))


def _areas(text: str, worksheets: list[str]) -> tuple[Area, ...]:
    found = []
    for match in list(_AREA.finditer(text))[:200]:
        sheet = (match["sheet"] or "").strip("'").replace("''", "'")
        found.append(
            Area(
                sheet=worksheets.index(sheet) if sheet in worksheets else -1,
                row=int(match["r1"]),
                column=column_number(match["c1"]),
                last_row=int(match["r2"] or match["r1"]),
                last_column=column_number(match["c2"] or match["c1"]),
                text=match[0],
            )
        )
    return tuple(found)
