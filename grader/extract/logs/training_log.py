"""Outputs and README text -> training runs: which lines are epochs, which belong together, and whether any is
missing.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.documents import Block, Document, Documents, SourceLine
from grader.core.evidence.logs import LogEvidence, Origin, PastedLog, SequenceKind
from grader.core.evidence.notebook import Channel, Framework, Notebook, NotebookCell
from grader.core.faults import Unavailable
from grader.core.submission import Kind, Sources
from grader.extract.documents.cell_names import parsed, sibling_modules
from grader.extract.documents.documents import read_documents
from grader.extract.logs.found_logs import MIN_PASTED, FoundLogs, with_doubts
from grader.extract.logs.kinds import kind_of, shown_text, split_runs
from grader.extract.logs.lines import Split, is_bar, read_line
from grader.extract.logs.readings import MAX_LINE, Text, readings
from grader.extract.logs.runs import (
    Reading,
    Segment,
    Whose,
    joins,
    left_out,
    segments,
    split_loops,
    split_outside,
    to_epoch,
    to_run,
)
from grader.extract.logs.source.epoch_loops import find_loop
from grader.extract.logs.source.followed_loops import silent_epochs
from grader.extract.logs.source.loops import Loop
from grader.extract.logs.source.printed_lines import Line, printed_accuracies
from grader.extract.logs.source.printed_lists import printed_lists
from grader.extract.logs.source.spelled_out import echoed, spelled_out


def read_logs(documents: Documents, sources: Sources | None = None, data: DataSet = MNIST) -> LogEvidence:
    """Find every training run in notebook outputs, Markdown cells and READMEs.

    `sources` hold the files that cells import; without them a name that one of them makes is made by nothing.

    Raises:
        Unavailable: there is neither a notebook nor a README to read.

    """
    readable = documents.of(Kind.NOTEBOOK, Kind.README)
    if not readable:
        raise documents.absent("a README or notebook", Kind.README, Kind.NOTEBOOK)
    found = FoundLogs()
    notebooks = [d.notebook for d in readable if d.notebook is not None and not d.notebook.problem]
    for document in readable:
        if document.notebook is None:
            read_text_log(document.lines, document.path, found, main=document.main, data=data)
        elif not document.notebook.problem:  # of a log that was cut off nobody knows how it ended
            _read_notebook_log(document, document.notebook, found, data)
    return LogEvidence(
        runs=with_doubts(found, notebooks, sibling_modules(sources), data),
        evaluations=tuple(found.evaluations),
        pasted=tuple(found.pasted),
        outside=tuple(found.outside),
        notebooks=len(notebooks),
        notebooks_with_outputs=sum(n.has_outputs for n in notebooks),
        framework_keras=any(n.framework is Framework.KERAS for n in notebooks),
    )


def logs_of(sources: Sources) -> LogEvidence | None:
    """Return the logs of a submission for a command without a rubric; None where nothing can hold one."""
    try:
        return read_logs(read_documents(sources), sources)
    except Unavailable:
        return None


def _read_notebook_log(document: Document, notebook: Notebook, found: FoundLogs, data: DataSet) -> None:
    """Runs of one notebook: outputs first, then what its Markdown cells quote."""
    pending: list[_Part] = []
    trees = {cell.number: parsed(cell.source) for cell in notebook.code_cells}
    for cell in notebook.code_cells:
        _note_pasted(notebook, cell, found, data)
        read, stated = _of_cell(notebook, cell, trees, data)
        if not read and not stated:
            continue
        shown, spelled = segments(read), spelled_out(cell, notebook)
        rest = [
            r
            for r in left_out([*read, *stated], shown)
            if not is_bar(r.excerpt) and not _OF_ONE.search(r.excerpt)
        ]
        found.add_outside(
            to_epoch(r, half_unit=r.accuracy.half_unit) for r in rest if r.excerpt not in spelled.text
        )
        if not shown:
            continue
        loop = find_loop(notebook, [cell])
        for segment in shown:
            parts = (piece for part in split_runs(segment) for piece in split_outside(part, loop))
            pieces = (piece for part in parts for piece in split_loops(part, loop.length))
            pending.extend(_Part(piece, cell, echoed(piece, spelled)) for piece in pieces)
    facts = _OfCells(notebook)
    since = 0
    for group in _join(notebook, pending):
        segment = group[0].segment._replace(
            readings=tuple(r for part in group for r in part.segment.readings)
        )
        cells = [part.cell for part in group]
        facts.look(cells, since)
        loop = facts.loop
        kind = kind_of(segment, echoed=group[0].echoed, loop=loop)
        if kind is SequenceKind.LOG and segment.readings[0].accuracy.statement:
            kind = SequenceKind.EXCERPT  # of the epochs that were better than all before them
        whose = Whose(
            Origin.PASTED if kind is SequenceKind.ECHO else Origin.NOTEBOOK,
            notebook.artefact,
            notebook.main,
            tuple(dict.fromkeys(c.number for c in cells)),
        )
        run = to_run(
            segment,
            whose,
            loop,
            kind=kind,
            broken=facts.broken,
            stops_early=facts.stops_early,
            start_cut=facts.start_cut,
        )
        if len(segment.readings) > 1:
            run, since = msgspec.structs.replace(run, silent=facts.silent), cells[-1].number
        found.add(run, kind, segment.shape)
    for _, lines in document.prose():
        if any("acc" in line.text.lower() for line in lines):
            read_text_log(lines, notebook.artefact, found, main=notebook.main, data=data)


def _of_cell(
    notebook: Notebook, cell: NotebookCell, trees: Mapping[int, ast.Module | None], data: DataSet
) -> tuple[list[Reading], list[Reading]]:
    """The epochs that the output of a cell tells, and what it states beside them."""
    stated: list[Reading] = []
    output = _output_lines(notebook, cell)
    read = readings(output, data, stated)
    if all(is_bar(r.excerpt) for r in read):  # a bar shows the last epoch alone
        printed = _by_source(output, printed_accuracies(trees, cell.number), data)
        read = printed if len(printed) > len(read) else read
    read = read or _new_bests(stated)
    if not read and any(_LISTS.search(line.text[:MAX_LINE]) for line in output):
        read = _by_list(output, printed_lists(trees, cell.number), data)
    return read, stated


_LISTS = re.compile(r"\[\s*\d+\.\d+\s*,\s*\d+\.\d")
"""`[97.81, 98.36, …]`"""


def _by_list(lines: Sequence[Text], statements: Sequence[re.Pattern[str]], data: DataSet) -> list[Reading]:
    """The epochs of a list of test accuracies that a line shows, each as a line of its own."""
    for line in lines if statements else ():
        shown = next(filter(None, (s.fullmatch(line.text.strip()) for s in statements)), None)
        values = re.findall(r"\d+\.\d+", shown["values"]) if shown else []
        if len(values) > 1:
            each = [
                line._replace(text=f"Epoch {n} Test accuracy: {v}{'%' if float(v) > 1 else ''}")
                for n, v in enumerate(values, 1)
            ]
            return [r._replace(excerpt=line.text.strip()[:200]) for r in readings(each, data)]
    return []


def _new_bests(stated: Sequence[Reading]) -> list[Reading]:
    """Lines that tell each epoch that is better than all before it, `epoch 13: new best test accuracy 99.4%`;
    none where anything else is stated.
    """
    rise = all(
        a.marker is not None
        and b.marker is not None
        and a.marker.printed < b.marker.printed
        and a.accuracy.percent < b.accuracy.percent
        for a, b in itertools.pairwise(stated)
    )
    wanted = any(r.accuracy.wanted for r in stated)
    return list(stated) if len(stated) > 1 and rise and not wanted else []


def _by_source(lines: Sequence[Text], statements: Sequence[Line], data: DataSet) -> list[Reading]:
    """Readings of lines that do not say what they are, by the statements that printed them."""
    said = {
        line.place: label
        for line in lines
        for label in [next(filter(None, (s.labelled(line.text, data.test_images) for s in statements)), "")]
        if label
    }
    if not said:
        return []
    told = {line.place: line.text.strip()[:200] for line in lines}
    found = readings([line._replace(text=said.get(line.place, line.text)) for line in lines], data)
    return [reading._replace(excerpt=told[reading.place]) for reading in found]


class _OfCells:
    """What the cells of a run say of it; looked up once for neighbouring runs of the same cells, since one
    output may hold ten thousand.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._cells: tuple[int, ...] = ()
        self._may_stop = any(
            "early" in c.source.lower() and _EARLY.search(c.source) for c in notebook.code_cells
        )
        self.loop = Loop(None, None)
        self.silent = 0
        self.broken: tuple[str, ...] = ()
        self.stops_early = False
        self.start_cut = False

    def look(self, cells: Sequence[NotebookCell], since: int) -> None:
        """Look at the cells of the next run, and at those before it that follow a cell, for silent loops."""
        numbers = tuple(cell.number for cell in cells)
        if numbers == self._cells:
            return
        self._cells = numbers
        self.loop = find_loop(self._notebook, cells)
        self.silent = silent_epochs(self._notebook, self._before(cells, since), cells)
        self.broken = tuple(reason for c in cells for reason in _interruptions(c))
        self.stops_early = self._may_stop or any(_stops_early(c) for c in cells)
        self.start_cut = any(_TRUNCATED.search(o.text) for c in cells for o in c.outputs)

    def _before(self, cells: Sequence[NotebookCell], since: int) -> list[NotebookCell]:
        """Cells that ran before some, as their counts say where there are any."""
        run = cells[0].execution_count
        between = [c for c in self._notebook.code_cells if since < c.number < cells[0].number]
        return [c for c in between if run is None or (c.execution_count or run) < run]


class _Part(NamedTuple):
    """A piece of a cell's output, and whether the cell's text spells it out."""

    segment: Segment
    cell: NotebookCell
    echoed: bool


def _join(notebook: Notebook, parts: Sequence[_Part]) -> list[list[_Part]]:
    """Put pieces of neighbouring cells together where the later goes on training the network of the
    earlier.
    """
    groups: list[list[_Part]] = []
    for part in parts:
        previous = groups[-1][-1] if groups else None
        if previous and previous.cell.number != part.cell.number and _may_join(previous, part):
            between = [c for c in notebook.code_cells if previous.cell.number < c.number <= part.cell.number]
            if joins(previous.segment, part.segment, "\n".join(c.source for c in between)):
                groups[-1].append(part)
                continue
        groups.append([part])
    return groups


def _may_join(before: _Part, after: _Part) -> bool:
    if before.echoed or after.echoed or not (before.segment.looped and after.segment.looped):
        return False
    return all(kind_of(p.segment) is not SequenceKind.TABLE_OF_RUNS for p in (before, after))


def read_text_log(
    lines: Iterable[SourceLine], artefact: str, found: FoundLogs, *, main: bool, data: DataSet = MNIST
) -> None:
    """Runs that a README or a Markdown cell quotes. Prose is no log: it takes fractions, or many lines of one
    shape.
    """
    heading = ""
    section: list[Text] = []
    for line in [*lines, None]:
        if line is None or (line.block is Block.HEADING and not read_line(line.text, data).accuracies):
            for segment in segments(readings(section, data)):
                for part in split_runs(segment):
                    whose = Whose(Origin.README, artefact, main, _cells_of(part), heading)
                    _add_quoted(part, whose, found)
            section = []
            heading = line.text.strip("# \t") if line else ""
        else:
            section.append(Text(line.place, line.text, bar_channel=False))


def _add_quoted(part: Segment, whose: Whose, found: FoundLogs) -> None:
    kind = kind_of(part)
    if kind is not SequenceKind.TABLE_OF_RUNS and not _credible(part):
        return
    if kind is SequenceKind.LOG and len(part.readings) == 1 and part.readings[0].marker is None:
        kind = SequenceKind.SINGLE  # no loop stands above a text: a number tells an epoch
    found.add(to_run(part, whose, Loop(None, None), kind=kind), kind, part.shape)


def _cells_of(segment: Segment) -> tuple[int, ...]:
    cell = segment.readings[0].place.cell
    return () if cell is None else (cell,)


def _credible(segment: Segment) -> bool:
    """Whether lines of a text were printed by a loop rather than written as prose."""
    fractions = sum(r.accuracy.total is not None for r in segment.readings)
    numbered = sum(r.marker is not None for r in segment.readings)
    return fractions * 2 > len(segment.readings) or len(segment.readings) >= (3 if numbered >= 3 else 5)


_OF_ONE = re.compile(
    r"(?<![a-z])(?:class|digit|label|batch)(?:es)?\W{0,3}(?:no\.?\s*)?\d|acc\w*\s+(?:of|for)\W{0,3}\d\b",
    re.IGNORECASE,
)
"""The accuracy of one class or of one batch is that of no epoch."""


def _output_lines(notebook: Notebook, cell: NotebookCell) -> list[Text]:
    return [
        Text(notebook.place(cell.number, output.line + offset), text, output.channel is Channel.STDERR)
        for output in cell.outputs
        if output.channel is not Channel.ERROR
        for offset, text in enumerate(
            shown_text(output.text) if output.channel is Channel.RESULT else output.text.split("\n")
        )
    ]


_TRUNCATED = re.compile(r"streaming output truncated to the last", re.IGNORECASE)


def _interruptions(cell: NotebookCell) -> list[str]:
    found = [f"the output of cell {cell.number} is too long to be read to its end"] if cell.cut else []
    for output in cell.outputs:
        if output.channel is Channel.ERROR:
            name = output.text.strip().rsplit("\n", 1)[-1][:80]
            found.append(f"cell {cell.number} ended in an error ({name})")
        elif _TRUNCATED.search(output.text):
            found.append(f"Colab cut the output of cell {cell.number} to its last lines")
    return found


_STOPPED = re.compile(r"early\s*stop|stopping (?:training|early)", re.IGNORECASE)
_EARLY = re.compile(r"(?m)^[ \t]*break\b|early[ _]?stop|patience", re.IGNORECASE)


def _stops_early(cell: NotebookCell) -> bool:
    return bool(_EARLY.search(cell.source)) or any(_STOPPED.search(o.text) for o in cell.outputs)


def _log_lines(source: str, data: DataSet) -> list[tuple[int, str]]:
    return [
        (number, text.strip())
        for number, text in enumerate((t[:MAX_LINE] for t in source.split("\n")), 1)
        if re.search(r"\d{4,}\s*/\s*\d{4,}|acc\w*\W{1,4}\d{2}\.\d", text, re.IGNORECASE)
        and any(a.split is Split.TEST for a in read_line(text, data).accuracies)
    ]


def _note_pasted(notebook: Notebook, cell: NotebookCell, found: FoundLogs, data: DataSet) -> None:
    lines = [(n, t) for n, t in _log_lines(cell.source, data) if not t.startswith("#")]
    if len(lines) >= MIN_PASTED:
        number, text = lines[0]
        found.pasted.append(
            PastedLog(place=notebook.place(cell.number, number), lines=len(lines), excerpt=text[:200])
        )
