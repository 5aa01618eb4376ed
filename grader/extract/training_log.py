"""Outputs and README text -> training runs: which lines are epochs, which belong together, and whether any is missing."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from grader.core.evidence.documents import Block, Document, Documents, SourceLine
from grader.core.evidence.logs import Evaluation, LogEvidence, Origin, PastedLog, Run
from grader.core.evidence.notebook import CellKind, Channel, Framework, Notebook, NotebookCell
from grader.core.place import Place
from grader.core.submission import Kind
from grader.extract.log_lines import Marker, Split, read_line
from grader.extract.log_runs import (
    Loop,
    Reading,
    Segment,
    find_loop,
    joins,
    segments,
    split_loops,
    split_restarts,
    to_run,
)
from grader.extract.log_tables import table_rows

MAX_LINE = 2_000
"""Characters of a line that are looked at; accuracies stand at its start or its end."""
MAX_LINES = 200_000
MIN_PASTED = 3
"""Log lines in the source of a code cell from which it counts as a pasted log."""


def read_logs(documents: Documents) -> LogEvidence:
    """Find every training run in notebook outputs, Markdown cells and READMEs.

    Raises:
        Unavailable: there is neither a notebook nor a README to read.

    """
    readable = documents.of(Kind.NOTEBOOK, Kind.README)
    if not readable:
        raise documents.absent("a README or notebook", Kind.README, Kind.NOTEBOOK)
    found = FoundLogs()
    notebooks = [d.notebook for d in readable if d.notebook is not None and not d.problem]
    for document in readable:
        if document.notebook is None:
            read_text_log(document.lines, document.path, found, main=document.main)
        elif not document.problem:  # of a log that was cut off nobody knows how it ended
            _read_notebook_log(document, document.notebook, found)
    return LogEvidence(
        runs=tuple(found.runs),
        evaluations=tuple(found.evaluations),
        pasted=tuple(found.pasted),
        notebooks=len(notebooks),
        notebooks_with_outputs=sum(n.has_outputs for n in notebooks),
        framework_keras=any(n.framework is Framework.KERAS for n in notebooks),
    )


class FoundLogs:
    """What was found so far, in reading order."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.evaluations: list[Evaluation] = []
        self.pasted: list[PastedLog] = []

    def add(self, segment: Segment, run: Run) -> None:
        """Keep a segment as a run, or as an evaluation where it is a single line outside any loop."""
        looped = segment.looped if run.origin is not Origin.README else segment.readings[0].marker is not None
        if len(run.epochs) == 1 and not looped:
            self.evaluations.append(Evaluation(origin=run.origin, epoch=run.epochs[0], what=segment.shape))
        elif not any(_repeats(run, other) for other in self.runs if other.artefact == run.artefact):
            self.runs.append(run)


def _repeats(run: Run, other: Run) -> bool:
    """Whether a run only prints another one of the same notebook or README again, say as a table at its end."""
    if len(run.epochs) > len(other.epochs) or len(run.epochs) < 2 or run.origin is not other.origin:
        return False
    tail = other.epochs[len(other.epochs) - len(run.epochs) :]
    return all(
        abs(a.percent - b.percent) <= a.half_unit + b.half_unit + 1e-9
        for a, b in zip(run.epochs, tail, strict=True)
    )


class _Text(NamedTuple):
    place: Place
    text: str
    bar_channel: bool


def _read_notebook_log(document: Document, notebook: Notebook, found: FoundLogs) -> None:
    """Runs of one notebook: outputs first, then what its Markdown cells quote."""
    pending: list[tuple[Segment, NotebookCell]] = []
    for cell in notebook.cells:
        if cell.kind is not CellKind.CODE:
            continue
        _note_pasted(notebook, cell, found)
        for segment in segments(readings(_output_lines(notebook, cell))):
            length = find_loop(notebook, [cell]).length
            for part in split_restarts(segment):
                pending.extend((piece, cell) for piece in split_loops(part, length))
    for group in _join(notebook, pending):
        segment = group[0][0]._replace(readings=tuple(r for part, _ in group for r in part.readings))
        cells = [cell for _, cell in group]
        pasted = _is_pasted(segment, cells)
        run = to_run(
            segment,
            origin=Origin.PASTED if pasted else Origin.NOTEBOOK,
            artefact=notebook.artefact,
            main=notebook.main,
            cells=tuple(dict.fromkeys(c.number for c in cells)),
            loop=find_loop(notebook, cells),
            broken=tuple(reason for c in cells for reason in _interruptions(c)),
            stops_early=any(_stops_early(notebook, c) for c in cells),
        )
        found.add(segment, run)
    for _, lines in document.prose():
        if any("acc" in line.text.lower() for line in lines):
            read_text_log(lines, notebook.artefact, found, main=notebook.main)


def _join(
    notebook: Notebook, parts: Sequence[tuple[Segment, NotebookCell]]
) -> list[list[tuple[Segment, NotebookCell]]]:
    groups: list[list[tuple[Segment, NotebookCell]]] = []
    for part, cell in parts:
        previous = groups[-1][-1] if groups else None
        if previous and previous[1].number != cell.number and part.looped and previous[0].looped:
            between = [c for c in notebook.code_cells if previous[1].number < c.number <= cell.number]
            if joins(previous[0], part, "\n".join(c.source for c in between)):
                groups[-1].append((part, cell))
                continue
        groups.append([(part, cell)])
    return groups


def read_text_log(lines: Iterable[SourceLine], artefact: str, found: FoundLogs, *, main: bool) -> None:
    """Runs that a README or a Markdown cell quotes. Prose is no log: it takes fractions, or many lines of one shape."""
    heading = ""
    section: list[_Text] = []
    for line in [*lines, None]:
        if line is None or (line.block is Block.HEADING and not read_line(line.text).accuracies):
            for segment in segments(readings(section)):
                for part in split_restarts(segment):
                    run = to_run(
                        part,
                        origin=Origin.README,
                        artefact=artefact,
                        main=main,
                        cells=_cells_of(part),
                        loop=Loop(None, None),
                        heading=heading,
                    )
                    if _credible(part):
                        found.add(part, run)
            section = []
            heading = line.text.strip("# \t") if line else ""
        else:
            section.append(_Text(line.place, line.text, bar_channel=False))


def _cells_of(segment: Segment) -> tuple[int, ...]:
    cell = segment.readings[0].place.cell
    return () if cell is None else (cell,)


def _credible(segment: Segment) -> bool:
    """Whether lines of a text were printed by a loop rather than written as prose."""
    fractions = sum(r.accuracy.total is not None for r in segment.readings)
    numbered = sum(r.marker is not None for r in segment.readings)
    return fractions * 2 > len(segment.readings) or len(segment.readings) >= (3 if numbered >= 3 else 5)


def readings(lines: Iterable[_Text]) -> list[Reading]:
    """Every test accuracy of some lines in order, each with the epoch marker that precedes it."""
    found: list[Reading] = []
    marker: Marker | None = None
    context = Split.UNSAID
    train: float | None = None
    bars = 0
    texts = list(lines)[:MAX_LINES]
    tables = table_rows([t.text for t in texts])
    for index, (place, whole, _) in enumerate(texts):
        row = tables.get(index)
        if row:
            found.append(Reading(place, row.accuracy, row.marker, row.train, whole.strip()[:200], bars > 0))
            continue
        text = whole
        if len(whole) > MAX_LINE and "\r" not in whole:
            text = whole[: MAX_LINE // 2] + " " + whole[-MAX_LINE // 2 :]
        last: dict[int | None, Reading] = {}
        for piece in _redraws(text):
            line = read_line(_undress(piece))
            if line.marker:
                marker, context = line.marker, Split.UNSAID
            if line.bar:
                bars += 1
            for accuracy in line.accuracies:
                split = accuracy.split if accuracy.split is not Split.UNSAID else context
                if split is Split.TRAIN and not accuracy.statement:
                    train = accuracy.percent
                elif split is Split.TEST and not accuracy.statement:
                    key = line.marker.printed if line.marker else None
                    shown = accuracy._replace(split=split)
                    last[key] = Reading(place, shown, marker, train, piece.strip()[:200], bars > 0)
            if line.split is not Split.UNSAID and not line.accuracies and not line.bar:
                context = line.split
        if last:
            found.extend(last.values())
            marker, train = None, None
    return found


def _redraws(text: str) -> list[str]:
    """What a line showed over time: a terminal draws over it from the start at each `\\r`."""
    return [p for p in text.split("\r") if p.strip()] if "\r" in text else [text]


_DRESS = re.compile(
    r"\*\*|__(?=\S)|(?<=\S)__|`|<br\s*/?>|&nbsp;|</?(?:b|i|code|strong|em|u|p|li|font)[^>]{0,80}>",
    re.IGNORECASE,
)


def _undress(text: str) -> str:
    return _DRESS.sub("", text) if any(c in text for c in "*_`<&") else text


def _output_lines(notebook: Notebook, cell: NotebookCell) -> list[_Text]:
    return [
        _Text(notebook.place(cell.number, output.line + offset), text, output.channel is Channel.STDERR)
        for output in cell.outputs
        if output.channel is not Channel.ERROR
        for offset, text in enumerate(output.text.split("\n"))
    ]


_TRUNCATED = re.compile(r"streaming output truncated to the last", re.IGNORECASE)


def _interruptions(cell: NotebookCell) -> list[str]:
    found: list[str] = []
    for output in cell.outputs:
        if output.channel is Channel.ERROR:
            name = output.text.strip().rsplit("\n", 1)[-1][:80]
            found.append(f"cell {cell.number} ended in an error ({name})")
        elif _TRUNCATED.search(output.text):
            found.append(f"Colab cut the output of cell {cell.number} to its last lines")
    return found


_EARLY = re.compile(r"(?m)^[ \t]*break\b|early[ _]?stop|patience", re.IGNORECASE)


def _stops_early(notebook: Notebook, cell: NotebookCell) -> bool:
    return (
        bool(_EARLY.search(cell.source))
        or any(
            re.search(r"early\s*stop|stopping (?:training|early)", o.text, re.IGNORECASE)
            for o in cell.outputs
        )
        or any("early" in c.source.lower() and _EARLY.search(c.source) for c in notebook.code_cells)
    )


def _log_lines(source: str) -> list[tuple[int, str]]:
    return [
        (number, text.strip())
        for number, text in enumerate((t[:MAX_LINE] for t in source.split("\n")), 1)
        if re.search(r"\d{4,}\s*/\s*\d{4,}|acc\w*\W{1,4}\d{2}\.\d", text, re.IGNORECASE)
        and any(a.split is Split.TEST for a in read_line(text).accuracies)
    ]


def _note_pasted(notebook: Notebook, cell: NotebookCell, found: FoundLogs) -> None:
    lines = [(n, t) for n, t in _log_lines(cell.source) if not t.startswith("#")]
    if len(lines) >= MIN_PASTED:
        number, text = lines[0]
        found.pasted.append(
            PastedLog(place=notebook.place(cell.number, number), lines=len(lines), excerpt=text[:200])
        )


def _is_pasted(segment: Segment, cells: Iterable[NotebookCell]) -> bool:
    source = "\n".join(c.source for c in cells)
    same = sum(r.excerpt in source for r in segment.readings if len(r.excerpt) > 12)
    return same * 2 > len(segment.readings)
