"""README and Markdown cells -> claims about the network, each with its place and the student's own words."""

from collections.abc import Iterable, Sequence

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.claims import Claim, ClaimEvidence, Sketch, Use
from grader.core.evidence.documents import Block, Documents, SourceLine
from grader.core.evidence.logs import LogEvidence
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.place import Place
from grader.core.submission import Kind
from grader.extract.claims.accuracies import read_accuracies
from grader.extract.claims.building_blocks import read_uses
from grader.extract.claims.loose_numbers import LOOSE, read_badges, read_loose
from grader.extract.claims.parameters import read_parameters
from grader.extract.claims.sentences import Sentence, sentences
from grader.extract.claims.training_settings import read_epochs, read_settings
from grader.extract.documents.layer_calls import layer_calls
from grader.extract.logs.model_summary import read_summaries
from grader.extract.logs.training_log import read_logs


def read_claims(
    documents: Documents,
    logs: LogEvidence | None = None,
    summaries: SummaryEvidence | None = None,
    data: DataSet = MNIST,
) -> ClaimEvidence:
    """Read every claim of every README and Markdown cell; lines of `logs` and `summaries` are no prose.

    Raises:
        Unavailable: there is neither a README nor a notebook to read.

    """
    readable = documents.of(Kind.README, Kind.NOTEBOOK)
    if not readable:
        raise documents.absent("a README or notebook", Kind.README, Kind.NOTEBOOK)
    taken = _taken(logs or read_logs(documents, None, data), summaries or read_summaries(documents))
    found = ClaimEvidence(readmes=sum(d.kind is Kind.README for d in readable))
    for document in readable:
        lines = [line for _, cell in document.prose() for line in cell]
        if document.notebook is None or not document.notebook.problem:
            found = _add(found, lines, taken, data)
    return found


def _numbers(sentence: Sentence, data: DataSet = MNIST) -> list[Claim]:
    """Every number that the sentence claims."""
    if not any(c.isdigit() for c in sentence.text):
        return []
    found = read_parameters(sentence)
    if sentence.fenced:
        return found
    return [*found, *read_accuracies(sentence, data), *read_epochs(sentence), *read_settings(sentence)]


def _taken(logs: LogEvidence, summaries: SummaryEvidence) -> frozenset[Place]:
    """Lines of logs and tables, which are evidence of their own kind and no prose."""
    epochs = {e.place for r in logs.runs for e in r.epochs} | {e.epoch.place for e in logs.evaluations}
    tables = [s for s in summaries.summaries if not s.saved]
    rows = {r.place for s in tables for r in s.rows} | {s.place for s in tables}
    totals = {s.total_place for s in tables if s.total_place}
    return frozenset(epochs | rows | totals)


def _add(
    found: ClaimEvidence, lines: Sequence[SourceLine], taken: frozenset[Place], data: DataSet
) -> ClaimEvidence:
    claims: list[Claim] = []
    uses: list[Use] = []
    loose = [claim for line in lines if line.place.cell is None for claim in read_badges(line)]
    for sentence in sentences(lines, skip=taken):
        read = _numbers(sentence, data)
        if sentence.headed:
            placed = sentence.place.cell is None
            loose += [claim for claim in read if placed and claim.what in LOOSE]
            continue
        claims += read
        uses += read_uses(sentence)
        if sentence.place.cell is None:
            known = {(claim.what, claim.value) for claim in read}
            loose += [claim for claim in read_loose(sentence, data) if (claim.what, claim.value) not in known]
    return ClaimEvidence(
        claims=(*found.claims, *claims),
        loose=(*found.loose, *loose),
        uses=(*found.uses, *uses),
        sketches=(*found.sketches, *_sketches(lines)),
        readmes=found.readmes,
    )


def _sketches(lines: Iterable[SourceLine]) -> list[Sketch]:
    """Code of a network between two headings is one sketch; a second class starts another."""
    found: list[Sketch] = []
    block: list[SourceLine] = []
    section = 0

    def end() -> None:
        calls = layer_calls("\n".join(line.text for line in block))
        if sum(call.weighted for call in calls) >= 2:
            counted = [call.parameters or 0 for call in calls]
            found.append(
                Sketch(
                    place=block[calls[0].line - 1].place,
                    parameters=sum(counted),
                    weighted=tuple(call.parameters or 0 for call in calls if call.weighted),
                    complete=all(call.parameters is not None for call in calls),
                    section=section,
                )
            )
        block.clear()

    for line in lines:
        if line.block is Block.HEADING or line.text.lstrip().startswith("class "):
            end()
            section += line.block is Block.HEADING
        block.append(line)
    end()
    return found
