"""Printed summaries as claims: what the network checks make of them where nothing may be executed."""

from grader.core.evidence.summaries import LayerRow, Style, Sum, Summary, SummaryEvidence
from grader.core.submission import Kind, Submission


def printed(summaries: SummaryEvidence, submission: Submission) -> tuple[Summary, ...]:
    """The saved summaries of the main notebook; none at all where one of them does not add up to its total.

    A table that contradicts itself is worth nothing, and nobody knows which of several networks is handed in:
    what is claimed has to hold in each of them. Keras tables don't count, since only PyTorch can be executed
    later.
    """
    main = {a.path for a in submission.artefacts if a.kind is Kind.NOTEBOOK and a.main and a.readable}
    found = tuple(s for s in summaries.summaries if s.saved and s.place.artefact in main)
    sound = all(s.sums_up is Sum.EQUAL and s.style is not Style.KERAS for s in found)
    return found if sound else ()


def rows_of(summary: Summary, layer: str) -> tuple[LayerRow, ...]:
    """The rows whose type begins with `layer`, case ignored."""
    return tuple(row for row in summary.rows if row.type.lower().startswith(layer.lower()))
