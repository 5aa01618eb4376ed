"""One workbook replayed: tables, faults, sweep, charts and the verdict on its mathematics."""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np

from grader.backprop.assigned import network, reading_for
from grader.backprop.sheet_names import names
from grader.core.evidence.workbook import Book
from grader.core.facts.replay import (
    Agreement,
    BookFacts,
    BookVerdict,
    CellFault,
    ChartFacts,
    QuantityFacts,
    Severity,
    ShownLosses,
    SingleLosses,
    State,
    Sweep,
    TableFacts,
)
from grader.core.place import letters
from grader.core.rubric import Profile
from grader.core.submission import Problem
from grader.execute.replay.book.charts import judge_charts
from grader.execute.replay.book.contradictions import contradictions
from grader.execute.replay.book.displayed_losses import (
    NEVER,
    Simulated,
    chart_losses,
    deviation,
    pasted_losses,
    table_losses,
)
from grader.execute.replay.book.full_replay import Replayed, replay
from grader.execute.replay.book.single_losses import single_losses
from grader.execute.replay.book.stored_values import check_cache
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell
from grader.execute.replay.faults.wrong_cell import Memory
from grader.execute.replay.learning_rates import same_rate
from grader.execute.replay.notation import qualified
from grader.execute.replay.table.another_network import another_network
from grader.execute.replay.table.column_roles import Reading, read_columns
from grader.execute.replay.table.judge import Judge, Judged
from grader.execute.replay.table.remarks import only_together


def replay_book(book: Book, profile: Profile) -> BookFacts:
    """Replay a workbook; a book that cannot be read is `unknown` with its problem."""
    with (
        reading_for(profile.network),
        np.errstate(all="ignore"),
    ):  # saturated sigmoids and divisions by zero are values here, not accidents
        return _replay(book, profile)


def _replay(book: Book, profile: Profile) -> BookFacts:
    unjudged = _unjudged(book)
    if unjudged is not None:
        return unjudged
    model = Model(book)
    readings = [read_columns(model, table) for table in book.tables]
    foreign = [another_network(reading.test) for reading in readings]
    if any(foreign):
        return _replay(_without(book, foreign), profile)
    memory = Memory()
    judged = [Judge(model, reading, memory).judge() for reading in readings]
    whole = replay(model, judged, profile.learning_rates)
    layouts = [table.layout for table in judged]
    simulated = [
        Simulated(j.layout, r, profile.learning_rates) for j, r in zip(judged, whole.tables, strict=True)
    ]
    shown = [one for table in simulated if (one := table_losses(model, table)) is not None]
    shown += pasted_losses(model, simulated, _class_start(profile))
    shown += chart_losses(book, simulated)
    charts = judge_charts(book, layouts, shown)
    cache = check_cache(model, whole.recalculated, layouts)
    faults = [fault for table in judged for fault in table.faults]
    faults += [_together(model, reading) for reading in readings if reading.together]
    faults += [
        _deviates(model, j, r) for j, r in zip(judged, whole.tables, strict=True) if _unexplained(j, r)
    ]
    faults += cache.faults
    faults += contradictions(book, layouts, shown, charts)
    tables = tuple(_table(model, j, r) for j, r in zip(judged, whole.tables, strict=True))
    return BookFacts(
        artefact=book.artefact,
        sha256=book.sha256,
        verdict=_verdict(tables, faults, book.unread),
        signature=signature(book),
        tables=tables,
        faults=tuple(faults),
        sweep=_sweep(simulated, shown, profile.learning_rates),
        shown=tuple(shown),
        charts=charts,
        single=_single(model, simulated, shown, charts, profile),
        images=book.images,
        pictures=book.pictures,
        unread=book.unread,
        cache_checked=cache.checked,
        cache_off=cache.off,
        cache_unclear=cache.unclear,
        notes=book.notes,
    )


def _single(
    model: Model,
    simulated: Sequence[Simulated],
    shown: Sequence[ShownLosses],
    charts: Sequence[ChartFacts],
    profile: Profile,
) -> tuple[SingleLosses, ...]:
    """Single losses of the rates that nothing else shows."""
    known = [*(one.eta for one in shown), *(chart.eta for chart in charts)]
    missing = [rate for rate in profile.learning_rates if not any(same_rate(rate, one) for one in known)]
    found = single_losses(model, simulated, profile.learning_rates) if missing else ()
    return tuple(one for one in found if any(same_rate(one.eta, rate) for rate in missing))


def _together(model: Model, reading: Reading) -> CellFault:
    table = reading.layout.table
    return only_together(model, [cell(table.sheet, table.header_row, c) for c in reading.together])


def _without(book: Book, foreign: Sequence[str]) -> Book:
    """A book without the tables that train another network; each is named among what was not read."""
    told = [
        f"The table at {book.sheets[table.sheet].name}!{table.header_row} trains another network ({what}): "
        "a person should look."
        for table, what in zip(book.tables, foreign, strict=True)
        if what
    ]
    kept = tuple(table for table, what in zip(book.tables, foreign, strict=True) if not what)
    return msgspec.structs.replace(book, tables=kept, unread=(*book.unread, *told))


def _unjudged(book: Book) -> BookFacts | None:
    """The facts of a book without a table that can be judged; None where it has one."""
    if book.problem is not Problem.NONE:
        return BookFacts(
            artefact=book.artefact,
            sha256=book.sha256,
            verdict=BookVerdict.UNKNOWN,
            problem=book.message,
            unread=(book.message,),
        )
    if book.tables:
        return None
    least, own = len(names().quantities) // 2, network()
    heads = (own.targets[0], own.inputs[0], own.weights[0], own.units[0].sum, "…", f"∂E/∂{own.weights[-1]}")
    none = f"No iteration table was found: no row holds at least {least} of the headers {', '.join(heads)}."
    return BookFacts(
        artefact=book.artefact,
        sha256=book.sha256,
        verdict=BookVerdict.UNKNOWN,
        signature=signature(book),
        problem=" ".join(book.unread) or none,
        unread=book.unread,
        charts=judge_charts(book, (), ()),
        images=book.images,
        pictures=book.pictures,
        notes=book.notes,
    )


def _class_start(profile: Profile) -> dict[str, float]:
    biases = profile.biases
    fixed, trained = ((), biases) if profile.network.train_biases else (biases, ())
    values = (*profile.targets, *profile.inputs, *fixed, *profile.weights, *trained)
    return dict(zip(names().given, values, strict=True))


def signature(book: Book) -> str:
    """Hash of formulas and places: equal for books that were filled with the same formulas, whatever their
    values.
    """
    digest = hashlib.sha256()
    for sheet in book.sheets:
        for run in sheet.runs:
            if run.form >= 0:
                digest.update(f"{run.column},{run.row},{run.count},{book.forms[run.form]}\n".encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _unexplained(judged: Judged, replayed: Replayed) -> bool:
    explained = any(
        fault.severity is Severity.FAIL or fault.diagnosis == "wrong-value" for fault in judged.faults
    )
    unresolved = any(q.state is State.UNRESOLVED for q in judged.quantities)
    return replayed.agreement is Agreement.DEVIATES and not explained and not unresolved


def _deviates(model: Model, judged: Judged, replayed: Replayed) -> CellFault:
    return CellFault(
        sheet=model.book.sheets[judged.layout.table.sheet].name,
        cells=replayed.where,
        quantity="",
        diagnosis="replay-deviates",
        severity=Severity.WARN,
        message="every cell is right by itself, but a replay from other starting values leaves the "
        f"reference at {replayed.where}",
        expected="the reference",
        found=f"a relative difference of {replayed.deviation:.2g}"
        if replayed.deviation < NEVER
        else "no number",
        hint="A person should look at what this cell depends on.",
    )


def _table(model: Model, judged: Judged, replayed: Replayed) -> TableFacts:
    layout = judged.layout
    eta = layout.eta
    sheet = layout.table.sheet
    start = {name: value for name, value in replayed.start.items() if np.isfinite(value)}
    return TableFacts(
        sheet=model.book.sheets[sheet].name,
        header_row=layout.table.header_row,
        first_column=letters(min(layout.columns.values())),
        iterations=len(layout.rows),
        layout=" ".join(name for _, name in sorted((c, n) for n, c in layout.columns.items())),
        eta_known=eta is not None,
        eta=eta.value if eta is not None else 0.0,
        eta_cell=qualified(model, eta.cell, sheet) if eta is not None and eta.cell else "",
        inputs=tuple(start[name] for name in network().inputs if name in start),
        targets=tuple(start[name] for name in network().targets if name in start),
        weights=tuple(start[name] for name in network().weights if name in start),
        biases=tuple(start[name] for name in network().biases if name in start),
        quantities=judged.quantities,
        agreement=replayed.agreement,
        deviation=replayed.deviation,
        deviates_at=replayed.where,
        numbering=tuple("/".join(pair) for pair in judged.numbering),
    )


def _verdict(tables: Sequence[TableFacts], faults: Sequence[CellFault], unread: Sequence[str]) -> BookVerdict:
    if any(fault.severity is Severity.FAIL for fault in faults):
        return BookVerdict.WRONG
    filled = [table for table in tables if table.iterations and not only_values(table)]
    if filled and not unread and all(decided(table) for table in filled):
        return BookVerdict.CORRECT
    return BookVerdict.UNKNOWN


def only_values(table: TableFacts) -> bool:
    """Whether a table holds pasted numbers alone, which agree: it neither proves nor disproves a book's
    formulas.
    """
    states = {q.state for q in table.quantities if q.quantity in (*names().forward, *names().gradients)}
    return states <= {State.VALUES, State.MISSING}


def decided(table: TableFacts) -> bool:
    """Whether every gradient, the updates and the loss of a table are known to be right."""
    states: dict[str, QuantityFacts] = {quantity.quantity: quantity for quantity in table.quantities}

    def state(name: str) -> State:
        return states[name].state

    if any(
        state(name) in (State.WRONG, State.UNRESOLVED)
        for name in (*names().weights, *names().forward, *names().gradients)
    ):
        return False
    if table.agreement is not Agreement.AGREES:
        return False
    by_gradient = all(
        state(g) is State.RIGHT or (state(g) is State.MISSING and state(w) is State.RIGHT)
        for g, w in zip(names().gradients, names().weights, strict=True)
    )
    return by_gradient and (
        state("E_total") is State.RIGHT or (all(state(loss) is State.RIGHT for loss in network().losses))
    )


def _sweep(
    tables: Sequence[Simulated], shown: Sequence[ShownLosses], rates: Sequence[float]
) -> tuple[Sweep, ...]:
    usable = [t for t in tables if t.complete and t.layout.eta is not None and t.replayed.losses.size]
    found = []
    for rate in rates:
        sources = tuple(
            f"{one.shown_as.value} {one.sheet}!{one.cells}"
            if one.cells
            else f"{one.shown_as.value} {one.sheet}"
            for one in shown
            if same_rate(one.eta, rate)
        )
        own_table = [t for t in usable if t.layout.eta is not None and same_rate(t.layout.eta.value, rate)]
        table = next(iter(own_table or usable), None)
        losses = table.own(rate) if table is not None else None
        if table is None or losses is None or not np.isfinite(losses).all():
            found.append(Sweep(eta=rate, losses=(), max_deviation=0.0, sources=sources))
            continue
        gap = deviation(losses, table.reference(rate, len(losses)))
        found.append(
            Sweep(
                eta=rate,
                losses=tuple(float(x) for x in losses),
                max_deviation=gap,
                sources=sources,
            )
        )
    return tuple(found)
