"""The saved outputs come from running the cells.

## What it checks
Whether a training log was printed from text in the cell's own source, and whether a log stands in a cell that
shows no execution count.

## Why it matters
Outputs are text in a file and can be typed. A cell that prints a log from a string proves nothing; an output
without `In [n]` may have been put there, or its count was cleared by a tool, which is why this is never more
than a question.

In preview: it passed all of 39 labelled public notebooks and of 95 folders of public hand-ins, and rightly,
but none of them holds a printed log, so that its other side is measured on our own forgeries alone.

## Example
    log = 'Test set: Average loss: 0.0177, Accuracy: 9944/10000 (99.44%)'
    print(log)

## What to do instead
Run the notebook from top to bottom and save it with its outputs and execution counts.
"""

from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.rule import Rule, Status


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
    if printed := logs.of(Origin.PASTED):
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
        ]
        return unknown("a cell prints a training log from its own text", [*findings, *remarks])
    if not any(n.has_outputs for n in notebooks.readable):
        return skipped("the notebook has no saved outputs")
    return passed("the saved logs are outputs of cells that ran", remarks)


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


rule = Rule(code="IN802", name="saved-outputs", check=check, status=Status.PREVIEW)
