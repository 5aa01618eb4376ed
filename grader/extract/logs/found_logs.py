"""Runs as they are found in a submission, in reading order: what repeats another is dropped, and of too many
only the first are kept.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.logs import Epoch, Evaluation, Origin, PastedLog, Run, SequenceKind
from grader.core.evidence.notebook import Framework, Notebook
from grader.extract.documents.cell_names import Printing
from grader.extract.logs.kinds import is_excerpt_of, repeats
from grader.extract.logs.leaks.leaked_digits import TrainedOnTest
from grader.extract.logs.leaks.more_training import loaded_weights, passes_of_an_epoch
from grader.extract.logs.leaks.other_measures import other_measure
from grader.extract.logs.leaks.raised_counts import raised_count
from grader.extract.logs.source.reached import runs_no_network
from grader.extract.logs.source.spelled_out import shows_a_file

MAX_RUNS = 400
"""Runs that are kept of a submission; each is compared with all others. A sweep over six rates has six."""
MIN_PASTED = 3
"""Log lines in the source of a code cell from which it counts as a pasted log."""


class FoundLogs:
    """What was found so far, in reading order."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.evaluations: list[Evaluation] = []
        self.pasted: list[PastedLog] = []
        self.outside: list[Epoch] = []
        self.beyond: set[str] = set()
        """Documents of which not every run was kept."""

    def add_outside(self, epochs: Iterable[Epoch]) -> None:
        """Keep accuracies that are no epoch of any run."""
        self.outside.extend(itertools.islice(epochs, MAX_RUNS - len(self.outside)))

    def add(self, run: Run, kind: SequenceKind, what: str) -> None:
        """Keep a sequence as a run if it is the log of one, else each of its accuracies by itself.

        What shows epochs of another run of the same document again is dropped, whichever of the two stands
        first.
        """
        single = kind is SequenceKind.ECHO and len(run.epochs) < MIN_PASTED
        if single or kind in (SequenceKind.SINGLE, SequenceKind.TABLE_OF_RUNS):
            self.evaluations += [
                Evaluation(origin=run.origin, epoch=epoch, what=what, kind=kind) for epoch in run.epochs
            ]
        elif len(self.runs) >= MAX_RUNS:
            self.beyond.add(run.artefact)
        elif not any(repeats(run, other) or is_excerpt_of(run, other) for other in self.runs):
            self.runs = [other for other in self.runs if not is_excerpt_of(other, run)]
            self.runs.append(run)


def with_doubts(
    found: FoundLogs, notebooks: Sequence[Notebook], modules: Mapping[str, str], data: DataSet = MNIST
) -> tuple[Run, ...]:
    """The runs, with why the cells that one stands under cannot have printed it or train on what they test
    on, and with what was not read of a document of too many.
    """
    by_path = {notebook.artefact: notebook for notebook in reversed(notebooks)}

    @cache
    def printing(path: str) -> Printing:
        return Printing(by_path[path], modules)

    @cache
    def unprinted(path: str, cells: tuple[int, ...]) -> str:
        asked = [c for c in by_path[path].code_cells if c.number in cells]
        shown = (shows_a_file(c, by_path[path]) for c in asked)
        idle = (runs_no_network(c, by_path[path], modules) for c in asked)
        return next(filter(None, shown), "") or printing(path).refused(cells) or next(filter(None, idle), "")

    @cache
    def trained_on_test(path: str) -> TrainedOnTest:
        return TrainedOnTest(printing(path).trees, modules)

    def tested(run: Run) -> int:
        halves = trained_on_test(run.artefact).shares(run.cells)
        return data.test_images if len(halves) == 1 and all("train=False" in half for half in halves) else 0

    def measured(run: Run) -> str:
        part = "" if run.denominators else trained_on_test(run.artefact).part_tested(run.cells)
        trees = printing(run.artefact).trees
        return part or other_measure(trees, run.cells) or raised_count(trees, run.cells)

    def doubts(run: Run) -> Run:
        unread = f"{run.artefact} shows more than {MAX_RUNS} runs, and the others were not read"
        ours = run.origin is Origin.NOTEBOOK and run.artefact in by_path
        return msgspec.structs.replace(
            run,
            unprinted=unprinted(run.artefact, run.cells) if ours else run.unprinted,
            leaked=_leaked(trained_on_test(run.artefact), run, data) if ours else run.leaked,
            tested=tested(run) if ours and not run.denominators else run.tested,
            miscounted=_miscounted(by_path[run.artefact], run.cells) if ours else run.miscounted,
            measured=measured(run) if ours else run.measured,
            passes=passes_of_an_epoch(printing(run.artefact).trees, run.cells) if ours else run.passes,
            loaded=loaded_weights(printing(run.artefact).trees, run.cells) if ours else run.loaded,
            gaps=(*run.gaps, unread) if run.artefact in found.beyond else run.gaps,
        )

    return tuple(doubts(run) for run in found.runs)


def _leaked(found: TrainedOnTest, run: Run, data: DataSet) -> str:
    """Why the digits that a run tests on are none of the test half, or were trained on; empty in doubt."""
    halves = found.scored(run.cells)
    whole = run.denominators == (data.test_images,)
    if whole and halves and all("train=True" in half for half in halves):
        return f"the loop tests on {' and '.join(sorted(halves))}, and the log counts {data.test_images:,}"
    return found.found(run.cells)


_COMPILED = re.compile(r"\.compile\s*\(((?:[^()]|\([^()]*\)){0,2000})\)")
_BINARY = re.compile(r"binary_?crossentropy", re.IGNORECASE)
_BARE_METRIC = re.compile(r"[\"']acc(?:uracy)?[\"']")


def _miscounted(notebook: Notebook, cells: tuple[int, ...]) -> str:
    """Say what the `accuracy` of a Keras log may count where the model was last compiled with a binary loss.

    Keras before TensorFlow 2 resolves the name by the loss: over ten outputs, eight are right for a wrong
    digit.
    """
    if notebook.framework is not Framework.KERAS:
        return ""
    until = max(cells, default=0)
    source = "\n".join(cell.source for cell in notebook.code_cells if cell.number <= until)
    calls = _COMPILED.findall(source)
    if not calls or not (_BINARY.search(calls[-1]) and _BARE_METRIC.search(calls[-1])):
        return ""
    return "under binary_crossentropy older versions of Keras count each output by itself, not each digit"
