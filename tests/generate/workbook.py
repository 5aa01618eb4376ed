"""Workbooks of the assignment's Part 1 in many layouts, right or with one known defect, with cached values.

    python -m tests.generate.workbook --seed N --out DIR [--count K] [--defect NAME] [--layout NAME]

writes K books and beside each a JSON file that says what is true of it. In code: `make(spec)`,
`random_spec(rng)`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from . import xlsx
from .cells import Formula, Grid, Linked, Position, address, evaluate
from .formulas import LOCAL, NEEDS_LONG_GRADIENTS, RIGHT_MATHEMATICS, STYLES, WEIGHTS, Defect
from .headers import ETA_LABELS, ORDERS, SPELLINGS
from .table import Place, Plan, Table

SWEEP = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
CLASS_WEIGHTS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
CLASS_INPUTS = (0.05, 0.1)
CLASS_TARGETS = ((0.01, 0.99), (0.5, 0.5))
ONE_TABLE_ONLY = frozenset({Defect.STALE_CACHE, Defect.MISPASTED_SWEEP})


class Layout(StrEnum):
    """Where the tables stand."""

    SINGLE = "single"
    SHEET_PER_ETA = "sheet-per-eta"
    STACKED = "stacked"
    ETA_COLUMN = "eta-column"


HALF_IN_TOTAL = {"loss": "({t}-{a})^2", "total": "0.5*({E1}+{E2})"}


class EtaCell(StrEnum):
    """How the update formulas get at the learning rate."""

    ANCHORED = "anchored"  # $G$31
    ROW_ANCHORED = "row-anchored"  # G$31
    NAMED = "named"  # learning_rate
    CHAINED = "chained"  # $G$31, which holds =B2
    COLUMN = "column"  # a cell per row


class Given(StrEnum):
    """How targets and inputs get into the rows after the first."""

    TYPED = "typed"
    COPIED = "copied"  # =A33
    ANCHORED = "anchored"  # =$A$33


@dataclass(frozen=True, kw_only=True)
class BookSpec:
    """Everything that decides a book's bytes."""

    layout: Layout = Layout.SINGLE
    header_row: int = 32
    first_column: int = 1
    rows: int = 40
    eta: float = 1.0  # of a single table; several tables take SWEEP
    inputs: tuple[float, float] = CLASS_INPUTS
    targets: tuple[float, float] = (0.01, 0.99)
    weights: tuple[float, ...] = CLASS_WEIGHTS
    order: str = "class"
    spelling: str = "class"
    by_source: bool = False  # weights numbered by their source
    style: int = 0  # index of formulas.STYLES
    half_in_total: bool = False  # E1 = (t1 - a_o1)^2, E_total = 0.5*(E1 + E2)
    eta_cell: EtaCell = EtaCell.ANCHORED
    eta_label: str = "η ="
    given: Given = Given.TYPED
    structured: bool = False  # an Excel table, `Table1[[#This Row],[w1]]`
    google: bool = False
    shared_formulas: bool = False
    pasted_sweep: bool = False
    charts: bool = False
    clutter: bool = False  # a sheet of notes in front, lists of values around the first table
    summary: bool = False  # a last sheet that refers to every table's losses
    values_only: bool = False  # everything pasted as values: no mathematics to judge
    pasted_copies: bool = False  # only the first sheet calculates, the others hold its values at other rates
    defect: Defect = Defect.NONE
    defect_row: int = 12  # iteration, from 0, where a local defect strikes
    inherited: bool = False  # the class error besides the defect
    defect_table: int | None = None  # which of several tables has it; None: all


class Truth(NamedTuple):
    """What is true of a book by construction."""

    defect: Defect
    cells: tuple[str, ...]  # "Sheet1!Z33:Z72": the faulty cells, empty where nothing is wrong
    quantity: tuple[str, ...]  # roles of those columns, d3 for dE/dw3
    mathematics_right: bool
    tables: tuple[Place, ...]
    pasted: dict[str, str]  # η -> range of its pasted losses


def make(spec: BookSpec) -> tuple[bytes, Truth]:
    """The book's bytes and its truth; equal specs give equal bytes."""
    check(spec)
    etas = (spec.eta,) if spec.layout in {Layout.SINGLE, Layout.ETA_COLUMN} else SWEEP
    sheets: list[xlsx.Sheet] = []
    tables: list[Table] = []
    names: dict[str, str] = {}
    for number, eta in enumerate(etas):
        if spec.layout is Layout.STACKED and sheets:
            sheet = sheets[0]
        else:
            sheet = xlsx.Sheet(name=f"η={eta:g}" if spec.layout is Layout.SHEET_PER_ETA else "Sheet1")
            sheets.append(sheet)
        struck = spec.defect_table is None or number == spec.defect_table
        if spec.defect is Defect.LYING_SHEET_NAME and struck:
            eta = SWEEP[number - 1]
        table = Table(plan(spec, eta, number, sheet.name, defect=spec.defect if struck else Defect.NONE))
        table.lay(sheet.grid)
        if spec.clutter and not tables:
            table.clutter(sheet.grid)
        tables.append(table)
        names |= table.names
        if spec.structured:
            sheet.table = table.area
    if spec.defect is Defect.HARD_CODED_TAIL:
        for table, sheet in owners(tables, sheets):
            table.harden(sheet.grid)
    for sheet in sheets:
        sheet.values = evaluate(sheet.grid)
    for table, sheet in owners(tables, sheets):
        table.finish(sheet.grid, sheet.values)
    pasted = paste_sweep(spec, sheets[0], tables[0]) if spec.pasted_sweep else {}
    if spec.charts:
        add_charts(spec, sheets, tables, pasted)
    for sheet in sheets if spec.values_only else sheets[1:] if spec.pasted_copies else []:
        sheet.grid = dict(sheet.values)
    if spec.summary:
        sheets.append(summary_sheet(sheets, tables))
    if spec.clutter:
        sheets.insert(0, notes_sheet())
    book = xlsx.Book(sheets=sheets, names=names, google=spec.google, shared_formulas=spec.shared_formulas)
    faulty = [table for table in tables if table.cells]
    cells = tuple(cell for table in faulty for cell in table.cells)
    quantity = tuple(dict.fromkeys(role for table in faulty for role in table.quantities))
    if spec.defect is Defect.MISPASTED_SWEEP:
        cells, quantity = (pasted[f"{SWEEP[2]:g}"],), ("E_tot",)
    right = spec.defect in RIGHT_MATHEMATICS and not spec.inherited
    places = tuple(table.place for table in tables)
    return xlsx.write(book), Truth(spec.defect, cells, quantity, right, places, pasted)


def check(spec: BookSpec) -> None:
    """Raises ValueError for what cannot stand together."""
    several = spec.layout in {Layout.SHEET_PER_ETA, Layout.STACKED}
    if spec.structured and (several or spec.defect is Defect.HEADER_SWAPPED):
        raise ValueError("a structured table stands alone and needs different headers")
    if spec.pasted_sweep and several:
        raise ValueError("tables for every η leave no sweep to paste")
    if spec.values_only and (spec.defect is not Defect.NONE or spec.structured):
        raise ValueError("pasted values hide what is wrong")
    if spec.defect is Defect.LYING_TITLE and not spec.charts:
        raise ValueError("no title to lie in")
    if spec.defect is Defect.MISPASTED_SWEEP and not spec.pasted_sweep:
        raise ValueError("no pasted sweep to confuse")
    if spec.defect in ONE_TABLE_ONLY and several:
        raise ValueError(f"{spec.defect} is made in single tables only")
    if STYLES[spec.style].helpers and spec.defect in NEEDS_LONG_GRADIENTS:
        raise ValueError(f"{spec.defect} needs gradients without helper columns")
    drifting = spec.defect in {Defect.ETA_DRIFT, Defect.ETA_DRIFT_ONE}
    if drifting and (spec.eta_cell is not EtaCell.ANCHORED or spec.layout is Layout.ETA_COLUMN):
        raise ValueError("only a cell that was meant to be anchored can drift")
    if (spec.layout is Layout.ETA_COLUMN) != (spec.eta_cell is EtaCell.COLUMN):
        raise ValueError("the η column is a layout and a kind of η cell at once")
    if spec.header_row < 4 and spec.layout is Layout.STACKED:
        raise ValueError("stacked tables need three rows above the first header")
    if spec.defect is Defect.LYING_SHEET_NAME and (
        spec.layout is not Layout.SHEET_PER_ETA or spec.defect_table is None
    ):
        raise ValueError("sheets are named after η where each has its own; say which one lies")
    if spec.inherited and spec.defect in {Defect.CLASS_ERROR, Defect.PREACTIVATION_SLOPE}:
        raise ValueError(f"the class error can't stand beside {spec.defect}")
    if spec.defect in LOCAL and not 3 <= spec.defect_row < spec.rows - 1:
        raise ValueError("defect_row must lie inside the table, from 3 on")


def plan(spec: BookSpec, eta: float, number: int, sheet: str, *, defect: Defect) -> Plan:
    stacked = spec.layout is Layout.STACKED
    return Plan(
        sheet=sheet,
        header_row=spec.header_row + (number * (spec.rows + 6) if stacked else 0),
        first_column=spec.first_column,
        rows=spec.rows,
        eta=eta,
        inputs=spec.inputs,
        targets=spec.targets,
        weights=spec.weights,
        columns=(("eta",) if spec.eta_cell is EtaCell.COLUMN else ()) + ORDERS[spec.order],
        spelling=SPELLINGS[spec.spelling]._replace(by_source=spec.by_source),
        style=STYLES[spec.style]._replace(**HALF_IN_TOTAL) if spec.half_in_total else STYLES[spec.style],
        eta_cell=spec.eta_cell.value,
        eta_label=spec.eta_label,
        given=spec.given.value,
        structured=spec.structured,
        name=f"learning_rate_{number + 1}" if number else "learning_rate",
        defect=defect,
        defect_row=spec.defect_row,
        inherited=spec.inherited,
    )


def owners(tables: list[Table], sheets: list[xlsx.Sheet]) -> list[tuple[Table, xlsx.Sheet]]:
    by_name = {sheet.name: sheet for sheet in sheets}
    return [(table, by_name[table.place.sheet]) for table in tables]


def notes_sheet() -> xlsx.Sheet:
    """Formulas as text, which look like headers to a hasty reader."""
    lines = (
        "Backpropagation",
        "h1 = w1*i1 + w2*i2",
        "a_h1 = σ(h1) = 1/(1+exp(-h1))",
        "E_total = E1 + E2",
        "∂E/∂w5 = (a_o1-t1)*a_o1*(1-a_o1)*a_h1",
        "w5 = w5 - η*∂E/∂w5",
    )
    return xlsx.Sheet(name="Notes", grid={Position(row, 2): line for row, line in enumerate(lines, 2)})


def summary_sheet(sheets: list[xlsx.Sheet], tables: list[Table]) -> xlsx.Sheet:
    """The losses of all tables side by side, as references to their cells."""
    sheet = xlsx.Sheet(name="Summary")
    for k, (table, source) in enumerate(owners(tables, sheets), 1):
        sheet.grid[Position(1, k)] = f"η = {table.plan.eta:g}"
        for row, at in enumerate(table.column("E_tot"), 2):
            value = source.values[at]
            sheet.grid[Position(row, k)] = Linked(f"'{source.name}'!{address(at)}", value)
    sheet.values = evaluate(sheet.grid)
    return sheet


def paste_sweep(spec: BookSpec, sheet: xlsx.Sheet, table: Table) -> dict[str, str]:
    """Six columns of losses right of the table, each what the sheet shows with that η in its cell."""
    found = {}
    first = max(at.column for at in sheet.grid) + 2
    for k, eta in enumerate(SWEEP):
        other = SWEEP[3] if spec.defect is Defect.MISPASTED_SWEEP and k == 2 else eta
        scratch: Grid = {}
        twin = Table(table.plan.with_eta(other))
        twin.lay(scratch)
        values = evaluate(scratch)
        losses = [values[at] for at in twin.column("E_tot")]
        sheet.grid[Position(table.plan.header_row, first + k)] = f"η = {eta:g}"
        for row, loss in enumerate(losses, table.plan.header_row + 1):
            sheet.grid[Position(row, first + k)] = loss
        found[f"{eta:g}"] = table.span(first + k, 0, spec.rows - 1)
    sheet.values |= {
        at: v for at, v in sheet.grid.items() if not isinstance(v, Formula) and at not in sheet.values
    }
    return found


def add_charts(spec: BookSpec, sheets: list[xlsx.Sheet], tables: list[Table], pasted: dict[str, str]) -> None:
    for table, sheet in owners(tables, sheets):
        shown = table.plan.eta
        if table.plan.defect is Defect.LYING_TITLE:
            shown = 0.5 if shown != 0.5 else 0.1
        sheet.charts.append(chart(f"Loss (η = {shown:g})", sheet, {"E_total": table.column("E_tot")}))
    if pasted:
        first = max(at.column for at in sheets[0].grid) - len(SWEEP) + 1
        rows = [at.row for at in tables[0].column("E_tot")]
        columns = {f"η = {eta:g}": [Position(row, first + k) for row in rows] for k, eta in enumerate(SWEEP)}
        sheets[0].charts.append(chart("Loss for six learning rates", sheets[0], columns))


def chart(title: str, sheet: xlsx.Sheet, columns: dict[str, list[Position]]) -> xlsx.Chart:
    series = []
    for name, cells in columns.items():
        numbers = [sheet.values[at] for at in cells]
        cache = tuple(v for v in numbers if not isinstance(v, str))
        series.append(xlsx.Series(name=name, sheet=sheet.name, first=cells[0], last=cells[-1], cache=cache))
    return xlsx.Chart(title=title, series=tuple(series))


def random_spec(
    rng: random.Random, *, defect: Defect | None = None, layout: Layout | None = None, rows: int | None = None
) -> BookSpec:
    """A spec drawn from everything that goes together; what is given is kept."""
    while True:
        drawn_layout = layout or rng.choices(list(Layout), weights=(6, 3, 2, 1))[0]
        drawn_defect = defect if defect is not None else rng.choice(list(Defect))
        count = rows or rng.randint(12, 70)
        other_values = drawn_defect is Defect.WRONG_CLASS_VALUES
        spec = BookSpec(
            layout=drawn_layout,
            header_row=rng.choice((2, 8, 13, 21, 28, 29, 31, 32, 34, 40, 65, rng.randint(4, 60))),
            first_column=rng.choices((1, 2, 3, 4, 7), weights=(12, 3, 1, 1, 1))[0],
            rows=count,
            eta=rng.choice(SWEEP),
            inputs=(rng.choice((0.06, 0.5)), rng.choice((0.2, 0.3))) if other_values else CLASS_INPUTS,
            targets=rng.choice(CLASS_TARGETS),
            weights=tuple(round(rng.uniform(-0.9, 0.9), 2) for _ in WEIGHTS)
            if other_values
            else CLASS_WEIGHTS,
            order=rng.choices(list(ORDERS), weights=(8, 1, 1, 1))[0],
            spelling=rng.choice(list(SPELLINGS)),
            style=rng.randrange(len(STYLES)),
            eta_cell=rng.choices(list(EtaCell), weights=(10, 1, 1, 1, 2))[0],
            eta_label=rng.choice(ETA_LABELS),
            given=rng.choices(list(Given), weights=(4, 1, 1))[0],
            structured=rng.random() < 0.07,
            google=rng.random() < 0.15,
            shared_formulas=rng.random() < 0.4,
            pasted_sweep=rng.random() < 0.2 or drawn_defect is Defect.MISPASTED_SWEEP,
            charts=rng.random() < 0.5 or drawn_defect is Defect.LYING_TITLE,
            clutter=rng.random() < 0.25,
            summary=rng.random() < 0.3 and drawn_layout is Layout.SHEET_PER_ETA,
            defect=drawn_defect,
            defect_row=rng.randint(3, count - 2),
            inherited=drawn_defect is not Defect.NONE and rng.random() < 0.1,
            defect_table=rng.choice((None, rng.randrange(len(SWEEP))))
            if drawn_layout in {Layout.SHEET_PER_ETA, Layout.STACKED}
            else None,
        )
        try:
            check(spec)
        except ValueError:
            continue
        return spec


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.generate.workbook", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--defect", choices=[d.value for d in Defect])
    parser.add_argument("--layout", choices=[layout.value for layout in Layout])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    for number in range(options.count):
        spec = random_spec(
            rng,
            defect=Defect(options.defect) if options.defect else None,
            layout=Layout(options.layout) if options.layout else None,
        )
        content, truth = make(spec)
        stem = options.out / f"{options.seed}-{number:03d}-{spec.layout}-{spec.defect}"
        stem.with_suffix(".xlsx").write_bytes(content)
        described = {"spec": dataclasses.asdict(spec), "truth": truth._asdict()}
        described["truth"]["tables"] = [place._asdict() for place in truth.tables]
        stem.with_suffix(".json").write_text(
            json.dumps(described, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
        print(stem.with_suffix(".xlsx"))


if __name__ == "__main__":
    main()
