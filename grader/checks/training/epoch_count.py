"""The network is trained for exactly the number of epochs that was asked for.

## What it checks
The epochs of every training run in the notebook's saved log, counted in log order, and the passes over the
training digits that the notebook's loop made when we ran it.

## Why it matters
Some courses ask for exactly 19 epochs. `range(1, 20)` runs 19 and `range(20)` runs 20; the log shows which it
was.

## Example
    EPOCHS = 19
    for epoch in range(1, EPOCHS):     # 18 epochs

## What to do instead
Write `range(19)` or `range(1, 20)`, and run the notebook again with its outputs.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.checks.training._runs import of_another, submitted, unless_another, without_log
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.facts.recipe import RecipeFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import Assignment, CheckParams
from grader.core.rule import Rule

_NO_COUNT = (
    "stop early",
    "number of epochs",
    "before the last batch",
    "training loader",
    "nothing was trained",
)


class Params(CheckParams, frozen=True, kw_only=True):
    """The number of `epochs`, no more and no fewer."""

    epochs: int = Assignment().exact_epochs
    limits: ClassVar[Mapping[str, str]] = {"epochs": "exact_epochs"}


def check(logs: LogEvidence, training: RecipeFacts | None, documents: Documents, params: Params) -> Outcome:
    """Pass where a complete log or the loop in our run has the number; fail where complete logs deny it and
    nothing says otherwise.
    """
    found = submitted(logs)
    runs = tuple(run for run in found.judged if run.origin is Origin.NOTEBOOK)
    looped = _looped(training)
    met = next((r for r in runs if r.complete and not r.silent and len(r.epochs) == params.epochs), None)
    if met:
        remarks = [_loop(training, looped, params)] if training and looped not in (0, params.epochs) else []
        return passed(f"the saved log shows {params.epochs} epochs ({met.place})", remarks)
    if not runs and looped == params.epochs:
        return passed(f"the loop makes {looped} epochs; no saved log shows them")
    counted = next((r for r in runs if len(r.epochs) == params.epochs), None)
    if counted and looped == params.epochs:
        return passed(f"{params.epochs} epochs in the saved log ({counted.gaps[0]}), and so many in the loop")
    findings = [_finding(r, params) for r in runs]
    halves = ", ".join(str(len(r.epochs)) for r in runs)
    if len(runs) > 1 and sum(len(r.epochs) for r in runs) == params.epochs:
        if looped == params.epochs:
            return passed(f"{params.epochs} epochs, trained and logged in parts ({halves})")
        together = f"together {params.epochs}, if one goes on from the other"
        return unknown(f"the log shows {halves} epochs: {together}", findings)
    if looped == params.epochs:
        return unknown(f"the loop makes {looped} epochs; the saved log does not show as many", findings)
    if found.of_another:
        return of_another(found)
    if not runs:
        return without_log(logs, documents)
    doubtful = next((r for r in runs if not r.complete or r.silent), None)
    if doubtful:
        silent = f"{doubtful.silent} are trained before them without a test"
        why = silent if doubtful.complete else doubtful.gaps[0]
        return unknown(f"{len(doubtful.epochs)} epochs were found, but {why}", findings)
    failure = failed(f"the log shows {halves} epochs, asked for are exactly {params.epochs}", findings)
    return unless_another(failure, (r for r in found.elsewhere if len(r.epochs) == params.epochs))


def _looped(training: RecipeFacts | None) -> int:
    """Epochs of the loop in our run; 0 where it was not read or may have been cut short."""
    if training is None or any(word in m for m in training.recipe.missing for word in _NO_COUNT):
        return 0
    return training.recipe.epochs


def _loop(training: RecipeFacts, looped: int, params: Params) -> Finding:
    return Finding(
        message="the code as handed in trains for another number of epochs than the log shows",
        found=f"{looped} epochs in our run of {training.artefact}, {params.epochs} in the log",
        hint="hand in the notebook as it was run",
        diagnosis="loop-differs-from-log",
        weight=Weight.REMARK,
    )


def _finding(run: Run, params: Params) -> Finding:
    count = len(run.epochs)
    less = count < params.epochs
    change = f"{abs(params.epochs - count)} {'more' if less else 'fewer'}"
    return Finding(
        message="the training has another number of epochs than was asked for",
        place=run.epochs[-1].place if less else run.epochs[min(params.epochs, count - 1)].place,
        expected=f"exactly {params.epochs} epochs",
        found=f"{count} epochs" + ("" if run.complete else f" ({run.gaps[0]})"),
        hint=f"{change}: range(1, {params.epochs + 1}) makes {params.epochs}"
        if count != params.epochs
        else "number the epochs in the log",
        excerpt=run.epochs[-1].excerpt,
        diagnosis="other-number-of-epochs" if run.complete else "incomplete-log",
    )


rule = Rule(code="TR507", name="epoch-count", check=check)
