"""The training stays within the allowed number of epochs.

## What it checks
The number of epochs of every training run in the notebook's saved log, counted in log order, against the
allowed number.

## Why it matters
The assignment limits the training as well as the network. `range(1, 20)` runs 19 epochs and `range(20)` runs
20, so "less than 20" and "at most 20" differ by one run: the rubric says which holds. Of several runs the one
that reaches the accuracy counts: a trial of one epoch beside a training of 25 keeps no limit.

Measured on 39 labelled public notebooks (39 of 39 counted as labelled), on fifty hand-ins that nothing was
tuned on (43 counted, all as a script of ours counts the printed lines) and on 643 other public notebooks: 562
of 569 counts are that script's; six of the others hold several runs in one cell, which it does not part, and
one of another data set is one too high. No verdict was wrong.

## Example
    for epoch in range(1, 25):     # 24 epochs

## What to do instead
Shorten the loop, or stop when the goal is reached, and run the notebook again.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from grader.checks.training._runs import (
    is_loop_within,
    of_another,
    shown_by,
    submitted,
    unless_another,
    without_log,
)
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Answer, LogEvidence, Run
from grader.core.outcome import Finding, Outcome, failed, unknown
from grader.core.rubric import Assignment, CheckParams
from grader.core.rule import Rule

TRIAL = 2
"""Epochs of a run that only tries out whether the code works."""


class Params(CheckParams, frozen=True, kw_only=True):
    """`epochs` allowed, itself included or not; `threshold` is the accuracy in percent that a run is made
    for.
    """

    threshold: float = Assignment().accuracy
    epochs: int = Assignment().epochs
    epochs_inclusive: bool = Assignment().epochs_inclusive
    limits: ClassVar[Mapping[str, str]] = {
        "threshold": "accuracy",
        "epochs": "epochs",
        "epochs_inclusive": "epochs_inclusive",
    }


def check(logs: LogEvidence, documents: Documents, params: Params) -> Outcome:
    """Pass if a run that counts keeps the limit, fail if none does, unknown where its length cannot be told.

    Every run counts where one within the limit reaches the accuracy. Else the best one does: a longer run
    that is better than all within the limit is what a trial of a few epochs was made for, and of two real
    trainings a person says which is meant.
    """
    limit = params.epochs if params.epochs_inclusive else params.epochs - 1
    found = submitted(logs)
    runs = found.judged
    if found.of_another:
        return of_another(found)
    if not runs:
        return without_log(logs, documents)
    within = [r for r in runs if r.before + len(r.epochs) <= limit]
    longer = [r for r in runs if r not in within]
    reaching = [r for r in within if any(e.at_least(params.threshold) is Answer.YES for e in r.epochs)]
    if not reaching and longer and (beaten := _beaten(within, longer, limit)) is not None:
        elsewhere = (r for r in found.elsewhere if r.before + len(r.epochs) <= limit)
        return unless_another(beaten, elsewhere)
    counting = [r for r in reaching or within if r.silent + r.before + len(r.epochs) <= limit]
    if not counting:
        return _silent((reaching or within)[0], limit)
    sure = next((r for r in counting if r.complete), None)
    if sure:
        return shown_by(sure, logs, f"{len(sure.epochs)} epochs ({sure.place})")
    looped = next((r for r in counting if is_loop_within(r, limit)), None)
    if looped:
        return shown_by(looped, logs, f"the loop makes {looped.planned} epochs ({looped.place})")
    return unknown(
        f"{len(within[0].epochs)} epochs were found, but {within[0].gaps[0]}", [_finding(within[0], limit)]
    )


def _beaten(within: Sequence[Run], longer: Sequence[Run], limit: int) -> Outcome | None:
    """What follows where no run within the limit reaches the accuracy; None where the best one keeps it."""
    best = max(longer, key=lambda r: r.best)
    if within and max(r.best for r in within) >= best.best:
        return None
    findings = [_finding(r, limit) for r in longer]
    announced = next((r for r in longer if r.planned is not None and r.planned <= limit), None)
    if announced and not all(e.printed is not None for e in announced.epochs):
        lines = f"{len(announced.epochs)} accuracies without a number ({announced.place})"
        return unknown(f"the loop makes {announced.planned} epochs, and the log shows {lines}", findings)
    if all(r.complete and len(r.epochs) <= TRIAL for r in within):
        trials = f" but a trial of {max(len(r.epochs) for r in within)}" if within else ""
        return failed(f"every run{trials} is longer than {limit} epochs", findings)
    kept = max(within, key=lambda r: r.best)
    text = (
        f"{len(kept.epochs)} epochs reach {kept.best:.2f} % ({kept.place}), {len(best.epochs)} reach "
        f"{best.best:.2f} % ({best.place}): which training is meant?"
    )
    return unknown(text, findings)


def _silent(run: Run, limit: int) -> Outcome:
    count = run.before + len(run.epochs)
    told = f"{count} epochs ({run.place}), and {run.silent} without a test before them"
    return unknown(
        f"{told}: together more than {limit}, if one network makes them",
        [
            Finding(
                message="the network may have been trained before the log begins",
                place=run.place,
                expected=f"at most {limit} epochs",
                found=f"{run.silent} epochs without a test, {count} with one",
                hint="print the test accuracy after every epoch, from the first",
                excerpt=run.epochs[0].excerpt,
                diagnosis="silent-epochs",
            )
        ],
    )


def _finding(run: Run, limit: int) -> Finding:
    count = run.before + len(run.epochs)
    over = count > limit
    first = run.epochs[max(limit - run.before, 0)] if over else run.epochs[0]
    return Finding(
        message="the training runs longer than allowed" if over else "the log may not show every epoch",
        place=first.place,
        expected=f"at most {limit} epochs",
        found=f"{count} epochs" if over else run.gaps[0],
        hint=f"let the loop end after {limit} epochs" if over else "number the epochs in the log",
        excerpt=first.excerpt if over else "",
        diagnosis="too-many-epochs" if over else "incomplete-log",
    )


rule = Rule(code="TR502", name="epoch-budget", check=check)
