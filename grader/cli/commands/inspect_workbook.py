"""`grader inspect workbook`: tables, wrong cells, sweep and charts of workbooks, judged as mathematics only."""

import hashlib
from pathlib import Path

import click
import msgspec

from grader.core.facts.replay import BookFacts, CellFault, TableFacts


@click.command(name="workbook")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON array with an object for every file.")
def command(files: tuple[str, ...], as_json: bool) -> None:
    """Replay .xlsx and .ods workbooks and name the wrong cells. Knows no rubric: the class error is wrong here."""
    books = [_read(name) for name in files]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([row(book) for book in books]), indent=1).decode())
        return
    for book in books:
        click.echo(f"{book.artefact}: {book.verdict.value}" + (f": {book.problem}" if book.problem else ""))
        for table in book.tables:
            eta = (
                f"η = {table.eta:g} in {table.eta_cell or 'the formulas'}"
                if table.eta_known
                else "η not found"
            )
            click.echo(
                f"  table {table.sheet}!{table.first_column}{table.header_row}: {table.iterations} iterations, {eta}"
            )
        for fault in book.faults:
            click.echo(f"  {fault.severity.value}: {_cells(fault)}: {fault.message}")
        for one in book.sweep:
            shown = ", ".join(one.sources) or "not shown in this book"
            click.echo(
                f"  η = {one.eta:g}: {shown}; own formulas differ from the reference by {one.max_deviation:.1e}"
            )


def _read(name: str) -> BookFacts:
    from grader.core.rubric import Profile
    from grader.execute.replay.book import replay_book
    from grader.extract.workbook.read import read_book

    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror or error}") from error
    return replay_book(read_book(data, name, hashlib.sha256(data).hexdigest()), Profile())


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
    from grader.execute.replay.notation import display

    quantity = display(fault.quantity)
    return {**msgspec.to_builtins(fault), "cells": _cells(fault), "quantity": quantity}


def _cells(fault: CellFault) -> str:
    return f"{fault.sheet}!{fault.cells}" if fault.cells else fault.sheet
