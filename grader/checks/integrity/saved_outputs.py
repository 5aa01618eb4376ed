"""The saved outputs come from running the cells.

## What it checks
Whether a training log was printed from text in the cell's own source, and whether a log stands in a cell that
shows no execution count.

## Why it matters
Outputs are text in a file and can be typed. A cell that prints a log from a string proves nothing; an output
without `In [n]` may have been put there, or its count was cleared by a tool, which is why this is never more
than a question.

Measured on 39 labelled public notebooks, fifty hand-ins that nothing was tuned on and 643 further public
notebooks: 718 passes, none of which holds a cell that another script finds to print a log from its own text,
and one `unknown`: a note that shows the log above it once more. That is a remark since.

## Example
    log = 'Test set: Average loss: 0.0177, Accuracy: 9944/10000 (99.44%)'
    print(log)

## What to do instead
Run the notebook from top to bottom and save it with its outputs and execution counts.
"""

from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.rule import Rule


def check(notebooks: NotebookEvidence, logs: LogEvidence) -> Outcome:
    """Unknown for a log that a cell prints from its own text; everything else is a remark."""
    remarks = [
        Finding(
            message="log lines stand as text in a code cell",
            place=pasted.place,
            found=f"{pasted.lines} lines",
            hint="leave the log in the outputs",
            excerpt=pasted.excerpt,
            diagnosis="log-as-text",
            weight=Weight.REMARK,
        )
        for pasted in logs.pasted
    ]
    remarks += _without_count(notebooks, logs)
    printed = logs.of(Origin.PASTED)
    copies = [run for run in printed if any(_same(run, other) for other in logs.of(Origin.NOTEBOOK))]
    remarks += [
        Finding(
            message="a cell shows a log once more that another cell printed",
            place=run.place,
            found=f"{len(run.epochs)} epochs that the source spells out",
            excerpt=run.epochs[0].excerpt,
            diagnosis="log-shown-again",
            weight=Weight.REMARK,
        )
        for run in copies
    ]
    if any(run not in copies for run in printed):
        findings = [
            Finding(
                message="this log was printed from text in the same cell",
                place=run.place,
                expected="the output of a training loop",
                found=f"{len(run.epochs)} epochs that the source spells out",
                hint="run the training and keep its output",
                excerpt=run.epochs[0].excerpt,
                diagnosis="printed-log",
            )
            for run in printed
            if run not in copies
        ]
        return unknown("a cell prints a training log from its own text", [*findings, *remarks])
    if not any(n.has_outputs for n in notebooks.readable):
        return skipped("the notebook has no saved outputs")
    return passed("the saved logs are outputs of cells that ran", remarks)


def _same(printed: Run, saved: Run) -> bool:
    """Whether a training cell of the same notebook printed every epoch of this text, in this order."""
    own, other = (tuple((e.percent, e.total) for e in run.epochs) for run in (printed, saved))
    starts = range(len(other) - len(own) + 1)
    return printed.artefact == saved.artefact and any(other[i : i + len(own)] == own for i in starts)


def _without_count(notebooks: NotebookEvidence, logs: LogEvidence) -> list[Finding]:
    counts = {(n.artefact, c.number): c.execution_count for n in notebooks.readable for c in n.cells}
    return [
        Finding(
            message="the cell with the log shows no execution count",
            place=notebooks.notebooks[0].place(cell)
            if run.artefact == notebooks.notebooks[0].artefact
            else run.place,
            hint="run all cells and save the notebook without clearing anything",
            diagnosis="no-execution-count",
            weight=Weight.REMARK,
        )
        for run in logs.of(Origin.NOTEBOOK)
        for cell in run.cells
        if counts.get((run.artefact, cell)) is None
    ]


rule = Rule(code="IN802", name="saved-outputs", check=check)
