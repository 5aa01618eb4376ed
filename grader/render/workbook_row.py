"""A replayed workbook as a JSON object: what `grader inspect workbook --json` prints for each file."""

import msgspec

from grader.core.facts.replay import BookFacts, CellFault, TableFacts


def row(book: BookFacts) -> dict[str, object]:
    """The JSON object of one book."""
    return {
        "file": book.artefact,
        "verdict": book.verdict.value,
        "problem": book.problem,
        "tables": [_table(table) for table in book.tables],
        "findings": [_finding(fault) for fault in book.faults],
        "sweep": {
            f"{one.eta:g}": {
                "source": list(one.sources),
                "losses": list(one.losses),
                "max_deviation": one.max_deviation,
            }
            for one in book.sweep
        },
        "charts": [msgspec.to_builtins(chart) for chart in book.charts],
        "formula_signature": book.signature,
        "sha256": book.sha256,
        "notes": list(book.notes),
    }


def _table(table: TableFacts) -> dict[str, object]:
    kept = (
        "sheet",
        "header_row",
        "first_column",
        "iterations",
        "eta_cell",
        "inputs",
        "targets",
        "layout",
        "deviation",
    )
    values = {name: msgspec.to_builtins(getattr(table, name)) for name in kept}
    states = {quantity.quantity: quantity.state.value for quantity in table.quantities}
    eta = table.eta if table.eta_known else None
    return {
        **values,
        "eta": eta,
        "initial_weights": list(table.weights),
        "agreement": table.agreement.value,
        "columns": states,
    }


def _finding(fault: CellFault) -> dict[str, object]:
    gradient = fault.quantity.startswith("dw")
    quantity = f"∂E/∂{fault.quantity[1:]}" if gradient else fault.quantity
    return {**msgspec.to_builtins(fault), "cells": cells(fault), "quantity": quantity}


def cells(fault: CellFault) -> str:
    """`Sheet1!Z33:Z100`, or the sheet alone."""
    return f"{fault.sheet}!{fault.cells}" if fault.cells else fault.sheet
