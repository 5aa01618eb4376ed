"""Charts against the cells that they plot: which learning rate, which rows, and whether the title says the
same.
"""

from collections.abc import Sequence

from grader.core.evidence.workbook import Area, Book, Chart
from grader.core.facts.replay import ChartFacts, ShownLosses
from grader.core.place import letters
from grader.execute.replay.learning_rates import claimed_rate, same_rate
from grader.execute.replay.table.layout import Layout


def judge_charts(
    book: Book, layouts: Sequence[Layout], shown: Sequence[ShownLosses]
) -> tuple[ChartFacts, ...]:
    """All charts of a book; a contradiction is a remark, never a fault of the mathematics."""
    return tuple(_judge(book, chart, layouts, shown) for chart in book.charts)


def _judge(book: Book, chart: Chart, layouts: Sequence[Layout], shown: Sequence[ShownLosses]) -> ChartFacts:
    areas = [area for series in chart.series for area in series.areas]
    plotted: list[float] = []
    parts: dict[int, list[Area]] = {}
    for area in areas:
        at, rate = _belongs(book, area, layouts, shown)
        if at >= 0:
            parts.setdefault(at, []).append(area)
        if rate is not None and rate not in plotted:
            plotted.append(rate)
    problems = [text for at, plots in parts.items() if (text := _extent(plots, layouts[at]))]
    title = claimed_rate(chart.title)
    if title is not None and len(plotted) == 1 and not same_rate(title, plotted[0]):
        problems.append(
            f"the title says a learning rate of {title:g}, but the cells that it plots "
            f"belong to {plotted[0]:g}"
        )
    eta = plotted[0] if len(plotted) == 1 else title if title is not None and not plotted else 0.0
    return ChartFacts(
        title=chart.title,
        sheet=chart.sheet,
        ranges=tuple(area.text for area in areas),
        eta=eta,
        consistent=not problems,
        problems=tuple(dict.fromkeys(problems)),
    )


def _belongs(
    book: Book, area: Area, layouts: Sequence[Layout], shown: Sequence[ShownLosses]
) -> tuple[int, float | None]:
    """The table whose losses an area plots (-1 for none), and the learning rate of what it plots."""
    for at, layout in enumerate(layouts):
        if area.sheet != layout.table.sheet or not layout.rows or layout.eta is None:
            continue
        if layout.quantity.get(area.column) != "E_total" or area.last_column != area.column:
            continue
        if area.last_row < layout.rows[0] or area.row > layout.rows[-1]:
            continue
        return at, layout.eta.value
    for one in shown:
        same = 0 <= area.sheet < len(book.sheets) and book.sheets[area.sheet].name == one.sheet
        first = one.cells.partition(":")[0]
        if (
            same
            and first
            and first.rstrip("0123456789") == letters(area.column)
            and one.shown_as.value != "table"
        ):
            start = int(first.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            if start - 2 <= area.row <= start + len(one.losses):
                return -1, one.eta
    return -1, None


def _extent(areas: Sequence[Area], layout: Layout) -> str:
    """What all the areas of one chart together leave out of a table: a chart may plot every cell as a
    series.
    """
    first, last = min(area.row for area in areas), max(area.last_row for area in areas)
    lost_first, lost_last = first - layout.rows[0], layout.rows[-1] - last
    what = f"the range {areas[0].text}" if len(areas) == 1 else f"the {len(areas)} plotted ranges together"
    leaves = "leaves" if len(areas) == 1 else "leave"
    if 0 < lost_first <= 5:
        several = "s" if lost_first > 1 else ""
        return f"{what} {leaves} out the first {lost_first} iteration{several}"
    if lost_last > max(5, len(layout.rows) // 10) and first != last:
        return f"{what} {leaves} out the last {lost_last} iterations"
    return ""
