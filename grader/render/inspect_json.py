"""What `grader inspect --json` prints: the records of what was read and found, by file, in one place.

A row is its record as JSON, with the names under which other programs know a few of its parts. Those names
stay; a field that is added to a record joins its row by itself.
"""

from typing import TypeVar

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.evidence.claims import ClaimEvidence
from grader.core.evidence.formulas import DocumentFormulas, FormulaLine
from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.base import Fact
from grader.core.facts.network import NetworkFacts
from grader.core.facts.notebook import Asked, CellStatus, NotebookRun
from grader.core.facts.recipe import StudentRecipe
from grader.core.facts.replay import BookFacts, CellFault, TableFacts

_T = TypeVar("_T")
Row = dict[str, object]


def formula_rows(document: DocumentFormulas) -> list[Row]:
    """One object for every line of a document that asserts something."""
    return [_formula(document, line) for line in document.lines]


def _formula(document: DocumentFormulas, line: FormulaLine) -> Row:
    place = {"line": line.place.line} | ({} if line.place.cell is None else {"cell": line.place.cell})
    named = {
        "file": document.artefact,
        "convention": str(document.convention),
        "repair": line.repair_sentence,
    }
    return _record(line, "place") | place | named


def book_row(book: BookFacts) -> Row:
    """The object of one workbook."""
    sweep = {
        f"{one.eta:g}": {
            "source": list(one.sources),
            "losses": list(one.losses),
            "max_deviation": one.max_deviation,
        }
        for one in book.sweep
    }
    return _record(book, "artefact", "signature", "faults") | {
        "file": book.artefact,
        "formula_signature": book.signature,
        "tables": [_table(table) for table in book.tables],
        "findings": [_finding(fault) for fault in book.faults],
        "sweep": sweep,
    }


def _table(table: TableFacts) -> Row:
    return _record(table, "weights", "quantities", "eta_known") | {
        "eta": table.eta if table.eta_known else None,
        "initial_weights": list(table.weights),
        "columns": {one.quantity: one.state.value for one in table.quantities},
    }


def _finding(fault: CellFault) -> Row:
    gradient = fault.quantity.startswith("dw")
    quantity = f"∂E/∂{fault.quantity[1:]}" if gradient else fault.quantity
    return _record(fault) | {"cells": cells_of(fault), "quantity": quantity}


def cells_of(fault: CellFault) -> str:
    """`Sheet1!Z33:Z100`, or the sheet alone."""
    return f"{fault.sheet}!{fault.cells}" if fault.cells else fault.sheet


def notebook_row(file: str, products: dict[str, Evidence | Fact], missing: dict[str, str]) -> Row:
    """Build the object; `missing` says by product name why something could not be had."""
    book = _get(products, NotebookEvidence)
    run = _get(products, NotebookRun)
    network = _get(products, NetworkFacts)
    first = book.notebooks[0] if book else None
    return {
        "file": file,
        "framework": first.framework.value if first else "none",
        "format": first.format if first else "",
        "models": [_network_row(network)] if network else [],
        "other_models": [msgspec.to_builtins(m) for m in run.models if not m.chosen] if run else [],
        "submitted_model": network.name if network else None,
        "summaries": _summaries(_get(products, SummaryEvidence)),
        "logs": _logs(_get(products, LogEvidence)),
        "claims": _claims(_get(products, ClaimEvidence)),
        "recipe": _recipe(run),
        "shims": [msgspec.to_builtins(s) for s in run.shims] if run else [],
        "cells": _cells(run, len(first.code_cells) if first else 0),
        "measured_outside": _measured(run),
        "notes": list(first.notes) if first else [],
        "missing": dict(sorted(missing.items())),
    }


def _get(products: dict[str, Evidence | Fact], kind: type[_T]) -> _T | None:
    found = products.get(kind.__name__)
    return found if isinstance(found, kind) else None


def _network_row(network: NetworkFacts) -> Row:
    where = next((r.where.value for r in network.reductions if r.kind is network.gap), None)
    size = next((list(r.map) for r in network.reductions if r.kind is network.gap), None)
    return {
        "name": network.name,
        "declared": network.declared_parameters,
        "executed": network.parameters,
        "batchnorm": [msgspec.to_builtins(b) for b in network.batchnorm],
        "dropout": [{"p": d.p, "active_in_eval": d.active_in_eval} for d in network.dropout],
        "gap": {"kind": network.gap.value, "map": size, "where": where},
        "fc": [msgspec.to_builtins(layer) for layer in network.linear],
        "activations": dict(sorted(network.activations.items())),
        "output": network.output.value,
        "receptive_field": network.receptive_field,
        "layers": [msgspec.to_builtins(layer) for layer in network.layers],
    }


def _logs(logs: LogEvidence | None) -> list[Row]:
    return [_log(run) for run in logs.runs if run.origin is not Origin.README] if logs else []


def _log(run: Run) -> Row:
    totals = run.denominators
    return {
        "cell": run.place.cell,
        "cells": list(run.cells),
        "epochs": len(run.epochs),
        "best": round(run.best, 4),
        "best_epoch": run.best_epoch,
        "best_epoch_printed": run.best_epoch_printed,
        "last": round(run.last, 4),
        "denominator": totals[0] if len(totals) == 1 else None,
        "complete": run.complete,
        "gaps": list(run.gaps),
        "pasted": run.origin is Origin.PASTED,
        "percents": [round(e.percent, 4) for e in run.epochs],
    }


def _summaries(found: SummaryEvidence | None) -> list[Row]:
    tables = found.summaries if found else ()
    return [
        _record(s)
        | {"place": str(s.place), "rows": len(s.rows), "row_sum": s.row_sum, "sums_up": s.sums_up.value}
        for s in tables
    ]


def _claims(found: ClaimEvidence | None) -> list[Row]:
    claims = found.claims if found else ()
    return [_record(c) | {"place": str(c.place)} for c in claims]


def _recipe(run: NotebookRun | None) -> Row:
    if run is None or not run.recipe:
        return {}
    try:
        recipe = msgspec.json.decode(run.recipe, type=StudentRecipe)
    except msgspec.DecodeError as wrong:
        return {"complete": False, "missing": [f"the recipe that came back is malformed: {wrong}"]}
    parts = msgspec.to_builtins(recipe)
    return {
        "optimizer": parts.get("optimizer"),
        "scheduler": parts.get("scheduler"),
        "then": parts.get("then", []),
        "clipping": parts.get("clipping"),
        "loss": parts.get("loss"),
        "batch_size": recipe.batch_size or None,
        "epochs": recipe.epochs or None,
        "augmentation": parts.get("training_transform"),
        "test_transform": parts.get("test_transform"),
        "init": "default" if recipe.default_initialisation else "own",
        "seed": recipe.seed,
        "complete": not recipe.missing,
        "missing": list(recipe.missing),
    }


def _measured(run: NotebookRun | None) -> Row:
    if run is None or run.measured.asked is Asked.NOT_ASKED:
        return {}
    found = run.measured
    if found.asked is Asked.REFUSED:
        return {"answered": False, "why": found.reason}
    return {
        "answered": True,
        "images": found.images,
        "output": found.output.value,
        "steady": found.steady.value,
        "largest_difference": found.largest_difference,
        "random_numbers_in_eval": found.draws,
        "right": found.right if found.scored else None,
        "scored": found.scored,
        "disturbed_alike": f"{found.disturbed_alike}/{found.disturbed}",
    }


def _cells(run: NotebookRun | None, code_cells: int) -> Row:
    if run is None:
        return {"code": code_cells, "run": 0, "failed": 0, "why": []}
    return {
        "code": code_cells,
        "run": sum(c.status is not CellStatus.NOT_RUN for c in run.cells),
        "failed": len(run.failed),
        "why": [f"cell {c.cell}: {c.error}: {c.message}"[:300] for c in run.failed],
    }


def _record(record: msgspec.Struct, *without: str) -> Row:
    row: Row = msgspec.to_builtins(record)
    return {name: value for name, value in row.items() if name not in (*without, "type")}
