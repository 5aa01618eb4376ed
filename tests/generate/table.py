"""One training table of a sheet: cells, learning rate, and the defect that strikes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from .cells import Formula, Grid, Position, Reference, Value, address, evaluate, letters
from .formulas import (
    COLUMNS,
    GRADIENTS,
    LIVE,
    WEIGHTS,
    Defect,
    Style,
    Templates,
    fault_of,
    reaches_from,
    right,
)
from .headers import Spelling, header

NAME = re.compile(r"\{(\w+)(?:@(-1|first|fixed|drift))?\}")
FORGERY = 0.87  # shown losses are this share of the real ones


class Place(NamedTuple):
    """Where a table stands, and the learning rate that its formulas use."""

    sheet: str
    header_row: int
    first_column: int
    iterations: int
    eta: float
    eta_cell: str  # "Sheet1!G31"; the leaf where cells point at one another; "" for a column of them


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a table is to be."""

    sheet: str
    header_row: int
    first_column: int
    rows: int
    eta: float
    inputs: tuple[float, float]
    targets: tuple[float, float]
    weights: tuple[float, ...]
    columns: tuple[str, ...]
    spelling: Spelling
    style: Style
    eta_cell: str
    eta_label: str
    given: str  # how t and i get into later rows: typed, copied (=A33) or anchored (=$A$33)
    structured: bool
    name: str
    defect: Defect
    defect_row: int
    inherited: bool  # the class error besides

    def with_eta(self, eta: float) -> Plan:
        return replace(self, eta=eta)


class Table:
    """Lays a plan's cells into a grid; afterwards `cells` and `quantities` name what is wrong."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        columns = list(plan.columns)
        if plan.style.helpers:
            columns[columns.index("d1") : columns.index("d1")] = ["k1", "k2"]
        self.at = {role: plan.first_column + k for k, role in enumerate(columns)}
        self.templates: Templates = right(plan.style)
        if plan.inherited:
            self.templates |= COLUMNS[Defect.CLASS_ERROR](self.templates)
        self.cells: list[str] = []
        self.quantities: list[str] = []
        self.names: dict[str, str] = {}
        # A cell that drifts needs room below it, so it stands beside the table; so does one without room
        # above.
        last = plan.first_column + len(columns)
        beside = plan.header_row < 4 or plan.defect in {Defect.ETA_DRIFT, Defect.ETA_DRIFT_ONE}
        self.eta_at = Position(plan.header_row + 1, last + 2) if beside else Position(plan.header_row - 2, 7)
        self.leaf = (
            Position(self.eta_at.row, self.eta_at.column + 3) if plan.eta_cell == "chained" else self.eta_at
        )
        self.area = (
            Position(plan.header_row, plan.first_column),
            Position(plan.header_row + plan.rows, last - 1),
        )

    @property
    def place(self) -> Place:
        plan = self.plan
        cell = "" if plan.eta_cell == "column" else f"{plan.sheet}!{address(self.leaf)}"
        return Place(plan.sheet, plan.header_row, plan.first_column, plan.rows, plan.eta, cell)

    def column(self, role: str) -> list[Position]:
        """The cells of a column, one an iteration."""
        return [self.cell(role, n) for n in range(self.plan.rows)]

    def cell(self, role: str, iteration: int) -> Position:
        return Position(self.plan.header_row + 1 + iteration, self.at[role])

    def span(self, column: int, first: int, last: int) -> str:
        """A range of iterations in a column of the sheet."""
        top, name = self.plan.header_row + 1, letters(column)
        area = f"{name}{top + first}" + (f":{name}{top + last}" if last > first else "")
        return f"{self.plan.sheet}!{area}"

    def blame(self, role: str, first: int, last: int) -> None:
        self.cells.append(self.span(self.at[role], first, last))
        self.quantities.append(role)

    def lay(self, grid: Grid) -> None:
        """Headers, learning rate, starting values and formulas."""
        plan = self.plan
        for role, column in self.at.items():
            grid[Position(plan.header_row, column)] = header(role, plan.spelling)
        if plan.defect is Defect.HEADER_SWAPPED:
            grid[Position(plan.header_row, self.at["t2"])] = header("i2", plan.spelling)
            self.blame_header("t2")
        self.lay_eta(grid)
        start = dict(
            zip(("i1", "i2", "t1", "t2", *WEIGHTS), (*plan.inputs, *plan.targets, *plan.weights), strict=True)
        )
        for n in range(plan.rows):
            for role, value in start.items():
                if n == 0 or (role not in WEIGHTS and plan.given == "typed"):
                    grid[self.cell(role, n)] = value
                elif role not in WEIGHTS:
                    where = "-1" if plan.given == "copied" else "fixed"
                    grid[self.cell(role, n)] = self.formula(f"{{{role}@{where}}}", n)
            if "epoch" in self.at:
                grid[self.cell("epoch", n)] = float(n + 1)
            if "eta" in self.at:
                grid[self.cell("eta", n)] = plan.eta
            for role, template in self.templates.items():
                if role not in WEIGHTS or n > 0:
                    grid[self.cell(role, n)] = self.formula(template, n)
        self.strike(grid)

    def lay_eta(self, grid: Grid) -> None:
        plan = self.plan
        if plan.eta_cell == "column":
            return
        if plan.eta_label:
            grid[Position(self.eta_at.row, self.eta_at.column - 1)] = plan.eta_label
        grid[self.leaf] = plan.eta
        if self.leaf != self.eta_at:
            grid[self.eta_at] = Formula("{}", (Reference(self.leaf),))
        if plan.eta_cell == "named":
            quoted = plan.sheet.replace("'", "''")
            self.names[plan.name] = f"'{quoted}'!${letters(self.eta_at.column)}${self.eta_at.row}"

    def formula(self, template: str, n: int) -> Formula:
        references: list[Reference] = []

        def take(match: re.Match[str]) -> str:
            references.append(self.reference(match[1], match[2] or "", n))
            return "{}"

        return Formula(NAME.sub(take, template), tuple(references))

    def reference(self, role: str, where: str, n: int) -> Reference:
        plan = self.plan
        if role == "eta" and plan.eta_cell != "column":
            if where == "drift":  # right in the first update, one row lower in each that follows
                return Reference(Position(self.eta_at.row + n - 1, self.eta_at.column))
            name = plan.name if plan.eta_cell == "named" else ""
            return Reference(self.eta_at, True, plan.eta_cell != "row-anchored", name)
        if role == "eta":
            return Reference(self.cell("eta", n - 1))
        if where == "first":
            return Reference(self.cell(role, 0), fixed_row=True)
        if where == "fixed":
            return Reference(self.cell(role, 0), fixed_row=True, fixed_column=True)
        if where == "-1":
            return Reference(self.cell(role, n - 1))
        written = f"Table1[[#This Row],[{header(role, plan.spelling)}]]" if plan.structured else ""
        return Reference(self.cell(role, n), written=written)

    def strike(self, grid: Grid) -> None:
        """Puts the defect's formulas over the right ones."""
        plan = self.plan
        last = plan.rows - 1
        fault = fault_of(plan.defect, self.templates, plan.defect_row)
        if plan.inherited:
            for role in ("d3", "d4"):
                if not fault or role not in fault.templates:
                    self.blame(role, 0, last)
        if fault:
            end = last if fault.last is None else fault.last
            for role, template in fault.templates.items():
                for n in range(fault.first, end + 1):
                    grid[self.cell(role, n)] = self.formula(template, n)
                self.blame(role, reaches_from(plan.defect, fault), end)
        elif plan.defect is Defect.ROUNDED_FIRST_ROW:
            values = evaluate(grid)
            for role in (*LIVE, *GRADIENTS):
                value = values[self.cell(role, 0)]
                assert isinstance(value, float)
                grid[self.cell(role, 0)] = float(f"{value:.5g}")
                self.blame(role, 0, 0)
        elif plan.defect is Defect.TYPED_TARGET:
            template = self.templates["E1"].replace("{t1}", repr(plan.targets[0]))
            for n in range(plan.rows):
                grid[self.cell("E1", n)] = self.formula(template, n)
            self.blame("E1", 0, last)
        elif plan.defect is Defect.LYING_SHEET_NAME:
            self.blame_eta()
        elif plan.defect is Defect.WRONG_CLASS_VALUES:
            for role in ("i1", "i2", *WEIGHTS):
                self.blame(role, 0, 0 if role in WEIGHTS or plan.given != "typed" else last)

    def clutter(self, grid: Grid) -> None:
        """What authors leave around a table: a list of the starting values above it, a header's text once
        more beside it.
        """
        plan = self.plan
        start = dict(zip(("i1", "i2", *WEIGHTS), (*plan.inputs, *plan.weights), strict=True))
        if plan.header_row >= len(start) + 4:
            for row, (role, value) in enumerate(start.items(), 1):
                grid[Position(row, 10)] = role
                grid[Position(row, 11)] = value
        beside = self.area[1].column + 9
        grid[Position(plan.header_row, beside)] = "i1"
        grid[Position(plan.header_row + 1, beside)] = plan.inputs[0]

    def harden(self, grid: Grid) -> None:
        """Types d5's values over its formulas from the defect's row on."""
        if self.plan.defect is not Defect.HARD_CODED_TAIL:
            return
        values = evaluate(grid)
        for n in range(self.plan.defect_row, self.plan.rows):
            value = values[self.cell("d5", n)]
            assert isinstance(value, float)
            grid[self.cell("d5", n)] = value
        self.blame("d5", self.plan.defect_row, self.plan.rows - 1)

    def finish(self, grid: Grid, values: dict[Position, Value]) -> None:
        """Makes caches lie where the defect says so."""
        plan = self.plan
        if plan.defect is Defect.STALE_CACHE:  # calculated with a third of this learning rate
            scratch: Grid = {}
            Table(plan.with_eta(plan.eta / 3)).lay(scratch)
            old = evaluate(scratch)
            values |= {at: old[at] for at, content in grid.items() if isinstance(content, Formula)}
            self.blame("E_tot", 1, plan.rows - 1)
        elif plan.defect is Defect.FORGED_CACHE:
            for at in self.column("E_tot")[plan.defect_row :]:
                shown = values[at]
                assert isinstance(shown, float)
                values[at] = shown * FORGERY
            self.blame("E_tot", plan.defect_row, plan.rows - 1)
        elif plan.defect is Defect.LYING_TITLE and plan.eta_cell != "column":
            self.blame_eta()

    def blame_eta(self) -> None:
        self.cells.append(f"{self.plan.sheet}!{address(self.leaf)}")
        self.quantities.append("eta")

    def blame_header(self, role: str) -> None:
        self.cells.append(f"{self.plan.sheet}!{address(Position(self.plan.header_row, self.at[role]))}")
        self.quantities.append(role)
