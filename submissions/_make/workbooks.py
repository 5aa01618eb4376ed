"""Writes the workbooks of the sample class with the tests' generator: python -m submissions._make.workbooks (from the root)."""

from __future__ import annotations

from pathlib import Path

from tests.generate.formulas import Defect
from tests.generate.workbook import BookSpec, EtaCell, Given, Layout, make

CLASS = Path(__file__).resolve().parent.parent

BOOKS = {
    "perfect/Backpropagation.xlsx": BookSpec(
        layout=Layout.SHEET_PER_ETA, header_row=12, rows=51, charts=True, shared_formulas=True
    ),
    "inherited-class-error/BackProp_S4.xlsx": BookSpec(
        rows=68, eta=1.0, pasted_sweep=True, charts=True, defect=Defect.CLASS_ERROR
    ),
    "over-budget/backprop.xlsx": BookSpec(
        header_row=21, rows=50, eta=0.5, spelling="short", style=3, google=True, pasted_sweep=True, charts=True
    ),
    "contradicting-readme/Backpropagation_sheet.xlsx": BookSpec(
        header_row=29, rows=60, eta=2.0, spelling="delta", style=1, eta_label="LR", pasted_sweep=True, charts=True
    ),
    "no-notebook/excel_part1.xlsx": BookSpec(
        header_row=8, first_column=2, rows=70, eta=0.8, spelling="total", order="inputs-first", pasted_sweep=True
    ),
    "mojibake/training.xlsx": BookSpec(
        layout=Layout.STACKED, header_row=6, rows=36, spelling="plain", eta_label="Learning Rate", style=2
    ),
    "truncated-notebook/assignment4.xlsx": BookSpec(
        layout=Layout.SHEET_PER_ETA, header_row=31, rows=40, spelling="glued", eta_label="η=", shared_formulas=True
    ),
    "two-notebooks/part1.xlsx": BookSpec(
        header_row=34, rows=60, eta=0.5, eta_cell=EtaCell.NAMED, spelling="mathematical-italic", pasted_sweep=True, charts=True
    ),
    "no-global-pooling/Part1.xlsx": BookSpec(
        header_row=28, rows=68, eta=0.2, spelling="spaced", given=Given.COPIED, pasted_sweep=True, charts=True
    ),
    "hostile/sheet.xlsx": BookSpec(
        header_row=10, rows=40, eta=1.0, defect=Defect.FORGED_CACHE, defect_row=5, charts=True,
        eta_label="<script>document.title = 'cell script ran'</script>",
    ),
    "wrong-gradient/neural_network.xlsx": BookSpec(
        header_row=13, rows=60, eta=1.0, spelling="glued-capital", pasted_sweep=True, charts=True,
        defect=Defect.MISSING_OUTER_BRACKETS,
    ),
}  # fmt: skip


def main() -> None:
    for path, spec in BOOKS.items():
        target = CLASS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content, truth = make(spec)
        target.write_bytes(content)
        print(f"{path}: {len(content) // 1000} kB, {truth.defect}, {' '.join(truth.cells)}")


if __name__ == "__main__":
    main()
