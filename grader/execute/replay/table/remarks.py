"""What is said of a cell that is no wrong mathematics: typed, rounded, or not followed here; and of helper
cells.
"""

from grader.backprop.sheet_names import names
from grader.core.facts.replay import CellFault, Severity
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell, sheet_of
from grader.execute.replay.faults.wrong_cell import Diagnosis
from grader.execute.replay.notation import address, display, number, ranges
from grader.execute.replay.table.layout import Layout


def not_evaluated(reason: str) -> Diagnosis:
    """A formula that this evaluator does not follow."""
    return Diagnosis(
        "not-evaluated",
        f"the formula holds {reason}, which is not evaluated here; its stored value was kept",
        hint="Use arithmetic, EXP and SUM.",
        severity=Severity.WARN,
    )


OTHERWISE = "gives something else with the numbers of this book"


def other_in_this_book(name: str, rows: int) -> Diagnosis:
    """A formula that is right with other numbers than those that stand in its rows."""
    return Diagnosis(
        "right-elsewhere",
        f"the formula of {display(name)} is right with other numbers, but with those of this book it gives "
        f"something else, in {rows} row{'s' * (rows != 1)} from here on",
        hint="Write the formula without a condition; a person should look at what it does here.",
        severity=Severity.WARN,
    )


def unnamed_inputs(lost: str) -> Diagnosis:
    """A formula over cells of which nothing says whether they are the inputs."""
    return Diagnosis(
        "inputs-not-found",
        f"the formula reads cells outside the table, and no column or label says which of them are {lost}",
        hint="Give inputs and targets columns of the table, or a label left of each cell.",
        severity=Severity.WARN,
    )


def rounded_formula(name: str) -> Diagnosis:
    """A formula with a rounded constant."""
    return Diagnosis(
        "rounded-constant",
        f"{display(name)} is right except for a rounded number in the formula",
        hint="Use EXP(-x) instead of a typed e.",
        severity=Severity.WARN,
    )


def typed_number(name: str, *, rounded: bool) -> Diagnosis:
    """A right number where a formula belongs."""
    how = "a rounded number" if rounded else "a number"
    return Diagnosis(
        "rounded-value" if rounded else "hard-coded-cell",
        f"{display(name)} is typed as {how} instead of calculated; the value agrees with its row",
        hint="Replace the number by the formula, so that it follows the weights and the learning rate.",
        severity=Severity.WARN,
    )


def is_rounding(value: float, want: float) -> bool:
    """Whether a typed number is the wanted one with fewer decimals (at least two, before the exponent where
    it has one).
    """
    mantissa, _, exponent = repr(value).partition("e")
    decimals = len(mantissa.partition(".")[2])
    return decimals >= 2 and abs(value - want) <= 0.51 * 10.0 ** (int(exponent or 0) - decimals)


def only_together(model: Model, cells: list[int]) -> CellFault:
    """Losses that are judged by the total that they make; `cells` are their headers."""
    return CellFault(
        sheet=model.book.sheets[sheet_of(cells[0])].name,
        cells=ranges(cells),
        quantity="E_total",
        diagnosis="losses-together",
        severity=Severity.NOTE,
        message="the losses of the outputs are not ½(target − output)² by themselves, but the total that is "
        "made of them is right; they are judged together",
    )


def other_scale(sheet: str, layout: Layout, scale: float) -> CellFault:
    """Gradients of a multiple of the loss."""
    table = layout.table
    often = "twice" if scale == 2.0 else "half of"
    heads = [layout.columns[d] for d in names().gradients if layout.has(d)]
    return CellFault(
        sheet=sheet,
        cells=ranges(cell(table.sheet, table.header_row, column) for column in sorted(heads)),
        quantity="E_total",
        diagnosis="multiple-of-the-loss",
        severity=Severity.NOTE,
        message=f"the loss is {often} that of the assignment, and the gradients are the derivatives of this "
        "loss; they count as right",
    )


def told(diagnosis: Diagnosis, fault: str) -> str:
    """The rest of a sentence whose subject is a helper cell, the same for every column that reads it."""
    if diagnosis.code == "inherited-class-error":
        return fault.partition(": w")[0]
    return f"holds a mistake: {fault}" if diagnosis.code in ("sign", "brackets") else fault


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def number_as_text(model: Model, cells: list[int], quantity: str) -> CellFault:
    """Numbers of a table that are typed as text."""
    first = cells[0]
    text, value = model.typed_as_text[first].strip(), number(float(model.constants[first]))
    return CellFault(
        sheet=model.book.sheets[sheet_of(first)].name,
        cells=ranges(key for key in cells if sheet_of(key) == sheet_of(first)),
        quantity=quantity,
        diagnosis="number-as-text",
        severity=Severity.NOTE,
        message=f"{address(first)} holds the number {text} as text; it was read as {value}",
        expected=value,
        found=f"the text {text!r}",
        hint="Type it as a number, with your program's decimal sign: sums leave text out, "
        "others show #VALUE!.",
        count=len(cells),
    )


def columns_only(diagnosis: Diagnosis) -> str:
    """Expected and found without rows, so that a filled-down mistake is one group."""
    return "".join(c for c in f"{diagnosis.expected}|{diagnosis.found}" if not c.isdigit()) + (
        diagnosis.message if not diagnosis.expected else ""
    )
