"""What texts say about the learning rate, against the cell that the updates read."""

from collections.abc import Sequence

from grader.core.evidence.workbook import Book
from grader.core.facts.replay import CellFault, ChartFacts, Severity, ShownAs, ShownLosses
from grader.execute.replay.learning_rates import claimed_rate, named_rates, same_rate
from grader.execute.replay.notation import address
from grader.execute.replay.table.layout import Layout


def contradictions(
    book: Book, layouts: Sequence[Layout], shown: Sequence[ShownLosses], charts: Sequence[ChartFacts]
) -> list[CellFault]:
    """Every place where a name or title says another learning rate than the numbers; never a fault of the
    mathematics.
    """
    found = []
    tables_on = [layout.table.sheet for layout in layouts]
    for layout in layouts:
        if layout.eta is None:
            continue
        sheet = book.sheets[layout.table.sheet].name
        cell = address(layout.eta.cell) if layout.eta.cell else ""
        names = (
            [("the sheet name", next(iter(named_rates(book, layout.table.sheet)), None))]
            if tables_on.count(layout.table.sheet) == 1
            else []
        )
        if len(layouts) == 1:
            stem = book.artefact.rpartition("/")[2].rpartition(".")[0]
            names.append(("the file name", claimed_rate(stem, bare=not stem.strip().isdecimal())))
        for where, rate in names:
            if rate is not None and not same_rate(rate, layout.eta.value):
                found.append(
                    _fault(sheet, cell, f"{where} says a learning rate of {rate:g}", rate, layout.eta.value)
                )
    found += [_drawn(chart, problem) for chart in charts for problem in chart.problems]
    columns = [one for one in shown if one.shown_as is ShownAs.COLUMN and one.fits]
    found += [_mislabelled(one) for one in columns if not same_rate(one.fits, one.eta)]
    return found


def _drawn(chart: ChartFacts, problem: str) -> CellFault:
    return CellFault(
        sheet=chart.sheet,
        cells="",
        quantity="",
        diagnosis="chart-title" if "title" in problem else "chart-range",
        severity=Severity.NOTE,
        message=f"chart {chart.title!r}: {problem}",
        hint="Correct the title or the plotted range.",
    )


def _fault(sheet: str, cell: str, text: str, claimed: float, real: float) -> CellFault:
    return CellFault(
        sheet=sheet,
        cells=cell,
        quantity="",
        diagnosis="eta-contradiction",
        severity=Severity.WARN,
        message=f"{text}, but the updates use {real:g}",
        expected=f"{claimed:g}",
        found=f"{real:g}",
        hint="Set the learning rate that the name says, or correct the name.",
    )


def _mislabelled(one: ShownLosses) -> CellFault:
    return CellFault(
        sheet=one.sheet,
        cells=one.cells,
        quantity="E_total",
        diagnosis="mislabelled-losses",
        severity=Severity.WARN,
        message=f"the column headed {one.claimed!r} holds the losses of a learning rate of {one.fits:g}",
        expected=f"losses at {one.eta:g}",
        found=f"losses at {one.fits:g}",
        hint=f"Paste the losses of {one.eta:g} here, or correct the header.",
    )
